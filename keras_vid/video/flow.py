"""TV-L1 optical flow, stored as pairs of JPEG files as two-stream networks read it.

Flow is cut off at plus and minus 20 pixels and stored in 8 bits: 0 is -20, 255 is 20. A video of T frames has T - 1
pairs: flow_x_00001.jpg and flow_y_00001.jpg lead from the first frame to the second. `keras_vid.video.read` reads them.
"""

import io
import json
import os
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np
from PIL import Image

from keras_vid.utils.errors import MissingPackage, VideoError
from keras_vid.utils.files import atomic, read_json, write_whole
from keras_vid.utils.optional import need
from keras_vid.utils.processes import process_pool
from keras_vid.video.reading import read

BOUND = 20.0
DONE = "done.json"  # written last: a folder without it is not finished


def to_bytes(flow):
    """Flow in pixels as uint8: cut off at +-20, 0 pixels becomes 128 (127.5, rounded to even).

    >>> to_bytes(np.array([-99.0, -20, 0, 20, 99])).tolist()
    [0, 0, 128, 255, 255]
    """
    return np.round((np.clip(flow, -BOUND, BOUND) + BOUND) * (255 / (2 * BOUND))).astype(np.uint8)


def to_pixels(stored):
    """Stored flow as float32 pixels.

    >>> to_pixels(np.array([0, 255], np.uint8)).tolist()
    [-20.0, 20.0]
    """
    return (np.asarray(stored, np.float32) * (2 * BOUND / 255) - BOUND).astype(np.float32)


def tvl1(frames):
    """TV-L1 flow of RGB frames (T, H, W, 3): float32 pixels (T - 1, H, W, 2), x before y."""
    cv2 = need("cv2", extra="flow")
    if not hasattr(cv2, "optflow"):
        raise MissingPackage('this OpenCV has no TV-L1 flow: pip install "keras_vid[flow]"')
    cv2.setNumThreads(1)  # videos run in parallel instead, and one thread gives the same sums everywhere
    grey = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    method = cv2.optflow.DualTVL1OpticalFlow_create()
    flows = [method.calc(one, two, None) for one, two in zip(grey, grey[1:])]
    return np.stack(flows) if flows else np.zeros((0, *np.shape(frames)[1:3], 2), np.float32)


def write_flow(video, folder, size=256, quality=95, indices=None):
    """Compute and store the flow of one video; returns the number of pairs. What a finished call left is kept.

    Pairs appear one by one, each file whole or not at all; a killed call goes on where it stopped.
    """
    folder = Path(folder)
    options = {"size": size, "quality": quality}
    if (folder / DONE).exists():
        done = read_json(folder / DONE, {"pairs": int, "size": int, "quality": int})
        if {key: done[key] for key in options} != options:
            raise VideoError(f"{folder}: holds flow made with other options: give another folder")
        return done["pairs"]
    frames = read(video, indices, size, threads=1)
    if len(frames) < 2:
        raise VideoError(f"{video}: flow needs two frames, this has {len(frames)}")
    folder.mkdir(parents=True, exist_ok=True)
    started = folder / ".begun.json"  # options of a call that was stopped: pairs of two kinds never mix
    if not started.exists() or read_json(started) != options:
        for old in folder.glob("flow_[xy]_*.jpg"):
            old.unlink()
        write_whole(started, json.dumps(options))
    for i in range(len(frames) - 1):
        paths = [folder / f"flow_{axis}_{i + 1:05d}.jpg" for axis in "xy"]
        if all(path.exists() for path in paths):
            continue
        pair = to_bytes(tvl1(frames[i : i + 2])[0])
        for channel, path in enumerate(paths):
            encoded = io.BytesIO()  # Pillow does not notice that a full disk took half of a file
            Image.fromarray(pair[..., channel]).save(encoded, "jpeg", quality=quality)
            with atomic(path) as part:
                part.write_bytes(encoded.getvalue())
    write_whole(folder / DONE, json.dumps({"pairs": len(frames) - 1, **options}))
    started.unlink()
    return len(frames) - 1


def write_flows(videos, size=256, quality=95, workers=None, progress=None):
    """Flow of many videos, (video, folder) each, in parallel processes. Returns (pairs, [(video, reason), ...])."""
    videos = list(videos)
    pairs, failed = 0, []
    with process_pool(workers or os.cpu_count()) as pool:
        jobs = {pool.submit(write_flow, video, folder, size, quality): video for video, folder in videos}
        for done, job in enumerate(as_completed(jobs), 1):
            try:
                pairs += job.result()
            except (ValueError, OSError) as error:  # the other videos are still worth their flow
                failed.append((str(jobs[job]), " ".join(str(error).split())))
            if progress:
                progress(done, len(jobs))
    return pairs, sorted(failed)
