"""The Inception block in space (2D), space and time (3D), or space then time (separable), gated or not."""

from keras import layers

from keras_vid.layers.gating import FeatureGating
from keras_vid.layers.separable import conv_unit, temporal_unit


def inception_block(x, widths, kind, style, name):
    """Four branches side by side, joined along the channels; the last layer is called `name`.

    1x1 | 1x1 then 3x3 | 1x1 then 3x3 | 3x3 max pool then 1x1, where `kind` says what a 3x3 convolution is. Footnote 5
    of the S3D paper lets the first and last branch see time, too (`style.temporal_branches = 4`).

    Args:
        widths: (branch 0, (branch 1 inner, outer), (branch 2 inner, outer), branch 3) channels.
        kind: `"2d"`, `"3d"` or `"separable"`.
        style: A `keras_vid.models.inception_styles.Style`.
    """
    first, (inner1, outer1), (inner2, outer2), last = widths
    gating = style.gating or ""
    gate = "branch" in gating and kind != "2d"
    one = (1, 1)

    def pointwise(x, filters, name, end=False):
        """A 1x1x1 convolution; where it ends a branch, what the style adds to the ends of branches."""
        if end and kind == "separable" and style.temporal_branches == 4:
            x = conv_unit(x, filters, one, one, "2d", style, f"{name}_spatial")
            return temporal_unit(x, filters, 3, 1, style, name, gate)
        return conv_unit(x, filters, one, one, "2d", style, name, gate and end)

    def branch(index, unit):
        return f"{name}_Branch_{index}_{unit}"

    b0 = pointwise(x, first, branch(0, "Conv2d_0a_1x1"), end=True)
    b1 = pointwise(x, inner1, branch(1, "Conv2d_0a_1x1"))
    b1 = conv_unit(b1, outer1, (3, 3), one, kind, style, branch(1, "Conv2d_0b_3x3"), gate)
    b2 = pointwise(x, inner2, branch(2, "Conv2d_0a_1x1"))
    b2 = conv_unit(b2, outer2, (3, 3), one, kind, style, branch(2, "Conv2d_0b_3x3"), gate)
    pool = layers.MaxPooling3D(
        (1, 3, 3) if style.flat_pools and kind == "2d" else 3, 1, "same", name=branch(3, "MaxPool_0a_3x3")
    )
    if style.pool_last:
        b3 = pool(pointwise(x, last, branch(3, "Conv2d_0b_1x1"), end=True))
    else:
        b3 = pointwise(pool(x), last, branch(3, "Conv2d_0b_1x1"), end=True)

    cell = "cell" in gating and kind != "2d"
    x = layers.Concatenate(name=f"{name}_join" if cell else name)([b0, b1, b2, b3])
    return FeatureGating(style.gate_bias, style.gate_over, name=name)(x) if cell else x
