"""Whole jobs against the engine alone: labels, features and an evaluation of a list of videos, decoding included.

    PYTHONPATH=. python benchmarks/whole_jobs.py list.csv                      a CSV file path,label
    PYTHONPATH=. python benchmarks/whole_jobs.py list.csv --frames 16 --clips 8   does it run?

One network, torchvision's S3D with random weights, computed by OpenVINO. Each job runs in a process of its own, once
over four clips and once over all; given is the difference, seconds a clip, so that loading and compiling do not count.
`engine` computes clips that were read before, `decoding` reads them and computes nothing; `loop` does one after the
other. `torchvision` is the script that one would write instead: torchcodec where it can be loaded, else PyAV, and
torchvision's own network, with a worker of its DataLoader that decodes ahead.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does: see keras_vid/cli.py
FEW = 4  # clips of the run that is taken off
SIZE = 224  # what torchvision's S3D takes


def _predictor(network):
    from keras_vid.saved_models.predictor import open_predictor

    return open_predictor(network, engine="openvino")


def engine(network, videos, folder):
    """Clips that were read before; what is returned is the seconds to leave out."""
    predictor, began = _predictor(network), time.perf_counter()
    clips = [predictor.read(video) for video in videos]
    left_out = time.perf_counter() - began
    for clip in clips:
        predictor.label(clip)
    return left_out


def decoding(network, videos, folder):
    from keras_vid.inference.ahead import ahead

    for _, result in ahead(videos, _predictor(network).read):
        result()


def loop(network, videos, folder):
    predictor = _predictor(network)
    for video in videos:
        predictor.label(predictor.read(video))


def predict(network, videos, folder):
    _command("predict", _list(videos, folder), "-o", folder / "rows.jsonl", "--model", network, "--engine", "openvino")


def embed(network, videos, folder):
    os.environ["KERAS_VID_HOME"] = str(folder)
    _command("embed", _list(videos, folder), "-o", folder / "a.npz", "--model", network, "--engine", "openvino")


def evaluate(network, videos, folder):
    """What `keras-vid evaluate` does once the network is loaded."""
    from keras_vid.training.data.load import own_videos
    from keras_vid.training.evaluation.evaluate import scores_of
    from keras_vid.training.recipes import recipe

    from keras_vid.inference.load import load_model

    predictor = _predictor(load_model(network))
    view = predictor.view
    protocol = recipe("s3d/synthetic", views=1, crops=1, test_frames=view.frames, test_size=view.height, batch=1)
    scores_of(predictor, own_videos(_list(videos, folder), "test", None), protocol)


def torchvision(network, videos, folder):
    import torch
    from step_time import import_torchvision
    from torch.utils.data import DataLoader

    from keras_vid.view import ClipView

    view = ClipView.from_dict(json.loads((Path(network).parent / "view.json").read_text()))
    net = import_torchvision().models.video.s3d(weights=None).eval()

    def clip(pictures):  # (T, C, H, W), uint8
        height, width = pictures.shape[-2:]
        short = min(height, width)
        size = [round(height * view.height / short), round(width * view.width / short)]
        pictures = torch.nn.functional.interpolate(pictures.float(), size, mode="bilinear", antialias=True)
        top, left = (size[0] - view.height) // 2, (size[1] - view.width) // 2
        return pictures[..., top : top + view.height, left : left + view.width].transpose(0, 1) / 127.5 - 1

    class Clips(torch.utils.data.Dataset):
        def __len__(self):
            return len(videos)

        def __getitem__(self, index):
            return clip(_pictures(videos[index], view.frames))

    for batch in DataLoader(Clips(), batch_size=1, num_workers=1):
        with torch.inference_mode():
            net(batch).softmax(1).topk(5)


def _pictures(video, frames):
    import torch

    try:
        from torchcodec.decoders import VideoDecoder

        decoder = VideoDecoder(video)
        first = max(len(decoder) - frames, 0) // 2
        return decoder.get_frames_at([(first + i) % len(decoder) for i in range(frames)]).data
    except (ImportError, RuntimeError, OSError):
        import av

        with av.open(video, metadata_errors="ignore") as file:
            pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        first = max(len(pictures) - frames, 0) // 2
        return torch.stack([torch.from_numpy(pictures[(first + i) % len(pictures)]) for i in range(frames)]).movedim(
            3, 1
        )


def _command(*words):
    from keras_vid.cli import main as keras_vid

    if code := keras_vid([str(word) for word in words]):
        sys.exit(code)


def _list(videos, folder):
    path = folder / "list.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *((video, f"class {i % 2}") for i, video in enumerate(videos))])
    return path


JOBS = {job.__name__: job for job in (engine, decoding, loop, predict, embed, evaluate, torchvision)}


def work(job, network, videos):
    """One job in this process: its seconds and those of the processors, but for what it says to leave out."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        left_out = JOBS[job](network, videos, Path(folder)) or 0
        print("\n" + json.dumps([time.perf_counter() - began - left_out, sum(os.times()[:4])]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", help="a CSV file with a column path")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--jobs", nargs="+", default=list(JOBS), choices=JOBS)
    args = parser.parse_args()
    with open(args.list, newline="", encoding="utf-8") as file:
        videos = [str((Path(args.list).parent / row["path"]).resolve()) for row in csv.DictReader(file)][: args.clips]
    with tempfile.TemporaryDirectory() as folder:
        network = f"{folder}/net.keras"
        _make(network, args.frames, SIZE)
        seconds = {job: _seconds_a_clip(job, network, videos) for job in args.jobs}
    shape = f"{len(videos)} clips of {args.frames} x {SIZE} x {SIZE}"
    print(f"\n| job, {shape} | s a clip | of the engine's speed |")
    print("|---|---|---|")
    for job, took in seconds.items():
        print(f"| {job} | {took:.3f} | {seconds[args.jobs[0]] / took:.0%} |")


def _make(network, frames, size):
    import keras_vid
    from keras_vid.view import view_of

    model = keras_vid.create("s3d", style="torch", classes=2, frames=frames, size=size)
    model.save(network)
    view_of(model).save(Path(network).parent)


def _seconds_a_clip(job, network, videos):
    took = []
    for some in (videos[:FEW], videos[:FEW], videos):  # the first makes the network's ready file
        command = [sys.executable, __file__, "--work", job, network, json.dumps(some)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{job}: {done.stderr[-2000:]}")
        took.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{job}: {took[1][0]:.2f} s for {FEW}, {took[2][0]:.2f} s for all", file=sys.stderr)
    return (took[2][0] - took[1][0]) / (len(videos) - FEW)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    else:
        main()
