"""The features of clips for other programs: an .npz file, TensorBoard's projector, nearest neighbours."""

import csv
import dataclasses
import io
from pathlib import Path

import numpy as np
from keras_vid.training.data.datasets import Dataset, Item
from keras_vid.training.small.choose import Choices, load_network
from keras_vid.training.small.depths import fixed
from keras_vid.training.small.features import Features, Reading, features_of, read_clip, view_for
from keras_vid.training.small.look import own_data
from PIL import Image

from keras_vid.inference.groups import groups_of
from keras_vid.utils.errors import InputError
from keras_vid.utils.files import atomic, write_whole

SPRITE = 64  # pixels of a clip's picture in the projector
SPRITES = 8192 // SPRITE  # TensorBoard's largest picture has so many in a row


@dataclasses.dataclass
class Embedded:
    """Features and what they are of.

    Attributes:
        dataset: The clips, test part included.
        items: Those that could be read.
        vectors: (clips, channels), the mean over views and mirrored clips.
        network, reading, workers, engine: What read them.
    """

    dataset: Dataset
    items: list
    vectors: np.ndarray
    features: Features
    network: object
    reading: Reading
    workers: int | None = None
    engine: str = "auto"


def embed(
    data, *, model="i3d", weights=None, frames=None, size=None, mirrored=False, views=1, workers=None, engine="auto"
) -> Embedded:
    """Read every clip of a folder or CSV file; what was read before is kept.

    Args:
        engine: "tensorflow", "openvino" or "auto", as of `features_of`.

    >>> import tempfile
    >>> from keras_vid.video.synthetic import write_dataset
    >>> folder = tempfile.mkdtemp()
    >>> _ = write_dataset(folder, clips=1, frames=8, size=48, classes=("red_shirt", "green_shirt"))
    >>> embed(folder, model="tsm_resnet14", weights="none", frames=4, size=64).vectors.shape
    (2, 1536)
    """
    if views < 1:
        raise InputError(f"--clip-views is at least 1, not {views}")
    dataset, test = own_data(data)
    if test:
        dataset = Dataset(dataset.name, [*dataset.items, *test.items], dataset.labels, dataset.skipped, dataset.notes)
    network = load_network(Choices(model=model, weights=weights), frames, size)
    view = view_for(network, **{k: v for k, v in (("frames", frames), ("height", size), ("width", size)) if v})
    network = fixed(network, view)
    reading = Reading(view, mirrored, views)
    features = features_of(dataset, network, reading, workers=workers, engine=engine)
    items = [dataset.items[place] for place in features.places]
    return Embedded(dataset, items, features.vectors.mean(axis=1), features, network, reading, workers, engine)


def write_npz(path, embedded):
    """`features`, `paths`, `labels`, `groups`, `start`, `end` (NaN where a clip is a whole file)."""
    items, names = embedded.items, embedded.dataset.labels
    seconds = {
        name: np.array([np.nan if (s := getattr(i, name)) is None else s for i in items]) for name in ("start", "end")
    }
    arrays = {"paths": [str(item.path) for item in items], "labels": [names[item.label] for item in items]}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as part:
        np.savez(part, features=embedded.vectors, groups=groups_of(items).astype(str), **arrays, **seconds)


def nearest(embedded, video, top=10) -> list[tuple[Item, float]]:
    """The clips most like a video, `[(item, similarity), ...]`: the cosine of standardised features, 1 for the same.

    The video itself, where it is among the clips, comes first.
    """
    if not Path(video).exists():
        raise InputError(f"--like {video}: no such file")
    asked = Dataset("asked", [Item(str(video), 0)], ["asked"])
    options = {"workers": embedded.workers, "engine": embedded.engine}
    vector = features_of(asked, embedded.network, embedded.reading, **options).vectors.mean(axis=1)
    mean, deviation = embedded.vectors.mean(axis=0), embedded.vectors.std(axis=0)
    deviation = np.where(deviation > 1e-6 * (1 + abs(mean)), deviation, 1.0)

    def unit(rows):
        rows = (rows - mean) / deviation
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

    if len(embedded.items) < 3:  # a mean of one or two clips says nothing
        mean, deviation = np.zeros_like(mean), np.ones_like(mean)
    similarity = unit(embedded.vectors) @ unit(vector)[0]
    best = np.argsort(-similarity, kind="stable")[:top]
    return [(embedded.items[i], float(similarity[i])) for i in best]


def write_projector(folder, embedded):
    """Files for TensorBoard's projector: the vectors, a table of labels and paths, and one picture of all clips."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    count = len(embedded.items)
    rows = "\n".join("\t".join(f"{value:.6g}" for value in vector) for vector in embedded.vectors)
    write_whole(folder / "features.tsv", rows + "\n")
    with atomic(folder / "clips.tsv") as part, open(part, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("label", "group", "path"))
        for item, group in zip(embedded.items, groups_of(embedded.items)):
            writer.writerow((embedded.dataset.labels[item.label], group, item.path))
    lines = [
        "embeddings {",
        '  tensor_name: "features"',
        '  tensor_path: "features.tsv"',
        '  metadata_path: "clips.tsv"',
    ]
    if count <= SPRITES**2:
        with atomic(folder / "sprites.png") as part:
            part.write_bytes(_sprites(embedded))
        lines.append(f'  sprite {{ image_path: "sprites.png" single_image_dim: {SPRITE} single_image_dim: {SPRITE} }}')
    write_whole(folder / "projector_config.pbtxt", "\n".join([*lines, "}"]) + "\n")


def _sprites(embedded):
    """A square picture with the middle frame of each clip, row by row, as a PNG file."""
    side = int(np.ceil(np.sqrt(len(embedded.items))))
    sheet = Image.new("RGB", (side * SPRITE, side * SPRITE))
    for number, item in enumerate(embedded.items):
        clip = read_clip(item, embedded.reading.view)
        picture = Image.fromarray(clip[len(clip) // 2]).resize((SPRITE, SPRITE))
        sheet.paste(picture, (number % side * SPRITE, number // side * SPRITE))
    encoded = io.BytesIO()
    sheet.save(encoded, "png")
    return encoded.getvalue()
