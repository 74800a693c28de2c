"""How long `keras_vid.create` takes beside keras.applications' building of the backbone: processor seconds.

    PYTHONPATH=. python benchmarks/build_time.py

Each is built once to warm up, then the best of `-n` is shown. Where keras.applications lacks the backbone (SE-ResNeXt,
Inception in 3D) the last column is empty. `loaded` is with a weights file, where nothing is drawn.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from keras import applications

import keras_vid

NETWORKS = {
    "tsn_resnet50": "ResNet50",
    "tsm_resnet50": "ResNet50",
    "stm_resnet50": "ResNet50",
    "sth_resnet50": "ResNet50",
    "stnet_resnet50": "ResNet50",
    "tsm_resnet101": "ResNet101",
    "tsm_mobilenet_v2": "MobileNetV2",
    "tsn_vgg16": "VGG16",
    "i3d": None,
    "s3dg": None,
}


def best(build, rounds):
    """Processor seconds of the fastest of some rounds."""
    build()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        build()
        times.append(time.process_time() - start)
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=3, help="rounds")
    rounds = parser.parse_args().n
    known = {}
    print("| network | create | loaded | keras.applications | ratio |\n|---|---|---|---|---|")
    for name, backbone in NETWORKS.items():
        if backbone and backbone not in known:
            options = {"weights": None, "include_top": False, "pooling": "avg", "input_shape": (224, 224, 3)}
            known[backbone] = best(lambda o=options, b=backbone: getattr(applications, b)(**o), rounds)
        ours = best(lambda n=name: keras_vid.create(n), rounds)
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/x.weights.h5"
            keras_vid.create(name).save_weights(path)
            loaded = best(lambda n=name, p=path: keras_vid.create(n, weights=p), rounds)
        theirs = known.get(backbone)
        end = f"{theirs:.2f} | {ours / theirs:.2f}" if theirs else "- | -"
        print(f"| `{name}` | {ours:.2f} | {loaded:.2f} | {end} |", flush=True)


if __name__ == "__main__":
    main()
