"""MODEL_CARD.md: what goes with a network that is handed on."""

from pathlib import Path

from keras_vid.training.evaluation import metrics

USE = [
    "## Use",
    "",
    "`keras-vid predict VIDEO --model FOLDER`, the folder of this file. In Python:",
    "",
    "```python",
    "import keras",
    "import keras_vid  # Keras cannot load the network's layers without it",
    "",
    'network = keras.saving.load_model("best.keras")',
    'keras_vid.predict(network, "video.mp4")',
    "```",
    "",
]


def model_card(recipe, args, log, numbers):
    """What the network is, what it saw, what it reached and by which protocol, and what is not known of it."""
    lines = [f"# {recipe.model}", "", f"- Task: one of {len(args['labels'])} actions for a clip"]
    lines += [f"- Parameters: {args['parameters']:,}", f"- Trained on: {args['clips']:,} clips of `{args['data']}`"]
    if recipe.options:
        lines += [f"- Options: {listed(recipe.options)}"]
    lines += [f"- Started from: {recipe.weights or 'random weights'}", f"- Recipe: {recipe.source}"]
    lines += [f"- Command: `{started_with(args)}`"]
    lines += [f"- Versions: {', '.join(f'{k} {v}' for k, v in args['versions'].items())}"]
    if log and "stage" not in args:  # the rows of a run on one's own videos are stages
        lines += [f"- Epochs: {log[-1]['epoch']}, steps: {log[-1]['step']}"]
    lines += ["", "## Measured", ""]
    if numbers:
        parts = [
            metrics.in_words(numbers),
            numbers["protocol"],
            numbers.get("split"),
            f"{numbers['unreadable']} unreadable",
        ]
        lines += ["; ".join(filter(None, parts)) + ".", ""]
        if numbers.get("part") == "validation":
            lines += ["These clips chose the network: on clips that it has never met it will be worse.", ""]
        keys = [key for key in metrics.SHARES if key in numbers]
        lines += ["| " + " | ".join(key.replace("_", " ") for key in keys) + " |", "|---" * len(keys) + "|"]
        lines += ["| " + " | ".join(f"{numbers[key]:.2%}" for key in keys) + " |"]
    else:
        lines += ["Not tested yet: `keras-vid evaluate` does it."]
    lines += ["", "## Not measured", "", "Other cameras, other people, other places than those of the data above.", ""]
    lines += ["## Labels", "", ", ".join(args["labels"]), "", *USE]
    return "\n".join(lines)


def started_with(args):
    """The command of a run, without where the program is on the machine that ran it.

    >>> started_with({"command": "/home/me/.venv/bin/keras-vid train i3d"})
    'keras-vid train i3d'
    """
    program, _, rest = args["command"].partition(" ")
    return f"keras-vid {rest}" if Path(program).name in ("keras-vid", "__main__.py") else args["command"]


def listed(options):
    """A network's options in a line.

    >>> listed({"modules": ("cmm",), "fusion": "concat"})
    'modules=cmm, fusion=concat'
    """
    shown = {key: ",".join(map(str, v)) if isinstance(v, (list, tuple)) else v for key, v in options.items()}
    return ", ".join(f"{key}={value}" for key, value in shown.items())
