"""Features of labelled videos in the plane, by level and network (S3D's Fig. 7), and a number for how far they part."""

import numpy as np

from keras_vid.explain.features import features
from keras_vid.explain.figures.labelled import grouped
from keras_vid.explain.strips import new_figure, wrapped
from keras_vid.utils.errors import InputError

HEADER = ("network", "level", "video", "label", "x", "y", "nearest_is_alike")
LEAST = 6  # videos that a projection makes sense of


def mean_features(model, levels, clips):
    """{level: (videos, C)}: the means over time and space of the named layers' maps."""
    seen, means = features(model, list(levels)), {level: [] for level in levels}
    for clip in clips:
        for level, values in zip(levels, seen.predict_on_batch(clip[None])):
            means[level].append(np.asarray(values, "float32").reshape(-1, values.shape[-1]).mean(axis=0))
    return {level: np.stack(values) for level, values in means.items()}


def projection(vectors, seed=0):
    """t-SNE of (videos, C), each column standardised first: (videos, 2).

    >>> projection(np.eye(8)).shape
    (8, 2)
    """
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    if len(vectors) < LEAST:
        raise InputError(f"{len(vectors)} videos are too few for a projection: give at least {LEAST}")
    perplexity = min(30, (len(vectors) - 1) / 3)
    spread = StandardScaler().fit_transform(vectors)
    return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(spread)


def nearest_is_alike(vectors, labels):
    """Of each video, whether the nearest other one (by standardised features) has its label.

    >>> nearest_is_alike(np.array([[0.0], [1], [10], [11.5], [12]]), ["a", "a", "b", "b", "a"]).tolist()
    [True, True, True, False, False]
    """
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    spread, labels = StandardScaler().fit_transform(vectors), np.asarray(labels)
    nearest = NearestNeighbors(n_neighbors=2).fit(spread).kneighbors(spread)[1]
    other = np.where(nearest[:, 0] == np.arange(len(spread)), nearest[:, 1], nearest[:, 0])
    return labels[other] == labels


def project(networks, levels, videos) -> list[tuple]:
    """A row a network, level and video, in the order of `HEADER`.

    Args:
        networks: [(its name in the figure, model, function from a path to its clip)]
        levels: Names of layers, of every network.
        videos: [(path, label)]; all must have labels.
    """
    paths, labels = [path for path, _ in videos], [label for _, label in videos]
    if None in labels:
        raise InputError(f"{paths[labels.index(None)]} has no label: give a folder for each class, or a CSV file")
    labels, rows = grouped(labels), []
    for name, model, read in networks:
        for level, vectors in mean_features(model, levels, map(read, paths)).items():
            alike, points = nearest_is_alike(vectors, labels), projection(vectors)
            for path, label, (x, y), right in zip(paths, labels, points, alike):
                rows.append((name, level, path, label, round(float(x), 4), round(float(y), 4), int(right)))
    return rows


def draw(rows):
    """A panel a network and level; a colour and a digit a label; above it, how many nearest neighbours are alike."""
    from matplotlib import colormaps

    names, levels, labels = (list(dict.fromkeys(row[i] for row in rows)) for i in (0, 1, 3))
    labels.sort()
    figure = new_figure((2.3 * len(levels) + 1.5, 2.5 * len(names) + 0.2))
    colours = [colormaps["tab10" if len(labels) <= 10 else "tab20"](i % 20) for i in range(len(labels))]
    for i, name in enumerate(names):
        for j, level in enumerate(levels):
            axes = figure.add_subplot(len(names), len(levels), i * len(levels) + j + 1)
            own = [row for row in rows if row[:2] == (name, level)]
            for number, (label, colour) in enumerate(zip(labels, colours)):
                points = np.array([row[4:6] for row in own if row[3] == label]).reshape(-1, 2)
                axes.scatter(*points.T, s=16, color=colour, label=label if i == j == 0 else None)
                for x, y in points:
                    axes.annotate(str(number), (x, y), (2, 2), textcoords="offset points", fontsize=5, color=colour)
            share = np.mean([row[6] for row in own])
            axes.set_title(f"{level}\nnearest alike: {share:.0%}", fontsize=8)
            axes.set(xticks=[], yticks=[])
            if not j:
                axes.set_ylabel(wrapped(name, 24), fontsize=8)
    from matplotlib.lines import Line2D

    dots = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=label if label[0].isdigit() else f"{i} {label}")
        for i, (label, colour) in enumerate(zip(labels, colours))
    ]
    figure.tight_layout(rect=(0, 0, 1 - 1.3 / figure.get_figwidth(), 1))
    figure.legend(handles=dots, loc="center right", fontsize=7, frameon=False)
    return figure
