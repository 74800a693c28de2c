"""A video in, its labels out, computed by TF Serving.

```python
with Client("localhost:8500", "i3d") as client:
    client.predict("video.mp4", top=3)
```
"""

import dataclasses
import io
import json
import random
import time

import numpy as np
from keras_vid.saved_models.serving.transport import Refused, Unavailable, open_transport
from PIL import Image

from keras_vid.inference.predict import ranked
from keras_vid.utils.errors import InputError
from keras_vid.view import ClipView

LONGEST_WAIT = 5.0  # seconds between two tries
STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # of JPEG and PNG files


class Client:
    """One model of one server. Threads may share it.

    What cannot be fixed by asking again (a wrong name, an unreadable video) is a ValueError; a server that cannot be
    reached, or is still busy after all tries, an OSError; and one that does not reply in time a TimeoutError. All are
    one line that names the server and the model.

    Args:
        server: `host:8500` for gRPC (or `grpc://`, `grpcs://` with TLS), `http://host:8501` for REST.
        model: The model's name on the server.
        version: A version's number; None: the newest.
        timeout: Seconds for one call, tries and waits included.
        tries: How often a server is asked that is away or busy; the waits in between double.
        quality: Of the JPEG frames that are sent; None sends PNG, without loss.
    """

    def __init__(self, server, model, version=None, *, timeout=60, tries=6, quality=95):
        self.called = f"{server}, model {model}"
        self.transport = open_transport(server, model, version)
        self.timeout, self.tries, self.quality = timeout, tries, quality
        self.known = self.known_view = None

    def predict(self, source, top=5, frames=None):
        """The most probable labels of a video (a file, a folder of images, an array): `[(label, probability), ...]`."""
        return self.predict_with_note(source, top, frames)[0]

    def predict_with_note(self, source, top=5, frames=None):
        """The same, and what `ClipView.read_with_note` says of a damaged video."""
        until = self._deadline()  # of all requests together
        view, signatures = self.view(until), self.signatures(until)
        view.check_frames(frames, self.called)
        clip, note = view.read_uncropped(source, frames)
        if "encoded_frames" in signatures:
            sent = clip if view.aspect else near_crop(clip, view)  # the server must see the aspect that it makes
            outputs = self._call(until, "encoded_frames", {"frames": [encode(sent, self.quality)]})
        else:
            outputs = self._call(until, "serving_default", {"clip": view.crop(clip)[None]})
        return ranked(outputs["scores"][0], view.labels, top), note

    def view(self, until=None) -> ClipView:
        """What the network is shown of a video: the model itself carries it. Asked once."""
        if self.known_view is None:
            if "view" in self.signatures(until):
                text = self._call(until, "view", {"name": [b"view"]})["view"][0]
            else:
                text = self._patiently(self.transport.view, until)
            self.known_view = ClipView.from_dict(json.loads(text))
        return self.known_view

    def call(self, signature, **inputs):
        """One request to a signature, arrays in and arrays out; checked against the signature before it is sent."""
        return self._call(self._deadline(), signature, inputs)

    def _call(self, until, signature, inputs):
        signatures = self.signatures(until)
        if signature not in signatures:
            raise Refused(f"{self.called}: no signature {signature!r}: there are {', '.join(sorted(signatures))}")
        try:
            inputs = check_inputs(signatures[signature]["inputs"], inputs)
        except ValueError as error:
            raise Refused(f"{self.called}: {error}") from error
        return self._patiently(lambda left: self.transport.predict(signature, inputs, left), until)

    def signatures(self, until=None):
        """`{signature: {"inputs": {field: (dtype, shape)}, "outputs": {...}}}`, asked once."""
        if self.known is None:
            self.known = self._patiently(self.transport.signatures, until)
        return self.known

    def status(self):
        """`{version: "AVAILABLE", ...}`"""
        return self._patiently(self.transport.status)

    def close(self):
        self.transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _deadline(self):
        return time.monotonic() + self.timeout

    def _patiently(self, ask, until=None):
        """Ask again, later and later, while the server is away or busy, as far as tries and time go."""
        until = until or self._deadline()
        for number in range(1, self.tries + 1):
            try:
                return ask(max(until - time.monotonic(), 0.001))
            except Unavailable as error:
                wait = min(0.1 * 2**number, LONGEST_WAIT) * random.uniform(0.5, 1)
                if number == self.tries or time.monotonic() + wait > until:
                    raise Unavailable(f"{self.called}: {error} (asked {number} times)") from error
                time.sleep(wait)
            except TimeoutError as error:
                raise TimeoutError(f"{self.called}: no reply within {self.timeout:g} s") from error
            except Refused as error:
                raise Refused(f"{self.called}: {error}") from error


def check_inputs(fields, inputs):
    """The inputs as arrays, if they are what a signature's fields `{name: (dtype, shape)}` say.

    >>> check_inputs({"clip": ("uint8", (None, 8, None, None, 3))}, {"clip": np.zeros((8, 32, 32, 3), "uint8")})
    Traceback (most recent call last):
    ...
    keras_vid.utils.errors.InputError: clip has the shape (8, 32, 32, 3), not (?, 8, ?, ?, 3)
    """
    if set(fields) != set(inputs):
        raise InputError(f"the inputs are {', '.join(sorted(fields))}, not {', '.join(sorted(inputs)) or 'none'}")
    arrays = {}
    for name, (dtype, shape) in fields.items():
        text = dtype == "string"
        try:
            array = np.asarray(inputs[name], dtype=object if text else None)
        except ValueError as error:
            raise InputError(f"{name} is not an array: its rows have different lengths") from error
        if array.ndim != len(shape) or any(want not in (None, size) for want, size in zip(shape, array.shape)):
            expected = ", ".join("?" if size is None else str(size) for size in shape)
            raise InputError(f"{name} has the shape {array.shape}, not ({expected})")
        if not array.size:
            raise InputError(f"{name} is empty: its shape is {array.shape}")
        if not text and array.dtype != dtype:
            raise InputError(f"{name} is {array.dtype}, not {dtype}")
        if text:
            for place, item in np.ndenumerate(array):
                if not isinstance(item, bytes) or (name == "frames" and not item.startswith(STARTS)):
                    raise InputError(f"{name}{list(place)} is not a JPEG or PNG file")
        arrays[name] = array
    return arrays


def near_crop(clip, view):
    """Less to send: what the server's crop from the middle leaves out, it need not see. Exactly the same is left."""
    height, width = view.side
    if height != width:
        return clip
    rows, columns = (view.picture_size + (size - view.picture_size) % 2 for size in clip.shape[1:3])
    rows, columns = min(rows, clip.shape[1]), min(columns, clip.shape[2])
    return dataclasses.replace(view, height=rows, width=columns).crop(clip)


def encode(clip, quality=95):
    """Frames (T, H, W, 3) as a list of JPEG files, or of PNG files where quality is None.

    >>> [content[:3] for content in encode(np.zeros((1, 16, 16, 3), "uint8"))]
    [b'\\xff\\xd8\\xff']
    """
    files = []
    for frame in clip:
        buffer = io.BytesIO()
        options = {"format": "png"} if quality is None else {"format": "jpeg", "quality": quality}
        Image.fromarray(frame).save(buffer, **options)
        files.append(buffer.getvalue())
    return files
