"""How fast videos become frames, against FFmpeg itself and the other readers of Python: all in one run, in turns.

    PYTHONPATH=. python benchmarks/decode.py VIDEO [--size 224] [--repeats 15] [--threads 2]

Two tasks: 16 frames spread over the whole file, and 64 in a row from its middle; decoded, RGB, short side scaled.
"raw" is a PyAV loop over the same span that throws the pictures away. Readers that are not installed are left out:
opencv-python-headless, eva-decord, torchcodec (which needs FFmpeg's own libraries). "off by" compares each reader's
pictures with ours: the largest mean difference of a picture, which a wrong frame raises far above what filters differ.

Two runs on clips/mmaction2_test.mp4 (300 frames of 256 x 340), on 2 cores of an AMD EPYC that other jobs shared, over
raw: 16 sparse frames ours 0.74 and 0.34, pyav 1.27 and 1.14, opencv 1.16 and 0.99, decord 1.27 and 0.79, torchcodec
0.11.1 - and 2.12; 64 dense ours 0.87 and 1.16, pyav 1.69 and 3.11, opencv 1.41 and 1.45, decord 1.39 and 1.28,
torchcodec - and 8.41. Ours can be below raw: what no wanted picture looks at is never decoded.
"""

import argparse
import importlib.util
import statistics
import time

import av
import numpy as np

from keras_vid import video
from keras_vid.video.scale import resized


def raw(path, indices, size, threads):
    """FFmpeg alone: every picture up to the last one asked for, decoded and thrown away."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        for number, _ in enumerate(container.decode(stream)):
            if number == indices[-1]:
                return None


def ours(path, indices, size, threads):
    return video.read(path, indices, size, threads=threads)


def pyav(path, indices, size, threads):
    """What most people write: PyAV, `reformat`, `to_ndarray`."""
    wanted, frames = set(indices), []
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        for number, frame in enumerate(container.decode(stream)):
            if number in wanted:
                height, width = resized(frame.height, frame.width, size)
                frames.append(frame.reformat(width, height, "rgb24").to_ndarray())
            if number == indices[-1]:
                return np.stack(frames)


def opencv(path, indices, size, threads):
    """In order, since its seeking is not exact; `grab` decodes without converting."""
    import cv2

    cv2.setNumThreads(threads)
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    wanted, frames = set(indices), []
    for number in range(indices[-1] + 1):
        capture.grab()
        if number in wanted:
            frame = capture.retrieve()[1]
            height, width = resized(*frame.shape[:2], size)
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    return np.stack(frames)


def decord(path, indices, size, threads):
    """It scales inside its decoder (bicubic)."""
    import decord

    height, width = resized(*probe(path), size)
    reader = decord.VideoReader(path, width=width, height=height, num_threads=threads)
    return reader.get_batch(indices).asnumpy()


def torchcodec(path, indices, size, threads):
    """Decoded by torchcodec, scaled by torch."""
    import torch
    from torchcodec.decoders import VideoDecoder

    torch.set_num_threads(threads)
    decoder = VideoDecoder(path, num_ffmpeg_threads=threads, seek_mode="exact", dimension_order="NCHW")
    frames = decoder.get_frames_at(indices=list(indices)).data
    shape = resized(*frames.shape[2:], size)
    frames = torch.nn.functional.interpolate(frames, shape, mode="bilinear", antialias=True)
    return frames.permute(0, 2, 3, 1).numpy()


def probe(path):
    with av.open(path) as container:
        return container.streams.video[0].height, container.streams.video[0].width


READERS = {"raw": raw, "ours": ours, "pyav": pyav, "opencv": opencv, "decord": decord, "torchcodec": torchcodec}
MODULES = {"opencv": "cv2", "decord": "decord", "torchcodec": "torchcodec"}


def usable(path, size):
    """The readers that are installed and load."""
    readers = {}
    for name, read in READERS.items():
        if name in MODULES and importlib.util.find_spec(MODULES[name]) is None:
            print(f"{name}: not installed")
            continue
        try:
            read(path, [0], size, 1)
            readers[name] = read
        except (ImportError, OSError, RuntimeError) as error:
            print(f"{name}: does not load ({str(error).splitlines()[0][:90]})")
    return readers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video")
    parser.add_argument("--size", type=int, default=224, help="short side (default: 224)")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2, help="of every decoder (default: 2)")
    args = parser.parse_args()
    readers, count = usable(args.video, args.size), video.count_frames(args.video)
    tasks = {"16 sparse": [int((i + 0.5) * count / 16) for i in range(16)]}
    first = max(0, (count - 64) // 2)
    tasks["64 dense"] = list(range(first, min(first + 64, count)))
    print(f"{args.video}: {count} frames of {probe(args.video)}, to {args.size}; {args.threads} threads; medians")
    for task, indices in tasks.items():
        expected = ours(args.video, indices, args.size, args.threads)
        for name in readers.keys() - {"raw", "ours"}:
            frames = readers[name](args.video, indices, args.size, args.threads)
            print(f"  {name} off by {np.abs(frames.astype(int) - expected).mean((1, 2, 3)).max():.1f}")
        times = {name: [] for name in readers}
        for _ in range(args.repeats):
            for name, read in readers.items():
                start = time.perf_counter()
                read(args.video, indices, args.size, args.threads)
                times[name].append(time.perf_counter() - start)
        middle = {name: statistics.median(values) for name, values in times.items()}
        print(f"{task}: " + ", ".join(f"{n} {1e3 * t:.0f} ms ({t / middle['raw']:.2f})" for n, t in middle.items()))


if __name__ == "__main__":
    main()
