"""All networks by name, and how to make one."""

import fnmatch
import importlib
import json
from pathlib import Path

# name: (constructor, its options). A name says which network and nothing of frames, sizes or datasets.
VARIANTS = {
    "i3d": ("keras_vid.models.inception3d:I3D", {}),
    "i2d": ("keras_vid.models.inception3d:I2D", {}),
    "s3d": ("keras_vid.models.inception3d:S3D", {}),
    "s3dg": ("keras_vid.models.inception3d:S3DG", {}),
    "fast_s3d": ("keras_vid.models.inception3d:FastS3D", {}),
    "top_heavy_i3d": ("keras_vid.models.inception3d:TopHeavyI3D", {}),
    "bottom_heavy_i3d": ("keras_vid.models.inception3d:BottomHeavyI3D", {}),
    "top_heavy_s3d": ("keras_vid.models.inception3d:TopHeavyS3D", {}),
    "bottom_heavy_s3d": ("keras_vid.models.inception3d:BottomHeavyS3D", {}),
    "tsn_resnet14": ("keras_vid.models.tsn:TSN", {"backbone": "resnet14"}),
    "tsn_resnet50": ("keras_vid.models.tsn:TSN", {"backbone": "resnet50"}),
    "tsn_resnet101": ("keras_vid.models.tsn:TSN", {"backbone": "resnet101"}),
    "tsn_se_resnext101": ("keras_vid.models.tsn:TSN", {"backbone": "se_resnext101"}),
    "tsn_inception_resnet_v2": ("keras_vid.models.tsn:TSN", {"backbone": "inception_resnet_v2"}),
    "tsn_mobilenet_v2": ("keras_vid.models.tsn:TSN", {"backbone": "mobilenet_v2"}),
    "tsn_vgg16": ("keras_vid.models.tsn:TSN", {"backbone": "vgg16"}),
    "c2d_resnet50": ("keras_vid.models.tsn:C2D", {"backbone": "resnet50"}),
    "c2d_resnet101": ("keras_vid.models.tsn:C2D", {"backbone": "resnet101"}),
    "c2d_se_resnext101": ("keras_vid.models.tsn:C2D", {"backbone": "se_resnext101"}),
    "tsm_resnet14": ("keras_vid.models.tsm:TSM", {"backbone": "resnet14"}),
    "tsm_resnet50": ("keras_vid.models.tsm:TSM", {"backbone": "resnet50"}),
    "tsm_resnet101": ("keras_vid.models.tsm:TSM", {"backbone": "resnet101"}),
    "tsm_se_resnext101": ("keras_vid.models.tsm:TSM", {"backbone": "se_resnext101"}),
    "tsm_inception_resnet_v2": ("keras_vid.models.tsm:TSM", {"backbone": "inception_resnet_v2"}),
    "tsm_mobilenet_v2": ("keras_vid.models.tsm:TSM", {"backbone": "mobilenet_v2"}),
    "tsm_vgg16": ("keras_vid.models.tsm:TSM", {"backbone": "vgg16"}),
    "r2plus1d_sequential_resnet14": ("keras_vid.models.r2plus1d:R2Plus1DSequential", {"backbone": "resnet14"}),
    "r2plus1d_sequential_resnet50": ("keras_vid.models.r2plus1d:R2Plus1DSequential", {"backbone": "resnet50"}),
    "r2plus1d_sequential_resnet101": ("keras_vid.models.r2plus1d:R2Plus1DSequential", {"backbone": "resnet101"}),
    "r2plus1d_sequential_se_resnext101": (
        "keras_vid.models.r2plus1d:R2Plus1DSequential",
        {"backbone": "se_resnext101"},
    ),
    "r2plus1d_sequential_inception_resnet_v2": (
        "keras_vid.models.r2plus1d:R2Plus1DSequential",
        {"backbone": "inception_resnet_v2"},
    ),
    "r2plus1d_sequential_mobilenet_v2": ("keras_vid.models.r2plus1d:R2Plus1DSequential", {"backbone": "mobilenet_v2"}),
    "r2plus1d_sequential_vgg16": ("keras_vid.models.r2plus1d:R2Plus1DSequential", {"backbone": "vgg16"}),
    "r2plus1d_parallel_resnet14": ("keras_vid.models.r2plus1d:R2Plus1DParallel", {"backbone": "resnet14"}),
    "r2plus1d_parallel_resnet50": ("keras_vid.models.r2plus1d:R2Plus1DParallel", {"backbone": "resnet50"}),
    "r2plus1d_parallel_resnet101": ("keras_vid.models.r2plus1d:R2Plus1DParallel", {"backbone": "resnet101"}),
    "r2plus1d_parallel_se_resnext101": ("keras_vid.models.r2plus1d:R2Plus1DParallel", {"backbone": "se_resnext101"}),
    "r2plus1d_parallel_inception_resnet_v2": (
        "keras_vid.models.r2plus1d:R2Plus1DParallel",
        {"backbone": "inception_resnet_v2"},
    ),
    "r2plus1d_parallel_mobilenet_v2": ("keras_vid.models.r2plus1d:R2Plus1DParallel", {"backbone": "mobilenet_v2"}),
    "r2plus1d_parallel_vgg16": ("keras_vid.models.r2plus1d:R2Plus1DParallel", {"backbone": "vgg16"}),
    "stnet_resnet14": ("keras_vid.models.stnet:StNet", {"backbone": "resnet14"}),
    "stnet_resnet50": ("keras_vid.models.stnet:StNet", {"backbone": "resnet50"}),
    "stnet_resnet101": ("keras_vid.models.stnet:StNet", {"backbone": "resnet101"}),
    "stnet_se_resnext101": ("keras_vid.models.stnet:StNet", {"backbone": "se_resnext101"}),
    "stnet_inception_resnet_v2": ("keras_vid.models.stnet:StNet", {"backbone": "inception_resnet_v2"}),
    "stnet_mobilenet_v2": ("keras_vid.models.stnet:StNet", {"backbone": "mobilenet_v2"}),
    "stm_resnet14": ("keras_vid.models.stm:STM", {"backbone": "resnet14"}),
    "stm_resnet50": ("keras_vid.models.stm:STM", {"backbone": "resnet50"}),
    "stm_resnet101": ("keras_vid.models.stm:STM", {"backbone": "resnet101"}),
    "sth_resnet14": ("keras_vid.models.sth:STH", {"backbone": "resnet14"}),
    "sth_resnet50": ("keras_vid.models.sth:STH", {"backbone": "resnet50"}),
    "sth_resnet101": ("keras_vid.models.sth:STH", {"backbone": "resnet101"}),
    "sth_mobilenet_v2": ("keras_vid.models.sth:STH", {"backbone": "mobilenet_v2", "attention": False}),
    "sth_vgg16": ("keras_vid.models.sth:STH", {"backbone": "vgg16"}),
}


