"""The files that TF Serving's official image is started with, for one or more exported models."""

import json
import os
import re
from pathlib import Path

from keras_vid.utils.errors import InputError, MissingFile
from keras_vid.utils.files import write_whole

# TF Serving's flag: the file that it reads
FLAGS = {
    "model_config_file": "models.config",
    "batching_parameters_file": "batching_parameters.txt",
    "monitoring_config_file": "monitoring.config",
}
METRICS = "/monitoring/prometheus/metrics"


def write(folders, output, batch_size=8, image="tensorflow/serving"):
    """Write all files for the models of `folders` (`NAME/VERSION/saved_model.pb`) to `output`.

    Returns the paths of the files, and the reasons why requests are not batched, one for each model; none where they
    are.
    """
    models = named(folders)
    open_shapes = [reason for name, folder in models.items() if (reason := not_batchable(name, folder))]
    batching = not open_shapes and batch_size > 1
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    files = {
        "models.config": models_config(models),
        "batching_parameters.txt": batching_parameters(batch_size),
        "monitoring.config": monitoring_config(),
        "docker-compose.yml": compose(models, output, batching, image),
    }
    files["kubernetes.yaml"] = kubernetes(models, {name: files[name] for name in FLAGS.values()}, batching, image)
    for name, text in files.items():
        write_whole(output / name, text)
    return [output / name for name in files], open_shapes


def named(folders):
    """`{name: folder}`; the name that clients ask for is the folder's."""
    models = {}
    for folder in folders:
        folder = Path(folder).resolve()
        if (folder / "saved_model.pb").is_file() and folder.name.isdigit():
            folder = folder.parent  # a version was given
        if not versions(folder):
            raise MissingFile(f"{folder}: no SavedModel in a numbered folder: make one with keras-vid export")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", folder.name):
            raise InputError(f"{folder}: the folder's name is the model's, and may have letters, digits and _ . - only")
        if models.setdefault(folder.name, folder) != folder:
            raise InputError(f"{folder} and {models[folder.name]} are both called {folder.name}: rename one")
    return models


def versions(folder):
    """The SavedModels of a model's folder, the newest last."""
    found = [path.parent for path in Path(folder).glob("*/saved_model.pb") if path.parent.name.isdigit()]
    return sorted(found, key=lambda path: int(path.name))


def not_batchable(name, folder):
    """Why clips of several requests cannot be computed together, or None: TF Serving joins only clips of one shape."""
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((versions(folder)[-1] / "saved_model.pb").read_bytes())
    signatures = saved.meta_graphs[0].signature_def
    if "clip" not in signatures["serving_default"].inputs:
        return f"{name} takes no clip"
    sizes = [dim.size for dim in signatures["serving_default"].inputs["clip"].tensor_shape.dim]
    odd = [axis for axis, size in zip(("frames", "height", "width"), sizes[1:]) if size < 0]
    return f"{name} leaves {', '.join(odd)} open" if odd else None


def models_config(models, base="/models"):
    """ModelServerConfig as text; TF Serving serves the newest version of each.

    >>> print(models_config({"s3d": "served/s3d"}), end="")
    model_config_list {
      config {
        name: "s3d"
        base_path: "/models/s3d"
        model_platform: "tensorflow"
      }
    }
    """
    rows = "".join(
        f"  config {{\n    name: {_quoted(name)}\n    base_path: {_quoted(f'{base}/{name}')}\n"
        '    model_platform: "tensorflow"\n  }\n'
        for name in models
    )
    return f"model_config_list {{\n{rows}}}\n"


def batching_parameters(batch_size):
    """BatchingParameters as text: join what comes within 5 ms; refuse, rather than queue, what cannot be computed soon.
    Batches are filled up to a power of two, so that few shapes are ever computed."""
    sizes = [2**i for i in range(batch_size.bit_length()) if 2**i < batch_size] + [batch_size]
    allowed = "".join(f"allowed_batch_sizes: {size}\n" for size in sizes)
    return (
        f"max_batch_size {{ value: {batch_size} }}\n"
        "batch_timeout_micros { value: 5000 }\n"
        "max_enqueued_batches { value: 64 }\n"
        "num_batch_threads { value: 2 }\n"
        f"{allowed}"
    )


