"""A short run in a process of its own, for tests that kill it or start two: python one_run.py DATA RUN [JSON].

The JSON object holds fields of keras_vid.training.run.train.Options, and under "recipe" fields of the recipe.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(data, run, text="{}"):
    from keras_vid.training.recipes import recipe
    from keras_vid.training.run.train import Options, train

    fields = json.loads(text)
    changes = {"size": 32, "short": 36, "frames": 4, "length": 2, "batch": 4, **fields.pop("recipe", {})}
    train(recipe("tsm_resnet14/synthetic", **changes), Options(data=data, **fields), run)
    if "cluster" not in fields:  # workers take leave of each other
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
