"""Damage videos in thousands of ways and check that reading them never crashes, hangs or lies.

    PYTHONPATH=. python benchmarks/fuzz_decode.py -n 2000            # small videos made on the spot, thirteen kinds
    PYTHONPATH=. python benchmarks/fuzz_decode.py -n 2000 FILE...    # these files too

Each damaged file is read in a worker process: all frames, a count, and a random list of frames. What must hold:

* the worker answers within the time limit, with frames or with a VideoError of one line;
* all frames read are those that a plain decoder loop (one thread, in order, stopping at FFmpeg's first error) yields;
* each frame of the list is that loop's frame of that number, or, beyond the first damage, the undamaged video's
  or that of the loop going on;
* of a file that was only cut off, each frame is the undamaged video's.

A flipped bit that leaves a valid stream gives other pixels without any error: no decoder can see that, the formats
have no checksums. Such frames are counted as "unseen by FFmpeg" and are no failure. With several decoder threads FFmpeg
itself, in a few of a hundred runs, misses damage that it sees with one; such runs are counted under their own name.

The first command's answer (PyAV 18.1): 711 read, 387 read with pixels changed unseen by FFmpeg, 902 refused; no crash,
no hang, no wrong frame.
"""

import argparse
import collections
import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import av
import numpy as np

from keras_vid import video
from keras_vid.video.scale import Scaler
from keras_vid.video.tails import cut_off

