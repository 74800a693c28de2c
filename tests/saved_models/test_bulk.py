"""A list of videos to rows: all of them, once, in order, whatever is bad or killed on the way."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from keras_vid.saved_models.predictor import open_predictor
from keras_vid.saved_models.serving import bulk
from keras_vid.saved_models.serving.bulk import predict_all
from small_network import small

import keras_vid
from keras_vid import cli, video

ROOT = Path(__file__).parents[2]
BAD = (2, 5)


@pytest.fixture(scope="module")
def network():
    return small()


@pytest.fixture(scope="module")
def model_file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    network.save(path)
    return str(path)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Eight videos of odd names, two of which are none, and the first of them once more."""
    folder = tmp_path_factory.mktemp("videos")
    names = [f"clip {i}, ü\u2028.mp4" for i in range(8)]
    for i, name in enumerate(names):
        frames = np.random.default_rng(i).integers(0, 256, (12, 40, 48, 3)).astype("uint8")
        video.write(folder / name, frames)
    (folder / names[BAD[0]]).write_bytes(b"no video" * 30)
    (folder / names[BAD[1]]).unlink()
    path = folder / "list.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *((name, "x") for name in names), (names[0], "y")])
    return path


def videos(manifest):
    return [name for _, name in bulk.rows(manifest)]


def settings(model_file, **more):
    return {"source": model_file, "top": 3, **more}


def read_output(output):
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").split("\n") if line]
    with open(bulk.skipped_file(output), newline="", encoding="utf-8") as file:
        return rows, list(csv.reader(file))[1:]


@pytest.fixture(scope="module")
def whole(manifest, model_file, tmp_path_factory):
    output = tmp_path_factory.mktemp("whole") / "predictions.jsonl"
    assert predict_all(manifest, output, settings(model_file)) == (9, 2)
    return output


def same(output, whole):
    files = [(path, bulk.skipped_file(path)) for path in (output, whole)]
    return all(a.read_bytes() == b.read_bytes() for a, b in zip(*files))


def test_every_video_has_the_row_of_predict(whole, manifest, network):
    rows, skipped = read_output(whole)
    names = videos(manifest)
    assert [row["video"] for row in rows] == [name for i, name in enumerate(names) if i not in BAD]
    assert [name for name, _ in skipped] == [names[i] for i in BAD]
    assert "not a readable video" in skipped[0][1] and "no such file" in skipped[1][1]
    for row in rows[:2]:
        expected = keras_vid.predict(network, manifest.parent / row["video"])
        assert {a["label"]: a["probability"] for a in row["labels"]} == pytest.approx(dict(expected), abs=1e-5)


