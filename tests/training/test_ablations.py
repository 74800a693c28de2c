"""The papers' tables: each row is a network that builds and trains, and the command writes what it reached."""

import base64
import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import keras
from keras_vid.training.ablations.report import cells, write_tables
from keras_vid.training.ablations.run import row_recipe, train_row
from keras_vid.training.ablations.tables import TABLES
from keras_vid.training.evaluation.metrics import summary
from keras_vid.training.recipes import RECIPES
from keras_vid.training.run.folder import RunFolder
from keras_vid.training.run.start import build, with_all_options
from keras_vid.training.run.train import Options
from PIL import Image

from keras_vid.cli import main
from keras_vid.explain.macs import macs, parameters
from keras_vid.models.create import network_options
from keras_vid.video import synthetic

ROWS = [(name, row) for name, table in TABLES.items() for row in table.rows]
NAMES = [f"{name}, {row.name}" for name, row in ROWS]


@pytest.mark.parametrize(("name", "row"), ROWS, ids=NAMES)
def test_every_row_has_a_recipe_of_the_paper_and_options_of_its_network(name, row):
    table = TABLES[name]
    for dataset, backbone in ((table.dataset, None), ("synthetic", None), ("folder", "resnet14")):
        chosen = row_recipe(table, row, dataset, backbone)
        assert set(chosen.options) <= set(network_options(chosen.model))
    paper = row_recipe(table, row, table.dataset)
    sources = [row for row in RECIPES.values() if row.dataset == table.dataset and row.model.startswith(table.main)]
    assert (paper.lr, paper.length, paper.paper_batch) in {(r.lr, r.length, r.paper_batch) for r in sources}


