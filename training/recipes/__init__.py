"""How the papers trained each network on each data set: one row a recipe, and every field of a row is a flag.

>>> recipe("stm_resnet50/ucf101").drops
(15,)
>>> recipe("s3dg/something_v1").length, recipe("s3dg/something_v1").unit
(10000, 'steps')
"""

import dataclasses
import difflib

from keras_vid.training.recipes.fields import CUSTOM, Recipe
from keras_vid.training.recipes.ours import own_rows
from keras_vid.training.recipes.papers import paper_rows, with_frames

from keras_vid.models.variants import VARIANTS
from keras_vid.utils.errors import InputError
from keras_vid.weights.table import WEIGHTS

__all__ = ["CUSTOM", "RECIPES", "Recipe", "recipe"]

RECIPES = {f"{row.model}/{row.dataset}": row for row in (*paper_rows(), *own_rows())}


def recipe(name: str, **changes) -> Recipe:
    """The row of a name, "network/data set" or a network alone (one's own videos), with fields changed.

    STM and STH train with 8 or 16 frames: their batch follows `frames`, unless it is given. With `modality="flow"` a
    row starts from weights of a flow stream, where there are any.

    >>> recipe("stm_resnet50/kinetics400").batch, recipe("stm_resnet50/kinetics400", frames=8).batch
    (4, 8)
    >>> recipe("i3d/ucf101", modality="flow").weights, recipe("tsn_resnet101/kinetics400", modality="flow").weights
    ('kinetics400_flow', 'imagenet')
    """
    key = name if "/" in name else f"{name}/{CUSTOM}"
    if key not in RECIPES:
        model, _, _ = key.partition("/")
        sets = [row.dataset for row in RECIPES.values() if row.model == model]
        if not sets:
            close = difflib.get_close_matches(model, VARIANTS, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise InputError(f"no recipe {name!r}: {model!r} is not a network; {hint}`keras-vid list` names them all")
        raise InputError(f"no recipe {name!r}: {model} has recipes for {', '.join(sets)}")
    row = RECIPES[key]
    if changes.get("modality") == "flow":
        changes.setdefault("weights", flow_weights(row))
    if "frames" in changes:
        row = with_frames(row, changes["frames"])
    return dataclasses.replace(row, **changes)


def flow_weights(row) -> str | None:
    """What the flow stream of a recipe starts from: published weights of one, else ImageNet's, whose first convolution
    is averaged over the colours (TSN's cross-modality start)."""
    if row.weights is None:
        return None
    known = [f"{row.weights}_flow", "kinetics400_flow", "imagenet"]
    return next((name for name in known if (row.model, name) in WEIGHTS), None)