def test_again_does_nothing_and_otherwise_is_refused(whole, manifest, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr(bulk, "open_predictor", None)  # nothing is even loaded
    before = whole.stat().st_mtime_ns
    assert predict_all(manifest, whole, settings(model_file)) == (9, 2)
    assert whole.stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="frames None instead of 8|top 3 instead of 1"):
        predict_all(manifest, whole, settings(model_file, top=1))
    other = tmp_path / "list.csv"
    other.write_text("one.mp4\n" + manifest.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")
    with pytest.raises(ValueError, match="was written from another list"):
        predict_all(other, whole, settings(model_file))


@pytest.mark.parametrize("done", [0, 1, 2, 5, 8])
def test_a_torn_line_is_written_anew(whole, manifest, model_file, tmp_path, done):
    """Killed within the row after so many: half of it is in the one file or in the other."""
    output, bad = tmp_path / "predictions.jsonl", sum(i < done for i in BAD)
    good = whole.read_bytes().splitlines(keepends=True)
    skips = bulk.skipped_file(whole).read_bytes().splitlines(keepends=True)
    good[done - bad] = good[done - bad][:9] if done not in BAD else b""
    skips[1:] = [*skips[1 : 1 + bad], skips[1 + bad][:9] if done in BAD else b""]
    output.write_bytes(b"".join(good[: done - bad + 1]))
    bulk.skipped_file(output).write_bytes(b"".join(skips) if done else b"path,rea")
    predict_all(manifest, output, settings(model_file))
    assert same(output, whole)


@pytest.mark.slow
def test_killed_work_goes_on_without_a_lost_or_double_row(manifest, model_file, tmp_path):
    """Kill -9 as soon as a few more rows are there, twice; then let it finish."""
    names = videos(manifest) * 40
    for name in set(names) - {names[BAD[1]]}:
        (tmp_path / name).symlink_to(manifest.parent / name)
    long, output, expected = tmp_path / "list.csv", tmp_path / "cut.jsonl", tmp_path / "whole.jsonl"
    with open(long, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([name] for name in names)
    predict_all(long, expected, settings(model_file))
    command = [sys.executable, "-m", "keras_vid.cli", "predict", str(long), "-o", str(output)]
    for _ in range(2):
        before = lines(output)
        process = subprocess.Popen(
            [*command, "--model", model_file, "--top", "3"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and lines(output) < before + 5:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert before + 5 <= lines(output) < lines(expected)
    plan = output.with_suffix(".plan.json")
    assert predict_all(long, output, planned(plan)) == (360, 80)
    assert same(output, expected)


def planned(plan):
    """The settings that the command wrote down."""
    return {key: value for key, value in json.loads(plan.read_text()).items() if key != "manifest"}


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_the_command(manifest, model_file, whole, tmp_path, capsys):
    output = tmp_path / "predictions.jsonl"
    command = ["predict", str(manifest), "--model", model_file, "--top", "3"]
    assert cli.main([*command, "-o", str(output)]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == f"{output}: 7 videos; 2 could not be read, see {tmp_path / 'predictions.skipped.csv'}"
    assert "\r" not in err and same(output, whole)
    for code, wrong, words in (
        (2, [*command, "--runner", "DirectRunner"], "give -o FILE.jsonl"),
        (2, [*command, "-o", str(tmp_path / "x.csv")], "--csv writes a table"),
        (1, [*command, "-o", str(tmp_path / "x.jsonl"), "--frames", "3"], "takes 4 frames of a video, not 3"),
        (1, ["predict", str(tmp_path / "no.csv"), "-o", str(tmp_path / "y.jsonl"), *command[2:]], "no.csv"),
    ):
        assert cli.main(wrong) == code
        assert words in capsys.readouterr().err


def test_a_folder_is_a_list_too_and_nothing_readable_is_a_failure(manifest, model_file, tmp_path, capsys):
    output = tmp_path / "folder.jsonl"
    assert cli.main(["predict", str(manifest.parent), "--model", model_file, "-o", str(output)]) == 0
    rows, skipped = read_output(output)
    assert len(rows) == 6 and len(skipped) == 1  # one of the eight is missing
    (tmp_path / "text.mp4").write_bytes(b"not a video" * 30)
    (tmp_path / "bad.csv").write_text("label,path\nx,text.mp4\n")
    capsys.readouterr()
    assert cli.main(["predict", str(tmp_path / "bad.csv"), "--model", model_file, "-o", str(tmp_path / "b.jsonl")]) == 1
    assert "no video could be read" in capsys.readouterr().err


def test_memory_is_that_of_the_clips_decoded_ahead(model_file, tmp_path, monkeypatch):
    """A list of thousands is never held, nor more clips than threads and one."""
    manifest, held, most = tmp_path / "list.csv", [0], [0]
    manifest.write_text("".join(f"clip {i}.mp4\n" for i in range(3000)))

    class Clip:
        def __init__(self):
            held[0] += 1
            most[0] = max(most[0], held[0])

        def __del__(self):
            held[0] -= 1

    steps = (lambda video: (Clip(), None), lambda clip, video: [("x", 1.0)])
    monkeypatch.setattr(bulk, "_two_steps", lambda **_: steps)
    assert predict_all(manifest, tmp_path / "out.jsonl", {}, workers=2) == (3000, 0)
    assert most[0] <= 6


def test_a_saved_model_answers_as_its_network(network, manifest, tmp_path):
    pytest.importorskip("tensorflow")
    from keras_vid.saved_models.export import export

    export(network, tmp_path / "small", labels=["run", "jump", "fall"])
    predictor = open_predictor(str(tmp_path / "small"))
    path = str(manifest.parent / videos(manifest)[0])
    expected = keras_vid.predict(network, path, labels=["run", "jump", "fall"])
    assert dict(predictor.label(predictor.read(path), path, top=3)) == pytest.approx(dict(expected), abs=1e-4)
    with pytest.raises(ValueError, match="labels of its own"):
        open_predictor(str(tmp_path / "small"), labels=["a", "b", "c"])


@pytest.mark.slow
def test_beam_writes_the_same_rows(whole, manifest, model_file, tmp_path, monkeypatch):
    pytest.importorskip("apache_beam")
    output = tmp_path / "predictions.jsonl"
    assert predict_all(manifest, output, settings(model_file), workers=2, runner="DirectRunner") == (9, 2)
    assert same(output, whole) and not output.with_suffix(".parts").exists()


def test_chunks_of_a_beam_run_go_on_where_it_was_killed(whole, manifest, model_file, tmp_path, monkeypatch):
    """The tasks in this process in place of Beam's: killed after one, then the rest."""
    output = tmp_path / "predictions.jsonl"
    monkeypatch.setattr(bulk, "CHUNK", 2)
    done = []

    def run(function, tasks, runner, workers, stop=9):
        for number, offset in tasks[:stop]:
            done.append(number)
            function((number, offset))
        if len(tasks) > stop:
            raise KeyboardInterrupt

    monkeypatch.setattr(bulk, "on_beam", lambda *args: run(*args, stop=3))
    with pytest.raises(KeyboardInterrupt):
        predict_all(manifest, output, settings(model_file), runner="here")
    assert done == [0, 1, 2] and not output.exists()
    monkeypatch.setattr(bulk, "on_beam", run)
    assert predict_all(manifest, output, settings(model_file), runner="here") == (9, 2)
    assert done == [0, 1, 2, 3, 4] and same(output, whole)
