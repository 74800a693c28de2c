"""From a folder of videos to a classifier: through `fit_folder` and `keras-vid train --data`, on tiny videos."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest
from keras_vid.training.small.choose import Choices
from keras_vid.training.small.depths import depths
from keras_vid.training.small.fit import fit_folder, plan_folder
from keras_vid.training.small.judge import Learner, _honest
from keras_vid.training.small.look import Facts, gaps
from keras_vid.training.small.plan import make_plan
from keras_vid.training.small.probe import fit_probe
from tiny_videos import tiny_network, write_clips, write_table

import keras_vid
from keras_vid.cli import main
from keras_vid.inference.predict import softmax
from keras_vid.video import write
from keras_vid.view import view_of


@pytest.fixture(autouse=True)
def kept(tmp_path_factory, monkeypatch):
    """Features of one session of tests are kept together, and not in the user's home."""
    monkeypatch.setenv("KERAS_VID_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_network(tmp_path_factory.mktemp("model") / "tiny.keras")


def fit(data, model, output=None, **choices):
    lines = []
    result = fit_folder(data, output, model=model, say=lines.append, **choices)
    return result, "\n".join(lines)


def test_the_network_that_is_kept_is_the_probe(tmp_path, model):
    """The logits of the run folder's network, on clips, are those of scikit-learn's decision on the features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    data = write_clips(tmp_path / "videos", ["dark"] * 5 + ["grey"] * 5)
    result, said = fit(data, model, tmp_path / "run", mirrored=False)
    assert result.stage == "probe" and "with fewer than 300 clips" in said
    clips = np.stack([result.network.view.read(item.path) for item in result.items])
    lower, upper = (keras_vid.features(keras.models.load_model(model), name) for name in ("low", "high"))
    means = np.concatenate([np.asarray(part(clips)).mean((1, 2, 3)) for part in (lower, upper)], axis=-1)
    labels = np.array([item.label for item in result.items])
    strength = fit_probe(means[:, None], labels, result.groups, 2).strength
    rows = StandardScaler().fit_transform(means)
    expected = LogisticRegression(C=strength, max_iter=5000, tol=1e-6).fit(rows, labels).decision_function(rows)
    network = keras_vid.load_model(tmp_path / "run")
    assert depths(network) == ("low", "high")  # its own head looks at both, and it can be read as any other
    logits = network.predict(clips, verbose=0)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, atol=1e-3)
    label, share = keras_vid.predict(str(tmp_path / "run"), result.items[0].path)[0]
    assert label == "dark" and share == pytest.approx(softmax(logits)[0, 0], abs=1e-3)


def test_the_run_folder_holds_what_other_commands_read(tmp_path, model, capsys):
    data = write_clips(tmp_path / "videos", ["dark"] * 6 + ["grey"] * 6)
    run = tmp_path / "run"
    assert main(["train", "--data", str(data), "--model", model, "-o", str(run), "--control"]) == 0
    table = capsys.readouterr().out
    assert "larger class" in table and "probe of one frozen frame" in table and "kept: probe" in table
    there = {path.name for path in run.iterdir()}
    assert {"args.json", "view.json", "log.csv", "best.keras", "predictions.csv", "report.html"} <= there
    card = (run / "MODEL_CARD.md").read_text()
    assert f"Started from: {model}\n" in card and "Epochs" not in card
    numbers = json.loads((run / "metrics.json").read_text())
    rows = list(csv.DictReader((run / "predictions.csv").read_text().splitlines()))
    right = np.mean([row["label"] == row["predicted"] for row in rows])
    assert len(rows) == 12 and numbers["top1"] == pytest.approx(right)
    low, high = numbers["top1_interval"]
    assert low - 1e-9 <= numbers["top1"] <= high + 1e-9
    assert main(["train", "--data", str(data), "--model", model, "-o", str(run)]) == 1  # it is not written over
    assert "holds a run already" in capsys.readouterr().err
    assert main(["report", str(run)]) == 0
    assert main(["evaluate", str(run)]) == 1  # every clip was learned from
    assert "give --test-data" in capsys.readouterr().err
    others = write_clips(tmp_path / "others", ["dark"] * 3 + ["grey"] * 3, seed=1)
    assert main(["evaluate", str(run), "--test-data", str(others), "--json"]) == 0
    tested = json.loads(capsys.readouterr().out)
    network = keras_vid.load_model(run)
    files = sorted(others.rglob("*.mp4"))
    answers = [keras_vid.predict(network, str(path))[0][0] for path in files]
    assert tested["top1"] == pytest.approx(np.mean([label == path.parent.name for label, path in zip(answers, files)]))


def test_evaluate_shows_the_network_what_it_learned_from(tmp_path, model):
    """At five frames a second, every other one: the logits are those of the view, and other frames give others."""
    data = write_clips(tmp_path / "videos", ["dark"] * 3 + ["grey"] * 3, frames=40)
    result, _ = fit(data, model, tmp_path / "run", fps=5.0, stride=2)
    assert (result.network.view.fps, result.network.view.stride) == (5.0, 2)
    others = write_clips(tmp_path / "others", ["dark"] * 2 + ["grey"] * 2, frames=40, seed=1)
    assert main(["evaluate", str(tmp_path / "run"), "--test-data", str(others)]) == 0
    with np.load(tmp_path / "run" / "predictions.npz") as file:
        paths, scores = file["paths"], file["scores"]
    clips = np.stack([result.network.view.read(str(path)) for path in paths])
    np.testing.assert_allclose(scores, softmax(result.network.predict(clips, verbose=0)), atol=1e-4)
    near = np.stack([dataclasses.replace(result.network.view, stride=1).read(str(path)) for path in paths])
    assert not np.allclose(scores, softmax(result.network.predict(near, verbose=0)), atol=1e-3)


def test_tuned_and_combined_networks_say_what_their_parts_say(tmp_path, model):
    """Both are ordinary networks on clips, and share the frozen layers."""
    from keras_vid.training.small.features import features_of
    from keras_vid.training.small.judge import Learner
    from keras_vid.training.small.probe import probe_network
    from keras_vid.training.small.tune import combined_network, part_logits, tuned_network

    from keras_vid.inference.groups import groups_of

    data = write_clips(tmp_path / "videos", ["dark"] * 4 + ["grey"] * 4)
    plan, dataset, _ = plan_folder(
        data, model=model, stages=("probe", "tune", "combine"), epochs=60, rate=0.01, batch=4
    )
    features = features_of(dataset, plan.network, plan.reading)
    labels = np.array([item.label for item in dataset.items])
    learner = Learner(plan, features, labels, groups_of(dataset.items), dataset.labels)
    probe, tuner = learner.probe(np.arange(8)), learner.tuner()
    first = learner.tune(tuner, np.arange(8)) and tuner.part.get_weights()
    learner.tune(tuner, np.arange(8))
    for one, other in zip(first, tuner.part.get_weights()):  # it starts from the same weights each time
        np.testing.assert_allclose(one, other, atol=1e-6)
    view = plan.reading.view
    clips = np.stack([view.read(item.path) for item in dataset.items])
    logits = part_logits(tuner.part, features, plan.below, np.arange(8))
    assert (logits.argmax(1) == labels).all()
    tuned = tuned_network(plan.network, plan.below, tuner.part, dataset.labels, view)
    np.testing.assert_allclose(tuned.predict(clips, verbose=0), logits, atol=1e-2)
    probed = probe_network(plan.network, plan.reading.depths, probe, dataset.labels, view)
    both = combined_network(plan.network, probed, plan.below, tuner.part, dataset.labels, view)
    both.save(tmp_path / "both.keras")
    answers = keras.models.load_model(tmp_path / "both.keras").predict(clips, verbose=0)
    np.testing.assert_allclose(answers, (logits + probe.logits(features.middle)) / 2, atol=1e-2)
    norm = next(layer for layer in tuner.part.layers if "norm" in layer.name)
    for one, other in zip(norm.get_weights(), plan.network.get_layer("norm").get_weights()):
        assert np.array_equal(one, other)  # BatchNorm is frozen


def test_labels_that_the_weights_know_start_from_their_rows(model):
    from keras_vid.training.small.probe import start_head
    from keras_vid.training.small.tune import Settings, upper_part

    from keras_vid.view import set_view

    network = keras.models.load_model(model)
    set_view(network, labels=("Riding a Bike", "sitting", "running"))
    part = upper_part(network, "low", "high", 2, Settings())
    assert start_head(part, network, ["falling", "riding_a_bike"]) == ["riding_a_bike"]
    kernel, bias = part.layers[-1].get_weights()
    theirs = network.get_layer("logits").get_weights()
    assert np.array_equal(kernel[:, 1], theirs[0][:, 0]) and bias[1] == theirs[1][0]
    assert not kernel[:, 0].any()
    assert start_head(part, network, ["falling", "jumping"]) == []


def test_the_reported_number_chooses_nothing():
    """Whatever the labels of a fold are, its clips are answered by the same stage."""
    rng = np.random.default_rng(0)
    logits = {stage: rng.normal(size=(40, 2)) for stage in ("probe", "tune", "combine")}
    fold, labels = np.arange(40) % 4, rng.integers(2, size=40)
    before = _honest(logits, labels, fold)
    for number in range(4):
        other = labels.copy()
        other[fold == number] = 1 - other[fold == number]
        mine = fold == number
        assert np.array_equal(_honest(logits, other, fold)[mine], before[mine])


def test_groups_are_never_cut_and_a_test_part_is_left_alone(tmp_path, model):
    data = write_clips(tmp_path / "videos", ["dark"] * 8 + ["grey"] * 8)
    rows = [(f"{label}/{i:02d}.mp4", label, f"s{i // 2}") for i, label in enumerate(["dark"] * 8 + ["grey"] * 8)]
    rows = [(*row, "test" if row[2] in ("s0", "s7") else "train") for row in rows]
    table = write_table(data / "clips.csv", rows, ("path", "label", "group", "split"))
    result, _ = fit(table, model)
    assert result.test["clips"] == 4 and len(result.items) == 12
    assert not {item.group for item in result.items} & {"s0", "s7"}
    for group in set(result.groups):
        assert len(set(result.folds[result.groups == group])) == 1


def test_a_test_part_of_sources_that_are_learned_from_is_called_a_leak(tmp_path, model, capsys):
    data = write_clips(tmp_path / "videos", ["dark"] * 4 + ["grey"] * 4)
    rows = [(f"{label}/{i:02d}.mp4", label, f"s{i // 2}") for i, label in enumerate(["dark"] * 4 + ["grey"] * 4)]
    rows = [(*row, "test" if i in (1, 7) else "train") for i, row in enumerate(rows)]
    table = write_table(data / "clips.csv", rows, ("path", "label", "group", "split"))
    assert main(["train", "--data", str(table), "--model", model, "-o", str(tmp_path / "run")]) == 0
    leak = "leak: 2 sources of the test part are learned from, too, such as s0"
    assert leak in capsys.readouterr().out and leak in (tmp_path / "run/report.html").read_text()


def test_a_class_that_is_never_tested_is_named(tmp_path, model):
    data = write_clips(tmp_path / "videos", ["dark"] * 3 + ["grey"])
    _, lines = fit(data, model)
    assert "'grey': all clips come from one source and train in every fold: never tested" in lines


BAD = {
    "one class": (["dark"] * 3, "all clips are of one class, 'dark'"),
    "one video": (["dark"], "all clips are of one class, 'dark'"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_data_that_nothing_can_be_learned_from_costs_one_line(case, tmp_path, model, capsys):
    labels, line = BAD[case]
    data = write_clips(tmp_path / "videos", labels)
    assert main(["train", "--data", str(data), "--model", model, "-o", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert line in error and "Traceback" not in error and not (tmp_path / "run").exists()


def test_a_direction_is_not_learned_from_a_mirror(tmp_path, model, capsys):
    data = write_clips(tmp_path / "videos", ["turn left"] * 2 + ["turn right"] * 2)
    assert main(["train", "--data", str(data), "--model", model, "--mirrored", "-o", str(tmp_path / "run")]) == 1
    assert "--mirrored: 'turn left' names a direction" in capsys.readouterr().err
    assert plan_folder(data, model=model)[0].reading.mirrored is False


def test_mirrored_clips_are_learned_from_where_they_cost_little(model):
    few = Facts(100, {"a": 50, "b": 50}, 40, 60.0, 25.0, (25.0, 25.0), 128.0)
    many = dataclasses.replace(few, clips=10**9)
    for facts, choice, expected in ((few, None, True), (many, None, False), (few, False, False), (many, True, True)):
        assert make_plan(facts, Choices(model=model, mirrored=choice)).reading.mirrored is expected


def test_unreadable_videos_cost_one_line_and_end(tmp_path, model, capsys):
    for label in ("a", "b"):
        for number in range(4):
            path = tmp_path / "videos" / label / f"{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("not a video")
    assert main(["train", "--data", str(tmp_path / "videos"), "--model", model, "-o", str(tmp_path / "run")]) == 1
    assert "none of the 8 clips can be read" in capsys.readouterr().err


def test_few_clips_and_odd_names_train_all_the_same(tmp_path, model):
    """A class of one clip is learned from and never tested; labels with spaces and accents are labels."""
    data = write_clips(tmp_path / "videos", ["à pied", "à pied", "vélo rapide"])
    (data / "à pied" / "broken.mp4").write_text("no video")
    result, said = fit(data, model, tmp_path / "run")
    assert "one clip alone of 'vélo rapide'" in said and "cannot be read" in said
    alone = next(item for item in result.items if "vélo rapide" in item.path)
    assert keras_vid.predict(str(tmp_path / "run"), alone.path)[0][0] == "vélo rapide"
    assert "vélo rapide" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_one_source_a_class_is_trained_and_not_validated(tmp_path, model):
    data = write_clips(tmp_path / "videos", ["dark"] * 2 + ["grey"] * 2)
    rows = [(f"{label}/{i:02d}.mp4", label, label) for i, label in enumerate(["dark"] * 2 + ["grey"] * 2)]
    result, _ = fit(write_table(data / "clips.csv", rows, ("path", "label", "group")), model, tmp_path / "run")
    assert result.judged is None and "not validated" in result.text()
    assert (tmp_path / "run" / "best.keras").is_file() and (tmp_path / "run" / "report.html").is_file()


def test_segments_of_a_long_file_and_its_background(tmp_path, model):
    pictures = np.zeros((120, 32, 40, 3), "uint8")
    rng = np.random.default_rng(0)
    for start, level in ((20, 120), (50, 240), (80, 120)):
        pictures[start : start + 10] = level
    pictures = np.clip(pictures + rng.integers(0, 12, pictures.shape), 0, 255).astype("uint8")
    rows = []
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / name, pictures, 10)
        rows += [(name, label, start, start + 1) for label, start in (("grey", 2), ("white", 5), ("grey", 8))]
    table = write_table(tmp_path / "clips.csv", rows, ("path", "label", "start", "end"))
    result, said = fit(table, model, background=True, folds=2)
    assert result.labels == ["grey", "white", "background"] and "background from between the segments" in said
    rest = [item for item in result.items if item.label == 2]
    for item in rest:
        assert all(item.end <= start or item.start >= end for _, _, start, end in rows[:3])
    assert result.table[-1]["top1"] > 0.9 and len(set(result.groups)) == 2


def test_gaps_are_what_no_segment_touches():
    assert gaps([], 5.0, 2.0) == [(0.0, 2.0), (2.0, 4.0)]
    assert gaps([(1.0, 4.0), (2.0, 3.0)], 9.0, 2.0) == [(4.0, 6.0), (6.0, 8.0)]
    assert gaps([(0.0, 9.0)], 9.0, 2.0) == []


def test_the_plan_says_why_and_does_nothing(tmp_path, model, capsys):
    data = write_clips(tmp_path / "videos", ["dark"] * 2 + ["grey"] * 2)
    assert main(["train", "--data", str(data), "--model", model, "--plan", "-o", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    for word in ("4 clips, 2 classes", "4 frames of 24 x 24", "low + high", "about"):
        assert word in out
    assert not (tmp_path / "run").exists()


def test_the_plan_depends_on_the_data_and_the_time(model):
    many = Facts(1000, {"a": 500, "b": 500}, 400, 60.0, 25.0, (25.0, 25.0), 128.0)
    few = Facts(100, {"a": 50, "b": 50}, 40, 60.0, 25.0, (25.0, 25.0), 128.0)
    assert make_plan(few, Choices(model=model)).stages == ("probe",)
    assert make_plan(many, Choices(model=model, time_limit=1e6)).stages == ("probe", "tune", "combine")
    assert make_plan(many, Choices(model=model, time_limit=1e-3)).stages == ("probe",)
    assert make_plan(many, Choices(model=model, stages=("tune",))).reading.map == "low"
    longer = make_plan(few, Choices(model=model, control=True)).seconds
    assert longer > 0 and make_plan(many, Choices(model=model)).seconds > 0


def test_short_clips_are_read_at_their_own_rate(tmp_path):
    """Videos of six frames, ten a second, for a network of four frames: at five a second there would be three."""
    data, path = write_clips(tmp_path / "videos", ["dark"] * 2 + ["grey"] * 2), tiny_network(tmp_path / "a.keras")
    view = view_of(keras.models.load_model(path))
    for rate, used in ((8.0, 8.0), (5.0, None)):
        dataclasses.replace(view, fps=rate).save(tmp_path)
        assert plan_folder(data, model=path)[0].reading.view.fps == used
    plan = plan_folder(data, model=path, fps=5.0)[0]
    assert plan.reading.view.fps == 5.0 and "5 a second" in plan.text()


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--stages", "prob"], "--stages are of probe, tune, combine, not prob"),
        (["--stages", "combine"], "it wants probe,tune,combine"),
        (["--freeze", "nowhere", "--stages", "probe,tune"], "cannot be frozen up to 'nowhere'"),
        (["--model", "i3dd"], "--model i3dd: no network of this name"),
        (["--val-data", "x"], "--val-data: only with a recipe"),
    ],
)
def test_wrong_flags_cost_one_line(flags, line, tmp_path, model, capsys):
    data = write_clips(tmp_path / "videos", ["dark"] * 2 + ["grey"] * 2)
    flags = flags if "--model" in flags else ["--model", model, *flags]
    assert main(["train", "--data", str(data), *flags, "-o", str(tmp_path / "run")]) in (1, 2)
    error = capsys.readouterr().err
    assert line in error and "Traceback" not in error


def test_a_stop_says_that_the_same_command_goes_on(tmp_path, model, monkeypatch, capsys):
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_vid.training.small.fit.features_of", stop)
    data = write_clips(tmp_path / "videos", ["dark"] * 2 + ["grey"] * 2)
    assert main(["train", "--data", str(data), "--model", model, "-o", str(tmp_path / "run")]) == 130
    assert "the same command goes on with it" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_embed_writes_features_and_finds_the_like(tmp_path, model, capsys):
    data = write_clips(tmp_path / "videos", ["dark"] * 3 + ["grey"] * 3)
    out, events = tmp_path / "out.npz", tmp_path / "events"
    command = ["embed", str(data), "--model", model]
    assert main([*command, "-o", str(out), "--projector", str(events)]) == 0
    with np.load(out, allow_pickle=False) as file:
        assert file["features"].shape == (6, 16) and list(file["labels"]) == ["dark"] * 3 + ["grey"] * 3
    assert len((events / "features.tsv").read_text().splitlines()) == 6
    assert len((events / "clips.tsv").read_text().splitlines()) == 7
    assert 'sprite { image_path: "sprites.png"' in (events / "projector_config.pbtxt").read_text()
    capsys.readouterr()
    asked = data / "grey" / "04.mp4"
    assert main([*command, "--like", str(asked), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["path"] == str(asked) and rows[0]["similarity"] == pytest.approx(1, abs=1e-3)
    assert [row["label"] for row in rows[:3]] == ["grey"] * 3
    assert main([*command, "--like", str(tmp_path / "none.mp4")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_a_variant_that_is_a_copy_changes_no_probe():
    """Mirrored clips are further views of a clip, not further clips: they share its weight."""
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 2
    vectors = rng.normal(size=(20, 1, 4)) + labels[:, None, None]
    once, twice = (fit_probe(v, labels, np.arange(20), 2, strength=0.1) for v in (vectors, vectors.repeat(2, axis=1)))
    np.testing.assert_allclose(twice.kernel, once.kernel, rtol=1e-3)
    other = fit_probe(vectors, labels, np.arange(20), 2, strength=0.2)
    assert np.abs(other.kernel - once.kernel).max() > 0.1 * np.abs(once.kernel).max()  # twice the weight would show


def test_the_control_is_tested_on_sources_that_it_did_not_learn(tmp_path, model):
    """Labels without meaning: of clips that it has seen a probe of sixteen channels would know most by heart."""
    data = write_clips(tmp_path / "videos", ["dark"] * 16)
    table = write_table(data / "clips.csv", [(f"dark/{i:02d}.mp4", "ab"[i % 2]) for i in range(16)], ("path", "label"))
    result, _ = fit(table, model, control=True)
    assert result.table[-1]["stage"] == "probe of one frozen frame" and result.table[-1]["top1"] < 0.8


def test_the_final_network_is_tuned_as_long_as_the_folds_found_best(tmp_path, model, monkeypatch):
    data, settings = write_clips(tmp_path / "videos", ["dark"] * 6 + ["grey"] * 6), []
    make = Learner.tuner
    monkeypatch.setattr(Learner, "tuner", lambda self, chosen=None: settings.append(chosen) or make(self, chosen))
    choices = {"stages": ("tune",), "epochs": 9, "patience": 1, "rate": 0.05, "folds": 3, "batch": 4}
    result, _ = fit(data, model, **choices)
    assert settings[0] is None and len(result.judged.epochs) == 3
    assert (settings[1].epochs, settings[1].patience) == (int(np.median(result.judged.epochs)), 0)
    assert settings[1].epochs < 9
