"""Exported networks against other engines on a CPU: latency, throughput, memory and export time, in one run.

    make bench                                                        sets up .venv-bench, and measures everything
    .venv-bench/bin/python benchmarks/export_cpu.py --networks s3d --rounds 7 -o table.md
    .venv-bench/bin/python benchmarks/export_cpu.py --networks s3d tsm_resnet50 --small      does it run? (minutes)

Each contender is a process of its own that waits for its turn; the contenders of a network take turns, one answer each
a round, so that a busy moment hits all of them alike. Given are the median and the fastest of all rounds, the ratio of
medians to ours in float32, the seconds of processor time (which other jobs disturb least), the share of the
machine's matrix multiplication rate, and the largest memory.

Contenders: `ours` with TensorFlow's own kernels and with oneDNN's (TF_ENABLE_ONEDNN_OPTS), in float32 and bfloat16;
OpenVINO on the same SavedModel, and on a file in int8 as `keras-vid export --precision int8` writes it (of random
weights here: its speed is measured, its answers are not); ONNX Runtime on our ONNX file, and in its own int8; for s3d
torchvision's own network, eager and compiled with frozen weights, in both precisions; and with `--gpu` ours on JAX and
torch where a GPU is seen.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata, util
from pathlib import Path

import numpy as np

NETWORKS = {  # name: frames of a clip
    "s3d": 64,
    "s3dg": 64,
    "i3d": 64,
    "tsn_resnet50": 8,
    "tsm_resnet50": 8,
    "stm_resnet50": 8,
    "sth_resnet50": 8,
    "stnet_resnet50": 35,
}
OURS = {  # contender: (what runs it, precision, environment)
    "ours": ("savedmodel", "float32", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    "ours, oneDNN": ("savedmodel", "float32", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
    "ours, bf16": ("savedmodel", "bfloat16", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    "ours, oneDNN, bf16": ("savedmodel", "bfloat16", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
}
PEERS = {
    "OpenVINO": ("openvino", "float32", {}),
    "OpenVINO, bf16": ("openvino", "bfloat16", {}),
    "OpenVINO, int8": ("openvino_int8", "float32", {}),
    "ONNX Runtime": ("onnx", "float32", {}),
    "ONNX Runtime, int8": ("onnx_int8", "float32", {}),
}
TORCHVISION = {
    "torchvision": ("torch", "float32", {}),
    "torchvision, bf16": ("torch", "bfloat16", {}),
    "torchvision, compiled": ("torch_compiled", "float32", {}),
    "torchvision, compiled, bf16": ("torch_compiled", "bfloat16", {}),
}
GPU = {
    "ours, JAX on a GPU": ("jax", "float32", {"KERAS_BACKEND": "jax"}),
    "ours, torch on a GPU": ("keras_torch", "float32", {"KERAS_BACKEND": "torch"}),
}
VERSIONS = ("tensorflow", "keras", "torch", "torchvision", "openvino", "onnxruntime", "numpy")


# --- what a contender's process does: `loader(folder, precision, shape)` answers a function without arguments


def savedmodel(folder, precision, shape):
    import tensorflow as tf

    serve = tf.saved_model.load(f"{folder}/{precision}/1").signatures["serving_default"]
    clip = tf.constant(_clip(shape))
    return lambda: serve(clip=clip)["logits"].numpy()


def openvino(folder, precision, shape):
    import openvino as ov

    model = ov.Core().read_model(f"{folder}/float32/1")
    logits = [r for r in model.get_results() if "logits" in str(r.get_output_tensor(0).get_names())]
    numbers = [r for r in model.get_results() if r.get_element_type() != ov.Type.string]
    model = ov.Model((logits or numbers)[:1], model.get_parameters())  # its CPU plugin has no strings
    model.reshape(shape)
    hint = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
    }
    request = ov.Core().compile_model(model, "CPU", hint).create_infer_request()
    clip = _clip(shape)
    return lambda: list(request.infer({0: clip}).values())[0]


def openvino_int8(folder, precision, shape):
    from keras_vid.saved_models.engines import openvino

    network, _ = openvino.read_file(f"{folder}/int8.xml")
    logits, clip = openvino.logits_of(network, "net"), _clip(shape)
    return lambda: logits(clip)


def onnx(folder, precision, shape, file="net.onnx"):
    import onnxruntime

    session = onnxruntime.InferenceSession(f"{folder}/{file}", providers=["CPUExecutionProvider"])
    clip = _clip(shape)
    return lambda: session.run(["logits"], {"clip": clip})[0]


def onnx_int8(folder, precision, shape):
    return onnx(folder, precision, shape, "int8.onnx")


def torch(folder, precision, shape, compiled=False):
    import torch as pytorch
    from step_time import import_torchvision

    s3d = import_torchvision().models.video.s3d

    dtype = getattr(pytorch, precision)
    net = s3d().eval().to(dtype)
    clip = pytorch.from_numpy(_clip(shape)).permute(0, 4, 1, 2, 3).to(dtype).contiguous()
    if compiled:
        import torch._inductor.config

        pytorch._inductor.config.freezing = True
        net = pytorch.compile(net)

    def answer():
        with pytorch.inference_mode():
            return net(clip).float().numpy()

    return answer


def torch_compiled(folder, precision, shape):
    return torch(folder, precision, shape, compiled=True)


def jax(folder, precision, shape):
    return _keras(folder, shape)


def keras_torch(folder, precision, shape):
    return _keras(folder, shape)


def _keras(folder, shape):
    """The folded network on another backend, compiled by it."""
    import keras

    import keras_vid.layers  # noqa: F401  registers the layers that the file names

    net = keras.models.load_model(f"{folder}/folded.keras", compile=False)
    net.compile(jit_compile=True)
    clip = _clip(shape)
    return lambda: net.predict_on_batch(clip)


def matmul(folder, precision, shape):
    """Not a contender: the machine's own speed, in products of square matrices."""
    import torch as pytorch

    a, b = (pytorch.randn(2048, 2048, dtype=getattr(pytorch, precision)) for _ in range(2))
    return lambda: (a @ b).float().numpy()


