"""Random weights drawn at the end, when it is known which of them nothing else has filled."""

import contextlib
import functools
import gc
import math
import threading
from collections.abc import Iterator

import keras
import numpy as np
from keras import initializers, ops

RANDOM = (
    initializers.VarianceScaling,  # Glorot, He and LeCun are kinds of it
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.Orthogonal,
)
PIECE = 1 << 16  # numbers drawn at a time, which stay in the processor's cache
STD_OF_TRUNCATED = 0.87962566103423978  # of a standard normal distribution cut off at two deviations
_active = threading.local()


@contextlib.contextmanager
def drawn_late() -> Iterator[None]:
    """Layers built inside get NaN for random weights; at the end those that are still NaN are drawn as usual.

    Drawing weights that are then loaded or copied would be in vain.
    Inside another `drawn_late` it does nothing: the outer one draws.

    >>> with drawn_late():
    ...     dense = keras.layers.Dense(2)
    ...     dense.build((None, 3))
    ...     _ = dense.kernel.assign(np.ones((3, 2)))
    >>> float(ops.sum(dense.kernel))
    6.0
    """
    if getattr(_active, "late", False):
        yield
        return
    waiting = []

    def nothing_yet(add_weight, start, options):
        variable = add_weight(**options, initializer=initializers.Constant(np.nan))
        waiting.append((variable, start))
        return variable

    _active.late = True
    try:
        with _random_weights(nothing_yet):
            yield
    finally:
        _active.late = False
    for variable, start in waiting:
        if np.isnan(ops.convert_to_numpy(variable).flat[0]):
            variable.assign(draw(start, tuple(variable.shape), variable.dtype))


@contextlib.contextmanager
def drawn_fast() -> Iterator[None]:
    """Layers built inside draw their random weights with `draw`, unless they are drawn late.

    >>> with drawn_fast():
    ...     dense = keras.layers.Dense(2, kernel_initializer="he_normal")
    ...     dense.build((None, 3))
    """
    if getattr(_active, "late", False):
        yield
        return

    def now(add_weight, start, options):
        return add_weight(**options, initializer=lambda shape, dtype=None: draw(start, tuple(shape), dtype))

    with _random_weights(now):
        yield


@contextlib.contextmanager
def never_drawn() -> Iterator[None]:
    """Layers built inside start at zero instead of at random: for networks whose weights all come from a file.

    >>> with never_drawn():
    ...     dense = keras.layers.Dense(2)
    ...     dense.build((None, 3))
    >>> float(ops.sum(dense.kernel))
    0.0
    """
    with _random_weights(lambda add_weight, _, options: add_weight(**options, initializer="zeros")):
        yield


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Networks built inside have weights with shapes but without values: they can be counted, and not called.

    That takes a third of the time, and no memory for the weights.

    >>> with shapes_only():
    ...     dense = keras.layers.Dense(2)
    ...     dense.build((None, 3))
    >>> dense.count_params()
    8
    """
    late, _active.late = getattr(_active, "late", False), True  # constructors draw nothing either
    try:
        with keras.StatelessScope(initialize_variables=False), never_drawn():
            yield
    finally:
        _active.late = late


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Python does not search for garbage: what a network is built of is none, and the search takes a third of the time.

    >>> with no_garbage_collection():
    ...     gc.isenabled()
    False
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _random_weights(make):
    """While it lasts, `make` adds the weights that start at random, in this thread, and no garbage is searched for."""
    add_weight, thread = keras.layers.Layer.add_weight, threading.get_ident()

    def add(layer, *args, **options):
        start = options.get("initializer")
        if args or threading.get_ident() != thread or not isinstance(start, RANDOM):
            return add_weight(layer, *args, **options)
        del options["initializer"]
        return make(functools.partial(add_weight, layer), start, options)

    keras.layers.Layer.add_weight = add
    try:
        with no_garbage_collection():
            yield
    finally:
        keras.layers.Layer.add_weight = add_weight


def draw(start, shape, dtype="float32"):
    """Random weights of an initializer; He's and Glorot's from a table, in a fraction of TensorFlow's time."""
    kind = getattr(start, "distribution", None)
    plain = kind in ("uniform", "truncated_normal") and len(shape) > 1 and start.input_axes is None
    if not (plain and isinstance(start.seed, int)):
        return start(shape, dtype=dtype)
    fan_in, fan_out = (math.prod(shape[:-2]) * channels for channels in shape[-2:])
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[start.mode]
    levels = _levels(kind) * np.float32((start.scale / fan) ** 0.5)
    rng = np.random.Generator(np.random.SFC64(start.seed))
    values = np.empty(math.prod(shape), "float32")
    for first in range(0, len(values), PIECE):
        piece = values[first : first + PIECE]
        np.take(levels, rng.integers(len(levels), size=len(piece), dtype="uint16"), out=piece, mode="clip")
    return values.reshape(shape)


@functools.cache
def _levels(kind):
    """A distribution of variance one as 2^16 values, each of which is as likely."""
    middles = (np.arange(1 << 16) + 0.5) / (1 << 15) - 1  # of as many parts of -1..1
    if kind == "uniform":
        return (middles * 3**0.5).astype("float32")
    x = np.linspace(-2, 2, 4097)
    inside = np.array([math.erf(value / 2**0.5) for value in x])  # the share of a normal distribution in -x..x
    return (np.interp(middles * inside[-1], inside, x) / STD_OF_TRUNCATED).astype("float32")
