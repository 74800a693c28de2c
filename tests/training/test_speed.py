import json

import pytest

pytest.importorskip("tensorflow")

from keras_vid.training.data.load import load_dataset
from keras_vid.training.data.prepare import prepare

from keras_vid.cli import main
from keras_vid.video import synthetic

TINY = ["--frames", "4", "--size", "32", "-b", "2", "--steps", "2", "--json"]


@pytest.mark.slow
def test_bench_input(tmp_path, capsys):
    synthetic.write_dataset(tmp_path / "in", clips=2, frames=8, size=40, classes=synthetic.CLASSES[:2])
    prepare(load_dataset("folder", tmp_path / "in"), tmp_path / "out", short=40, workers=1)
    assert main(["bench", "input", "folder", str(tmp_path / "in"), "--model", "s3d", *TINY]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["input_clips_per_second"] > 0 and numbers["bottleneck"].split(",")[0] in ("input", "step")
    assert main(["bench", "input", "prepared", str(tmp_path / "out"), "--sample", "segments", *TINY]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"input_clips_per_second"}