@pytest.mark.zoo
@pytest.mark.parametrize(("name", "row"), ROWS, ids=NAMES)
def test_every_row_trains_a_step(name, row):
    chosen = row_recipe(TABLES[name], row, "synthetic", size=32, short=36)
    network, _ = build(chosen, ["a", "b"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(0.01), loss, run_eagerly=True)  # a graph takes far longer than a step
    before = [weight.numpy().copy() for weight in network.trainable_weights]
    clips = np.random.default_rng(0).integers(0, 256, (2, chosen.frames, 32, 32, 3), np.uint8)
    loss = network.train_on_batch(clips, np.array([0, 1]))
    assert np.isfinite(loss)
    moved = [not np.array_equal(old, new) for old, new in zip(before, network.trainable_weights)]
    assert np.mean(moved) > 0.5
    keras.backend.clear_session()


@pytest.mark.zoo
@pytest.mark.parametrize("name", ["stm/table8", "sth/table7"])
def test_counts_of_the_papers(name):
    """At full size, where our counts are known to be the papers'."""
    table = TABLES[name]
    for row in table.rows:
        network, _ = build(row_recipe(table, row, table.dataset), [str(i) for i in range(174)])
        assert parameters(network) / 1e6 == pytest.approx(row.paper["parameters"], abs=0.06)
        assert macs(network, convention="conv_bn") / 1e9 == pytest.approx(row.paper["macs"], abs=0.4)


def test_a_table_by_hand():
    table = TABLES["s3d/table1"]
    seeds = [{"top1": t, "reverse": 0.25, "parameters": 1_500_000, "macs": 2 * 10**9} for t in (0.5, 0.75)]
    head, rows = cells(table, [(row, seeds) for row in table.rows])
    assert head[3:] == ["top-1", "top-1, frames backwards", "top-1 in the paper", "backwards in the paper"]
    assert rows[0] == ["I3D", "1.50M", "2.00G", "62.5 % (50.0 to 75.0)", "25.0 % (25.0 to 25.0)", "45.8 %", "15.2 %"]


def test_a_figure_is_drawn(tmp_path):
    table = TABLES["s3d/figure4"]
    one = {"top5": None, "parameters": 10**7, "clips": 80, "protocol": "one clip"}
    results = [(row, [{**one, "top1": 0.5, "macs": (i + 1) * 10**9}]) for i, row in enumerate(table.rows)]
    write_tables(table, results, tmp_path, "keras-vid ablate s3d/figure4")
    with Image.open(tmp_path / "figure.png") as picture:
        assert picture.size == (840, 540) and len(picture.convert("RGB").getcolors(10**6)) > 3
    encoded = base64.b64encode((tmp_path / "figure.png").read_bytes()).decode()
    assert encoded in (tmp_path / "table.html").read_text()


def test_wrong_names_are_told_in_a_line(capsys, tmp_path):
    assert main(["ablate", "--list"]) == 0
    assert "stm/table5" in capsys.readouterr().out
    for flags, code, said in (
        (["stm/table55"], 1, "stm/table5"),
        ([], 2, "--list"),
        (["stm/table5", "--rows", "nothing", "--data", str(tmp_path)], 1, "CSTM"),
        (["stm/table5", "--backbone", "vgg16", "--data", str(tmp_path)], 1, "--backbone"),
    ):
        assert main(["ablate", *flags, "-o", str(tmp_path / "out")]) == code
        assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
def test_a_table_is_trained_once_and_goes_on(tmp_path, monkeypatch, capsys):
    """Two rows of a figure on the synthetic set, which is made for it; started again it adds a seed, and no more."""
    flags = ["stm/table8", "-o", str(tmp_path), "--clips", "2", "--pixels", "32", "--size", "24", "--short", "24"]
    flags += ["--epochs", "1", "-b", "8", "--frames", "4", "--rows", "channel*", "--backbone", "resnet14"]
    monkeypatch.chdir(tmp_path)
    assert main(["ablate", *flags, "-o", "."]) == 0  # the same folder by another name
    run = tmp_path / "channel_wise/seed0"
    first = (run / "ablation.json").read_text()
    numbers = json.loads(first)
    said = capsys.readouterr().out
    assert f"{100 * numbers['top1']:.1f} %" in said and "47.7 %" in said and "32.93G" in said
    assert numbers["clips"] == len(synthetic.CLASSES) and "--clips 2" in said
    assert json.loads((run / "args.json").read_text())["recipe"]["options"] == {"modules": ["cstm"]}
    (run / "last.keras").unlink()
    assert main(["ablate", *flags, "--seeds", "2"]) == 0
    assert (run / "ablation.json").read_text() == first and not (run / "last.keras").exists()
    assert json.loads((tmp_path / "channel_wise/seed1/args.json").read_text())["seed"] == 1
    assert " to " in (tmp_path / "table.html").read_text() and "2 seeds a row" in (tmp_path / "table.md").read_text()
    # the same folder with other settings, and a row of an earlier call
    for more, said in ((["--epochs", "2"], "length was 1.0, now 2.0"), (["--clips", "3"], "the same --clips")):
        assert main(["ablate", *flags, *more]) == 1
        assert said in capsys.readouterr().err.splitlines()[-1]
    shutil.copytree(tmp_path / "channel_wise", tmp_path / "ordinary")
    settings = json.loads((tmp_path / "ordinary/seed0/args.json").read_text())
    settings["recipe"]["options"] = {"modules": ["cstm"], "ordinary": True}
    (tmp_path / "ordinary/seed0/args.json").write_text(json.dumps(settings))
    assert main(["ablate", *flags]) == 0
    assert [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if "M |" in line] == [
        "channel-wise",
        "ordinary",
    ]


def test_rows_in_the_other_order_than_in_the_paper_are_named(tmp_path):
    """In the paper TSN 19.7, CSTM 47.7, CMM 44.1; here CMM is best, and TSN worst as there."""
    rows = TABLES["stm/table5"].rows[:3]
    one = {"top5": None, "parameters": 10**7, "macs": 10**9, "clips": 80, "protocol": "one clip"}
    results = [(row, [{**one, "top1": top}]) for row, top in zip(rows, (0.2, 0.5, 0.6))]
    said = write_tables(TABLES["stm/table5"], results, tmp_path, "keras-vid ablate stm/table5")
    assert "In the other order than in the paper: CSTM and CMM." in said
    results[2][1][0]["top1"] = 0.4
    assert "other order" not in write_tables(TABLES["stm/table5"], results, tmp_path, "keras-vid ablate stm/table5")


def test_frames_backwards_have_a_number_of_their_own(tmp_path):
    """A row that is trained and tested, of which only the numbers have to be put together."""
    table = replace(TABLES["stm/table5"], reverse=True)
    chosen = row_recipe(table, table.rows[0], "synthetic", size=32, short=36, frames=4)
    settings = {"recipe": asdict(with_all_options(chosen)), "labels": ["a", "b"], "data": "there"}
    network, _ = build(chosen, ["a", "b"])
    RunFolder(tmp_path).write_settings(settings, network)
    network.save(tmp_path / "best.keras")
    for name, right in (("metrics", 3), ("metrics_reverse", 1)):
        scores = np.eye(2)[[0] * right + [1] * (4 - right)]
        tested = summary(scores, np.zeros(4, int)) | {"protocol": "one clip", "unreadable": 0}
        (tmp_path / f"{name}.json").write_text(json.dumps(tested))
    numbers = train_row(table, chosen, Options(data="there"), tmp_path)
    assert (numbers["top1"], numbers["reverse"]) == (0.75, 0.25)


def test_a_table_changes_the_recipe_where_the_paper_says_so():
    """STH's Table 6 has two clips and three crops a video, StNet's Table 2 is tested as it trains; both on the paper's
    data alone. A super-image of one frame leaves 7 of StNet's 35 frames."""
    sth, stnet = TABLES["sth/table6"], TABLES["stnet/table2"]
    looks = [(row.views, row.crops) for row in (row_recipe(sth, sth.rows[1], d) for d in ("something_v1", "synthetic"))]
    assert looks == [(2, 3), (1, 1)]
    single, images = (row_recipe(stnet, row, "kinetics600") for row in stnet.rows[:2])
    assert (single.frames, single.neighbours, images.frames, images.neighbours) == (7, 1, 35, 5)
    assert images.test_frames is None and images.test_size is None
    assert row_recipe(stnet, stnet.rows[0], "kinetics600", frames=15).frames == 3
