"""Every file that serve-config writes is what its reader reads."""

import re

import pytest

tf = pytest.importorskip("tensorflow")
config_pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
yaml = pytest.importorskip("yaml")

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from keras_vid.saved_models.serving import serve_config
from small_network import small

from keras_vid import cli


def saved(folder, shape=(None, 4, 32, 32, 3)):
    """As little of a SavedModel as tells its signature."""
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel()
    clip = proto.meta_graphs.add().signature_def["serving_default"].inputs["clip"]
    clip.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    for version in ("2", "9", "10"):
        (folder / version).mkdir(parents=True)
        (folder / version / "saved_model.pb").write_bytes(proto.SerializeToString())
    return folder


def written(folders, output, *options):
    assert cli.main(["serve-config", *map(str, folders), "-o", str(output), *options]) == 0
    return {path.name: path.read_text() for path in output.iterdir()}


def message(name, **fields):
    """A message class of TF Serving that its Python package leaves out: `field=(number, type, repeated)`."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package="test", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    table = file.message_type.add(name=name)
    for field, (number, kind, repeated) in fields.items():
        row = table.field.add(name=field, number=number, label=3 if repeated else 1)
        if isinstance(kind, str):
            row.type, row.type_name = 11, kind
        else:
            row.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    if name == "MonitoringConfig":
        inner = file.message_type.add(name="PrometheusConfig")
        inner.field.add(name="enable", number=1, type=8, label=1)
        inner.field.add(name="path", number=2, type=9, label=1)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"test.{name}"))


INT = ".google.protobuf.Int64Value"
BATCHING = {
    "max_batch_size": (1, INT, False),
    "batch_timeout_micros": (2, INT, False),
    "max_enqueued_batches": (3, INT, False),
    "num_batch_threads": (4, INT, False),
    "allowed_batch_sizes": (6, 3, True),
}


def test_the_servers_files(tmp_path):
    folders = [saved(tmp_path / "served" / name) for name in ("one", "two.b")]
    files = written(folders, tmp_path / "out", "--batch-size", "12")
    config = text_format.Parse(files["models.config"], config_pb2.ModelServerConfig())
    rows = [(row.name, row.base_path, row.model_platform) for row in config.model_config_list.config]
    assert rows == [(name, f"/models/{name}", "tensorflow") for name in ("one", "two.b")]
    batching = text_format.Parse(files["batching_parameters.txt"], message("BatchingParameters", **BATCHING)())
    assert batching.max_batch_size.value == 12 and list(batching.allowed_batch_sizes) == [1, 2, 4, 8, 12]
    monitoring = message("MonitoringConfig", prometheus_config=(1, ".test.PrometheusConfig", False))()
    text_format.Parse(files["monitoring.config"], monitoring)
    assert monitoring.prometheus_config.enable and monitoring.prometheus_config.path.startswith("/monitoring/")


def test_the_newest_version_is_the_largest_number(tmp_path):
    folder = saved(tmp_path / "one")
    assert [path.name for path in serve_config.versions(folder)] == ["2", "9", "10"]
    (folder / "9" / "saved_model.pb").write_bytes(b"")  # an older one is not looked at
    assert serve_config.not_batchable("one", folder) is None
    saved(tmp_path / "open", shape=(None, None, 32, 32, 3))
    assert serve_config.not_batchable("open", tmp_path / "open") == "open leaves frames open"


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    folder = saved(tmp_path / "served" / "one")
    files = written([folder], tmp_path / "out")
    out, err = capsys.readouterr()
    assert sorted(out.split()) == sorted(str(tmp_path / "out" / name) for name in files)
    assert f"docker compose -f {tmp_path / 'out' / 'docker-compose.yml'} up" in err


def test_compose_mounts_what_the_files_name(tmp_path):
    folder = saved(tmp_path / "a $HOME: 'b'" / "one")
    files = written([folder], tmp_path / "out", "--image", "tensorflow/serving:2.19.1")
    service = yaml.safe_load(files["docker-compose.yml"])["services"]["serving"]
    mounts = {mount["target"]: mount["source"].replace("$$", "$") for mount in service["volumes"]}
    there = {target: (tmp_path / "out" / source).resolve() for target, source in mounts.items()}
    assert there == {"/models/one": folder, "/config": tmp_path / "out"}
    assert str(tmp_path) not in "".join(files.values())  # the folders may be moved to another machine together
    flags = dict(re.fullmatch(r"--(\w+)=?(.*)", argument).groups() for argument in service["command"])
    assert flags.pop("enable_batching") == ""
    for path in flags.values():
        assert path.removeprefix("/config/") in files
    assert service["image"] == "tensorflow/serving:2.19.1" and service["ports"] == ["8500:8500", "8501:8501"]


def test_the_kubernetes_manifest_carries_the_same_files(tmp_path):
    files = written([saved(tmp_path / "served" / "one")], tmp_path / "out")
    config, deployment, service = yaml.safe_load_all(files["kubernetes.yaml"])
    assert [part["kind"] for part in (config, deployment, service)] == ["ConfigMap", "Deployment", "Service"]
    assert config["data"] == {name: files[name] for name in serve_config.FLAGS.values()}
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    compose = yaml.safe_load(files["docker-compose.yml"])["services"]["serving"]
    assert container["args"] == compose["command"] and container["image"] == compose["image"]
    labels = deployment["spec"]["selector"]["matchLabels"]
    assert labels == pod["metadata"]["labels"] == service["spec"]["selector"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["spec"]["volumes"]
    }
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == ports
    assert container["readinessProbe"]["httpGet"] == {"path": "/v1/models/one", "port": "rest"}


def test_clips_of_many_shapes_are_not_batched_and_it_is_said(tmp_path, capsys):
    folders = [saved(tmp_path / "one"), saved(tmp_path / "two", (None, None, None, None, 3))]
    files = written(folders, tmp_path / "out")
    assert "not batched: two leaves frames, height, width open" in capsys.readouterr().err
    command = yaml.safe_load(files["docker-compose.yml"])["services"]["serving"]["command"]
    assert not [argument for argument in command if "batch" in argument]


def test_what_cannot_be_served_is_said(tmp_path, capsys):
    def refused(*folders):
        assert cli.main(["serve-config", *map(str, folders), "-o", str(tmp_path / "out")]) == 1
        assert not (tmp_path / "out").exists()
        return capsys.readouterr().err

    assert "nowhere: no SavedModel in a numbered folder" in refused(tmp_path / "nowhere")
    assert "both called one" in refused(saved(tmp_path / "a" / "one"), saved(tmp_path / "b" / "one"))
    assert "may have letters" in refused(saved(tmp_path / "two words"))


def test_an_export_is_taken_as_it_is_and_a_version_for_its_model(tmp_path):
    from keras_vid.saved_models.export import export

    path = export(small(), tmp_path / "served" / "small", labels=["a", "b", "c"])
    files = written([path], tmp_path / "out")
    assert '"/models/small"' in files["models.config"]
    assert "--enable_batching" in yaml.safe_load(files["docker-compose.yml"])["services"]["serving"]["command"]
