"""The two modules of STM (https://arxiv.org/abs/1908.02486): channel-wise space-time and channel-wise motion.

Legend: `B` clips, `T` frames of a clip, `H W` height and width, `C` channels; every map is folded, `(B*T, H, W, C)`.
"""

import keras
from keras import layers, ops

from keras_vid.layers.frames import fold, unfold
from keras_vid.layers.temporal import ChannelTemporalConv, TemporalConv
from keras_vid.utils.errors import InputError


@keras.saving.register_keras_serializable("keras_vid")
class ShiftLike(keras.initializers.Initializer):
    """Temporal kernels that begin as a shift of channels.

    The first quarter of the channels shows the previous frame, the last quarter the next one, and the half between
    them the frame itself: `[1, 0, 0]`, `[0, 0, 1]` and `[0, 1, 0]`. Fits channel-wise kernels `(3, 1, C, 1)` and
    ordinary ones `(3, 1, C, C)`, which start without mixing channels.

    >>> kernel = ShiftLike()((3, 1, 8, 1))
    >>> [int(ops.argmax(kernel[:, 0, channel, 0])) for channel in range(8)]
    [0, 0, 1, 1, 1, 1, 2, 2]
    """

    def __call__(self, shape, dtype=None):
        frames, width, channels, out = shape
        if (frames, width) != (3, 1) or out not in (1, channels):
            raise InputError(f"a shift needs a kernel of shape (3, 1, C, 1) or (3, 1, C, C), not {tuple(shape)}")
        quarter = channels // 4
        tap = [0] * quarter + [1] * (channels - 2 * quarter) + [2] * quarter
        taps = ops.reshape(ops.transpose(ops.one_hot(ops.array(tap), 3, dtype=dtype)), (3, 1, channels, 1))
        return taps if out == 1 else taps * ops.reshape(ops.eye(channels, dtype=dtype), (1, 1, channels, channels))


@keras.saving.register_keras_serializable("keras_vid")
class MotionDifference(layers.DepthwiseConv2D):
    """The next frame, convolved with a 3 x 3 kernel per channel, minus this one.

    The last frame of a clip has no next one and gets zeros.

    Args:
        kernel_size: Side of the kernels.
        frames: T, the frames of one clip.

    Example:

    >>> x = keras.random.normal((2 * 8, 14, 14, 4))  # two clips of eight frames
    >>> tuple(MotionDifference(frames=8)(x).shape)
    (16, 14, 14, 4)
    """

    def __init__(self, kernel_size=3, *, frames, **options):
        super().__init__(kernel_size, **{"padding": "same", "use_bias": False, **options})
        self.frames = frames

    def call(self, x):
        seen = unfold(super().call(x), self.frames)
        motion = seen[:, 1:] - unfold(x, self.frames)[:, :-1]
        return fold(ops.pad(motion, [(0, 0), (0, 1), (0, 0), (0, 0), (0, 0)]))

    def compute_output_shape(self, shape):
        return tuple(shape)

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}


def channel_mixing(x, frames, name, ordinary=False):
    """CSTM's temporal half: each channel mixes three neighbouring frames with weights of its own.

    Put before the 3 x 3 convolution of a residual block, it makes that convolution the whole module.

    Args:
        frames: T, the frames of one clip.
        name: Of the layer.
        ordinary: Let every channel see all channels (Table 8's "ordinary" convolution: C times the weights).

    >>> tuple(channel_mixing(keras.random.normal((16, 14, 14, 64)), frames=8, name="mix").shape)
    (16, 14, 14, 64)
    """
    options = {"frames": frames, "use_bias": False, "name": name}
    if ordinary:
        return TemporalConv(x.shape[-1], 3, kernel_initializer=ShiftLike(), **options)(x)
    return ChannelTemporalConv(3, depthwise_initializer=ShiftLike(), **options)(x)


def channel_motion(x, frames, name, reduction=16, stride=1, epsilon=1e-5):
    """CMM: what changes from each frame to the next, computed on C / `reduction` channels and widened to C again.

    It runs at the resolution of its input; where the block strides, a max pool brings the result down to size.

    Args:
        frames: T, the frames of one clip.
        name: The last layer's name, and the others' prefix.
        reduction: How many times fewer channels the difference is taken on.
        stride: Of the block that the motion is added in.
        epsilon: Of the BatchNorm.

    >>> tuple(channel_motion(keras.random.normal((16, 14, 14, 64)), frames=8, name="motion", stride=2).shape)
    (16, 7, 7, 64)
    """
    channels = x.shape[-1]
    if channels % reduction:
        raise InputError(f"{name}: {channels} channels cannot be reduced {reduction} times")
    last = f"{name}_restore" if stride > 1 else name
    x = layers.Conv2D(channels // reduction, 1, use_bias=False, name=f"{name}_reduce")(x)
    x = layers.BatchNormalization(epsilon=epsilon, name=f"{name}_bn")(x)
    x = MotionDifference(frames=frames, name=f"{name}_difference")(x)
    x = layers.Conv2D(channels, 1, use_bias=False, name=last)(x)
    return layers.MaxPooling2D(stride, padding="same", name=name)(x) if stride > 1 else x
