"""Prepared data on an S3 server on loopback, with tensorflow-io where it loads (TensorFlow 2.16)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from training.remote import enable

ROOT = Path(__file__).parents[2]

# In a process of its own: tensorflow-io aborts at exit, after the work is done.
PROGRAM = """
import os, sys
import tensorflow as tf
from training import augment
from training.records import dense, records
data = records(sys.argv[1], lambda count, seed: dense(count, 4, 1, seed),
               lambda clip, label, seed: (augment.centre_crop(clip, 24), label), 4, training=False)
print("labels", sorted(int(i) for _, label in data for i in label), flush=True)
os._exit(0)
"""


def test_local_paths_need_nothing(tmp_path):
    assert enable(tmp_path) == str(tmp_path) and enable("gs://bucket/x") == "gs://bucket/x"


def test_without_tensorflow_io_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(ImportError, match=r"keras_vid\[io\]"):
        enable("s3://bucket/x")


@pytest.mark.slow
def test_reads_from_an_s3_server(tmp_path):
    pytest.importorskip("tensorflow")
    if not any((Path(p) / "tensorflow_io").is_dir() for p in sys.path):
        pytest.skip("tensorflow-io is not installed")
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    from keras_vid.video import synthetic
    from training.datasets import load
    from training.prepare import prepare

    synthetic.write_dataset(tmp_path / "in", clips=2, frames=6, size=32, classes=synthetic.CLASSES[:3])
    prepare(load("folder", tmp_path / "in"), tmp_path / "out", short=32, shards=2, workers=1)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        address = f"127.0.0.1:{server.get_host_and_port()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{address}",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        client.create_bucket(Bucket="clips")
        for path in (tmp_path / "out").glob("*.*"):
            client.upload_file(str(path), "clips", f"train/{path.name}")
        env = {
            **os.environ,
            **keys,
            "S3_ENDPOINT": f"http://{address}",
            "S3_USE_HTTPS": "0",
            "S3_VERIFY_SSL": "0",
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
        }
        run = [sys.executable, "-c", PROGRAM, "s3://clips/train"]
        done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=120)
        assert "labels [0, 0, 1, 1, 2, 2]" in done.stdout, done.stderr[-2000:]
    finally:
        server.stop()
