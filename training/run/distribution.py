"""Where a run computes: one device, all devices of a machine, or several machines, and what happens when one is gone.

Everything else of a run is the same: the global batch is cut into as many parts as there are replicas.
"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

import keras
import tensorflow as tf

from keras_vid.utils.errors import InputError

STRATEGIES = ("auto", "default", "mirrored", "multi_worker")
EVERY = 2.0  # seconds between two looks at the other workers
MISSED = 3  # so many times in a row nobody replied
EXIT = 75  # sysexits' "try again later": a launcher starts this worker again


def choose(name="auto", devices=None, cluster=None, task=None):
    """The tf.distribute strategy of a run.

    Args:
        name: "default" (one device), "mirrored" (all GPUs of this machine, or `devices` logical CPUs where there is no
            GPU), "multi_worker" (TF_CONFIG, or `cluster` and `task`), or "auto": several machines where TF_CONFIG
            names them, all GPUs where there are several, else one device.
        devices: How many of this machine "mirrored" uses.
        cluster: Addresses of all workers, "host:port,host:port"; `task` is this one's number.
    """
    _, workers = position(name, cluster, task)
    gpus = tf.config.list_physical_devices("GPU")
    if cluster or name == "auto" and workers > 1:
        name = "multi_worker"
    if name == "auto":
        name = "mirrored" if (devices or len(gpus)) > 1 else "default"
    if name == "multi_worker":
        if not os.environ.get("TF_CONFIG"):
            raise InputError("multi_worker needs TF_CONFIG, or --cluster host:port,host:port and --task NUMBER")
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(_devices(gpus, devices))
    return tf.distribute.get_strategy()


def position(name="auto", cluster=None, task=None):
    """(number, count) of this process among the workers of a run, before anything is connected.

    Number 0 is the chief, which alone writes. A `cluster` is put into TF_CONFIG, where TensorFlow looks for it.
    """
    if name not in STRATEGIES:
        raise InputError(f"--strategy is one of {', '.join(STRATEGIES)}, not {name!r}")
    if cluster:
        workers = cluster.split(",")
        if task is None or not 0 <= task < len(workers):
            raise InputError(f"--task is this worker's number in the cluster, 0 to {len(workers) - 1}, not {task}")
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": task}}
        os.environ["TF_CONFIG"] = json.dumps(config)
    elif name in ("default", "mirrored"):
        return 0, 1
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        return int(config.get("task", {}).get("index", 0)), max(len(config.get("cluster", {}).get("worker", [])), 1)
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"the environment variable TF_CONFIG is not what TensorFlow expects: {error}") from error


def _devices(gpus, devices):
    if gpus:
        if (devices or 0) > len(gpus):
            raise InputError(f"--devices {devices}, but this machine has {len(gpus)} GPUs")
        return [f"GPU:{i}" for i in range(devices or len(gpus))]
    devices = devices or 2
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
    except RuntimeError as error:  # TensorFlow has started to compute
        if len(tf.config.list_logical_devices("CPU")) < devices:
            raise InputError(f"--devices {devices}: logical CPUs must be set up before TensorFlow computes") from error
    return [f"CPU:{i}" for i in range(devices)]


def set_precision(policy, say):
    """Networks made from here on compute by the policy; `say` is told where that will be slow."""
    keras.config.set_dtype_policy(policy)
    if "bfloat16" in policy and emulates_bfloat16():
        say("this processor has no bfloat16 instructions: steps will be many times slower than in float32")


def emulates_bfloat16():
    """Whether bfloat16 would be computed by emulation here: no GPU, and a processor that has no instructions for it.

    Unknown counts as no: only Linux says what the processor can do.
    """
    flags = processor_flags()
    return bool(flags) and not {"amx_bf16", "avx512_bf16"} & flags and not tf.config.list_physical_devices("GPU")


def processor_flags():
    """What Linux says that the processor can do, as a set of words; empty elsewhere, and on ARM."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return set(next((line.split(":")[1] for line in lines if line.startswith("flags")), "").split())


def worker(strategy):
    """(number, count) of this process among the workers of a run; number 0 is the chief, which alone writes.

    >>> worker(tf.distribute.get_strategy())
    (0, 1)
    """
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 0, 1
    return resolver.task_id, len(resolver.cluster_spec().as_dict().get("worker", [0]))


class Peers(keras.callbacks.Callback):
    """Ends this process with exit code 75 when a worker that was there is gone, until the last step is made.

    Args:
        addresses: host:port of the other workers.
        last: The step after which they may go.
        first: The step that fit begins with.
        leave: Called with the exit code.
    """

    def __init__(self, addresses, first, last, leave=os._exit):
        super().__init__()
        self.addresses, self.step, self.last, self.leave = addresses, first, last, leave
        self.done, self.thread = threading.Event(), None

    def on_train_begin(self, logs=None):
        if self.thread is None:
            self.thread = threading.Thread(target=self._watch, daemon=True)
            self.thread.start()

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.model.steps_per_execution
        if self.step >= self.last:
            self.done.set()

    def _watch(self):
        missed = {}
        while not self.done.wait(EVERY):
            for address in self.addresses:
                if listens(address):
                    missed[address] = 0
                elif address in missed:  # it was there before
                    missed[address] += 1
                if missed.get(address, 0) >= MISSED and not self.done.is_set():
                    print(f"keras-vid: {WorkerLost(address)}", file=sys.stderr, flush=True)
                    self.leave(EXIT)
                    return


class WorkerLost(InputError):
    """Another worker of the run is gone, and TensorFlow's step would wait for it without an end."""

    exit_code = EXIT

    def __init__(self, address):
        super().__init__(f"worker {address} is gone: this one stops too; start all again with --resume")


def lost_worker(strategy, patience=10.0):
    """The error that names a worker that no longer listens, or None where all still do after so many seconds."""
    if worker(strategy)[1] == 1:
        return None
    until = time.monotonic() + patience
    while time.monotonic() < until:  # TensorFlow's error may come before the other process is gone
        lost = next((address for address in others(strategy) if not listens(address)), None)
        if lost:
            return WorkerLost(lost)
        time.sleep(0.5)
    return None


def listens(address, patience=5.0):
    """Whether somebody listens at host:port.

    >>> listens("127.0.0.1:1")
    False
    """
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=patience):
            return True
    except OSError:
        return False


def others(strategy):
    """Addresses of the other workers of a strategy."""
    resolver = strategy.cluster_resolver
    addresses = resolver.cluster_spec().as_dict().get("worker", [])
    return [address for i, address in enumerate(addresses) if i != resolver.task_id]
