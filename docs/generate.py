"""The pages that are made of the code: commands from their parsers, READMEs of the parts, figures of the networks."""

import argparse
import os
import re
from pathlib import Path

DOCS = Path(__file__).parent
GENERATED = DOCS / "generated"
# page: (file it is made of, where the links in it start)
COPIED = {
    "training": "training/README.md",
    "detection": "detection/README.md",
    "saved_models": "saved_models/README.md",
    "contributing": "CONTRIBUTING.md",
    "changes": "CHANGELOG.md",
}
LINK = re.compile(r"\]\(([^)#\s]+)((?:#[^)\s]*)?)\)")


def generate():
    """Write all of them, into docs/generated."""
    os.environ["COLUMNS"] = "100"  # as wide as argparse writes
    GENERATED.mkdir(exist_ok=True)
    for page, source in COPIED.items():
        _write(f"{page}.md", moved(DOCS.parent / source, GENERATED))
    _write("commands.md", commands())
    _write("api.md", api())
    from draw_network import draw_all

    draw_all(GENERATED / "figures")


def moved(source, folder):
    """The text of a page whose links are followed from another folder, and to copies where there are some."""
    copies = {(DOCS.parent / path).resolve(): GENERATED / f"{page}.md" for page, path in COPIED.items()}

    def link(match):
        if "://" in match[1]:
            return match[0]
        target = (source.parent / match[1]).resolve()
        return f"]({os.path.relpath(copies.get(target, target), folder)}{match[2]})"

    return LINK.sub(link, source.read_text(encoding="utf-8"))


def commands():
    """Every command, with the text of its --help."""
    from keras_vid.cli import COMMANDS, build_parser

    parser = build_parser(COMMANDS)
    lines = ["# Commands", "", "What `--help` prints.", "", "```text", parser.format_help().rstrip(), "```", ""]
    for name, sub in _subparsers(parser):
        lines += [f"## {name}", "", "```text", sub.format_help().rstrip(), "```", ""]
        for inner, parts in _subparsers(sub):
            lines += [f"### {name} {inner}", "", "```text", parts.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def _subparsers(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def api():
    """The public names of each package, documented by their docstrings."""
    lines = ["# Python", "", "Public functions and classes. What is not here may change without notice.", ""]
    for title, names in API.items():
        lines += [f"## {title}", ""]
        for name in names.split():
            directive = "autoclass" if name.rsplit(".", 1)[-1] in CLASSES else "autofunction"
            lines += [
                f"```{{eval-rst}}\n.. {directive}:: {name}\n" + ("   :members:\n" * (directive == "autoclass")) + "```",
                "",
            ]
    return "\n".join(lines)


CLASSES = {"ClipView", "Activation", "Predictor", "Client", "Segment"}
CLASSES |= {"TemporalShift", "TemporalConv", "ChannelTemporalConv", "TemporalPool", "MotionDifference", "FeatureGating"}
CLASSES |= {"SuperImage", "HybridConv"}
API = {
    "Networks": "keras_vid.create keras_vid.list_models keras_vid.load_model keras_vid.macs keras_vid.features",
    "Predictions": "keras_vid.predict keras_vid.stream keras_vid.timeline keras_vid.fuse",
    "What a network is shown": "keras_vid.view.ClipView keras_vid.view.view_of keras_vid.view.set_view",
    "Constructors": " ".join(
        f"keras_vid.models.{name}"
        for name in "I3D S3D S3DG FastS3D TopHeavyS3D TSN C2D TSM R2Plus1DSequential R2Plus1DParallel".split()
        + "StNet STM STH".split()
    ),
    "Layers": " ".join(
        f"keras_vid.layers.{name}"
        for name in sorted(CLASSES)
        if name not in ("ClipView", "Activation", "Predictor", "Client", "Segment")
    ),
    "Surgery": "keras_vid.surgery.insert keras_vid.surgery.inflate",
    "Weights": "keras_vid.weights.names keras_vid.weights.labels keras_vid.weights.best_start",
    "Looking inside": "keras_vid.explain.activations keras_vid.explain.Activation",
    "Video": "keras_vid.video.read keras_vid.video.write keras_vid.video.probe keras_vid.video.synthetic.write_dataset",
    "Training": "keras_vid.training.fit_folder keras_vid.training.features_of keras_vid.training.folds",
    "Export and serving": "keras_vid.saved_models.export.export keras_vid.saved_models.predictor.open_predictor "
    "keras_vid.saved_models.predictor.Predictor keras_vid.saved_models.serving.client.Client",
    "Detection": "keras_vid.detection.evaluation.frame_map.frame_map",
}


def _write(name, text):
    path = GENERATED / name
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # so that unchanged pages are not built again
        path.write_text(text, encoding="utf-8")