LOADERS = {
    f.__name__: f
    for f in (savedmodel, openvino, openvino_int8, onnx, onnx_int8, torch, torch_compiled, jax, keras_torch, matmul)
}


def _clip(shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def work(kind, folder, precision, shape):
    """Load, then answer once for every line that comes in, with the seconds on the clock and of the processors."""
    answer = LOADERS[kind](folder, precision, json.loads(shape))
    began = time.perf_counter()
    answer(), answer()
    print("ready", round(time.perf_counter() - began, 3), flush=True)
    for _ in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        answer()
        took = time.perf_counter() - start, time.process_time() - cpu
        print(json.dumps([*took, largest_memory()]), flush=True)


def largest_memory():
    """MiB that this process has held at most. `getrusage` would answer the parent's where that was larger."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


# --- the one who calls them up in turn


class Contender:
    """A process that answers when asked."""

    def __init__(self, kind, folder, precision, environment, shape, failure=None):
        self.rounds, self.failure, self.process = [], failure, None
        if failure:
            return
        command = [sys.executable, __file__, "--work", kind, str(folder), precision, json.dumps(shape)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
        self.complaints = tempfile.TemporaryFile("w+")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.complaints, "text": True}
        self.process = subprocess.Popen(command, env=environment, **pipes)
        self._wait("ready")

    def _wait(self, what):
        for line in self.process.stdout:
            if line.startswith(what):
                return line
        self.complaints.seek(0)
        lines = [line for line in self.complaints.read().splitlines() if line.strip()]
        killed = self.process.wait() == -signal.SIGKILL
        self.failure = "killed, as where memory runs out" if killed else (lines or ["it ended"])[-1][:120]
        return None

    def ask(self):
        if self.failure is None:
            with contextlib.suppress(BrokenPipeError):  # it died after its last answer
                self.process.stdin.write("go\n")
                self.process.stdin.flush()
            line = self._wait("[")
            self.rounds += [json.loads(line)] if line else []

    def end(self):
        if self.process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.complaints.close()


def make(name, folder, options, contenders):
    """Export a network as its contenders want it.

    Returns the seconds of the first export, the multiply-adds, and what could not be made, {(kind, precision): why}.
    """
    from keras_vid.saved_models import targets
    from keras_vid.saved_models.export import export
    from keras_vid.saved_models.fold import fold

    import keras_vid

    style = {"style": "torch"} if name == "s3d" else {}  # torchvision's own arrangement
    model = keras_vid.create(name, **options, **style)
    began = time.perf_counter()
    export(model, folder / "float32")
    took = time.perf_counter() - began
    steps = {
        ("savedmodel", "bfloat16"): lambda: export(model, folder / "bfloat16", precision="bfloat16"),
        ("openvino_int8", "float32"): lambda: _make_int8(model, folder / "int8.xml"),
        ("onnx", "float32"): lambda: targets.to_onnx(model, folder / "net.onnx"),
        ("onnx_int8", "float32"): lambda: _make_onnx_int8(model, folder),
        ("jax", "float32"): lambda: fold(model).save(folder / "folded.keras"),
        ("keras_torch", "float32"): lambda: fold(model).save(folder / "folded.keras"),
    }
    failures = {}
    for file in {row[:2] for row in contenders.values()} & set(steps):
        try:
            steps[file]()
        except Exception as error:  # random weights may round worse than a network's own, a converter may not know them
            failures[file] = " ".join(f"{type(error).__name__}: {error}".split())[:120]
    return took, keras_vid.macs(model, options["frames"], options["size"]), failures


def _make_int8(model, path):
    from keras_vid.saved_models.engines import calibrate, openvino

    from keras_vid.inference.predict import random_clips
    from keras_vid.view import view_of

    network = openvino.convert(model)
    names = [op.get_friendly_name() for op in network.get_ordered_ops() if op.get_type_name() in calibrate.LAYERS]
    small = calibrate.quantize_all(network, list(random_clips(model)), [names[0], names[-1]], calibrate.weight_bits())
    openvino.write(small, path, model.name, view_of(model))


def _make_onnx_int8(model, folder):
    """ONNX Runtime's own quantisation, a scale for each channel; its answers are not measured."""
    from keras_vid.saved_models import targets
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    from keras_vid.inference.predict import random_clips

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.clips = iter(random_clips(model))

        def get_next(self):
            clip = next(self.clips, None)
            return None if clip is None else {"clip": clip[None]}

    plain = folder / "to_quantize.onnx"
    targets.to_onnx(model, plain)
    quant_pre_process(str(plain), str(plain), skip_symbolic_shape=True)
    quantize_static(str(plain), str(folder / "int8.onnx"), Reader(), per_channel=True)


def race(contenders, folder, shape, rounds, failures):
    """Rows of one network at one batch size."""
    running = {
        name: Contender(kind, folder, *rest, shape, failures.get((kind, rest[0])))
        for name, (kind, *rest) in contenders.items()
    }
    for _ in range(rounds):
        for contender in running.values():
            time.sleep(0.3)  # the last one's threads still spin for a moment
            contender.ask()
    for contender in running.values():
        contender.end()
    return running


def table(title, running, macs, batch):
    """Markdown: a contender a line."""
    limits = {
        name: 2048**3 / min(wall for wall, _, _ in running[name].rounds)
        for name in ("matmul", "matmul, bf16")
        if name in running and running[name].rounds
    }
    lines = [f"\n### {title}\n"]
    lines += [
        "| | median s | fastest s | over the first | clips a second | CPU s | times the limit | MiB |",
        "|" + "---|" * 8,
    ]
    ours = [wall for wall, _, _ in next(iter(running.values())).rounds]
    for name, contender in running.items():
        if name in ("matmul", "matmul, bf16"):
            continue
        if not contender.rounds:
            lines.append(f"| {name} | did not run: {contender.failure} |" + " |" * 6)
            continue
        walls, cpus, memory = zip(*contender.rounds)
        median, limit = statistics.median(walls), limits.get("matmul, bf16" if "bf16" in name else "matmul")
        away = f"{min(walls) * limit / (macs * batch):.1f}" if limit else "-"
        cells = [name, f"{median:.3f}", f"{min(walls):.3f}"]
        cells += [f"{median / statistics.median(ours):.2f}" if ours else "-", f"{batch / median:.2f}"]
        lines.append("| " + " | ".join([*cells, f"{min(cpus):.2f}", away, f"{max(memory):.0f}"]) + " |")
    rates = ", ".join(f"{name} {rate / 1e9:.0f} GMAC/s" for name, rate in limits.items())
    return "\n".join([*lines, *([f"\nFastest products of 2048 x 2048 matrices: {rates}."] if rates else [])])


def machine():
    """What was measured on."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")]
    from keras_vid.training.run.distribution import processor_flags

    known = [flag for flag in sorted(processor_flags()) if flag.startswith(("avx", "amx", "fma", "f16c"))]
    installed = [package for package in VERSIONS if util.find_spec(package)]
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in installed)
    load = os.getloadavg()[0]
    return (
        f"{len(names)} x {names[0] if names else platform.processor()} ({' '.join(known)}); load {load:.1f} at the "
        f"start; Python {platform.python_version()}, {versions}.\n"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--small", action="store_true", help="clips of 64 pixels and few frames, 2 rounds, batch 1")
    parser.add_argument("--bf16", action="store_true", help="in bfloat16, too, on a processor without it")
    parser.add_argument("--gpu", action="store_true", help="ours on JAX and torch, too, where they see a GPU")
    parser.add_argument("--contenders", nargs="+", help="some of them alone, by name")
    parser.add_argument("-o", "--output", help="write the table to a file, too")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_vid.training.run.distribution import emulates_bfloat16

    rounds, batches = (2, [1]) if args.small else (args.rounds, args.batches)
    texts = [machine()]
    # Without instructions for it bfloat16 is emulated, tens of times slower than float32: nobody would choose it.
    halves = args.bf16 or not emulates_bfloat16()
    if not halves:
        texts[0] += "This processor has no bfloat16 instructions: those contenders are left out (--bf16 runs them).\n"
    print(texts[0])
    for name in args.networks:
        frames = {64: 16, 8: 8, 35: 10}[NETWORKS[name]] if args.small else NETWORKS[name]
        size = 64 if args.small else 224
        with tempfile.TemporaryDirectory() as folder:
            contenders = {**OURS, **PEERS, **(TORCHVISION if name == "s3d" else {}), **(GPU if args.gpu else {})}
            contenders = {name: row for name, row in contenders.items() if halves or row[1] != "bfloat16"}
            contenders = {name: contenders[name] for name in args.contenders or contenders}
            if util.find_spec("torch"):
                contenders["matmul"] = ("matmul", "float32", {})
                if halves:
                    contenders["matmul, bf16"] = ("matmul", "bfloat16", {})
            took, macs, failures = make(name, Path(folder), {"frames": frames, "size": size}, contenders)
            for batch in batches:
                running = race(contenders, folder, (batch, frames, size, size, 3), rounds, failures)
                title = f"{name}, {batch} x {frames} x {size} x {size}, {rounds} rounds, {macs / 1e9:.1f} GMAC a clip"
                texts.append(table(f"{title}; exported and checked in {took:.0f} s", running, macs, batch))
                print(texts[-1], flush=True)
    if args.output:
        Path(args.output).write_text("\n".join(texts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    work(*sys.argv[2:]) if sys.argv[1:2] == ["--work"] else main()
