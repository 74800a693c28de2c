"""Where a run computes: one device, all devices of a machine, or several machines.

Everything else of a run is the same: the global batch is cut into as many parts as there are replicas.
"""

import json
import os
from pathlib import Path

import keras
import tensorflow as tf

from keras_vid.utils.errors import InputError

STRATEGIES = ("auto", "default", "mirrored", "multi_worker")


def choose(name="auto", replicas=None, cluster=None, task=None):
    """The tf.distribute strategy of a run.

    Args:
        name: "default" (one device), "mirrored" (all GPUs of this machine, or `replicas` logical CPUs where there is no
            GPU), "multi_worker" (TF_CONFIG, or `cluster` and `task`), or "auto": several machines where TF_CONFIG
            names them, all GPUs where there are several, else one device.
        replicas: How many devices "mirrored" takes.
        cluster: Addresses of all workers, "host:port,host:port"; `task` is this one's number.
    """
    if name not in STRATEGIES:
        raise InputError(f"--strategy is one of {', '.join(STRATEGIES)}, not {name!r}")
    if cluster:
        _set_cluster(cluster.split(","), task)
        name = "multi_worker"
    gpus = tf.config.list_physical_devices("GPU")
    if name == "auto":
        several = len(json.loads(os.environ.get("TF_CONFIG") or "{}").get("cluster", {}).get("worker", [])) > 1
        name = "multi_worker" if several else "mirrored" if (replicas or len(gpus)) > 1 else "default"
    if name == "multi_worker":
        if not os.environ.get("TF_CONFIG"):
            raise InputError("multi_worker needs TF_CONFIG, or --cluster host:port,host:port and --task NUMBER")
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(_devices(gpus, replicas))
    return tf.distribute.get_strategy()


def _set_cluster(workers, task):
    if task is None or not 0 <= task < len(workers):
        raise InputError(f"--task is this worker's number in the cluster, 0 to {len(workers) - 1}, not {task}")
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": task}})


def _devices(gpus, replicas):
    if gpus:
        if (replicas or 0) > len(gpus):
            raise InputError(f"--replicas {replicas}, but this machine has {len(gpus)} GPUs")
        return [f"GPU:{i}" for i in range(replicas or len(gpus))]
    replicas = replicas or 2
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    except RuntimeError as error:  # TensorFlow has begun to compute
        if len(tf.config.list_logical_devices("CPU")) < replicas:
            raise InputError(
                f"{replicas} logical CPUs must be asked for before TensorFlow computes anything"
            ) from error
    return [f"CPU:{i}" for i in range(replicas)]


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