KINDS = {  # file suffix: codec, pixel format, options; "name.suffix"
    "h264.mp4": ("libx264", "yuv420p", {"bf": "3", "g": "10"}),
    "h264_fragmented.mp4": ("libx264", "yuv420p", {"g": "8"}),
    "h264_faststart.mp4": ("libx264", "yuv420p", {"bf": "2", "g": "30"}),
    "h264.mkv": ("libx264", "yuv420p", {"bf": "2", "g": "12", "x264-params": "open-gop=1"}),
    "h264.ts": ("libx264", "yuv420p", {"g": "10"}),
    "h264_10bit.mov": ("libx264", "yuv422p10le", {"g": "30"}),
    "hevc.mp4": ("libx265", "yuv420p", {"x265-params": "log-level=none:keyint=10"}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"bf": "2", "g": "10"}),
    "mpeg4.mp4": ("mpeg4", "yuv420p", {"g": "10"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {"bf": "2", "g": "10"}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
    "gif.gif": ("gif", "rgb8", {}),
}
MUTATIONS = (
    "flip few",
    "flip many",
    "flip header",
    "cut off",
    "swap header",
    "zero block",
    "delete block",
    "repeat block",
)


def make_seeds(folder, frames=24, size=(64, 96)):
    """Write one small moving video of each kind; answers the paths."""
    y, x = np.mgrid[: size[0], : size[1]]
    paths = []
    for name, (codec, pixels, options) in KINDS.items():
        path = folder / name
        flags = {"h264_fragmented.mp4": "frag_keyframe+empty_moov", "h264_faststart.mp4": "faststart"}.get(name)
        muxing = {"movflags": flags} if flags else {}
        with av.open(str(path), "w", options=muxing) as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.height, stream.width, stream.pix_fmt = *size, pixels
            for t in range(frames):
                pattern = np.stack([(x * 5 + t * 9) % 256, (y * 7 - t * 11) % 256, (x * y // 8 + t * 17) % 256], -1)
                frame = av.VideoFrame.from_ndarray(pattern.astype(np.uint8), "rgb24").reformat(format=pixels)
                frame.pts = t
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        paths.append(path)
    return paths


def mutate(data, others, mutation, rng):
    """Damage the bytes of one file."""
    data = bytearray(data)
    spot = rng.randrange(len(data))
    length = rng.randint(1, max(1, len(data) // 8))
    if mutation.startswith("flip"):
        places = min(400, len(data)) if mutation == "flip header" else len(data)
        for _ in range(rng.randint(20, 200) if mutation == "flip many" else rng.randint(1, 4)):
            data[rng.randrange(places)] ^= 1 << rng.randrange(8)
    elif mutation == "cut off":
        del data[spot:]
    elif mutation == "swap header":
        length = rng.randint(8, 2000)
        data[:length] = rng.choice(others)[:length]
    elif mutation == "zero block":
        data[spot : spot + length] = bytes(len(data[spot : spot + length]))
    elif mutation == "delete block":
        del data[spot : spot + length]
    else:
        data[spot:spot] = data[spot : spot + length]
    return bytes(data)


def plain_loop(path):
    """The reference: RGB frames up to FFmpeg's first error, with nothing of keras_vid's decoding.

    Only the known ends that FFmpeg guesses (keras_vid.video.tails) are shared with what is tested.
    """
    frames = []
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"err_detect": "explode", "max_pixels": str(1 << 27)}
            packets = []
            try:
                packets.extend(container.demux(stream))
                if len(packets) > 1 and cut_off(container, packets[-2]):
                    del packets[-2:]
            except (av.FFmpegError, ValueError):
                pass  # those before the error count
            for packet in packets:
                if packet.is_corrupt:
                    break
                for frame in packet.decode():
                    if frame.is_corrupt:
                        return frames
                    frames.append(Scaler(None, frame.rotation)(frame))
    except (av.FFmpegError, ValueError, IndexError, RuntimeError, AttributeError):
        pass
    return frames


def resumed_loop(path):
    """Frames by number in the order of the packets' times, going on after errors: a read that does not touch the
    damaged pictures may go past them. So may the pictures that an error catches inside the decoder: they come out if
    nothing is fed after them.
    """
    times, pictures, first_error = set(), {}, None
    for stop in (None, "first error"):
        if stop and first_error is None:
            break
        try:
            with av.open(str(path), metadata_errors="ignore") as container:
                stream = container.streams.video[0]
                context = stream.codec_context
                context.thread_count = 1
                context.options = {"err_detect": "explode", "max_pixels": str(1 << 27)}
                for number, packet in enumerate(container.demux(stream)):
                    times.add(packet.pts)
                    last = stop and number == first_error
                    try:
                        for frame in context.decode(None if last else packet):
                            pictures.setdefault(frame.pts, Scaler(None, frame.rotation)(frame))
                    except (av.FFmpegError, ValueError):
                        first_error = number if first_error is None else first_error
                    if last:
                        break
        except (av.FFmpegError, ValueError, IndexError, RuntimeError, AttributeError):
            pass
    ranked = sorted(times - {None})
    return {ranked.index(pts): picture for pts, picture in pictures.items() if pts in times and pts is not None}


def check(path, clean, mutation, rng):
    """Read one damaged file every way; answers (outcome, frames unseen)."""
    reference, resumed = plain_loop(path), {}
    # A transport stream has no end: cut between two of its 188-byte packets, it is a valid stream.
    cut = mutation == "cut off" and not (path.suffix == ".ts" and path.stat().st_size % 188 == 0)

    def right(index, picture):
        if cut:
            return index < len(clean) and np.array_equal(picture, clean[index])
        candidates = [frames[index] for frames in (reference, clean) if index < len(frames)]
        if any(np.array_equal(picture, candidate) for candidate in candidates):
            return True
        if len(candidates) == 2 and not np.array_equal(*candidates):
            return True  # changed unseen by FFmpeg, and then pictures may also depend on the number of threads
        if not resumed:
            resumed.update(resumed_loop(path))
        return index in resumed and np.array_equal(picture, resumed[index])

    mixed = len({frame.shape for frame in reference}) > 1
    try:
        pictures = video.read(path, threads=1)
        if len(pictures) != len(reference) or not all(right(i, p) for i, p in enumerate(pictures)):
            return "WRONG: all frames", 0
    except video.VideoError as error:
        if "\n" in str(error) or (reference and not mixed and "no video" not in str(error)):
            return f"WRONG: refused {len(reference)} good frames ({error})", 0
    count = video.count_frames(path) if reference and not mixed else 0
    if reference and not mixed and count != len(reference):
        return "WRONG: count", 0
    outcome = "refused"
    for indices in ([rng.randrange(len(clean)) for _ in range(4)], [rng.randrange(max(len(reference), 1))]):
        try:
            threads = rng.choice([1, 2, 4])
            pictures = video.read(path, indices, threads=threads)
        except video.VideoError:
            continue
        outcome = "read"
        if not all(right(i, p) for i, p in zip(indices, pictures, strict=True)):
            if threads == 1:
                return "WRONG: list of frames", 0
            again = video.read(path, indices, threads=1)
            if not all(right(i, p) for i, p in zip(indices, again, strict=True)):
                return "WRONG: list of frames", 0
            return "read, damage missed by FFmpeg's threads", 0
    unseen = sum(i >= len(clean) or not np.array_equal(p, clean[i]) for i, p in enumerate(reference))
    if outcome == "read" and unseen:
        outcome = "read, with pixels changed unseen by FFmpeg"
    return outcome, unseen


def work():
    """A worker: one job a line from stdin, one answer a line to stdout."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    clean = {}
    for line in sys.stdin:
        job = json.loads(line)
        seed, others = Path(job["seed"]), [Path(p).read_bytes() for p in job["others"]]
        if job["seed"] not in clean:
            clean[job["seed"]] = plain_loop(seed)
        rng = random.Random(job["number"])
        path = Path(job["folder"]) / f"{job['number']}{seed.suffix}"
        path.write_bytes(mutate(seed.read_bytes(), others, job["mutation"], rng))
        try:
            outcome, unseen = check(path, clean[job["seed"]], job["mutation"], rng)
        except Exception as error:  # whatever it is, it is a finding
            outcome, unseen = f"WRONG: {type(error).__name__}: {error}", 0
        if not outcome.startswith("WRONG"):
            path.unlink()
        print(json.dumps([outcome, int(unseen)]), flush=True)


class Worker:
    """A worker process, started again after a crash or a hang."""

    def __init__(self, limit):
        self.limit = limit
        self.process = None

    def run(self, job):
        if self.process is None:
            command = [sys.executable, __file__, "--work"]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        hang = []
        timer = threading.Timer(self.limit, lambda: (hang.append(1), self.process.kill()))
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.process = None
        return ["HANG" if hang else f"CRASH ({code})", 0]

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="videos to damage, beside the small ones made on the spot")
    parser.add_argument("-n", "--number", type=int, default=2000)
    parser.add_argument("-j", "--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=60, help="seconds for one file before it counts as a hang")
    parser.add_argument("--keep", help="folder that keeps the files that failed")
    parser.add_argument("--mutations", nargs="*", default=MUTATIONS, choices=MUTATIONS)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        return work()
    with tempfile.TemporaryDirectory() as scratch:
        seeds = make_seeds(Path(scratch)) + [Path(f).resolve() for f in args.files]
        folder = Path(args.keep or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        jobs = queue.Queue()
        for number in range(args.number):
            seed, mutation = seeds[number % len(seeds)], args.mutations[number // len(seeds) % len(args.mutations)]
            others = [str(p) for p in random.Random(number).sample(seeds, 2)]
            number += args.seed * 1_000_000
            jobs.put(
                {"number": number, "seed": str(seed), "mutation": mutation, "others": others, "folder": str(folder)}
            )
        outcomes, per_mutation, unseen = collections.Counter(), collections.Counter(), [0]
        lock = threading.Lock()

        def drain():
            worker = Worker(args.limit)
            while True:
                try:
                    job = jobs.get_nowait()
                except queue.Empty:
                    return worker.close()
                outcome, frames = worker.run(job)
                with lock:
                    unseen[0] += frames
                    per_mutation[job["mutation"]] += 1
                    outcomes[outcome if outcome[:4] in ("read", "refu") else outcome.split()[0].strip(":")] += 1
                    if outcome[:4] not in ("read", "refu"):
                        name = Path(job["seed"]).name
                        print(f"{job['number']} {name} {job['mutation']}: {outcome}", file=sys.stderr, flush=True)

        threads = [threading.Thread(target=drain) for _ in range(args.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for title, counter in (("mutations", per_mutation), ("outcomes", outcomes)):
        print(title + ": " + ", ".join(f"{value} {key}" for key, value in sorted(counter.items())))
    print(f"frames changed unseen by FFmpeg: {unseen[0]}")
    return 0 if all(key[:4] in ("read", "refu") for key in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
