"""One training step here and in PyTorch, on the same CPU, in turns: forward, backward, momentum SGD.

    python benchmarks/step_time.py [--steps 7] [--precision float32] [--torch .venv-torch/bin/python]

Each contender lives in a process of its own and takes one step when it is told to, one after the other, so that both
see the same machine. Run it from the environment of `make test`; PyTorch's is that of `make test-torch`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

CASES = {"s3d": (4, 16, 112), "tsm_resnet50": (2, 8, 112)}  # clips, frames, side


def ours(name, precision, fused):
    import keras
    import numpy as np
    from keras_vid.training.run.batch_norm import fuse_batch_norm
    from keras_vid.training.run.optimizer import SGD

    import keras_vid

    clips, frames, side = CASES[name]
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    model = keras_vid.create(name, classes=400, size=side, frames=None if name == "s3d" else frames)
    if fused:
        fuse_batch_norm(model)
    model.compile(SGD(0.01, 1e-4, 0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = np.random.default_rng(0).integers(0, 256, (clips, frames, side, side, 3), np.uint8)
    labels = np.arange(clips)
    return lambda: model.train_on_batch(data, labels)


def import_torchvision():
    """torchvision without its compiled operators, which may want other libraries: its networks are plain Python."""
    sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("_meta_registrations"))
    import torchvision

    return torchvision


def theirs(name, precision, compiled):
    import torch

    torchvision = import_torchvision()
    clips, frames, side = CASES[name]
    torch.manual_seed(0)
    model = torchvision.models.video.s3d() if name == "s3d" else TorchTSM(torchvision.models.resnet50(), frames)
    if name == "s3d":
        model.avgpool = torch.nn.AdaptiveAvgPool3d(1)  # its own takes maps of 7 x 7 alone
    model.train()
    step_model = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    data = torch.rand(clips, 3, frames, side, side)
    labels = torch.arange(clips)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = torch.nn.functional.cross_entropy(step_model(data).float(), labels)
        loss.backward()
        optimizer.step()

    return step


def TorchTSM(net, frames):
    """torchvision's ResNet-50 with an eighth of the channels shifted each way before each block's first convolution."""
    import torch

    class Shifted(torch.nn.Module):
        def __init__(self, conv):
            super().__init__()
            self.conv = conv

        def forward(self, x):
            x = x.view(-1, frames, *x.shape[1:])
            fold = x.shape[2] // 8
            out = torch.zeros_like(x)
            out[:, :-1, :fold] = x[:, 1:, :fold]
            out[:, 1:, fold : 2 * fold] = x[:, :-1, fold : 2 * fold]
            out[:, :, 2 * fold :] = x[:, :, 2 * fold :]
            return self.conv(out.view(-1, *x.shape[2:]))

    class OnFrames(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for stage in (net.layer1, net.layer2, net.layer3, net.layer4):
                for block in stage:
                    block.conv1 = Shifted(block.conv1)
            net.fc = torch.nn.Linear(2048, 400)
            self.net = net

        def forward(self, clip):
            x = clip.transpose(1, 2).flatten(0, 1)
            return self.net(x).view(clip.shape[0], frames, -1).mean(1)

    return OnFrames()


def work(kind, name, precision):
    makers = {
        "keras_vid": lambda: ours(name, precision, True),
        "keras_vid, Keras' BatchNorm": lambda: ours(name, precision, False),
        "PyTorch": lambda: theirs(name, precision, False),
        "PyTorch, compiled": lambda: theirs(name, precision, True),
    }
    step = makers[kind]()
    for _ in range(2):
        step()
    print("ready", flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        step()
        print(time.perf_counter() - begin, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", nargs=3)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--torch", default=".venv-torch/bin/python")
    parser.add_argument("networks", nargs="*", default=list(CASES))
    args = parser.parse_args()
    if args.worker:
        return work(*args.worker)
    contenders = {"keras_vid": sys.executable, "keras_vid, Keras' BatchNorm": sys.executable}
    contenders |= {"PyTorch": args.torch, "PyTorch, compiled": args.torch}
    print("| network | clips x frames x side | step of | seconds (median) | least | over keras_vid |")
    print("|---|---|---|---|---|---|")
    for name in args.networks:
        processes, times = {}, {}
        for kind, python in contenders.items():
            command = [python, __file__, "--worker", kind, name, args.precision]
            process = subprocess.Popen(
                command,
                stdin=-1,
                stdout=-1,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONPATH": "."},
            )
            if process.stdout.readline() == "ready\n":
                processes[kind], times[kind] = process, []
        for _ in range(args.steps):
            for kind, process in processes.items():
                time.sleep(0.3)  # the last one's threads still spin for a moment
                process.stdin.write("go\n")
                process.stdin.flush()
                times[kind].append(float(process.stdout.readline()))
        for process in processes.values():
            process.stdin.close()
        base = statistics.median(times["keras_vid"])
        for kind in contenders:
            if kind not in times:
                print(f"| {name} | | {kind} | does not run here | | |", flush=True)
                continue
            median = statistics.median(times[kind])
            shape = " x ".join(map(str, CASES[name]))
            cells = [name, shape, kind, f"{median:.3f}", f"{min(times[kind]):.3f}", f"{median / base:.2f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