def monitoring_config():
    return f"prometheus_config {{\n  enable: true\n  path: {_quoted(METRICS)}\n}}\n"


def arguments(batching):
    """What the image's server is started with; the image itself adds the ports."""
    flags = {flag: name for flag, name in FLAGS.items() if batching or flag != "batching_parameters_file"}
    return [f"--{flag}=/config/{name}" for flag, name in flags.items()] + ["--enable_batching"] * batching


def compose(models, config, batching, image):
    """docker-compose.yml: the models and its own folder are mounted where the files expect them, by relative paths."""
    here = Path(config).resolve()
    mounts = [(os.path.join(".", os.path.relpath(folder, here)), f"/models/{name}") for name, folder in models.items()]
    mounts.append((".", "/config"))
    lines = ["services:", "  serving:", f"    image: {_quoted(image)}", "    restart: unless-stopped", "    command:"]
    lines += [f"      - {_quoted(argument)}" for argument in arguments(batching)]
    lines += ["    ports:", '      - "8500:8500"  # gRPC', '      - "8501:8501"  # REST and metrics', "    volumes:"]
    for source, target in mounts:
        lines += ["      - type: bind", f"        source: {_quoted(source.replace('$', '$$'))}"]
        lines += [f"        target: {_quoted(target)}", "        read_only: true"]
    return "\n".join(lines) + "\n"


def kubernetes(models, files, batching, image):
    """A ConfigMap of the configuration, a Deployment and a Service. The models' folders lie in a volume claim."""
    texts = "".join(
        f"  {name}: |\n" + "".join(f"    {line}\n" for line in text.splitlines()) for name, text in files.items()
    )
    args = "".join(f"            - {_quoted(argument)}\n" for argument in arguments(batching))
    probes = f"{{path: {_quoted(f'/v1/models/{next(iter(models))}')}, port: rest}}"
    return KUBERNETES.format(
        names=", ".join(models), texts=texts, args=args, probe=probes, image=_quoted(image), metrics=METRICS
    )


KUBERNETES = """\
# Wants a PersistentVolumeClaim `keras-vid-models` with the folders {names} in it.
apiVersion: v1
kind: ConfigMap
metadata:
  name: keras-vid-serving
data:
{texts}---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: keras-vid-serving
  labels: {{app: keras-vid-serving}}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: keras-vid-serving}}
  template:
    metadata:
      labels: {{app: keras-vid-serving}}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "8501"
        prometheus.io/path: {metrics}
    spec:
      containers:
        - name: serving
          image: {image}
          args:
{args}          ports:
            - {{name: grpc, containerPort: 8500}}
            - {{name: rest, containerPort: 8501}}
          startupProbe:
            httpGet: {probe}
            failureThreshold: 60
            periodSeconds: 5
          readinessProbe:
            httpGet: {probe}
          volumeMounts:
            - {{name: config, mountPath: /config, readOnly: true}}
            - {{name: models, mountPath: /models, readOnly: true}}
      volumes:
        - name: config
          configMap: {{name: keras-vid-serving}}
        - name: models
          persistentVolumeClaim: {{claimName: keras-vid-models, readOnly: true}}
---
apiVersion: v1
kind: Service
metadata:
  name: keras-vid-serving
spec:
  selector: {{app: keras-vid-serving}}
  ports:
    - {{name: grpc, port: 8500, targetPort: grpc}}
    - {{name: rest, port: 8501, targetPort: rest}}
"""


def _quoted(text):
    """A string as protobuf text, JSON and YAML all read it."""
    return json.dumps(text)
