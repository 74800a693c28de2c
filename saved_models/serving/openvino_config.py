"""The files that OpenVINO Model Server's image is started with. It speaks TF Serving's protocol on the same ports."""

import os
from pathlib import Path

from keras_vid.saved_models.engines.openvino import FILE
from keras_vid.saved_models.serving.serve_config import named, versions

from keras_vid.utils.errors import MissingFile
from keras_vid.utils.files import as_json, write_whole

IMAGE = "openvino/model_server"


def write(folders, output, image=IMAGE):
    """Write `openvino.json` and `docker-compose.openvino.yml` for the models of `folders` to `output`; returns their
    paths. The newest version of each model needs the files of `keras-vid export --openvino`."""
    models = named(folders)
    for name, folder in models.items():
        newest = versions(folder)[-1]
        if not (newest / FILE).is_file():
            raise MissingFile(f"{newest}: there is no {FILE} for {name}: make it with keras-vid export --openvino")
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    files = {"openvino.json": config(models), "docker-compose.openvino.yml": compose(models, output, image)}
    for name, text in files.items():
        write_whole(output / name, text)
    return [output / name for name in files]


def config(models):
    """The server's list of models; it serves the newest version of each, compiled for single requests.

    >>> import json
    >>> json.loads(config({"i3d": "served/i3d"}))["model_config_list"][0]["config"]["base_path"]
    '/models/i3d'
    """
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    rows = [{"config": {"name": n, "base_path": f"/models/{n}", "plugin_config": settings}} for n in models]
    return as_json({"model_config_list": rows, "monitoring": {"metrics": {"enable": True}}})


def compose(models, output, image):
    """docker-compose.openvino.yml; models and this folder are mounted where the configuration expects them."""
    mounts = [(folder, f"/models/{name}") for name, folder in models.items()] + [(output.resolve(), "/config")]
    command = ["--config_path", "/config/openvino.json", "--port", "8500", "--rest_port", "8501"]
    volumes = [
        {"type": "bind", "source": _near(source, output), "target": target, "read_only": True}
        for source, target in mounts
    ]
    service = {"image": image, "restart": "unless-stopped", "command": command}
    service |= {"ports": ["8500:8500", "8501:8501"], "volumes": volumes}
    return as_json({"services": {"serving": service}})  # JSON is YAML, too


def _near(path, output):
    """A path as Compose reads it: relative to its file, and `$` doubled."""
    return "./" + os.path.relpath(path, output.resolve()).replace("$", "$$")
