"""Labels along a long or endless video: a window of frames slides over it.

Decoding is shared by all windows. The network's computation is shared where that changes no answer: in a network whose
frames meet only in the final mean (TSN), every frame is computed once, however many windows show it. All others compute
each window anew, for their temporal layers and pools (I2D has those too) see where the window ends, and the next window
ends elsewhere: of a 3D network, only what its first layers see far from the ends would come out the same. TSM with
cached features of past frames is another network, one that never looks ahead, and must be trained as such.
"""

import collections

import keras
import numpy as np

from keras_vid.inference.load import open_model
from keras_vid.inference.predict import logits_of_clip, ranked, softmax
from keras_vid.layers import Unfold
from keras_vid.utils.errors import InputError, VideoError
from keras_vid.video.live import frames as live_frames


def stream(model, source, window=None, stride=None, top=5, labels=None, fps=25):
    """Yield (start second, end second, [(label, probability), ...]) for window after window of a video.

    At no time are more frames held than a window has. The last window ends with the video; a video shorter than a
    window is one window, and gets the labels of `keras_vid.predict`.

    Args:
        model: A network with trained weights, a run folder, a `.keras` file, or a `keras_vid.saved_models` predictor.
        source: A file, a folder of images, an array, an iterator of frames, an address (`rtsp://...`), a camera
            (`/dev/video0`), a named pipe, or `-` for standard input.
        window: Frames that one result is about, at the rate at which the network looks at videos. By default what the
            network looks at; 8 times as many for a network that looks at single frames spread over the video; 64 where
            it is open.
        stride: Frames from one window to the next; by default half a window.
        top, labels: As in `keras_vid.predict`.
        fps: Frames per second of what has no clock: folders, arrays, iterators.

    >>> import numpy, keras_vid
    >>> model = keras_vid.create("s3d", classes=2, size=32)
    >>> video = numpy.zeros((40, 32, 32, 3), "uint8")
    >>> [(start, end) for start, end, _ in stream(model, video, window=16, stride=12, fps=10)]
    [(0.0, 1.6), (1.2, 2.8), (2.4, 4.0)]
    """
    slid = Windows(model, source, window, stride, labels=labels, fps=fps)
    for start, end, logits in slid:
        yield start, end, ranked(softmax(logits), slid.view.labels, top)


class Windows:
    """Iterates over (start second, end second, logits) of the windows of a video; its arguments are those of `stream`.

    Args:
        share: Let windows overlap by default only where that costs nothing (see `timeline`).

    Attributes:
        view: What the network is shown, with the names of its classes.
    """

    def __init__(self, model, source, window=None, stride=None, labels=None, fps=25, share=False):
        if hasattr(model, "logits") and hasattr(model, "view"):  # a predictor
            self.name, self.view, self.network, once = model.name, model.view, None, None
            self.logits = lambda clip: model.logits(clip[None])[0]
        else:
            self.network, self.view = open_model(model, labels)
            self.name, once = self.network.name, frame_network(self.network)
            self.logits = lambda clip: logits_of_clip(self.network, clip)
        if self.view.channels != 3:
            raise InputError(
                f"{self.name} reads optical flow, and frames are streamed in RGB: keras-vid predict FOLDER"
            )
        self.mean = MeanOfFrames(once, self.view) if once else None
        self.source, self.fps = source, fps
        self.window, self.stride = _sizes(self.name, self.view, window, stride, share and once is not None, share)

    def __iter__(self):
        pictures = live_frames(self.source, self.view.picture_size, self.fps, self.view.fps, self.view.stride)
        crop = self.view.crop
        cropped = ((number, seconds, crop(picture)) for number, (seconds, picture) in enumerate(pictures))
        for held in windows(cropped, self.window, self.stride):
            if self.mean:
                logits = self.mean([(number, picture) for number, _, picture in held])
            else:
                try:
                    logits = self.logits(_clip(self.view, held))
                except InputError as error:
                    raise VideoError(f"the window at {held[0][1]:.2f} s: {error}") from error
            step = held[-1][1] - held[-2][1] if len(held) > 1 else 1 / (self.view.fps or self.fps)
            yield round(held[0][1], 6), round(held[-1][1] + step, 6), logits


