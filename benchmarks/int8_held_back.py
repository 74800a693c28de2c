"""How far int8 is from float32 on clips that had no part in it: every clip is held back once, whole sources at a time.

    PYTHONPATH=. python benchmarks/int8_held_back.py clips.csv --model i3d --weights kinetics400 --frames 32

Prints a line for each fold, and one for all clips. Folds are chosen and judged as `keras-vid export --precision int8`
does it; `accepted` says whether that command would write the network.
"""

import argparse
import collections
import json
import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the command line does: see keras_vid/cli.py


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="as of keras-vid export --calibrate")
    parser.add_argument("--model", default="i3d")
    parser.add_argument("--weights", default="kinetics400")
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--size", type=int)
    parser.add_argument("--folds", type=int, default=3)
    args = parser.parse_args()
    for row in walk(args):
        print(json.dumps(row), flush=True)


def walk(args):
    """A row a fold and one of all clips: what `compare` says of the clips that were held back."""
    from keras_vid.saved_models.engines import calibrate, openvino
    from keras_vid.saved_models.engines.clips import read_clip, videos_in
    from keras_vid.saved_models.export import fix_shape

    from keras_vid.inference.load import load_model
    from keras_vid.models.variants import VARIANTS
    from keras_vid.view import view_of

    weights = args.weights if args.model in VARIANTS else None
    model = fix_shape(load_model(args.model, weights=weights), args.frames, args.size)
    network, videos = openvino.convert(model), videos_in(args.data)
    clips = [read_clip(path, view_of(model)) for path in videos]
    fold = folds(list(videos.values()), args.folds)
    exact = openvino.logits_of(network, model.name)
    expected = calibrate.probabilities(exact, clips)
    reached = np.zeros_like(expected)
    for number in range(args.folds):
        held = np.flatnonzero(fold == number)
        others = [clip for clip, of in zip(clips, fold) if of != number]
        small, how, chosen_on = calibrate.choose(network, others, exact, model.name, calibrate.weight_bits())
        reached[held] = calibrate.probabilities(openvino.logits_of(small, model.name), [clips[i] for i in held])
        judged = calibrate.compare(expected[held], reached[held])
        trial = {"bias_correction": how["bias_correction"], "float32_layers": len(how["float32_layers"])}
        yield {"fold": number, **trial, "chosen_on": chosen_on["mean_change"], **judged} | {
            "accepted": calibrate.accepted(judged)
        }
    yield {"fold": "all", **calibrate.compare(expected, reached)}


def folds(groups, count):
    """The fold of each clip: whole groups, the large ones first, each into the smallest fold."""
    sizes, chosen = [0] * count, {}
    for group, size in collections.Counter(groups).most_common():
        chosen[group] = int(np.argmin(sizes))
        sizes[chosen[group]] += size
    return np.array([chosen[group] for group in groups])


if __name__ == "__main__":
    main()
