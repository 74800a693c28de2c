import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_vid.training.data import augment
from keras_vid.training.data.datasets import Item
from keras_vid.training.data.load import load_dataset
from keras_vid.training.data.pipeline import span
from keras_vid.training.data.prepare import check, prepare
from keras_vid.training.data.records import decode, dense, records, segments
from keras_vid.training.data.shards import encode

from keras_vid.cli import main
from keras_vid.video import frame_rate, read, sample, synthetic

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic.write_dataset(folder, clips=4, frames=8, size=40, classes=synthetic.CLASSES[:3])
    return folder


@pytest.fixture(scope="module")
def prepared(videos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    prepare(load_dataset("folder", videos), folder, short=32, shards=5, workers=1)
    return folder


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


def test_a_record_holds_the_clip(videos):
    item = load_dataset("folder", videos).items[5]
    example, frames = encode(item, "walking_left", short=32)
    clip, label = decode(example, lambda count, seed: tf.range(count))
    assert frames == 8 and clip.shape == (8, 32, 32, 3) and label == item.label
    assert np.abs(clip.numpy().astype(int) - read(item.path, size=32)).mean() < 4  # JPEG


def test_manifest_and_checksums(prepared, videos):
    manifest = json.loads((prepared / "manifest.json").read_text())
    assert (manifest["clips"], manifest["frames"], manifest["skipped"]) == (12, 96, 0)
    assert manifest["labels"] == load_dataset("folder", videos).labels == (prepared / "labels.txt").read_text().split()
    assert check(prepared) == []
    sums = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=prepared)
    assert sums.returncode == 0


def test_clips_are_written_as_short_videos(videos, tmp_path):
    dataset = load_dataset("folder", videos)
    dataset.labels.reverse()  # an order that is not the alphabet's
    dataset.items = [item._replace(label=2 - item.label) for item in dataset.items]
    dataset.items[0] = dataset.items[0]._replace(start=0.25, end=0.5)
    manifest = prepare(dataset, tmp_path, form="clips", short=32, shards=5, workers=1)
    assert (manifest["clips"], manifest["frames"]) == (12, 11 * 8 + 3) and check(tmp_path) == []
    again = load_dataset("csv", tmp_path / "list.csv")
    assert again.labels == dataset.labels and again.skipped == []
    one = {int(Path(item.path).name[:6]): item for item in again.items}
    assert [one[i].label for i in range(12)] == [item.label for item in dataset.items]
    clip = read(one[5].path)
    assert clip.shape == (8, 32, 32, 3) and frame_rate(one[5].path) == frame_rate(dataset.items[5].path) == 12
    assert np.abs(clip.astype(int) - read(dataset.items[5].path, size=32)).mean() < 4
    before = content(tmp_path)
    victim = next(tmp_path.rglob("000005_*.mp4"))
    victim.unlink()
    prepare(dataset, tmp_path, form="clips", short=32, shards=5, workers=1)
    assert content(tmp_path) == before
    with pytest.raises(ValueError, match="MP4 clips, not records"):
        records(tmp_path, choose, small)
    with pytest.raises(ValueError, match="form 'clips' instead of 'frames'"):
        prepare(dataset, tmp_path, short=32, shards=5)


def test_damage_is_found_and_mended(videos, tmp_path):
    dataset = load_dataset("folder", videos)
    prepare(dataset, tmp_path, short=24, shards=3, workers=1)
    before = content(tmp_path)
    victim = tmp_path / "clips-00001-of-00003.tfrecord"
    victim.write_bytes(victim.read_bytes()[:-1])
    assert check(tmp_path) == [victim.name]
    prepare(dataset, tmp_path, short=24, shards=3, workers=1)
    assert content(tmp_path) == before


def test_again_does_nothing_and_otherwise_is_refused(prepared, videos):
    before = {p: p.stat().st_mtime_ns for p in prepared.glob("*.tfrecord")}
    prepare(load_dataset("folder", videos), prepared, short=32, shards=5, workers=1)
    assert before == {p: p.stat().st_mtime_ns for p in prepared.glob("*.tfrecord")}
    with pytest.raises(ValueError, match="short 32 instead of 48"):
        prepare(load_dataset("folder", videos), prepared, short=48, shards=5)


