"""Prepared data on an S3 server on loopback, with tensorflow-io where it loads (TensorFlow 2.16)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from keras_vid.training.data.remote import enable

ROOT = Path(__file__).parents[2]

# In a process of its own: tensorflow-io aborts at exit, after the work is done.
READ = """
import os, sys
from training import augment
from keras_vid.training.data.records import dense, records
data = records(sys.argv[1], lambda count, seed: dense(count, 4, 1, seed),
               lambda clip, label, seed: (augment.centre_crop(clip, 24), label), 4, training=False)
print("labels", sorted(int(i) for _, label in data for i in label), flush=True)
os._exit(0)
"""


@pytest.fixture
def bucket():
    """An S3 server on loopback: (client, environment in which tensorflow-io finds it)."""
    if not any((Path(p) / "tensorflow_io").is_dir() for p in sys.path):
        pytest.skip("tensorflow-io is not installed")
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="clips")
    settings = {"S3_ENDPOINT": address, "S3_USE_HTTPS": "0", "S3_VERIFY_SSL": "0", "AWS_REGION": "us-east-1"}
    settings |= {key.upper(): value for key, value in keys.items()}
    yield client, {**os.environ, **settings, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
    server.stop()


@pytest.fixture
def videos(tmp_path):
    from keras_vid.video import synthetic

    synthetic.write_dataset(tmp_path / "in", clips=2, frames=6, size=32, classes=synthetic.CLASSES[:3])
    return tmp_path / "in"


def run(env, *command):
    return subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, timeout=300)


def objects(client):
    return {row["Key"]: row["ETag"] for row in client.list_objects_v2(Bucket="clips").get("Contents", [])}


def test_local_paths_need_nothing(tmp_path):
    assert enable(tmp_path) == str(tmp_path) and enable("gs://bucket/x") == "gs://bucket/x"


def test_without_tensorflow_io_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    with pytest.raises(ImportError, match=r"keras_vid\[io\]"):
        enable("s3://bucket/x")


@pytest.mark.slow
def test_reads_from_an_s3_server(videos, tmp_path, bucket):
    from keras_vid.training.data.load import load_dataset
    from keras_vid.training.data.prepare import prepare

    client, env = bucket
    prepare(load_dataset("folder", videos), tmp_path / "out", short=32, shards=2, workers=1)
    for path in (tmp_path / "out").glob("*.*"):
        client.upload_file(str(path), "clips", f"train/{path.name}")
    done = run(env, "-c", READ, "s3://clips/train")
    assert done.returncode == 0 and "labels [0, 0, 1, 1, 2, 2]" in done.stdout, done.stderr[-2000:]


@pytest.mark.slow
def test_prepares_onto_an_s3_server(videos, tmp_path, bucket):
    """What lies there is what a local run writes; a lost shard is made again, the others are left alone."""
    from keras_vid.training.data.load import load_dataset
    from keras_vid.training.data.prepare import prepare

    client, env = bucket
    command = ("-m", "keras_vid.cli", "prepare", "folder", str(videos), "--size", "32", "--shards", "2", "-j", "2")
    done = run(env, *command, "-o", "s3://clips/made")
    assert done.returncode == 0 and "6 clips" in done.stdout, done.stderr[-2000:]
    prepare(load_dataset("folder", videos), tmp_path / "out", short=32, shards=2, workers=1)
    for path in (p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        key = f"made/{path.relative_to(tmp_path / 'out')}"
        assert client.get_object(Bucket="clips", Key=key)["Body"].read() == path.read_bytes(), key
    before = objects(client)
    client.delete_object(Bucket="clips", Key="made/clips-00001-of-00002.tfrecord")
    done = run(env, *command, "-o", "s3://clips/made")
    assert done.returncode == 0 and objects(client) == before, done.stderr[-2000:]
    refused = run(env, *command, "--quality", "50", "-o", "s3://clips/made")
    assert refused.returncode == 1 and "quality 90 instead of 50" in refused.stderr, refused.stderr[-2000:]