def _sizes(name, view, window, stride, shared, alone):
    """(window, stride) in frames; `shared`: overlap as far as possible, `alone`: no overlap, where nothing is said."""
    fixed, together = view.frames, view.group
    parts = fixed // together if fixed and together else None
    if window is None:
        window = 8 * parts if parts else fixed or 64
    if stride is None:  # whole steps from picture to picture, so that windows show the same ones
        if alone and not shared:
            stride = window
        elif parts and window >= parts:
            stride = window // parts * (1 if shared else max(1, parts // 2))
        else:
            stride = max(1, window // 2)
    if min(window, stride) < 1:
        raise InputError(f"a window and its stride are at least 1 frame, not {window} and {stride}")
    if fixed and not parts and window != fixed:
        raise InputError(f"{name} takes {fixed} neighbouring frames: a window cannot have {window}")
    return window, stride


def windows(frames, window, stride):
    """Lists of `window` neighbours, `stride` apart; the last one ends with the video (keras_vid.video.sample.windows).

    >>> list(windows(range(10), window=4, stride=4))
    [[0, 1, 2, 3], [4, 5, 6, 7], [6, 7, 8, 9]]
    """
    held, count, shown = collections.deque(maxlen=window), 0, 0
    for count, frame in enumerate(frames, 1):
        held.append(frame)
        if count >= window and (count - window) % stride == 0:
            shown = count
            yield list(held)
    if shown < count:
        yield list(held)


def _clip(view, held):
    return np.stack([held[i][2] for i in view.indices(len(held), None if view.frames else "all")])


class MeanOfFrames:
    """A clip's logits as the mean of its frames', each frame computed once while it is in the window.

    Args:
        network: `frame_network(model)`.
        view: The model's `ClipView`.
    """

    def __init__(self, network, view):
        self.network, self.view = network, view
        self.known = {}  # frame number: logits

    def __call__(self, held):
        """Of a window of (number, picture), the logits of the clip that the model would see."""
        chosen = [held[i] for i in self.view.spread(len(held))]
        self.known = {number: logits for number, logits in self.known.items() if number >= held[0][0]}
        new = {number: picture for number, picture in chosen if number not in self.known}
        if new:
            self.known.update(zip(new, self.network.predict_on_batch(np.stack(list(new.values()))[None])))
        return np.mean([self.known[number] for number, _ in chosen], axis=0)


def frame_network(model):
    """Of a network whose answer is the mean of its frames' answers, the network of any number of single frames,
    (1, N, H, W, 3) to logits (N, K); None of all others. It shares the model's weights.

    Whether frames meet on the way is read off the graph and then tried on a random clip.
    """
    unfolds = [layer for layer in model.layers if isinstance(layer, Unfold)]
    timed = [layer for layer in model.layers if hasattr(layer, "frames")]
    if len(unfolds) != 1 or timed != unfolds or not isinstance(model.layers[-1], keras.layers.GlobalAveragePooling1D):
        return None
    left_out = (*unfolds, model.layers[-1])

    def call(layer, *args, **kwargs):
        return args[0] if layer in left_out else layer(*args, **kwargs)

    _, frames, height, width, channels = model.input_shape
    clip = keras.Input((None, height, width, channels), name="clip")
    network = keras.models.clone_model(
        model, input_tensors=clip, clone_function=lambda layer: layer, call_function=call
    )
    shape = (1, frames, height or 64, width or 64, channels)
    trial = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
    whole, together = model.predict_on_batch(trial)[0], network.predict_on_batch(trial)
    alone = np.concatenate([network.predict_on_batch(trial[:, i : i + 1]) for i in range(frames)])
    error = max(np.abs(alone - together).max(), np.abs(alone.mean(axis=0) - whole).max())
    return network if error <= 1e-3 * np.abs(alone).max() else None
