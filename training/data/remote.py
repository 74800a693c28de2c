"""Paths on other machines: s3://, hdfs:// and az:// through tensorflow-io, gs:// through TensorFlow itself."""

import json
from pathlib import Path

from keras_vid.utils.errors import InputError

NEEDS_IO = ("s3", "hdfs", "viewfs", "har", "az", "abfs")


def is_remote(path):
    """Whether a path names another machine.

    >>> is_remote("s3://bucket/train"), is_remote("/data/train")
    (True, False)
    """
    return "://" in str(path)


def enable(path):
    """Make TensorFlow read and write a path; answers it as text. Local and gs:// paths need nothing.

    >>> enable("/data/prepared")
    '/data/prepared'
    """
    path = str(path)
    if is_remote(path) and path.partition("://")[0] in NEEDS_IO:
        from keras_vid.utils.optional import need

        need("tensorflow_io", extra="io")  # importing it registers the file systems
    return path


def upload(folder, remote, name):
    """Copy `folder/name` to `remote/name`, where it appears whole."""
    import tensorflow as tf

    target = f"{enable(remote)}/{name}"
    tf.io.gfile.makedirs(target.rpartition("/")[0])
    tf.io.gfile.copy(str(Path(folder) / name), target, overwrite=True)


def download(remote, folder, pattern):
    """Copy the files `remote/pattern`, if there are any, into the same place below `folder`."""
    import tensorflow as tf

    remote = enable(remote)
    if not tf.io.gfile.isdir(f"{remote}/{pattern}".rpartition("/")[0]):
        return
    for path in tf.io.gfile.glob(f"{remote}/{pattern}"):
        target = Path(folder) / path.removeprefix(f"{remote}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        tf.io.gfile.copy(path, str(target), overwrite=True)


def size(remote, name):
    """The bytes of `remote/name`, or None without such a file."""
    import tensorflow as tf

    path = f"{enable(remote)}/{name}"
    return tf.io.gfile.stat(path).length if tf.io.gfile.exists(path) else None


def served(data, address):
    """The same data, decoded by the machines of a tf.data service; its order is then not that of the seed."""
    import tensorflow as tf

    service = tf.data.experimental.service
    return data.apply(service.distribute(service.ShardingPolicy.OFF, address)).prefetch(2)


def read_manifest(folder) -> dict:
    """The manifest.json of prepared data on this machine or a remote one; a damaged one costs one line."""
    import tensorflow as tf

    path = f"{enable(folder).rstrip('/')}/manifest.json"
    with tf.io.gfile.GFile(path, "rb") as file:
        text = file.read()
    try:
        manifest = json.loads(text)
        plan, labels, files = manifest["plan"], manifest["labels"], manifest["files"]
        valid = isinstance(plan, dict) and plan.get("modality") in ("rgb", "flow")
        valid = valid and isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        valid = valid and isinstance(files, list) and files
        if not (valid and all({"name", "clips"} <= set(file) for file in files)):
            raise ValueError("its fields are not those that keras-vid prepare writes")
        return {**manifest, "clips": sum(int(file["clips"]) for file in files)}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}): run keras-vid prepare again into this folder") from error