def list_models(pattern=None):
    """Names of all networks, or of those that match a pattern.

    >>> list_models("fast*")
    ['fast_s3d']
    """
    return [name for name in VARIANTS if fnmatch.fnmatch(name, pattern or "*")]


def create(name, classes=None, frames=None, size=None, weights=None, **options):
    """Build a network by name.

    Args:
        name: One of `list_models()`.
        classes: Number of labels; by default 400 (Kinetics), or what the weights were trained for. Another number than
            the weights' gives a new, untrained classifier on the trained network.
        frames, size: Frames and side of a clip. None leaves them open where the network allows it.
        weights: A name in `keras_vid.weights.WEIGHTS` (`"kinetics400"`), the path of a weights file, or None.
        **options: The network's own choices (see its constructor).

    >>> create("s3d", classes=10).output_shape
    (None, 10)
    """
    if name not in VARIANTS:
        close = list_models(f"*{name.lower().replace('-', '_')}*") or list_models()
        raise ValueError(f"no network is called {name!r}; there are: {', '.join(close)}")
    constructor, fixed = VARIANTS[name]
    if weights is not None:
        from keras_vid.weights import row_options

        fixed = {**fixed, **row_options(name, weights)}
    if classes is not None:
        fixed = {**fixed, "classes": classes}
    shape = {key: value for key, value in (("frames", frames), ("size", size)) if value is not None}
    module, function = constructor.split(":")
    build = getattr(importlib.import_module(module), function)
    model = build(**{**fixed, **shape, **options}, weights=weights)
    model.name = name
    return model


def load_model(source, weights=None, **options):
    """A network from whatever names one: a name of `list_models()`, a run folder, or a `.keras` file.

    >>> load_model("s3d", classes=5).name
    's3d'
    """
    path, labels, aspect = Path(source), None, None
    kept = next((path / name for name in ("best.keras", "last.keras") if (path / name).is_file()), None)
    if kept:
        if (path / "args.json").is_file():
            from keras_vid.recognise import ASPECTS

            args = json.loads((path / "args.json").read_text())
            labels, aspect = args.get("labels"), ASPECTS.get(args.get("recipe", {}).get("crop"))
        path = kept
    if path.suffix == ".keras" or path.is_file():
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist")
        import keras

        import keras_vid.layers  # noqa: F401  registers the layers that the file may name

        try:
            model = keras.models.load_model(path, compile=False)
        except Exception as error:
            raise ValueError(f"{path} is no readable .keras file: {str(error).splitlines()[0]}") from error
        if labels:
            model.labels = labels
        model.aspect = aspect  # of the pictures that it learnt from: keras_vid.recognise.picture_size
        return model
    if path.is_dir():
        raise ValueError(f"{path} is a folder without best.keras: give a run folder, a .keras file or a network's name")
    return create(str(source), weights=weights, **options)