def test_unreadable_videos_are_listed(videos, tmp_path):
    dataset = load_dataset("folder", videos)
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"nothing" * 50)
    dataset.items.append(Item(str(bad), 0))
    manifest = prepare(dataset, tmp_path / "out", short=24, shards=2, workers=1)
    assert (manifest["clips"], manifest["skipped"]) == (12, 1)
    assert (tmp_path / "out/skipped.csv").read_text().splitlines()[1].startswith(str(bad))


def command(videos, folder, *more):
    options = ["--size", "32", "--shards", "5", *more]
    return ["prepare", "folder", str(videos), "-o", str(folder), *options]


def kill_and_resume(args, folder, kills, seed, longest):
    """Kill -9 the command and its processes at random moments, then let it finish."""
    rng, killed = np.random.default_rng(seed), 0
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", "keras_vid.cli", *args]
    for _ in range(kills):
        process = subprocess.Popen(run, env=env, start_new_session=True, stderr=subprocess.DEVNULL, stdout=-3)
        time.sleep(rng.uniform(0.5, longest))
        killed += process.poll() is None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    assert subprocess.run(run, env=env, capture_output=True).returncode == 0
    return killed


@pytest.mark.slow
def test_killed_and_resumed_gives_the_same_bytes(prepared, videos, tmp_path):
    args = command(videos, tmp_path, "-j", "2")
    kill_and_resume(args, tmp_path, kills=3, seed=0, longest=6)
    left = {name: data for name, data in content(tmp_path).items() if not name.endswith(".part")}
    assert left == content(prepared)


