"""Choosing a strategy, and noticing that a worker has died."""

import json
import os
import socket
import threading

import keras
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.run import distribution as strategy


def test_wrong_choices_are_told():
    with pytest.raises(ValueError, match="--strategy is one of auto, default"):
        strategy.choose("many")
    with pytest.raises(ValueError, match="TF_CONFIG"):
        strategy.choose("multi_worker")
    for task in (None, 2, -1):
        with pytest.raises(ValueError, match="--task is this worker's number in the cluster, 0 to 1"):
            strategy.choose(cluster="a:1,b:2", task=task)


def test_more_devices_than_there_are(monkeypatch):
    monkeypatch.setattr(strategy.tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    with pytest.raises(ValueError, match="--devices 2, but this machine has 1 GPUs"):
        strategy.choose("mirrored", devices=2)


def test_one_device_by_itself(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    alone = strategy.choose()
    assert alone.num_replicas_in_sync == 1 and strategy.worker(alone) == (0, 1)
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["localhost:1"]}, "task": {"index": 0}}))
    assert strategy.choose() is alone and os.environ["TF_CONFIG"]  # one worker is no cluster


@pytest.mark.parametrize(
    ("text", "emulates"),
    [
        ("model name : X\nflags : fpu avx2 fma\n", True),
        ("flags : fpu avx512_bf16\n", False),
        ("flags : fpu amx_bf16\n", False),
        ("Features : fp asimd bf16\n", False),  # ARM writes another word: not known
    ],
)
def test_bfloat16_is_emulated_where_the_processor_does_not_name_it(text, emulates, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(strategy, "Path", lambda path: tmp_path / "cpuinfo")
    monkeypatch.setattr(strategy.tf.config, "list_physical_devices", lambda kind: [])
    assert strategy.emulates_bfloat16() is emulates
    monkeypatch.setattr(strategy.tf.config, "list_physical_devices", lambda kind: ["GPU:0"])
    assert not strategy.emulates_bfloat16()


def test_a_precision_that_is_emulated_is_said_and_still_taken(monkeypatch):
    monkeypatch.setattr(strategy, "emulates_bfloat16", lambda: True)
    said = []
    strategy.set_precision("mixed_bfloat16", said.append)
    assert keras.config.dtype_policy().name == "mixed_bfloat16" and len(said) == 1
    strategy.set_precision("float32", said.append)
    assert keras.config.dtype_policy().name == "float32" and len(said) == 1


class _Step:
    steps_per_execution = 1


def watch(monkeypatch, last=10):
    """A watcher of one listening port: (the port's socket, the callback, the exit code when it comes)."""
    monkeypatch.setattr(strategy, "EVERY", 0.02)
    listening = socket.create_server(("127.0.0.1", 0))
    left, came = [], threading.Event()

    def leave(code):
        left.append(code)
        came.set()

    watcher = strategy.Peers([f"127.0.0.1:{listening.getsockname()[1]}"], first=0, last=last, leave=leave)
    watcher.set_model(_Step())
    watcher.on_train_begin()
    return listening, watcher, left, came


def test_a_worker_that_goes_is_noticed(monkeypatch, capfd):
    listening, watcher, left, came = watch(monkeypatch)
    assert not came.wait(0.3)
    listening.close()
    assert came.wait(10) and left == [strategy.EXIT]
    assert "is gone" in capfd.readouterr().err


def test_a_worker_may_go_after_the_last_step(monkeypatch):
    listening, watcher, left, came = watch(monkeypatch, last=2)
    for _ in range(2):
        watcher.on_train_batch_end(0)
    listening.close()
    watcher.thread.join(10)
    assert not watcher.thread.is_alive() and not left


def test_a_worker_that_was_never_there_is_waited_for(monkeypatch):
    listening, watcher, left, came = watch(monkeypatch)
    listening.close()
    other = strategy.Peers(["127.0.0.1:1"], 0, 1, leave=left.append)
    other.on_train_begin()
    assert not threading.Event().wait(0.3) and other.thread.is_alive()
    other.done.set()