def test_the_command(videos, tmp_path, capsys):
    assert main(command(videos, tmp_path / "out", "-j", "1", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 12
    assert main(["prepare", "folder", str(tmp_path / "none"), "-o", str(tmp_path)]) == 1
    assert "no such file" in capsys.readouterr().err


def test_graph_sampling_is_the_samplers():
    for count in (1, 3, 7, 8, 64, 100):
        for frames in (1, 4, 8):
            assert list(dense(count, frames, 2)) == sample.dense(count, frames, 2)
            assert list(segments(count, frames)) == sample.segments(count, frames)
            drawn = segments(count, frames, [1, 2]).numpy()
            part = count // frames
            assert all(i * part <= value < max((i + 1) * part, 1) for i, value in enumerate(drawn))
            assert dense(count, frames, 1, [3, 4]).numpy().max() < count


def small(clip, label, seed):
    return augment.random_crop(clip, 24, seed), label


def choose(count, seed):
    return dense(count, 4, 1, seed)


def test_records_resume_and_are_seeded(prepared):
    def take(count, **options):
        return [
            (clip.numpy(), label.numpy()) for clip, label in records(prepared, choose, small, 4, **options).take(count)
        ]

    def same(one, other):
        return all((a == c).all() and (b == d).all() for (a, b), (c, d) in zip(one, other, strict=True))

    one = take(7, seed=1)
    assert same(one, take(7, seed=1)) and not same(one, take(7, seed=2)) and not same(one[:3], one[3:6])
    assert same(one[2:], take(5, seed=1, start_step=2)) and same(one[4:], take(3, seed=1, start_step=4))
    for epoch in range(2):
        labels = np.concatenate([label for _, label in one[3 * epoch : 3 * epoch + 3]])
        assert sorted(labels) == [0] * 4 + [1] * 4 + [2] * 4
    tested = list(records(prepared, choose, small, 5, training=False))
    assert [len(label) for _, label in tested] == [5, 5, 2]
    halves = [
        np.concatenate([label for _, label in records(prepared, choose, small, 5, training=False, shard=(i, 2))])
        for i in (0, 1)
    ]
    assert sorted(np.concatenate(halves)) == [0] * 4 + [1] * 4 + [2] * 4


def first_four(count, seed):
    return tf.range(4)


def names(prepared, steps, batch=2, **options):
    """Which clips a worker sees, a list of bytes a step: the pixels of their first four frames."""
    data = records(prepared, first_four, lambda clip, label, seed: (clip, label), batch, **options)
    return [[one.tobytes() for one in clip.numpy()] for clip, _ in data.take(steps)]


@pytest.mark.parametrize("shard", [(0, 1), (0, 2), (1, 2), (2, 3)])
def test_records_resume_in_every_worker(prepared, shard):
    whole = names(prepared, 9, seed=1, shard=shard)
    for step in range(1, 7):
        assert names(prepared, 2, seed=1, shard=shard, start_step=step) == whole[step : step + 2], step


def test_workers_read_an_epoch_of_records_together(prepared):
    parts = [names(prepared, 3, seed=1, shard=(i, 2)) for i in range(2)]
    seen = [name for part in parts for batch in part for name in batch]
    assert len(set(seen)) == len(seen) == 12


def test_files_of_records_are_shuffled(prepared):
    """Without a buffer of clips the order is that of the files: another with every seed and in every epoch."""
    orders = [names(prepared, 12, batch=1, seed=seed, buffer=1) for seed in range(4)]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert any(order != orders[0] for order in orders[1:])
    two = names(prepared, 24, batch=1, seed=0, buffer=1)
    assert two[:12] == orders[0] and sorted(two[12:]) == sorted(two[:12])
    assert any(names(prepared, 24, batch=1, seed=seed, buffer=1)[12:] != orders[seed] for seed in range(4))


def test_no_two_records_share_a_draw(prepared):
    """Of augmentation and of frames, whatever worker and step."""

    def draws(shard):
        seeds = []

        def choosing(count, seed):
            seeds.append(seed)
            return tf.range(4)

        data = records(prepared, choosing, lambda clip, label, seed: (seed, seeds[-1]), 2, seed=1, shard=shard)
        return [tuple(row) for batch in data.take(6) for part in batch for row in part.numpy().tolist()]

    found = draws((0, 2)) + draws((1, 2))
    assert len(set(found)) == len(found) == 2 * 2 * 12


def test_clips_are_mixed_over_the_shards(videos, tmp_path):
    """Each file holds clips of several labels, in an order of the seed."""

    def first(count, seed):
        return tf.range(1)

    held = []
    for seed in range(2):
        prepare(load_dataset("folder", videos), tmp_path / str(seed), short=24, shards=3, workers=1, seed=seed)
        files = sorted((tmp_path / str(seed)).glob("*.tfrecord"))
        held.append([[decode(one, first)[1].numpy().item() for one in tf.data.TFRecordDataset(str(f))] for f in files])
        assert all(len(set(labels)) > 1 for labels in held[-1])
    assert held[0] != held[1]


def test_data_service_with_two_workers(prepared):
    """A dispatcher and two workers on loopback: every clip comes once."""
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer(service.DispatcherConfig(port=0))
    address = dispatcher.target.split("://")[1]
    workers = [service.WorkerServer(service.WorkerConfig(dispatcher_address=address)) for _ in range(2)]
    data = records(prepared, choose, small, 2, training=False)
    data = data.apply(service.distribute(service.ShardingPolicy.DYNAMIC, dispatcher.target))
    labels = np.concatenate([label for _, label in data])
    assert set(labels) == {0, 1, 2} and len(labels) in (12, 24)
    del workers


def test_the_model_garden_reads_it(prepared):
    """With tf-models-official installed, its own decoder reads our records."""
    video_input = pytest.importorskip("official.vision.dataloaders.video_input")
    record = next(iter(tf.data.TFRecordDataset(str(next(prepared.glob("*.tfrecord"))))))
    decoded = video_input.Decoder().decode(record)
    clip = video_input.process_image(decoded["image/encoded"], False, num_frames=4, min_resize=32, crop_size=24)
    assert clip.shape == (4, 24, 24, 3) and decoded["clip/label/index"].shape == (1,)


@pytest.mark.slow
def test_beam_gives_the_same_bytes(prepared, videos, tmp_path):
    pytest.importorskip("apache_beam")
    prepare(load_dataset("folder", videos), tmp_path, short=32, shards=5, workers=2, runner="DirectRunner")
    assert content(tmp_path) == content(prepared)


def test_a_span_is_prepared_as_its_own_clip(videos):
    item = load_dataset("folder", videos).items[0]._replace(start=0.25, end=0.5)
    assert list(span(item)) == [3, 4, 5] and encode(item, "x", 24)[1] == 3
