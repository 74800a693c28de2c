"""What the grouped convolutions of SE-ResNeXt-101 cost on a CPU, native and in blocks, forward and with gradients.

    PYTHONPATH=. python benchmarks/grouped_forms.py [--frames 8] [--repeats 5]

Milliseconds of the fastest run; TensorFlow has no CPU gradient of the native form.

Measured with --repeats 4 on 2 busy cores of a Xeon, TensorFlow 2.20, the sizes weighed by how often the network has
them: native 1,090 ms; 1, 2, 4, 8 and 16 blocks 4,949, 2,451, 1,212, 879 and 474; with gradients 22,392, 7,964, 5,370,
1,868 and 2,567. Other work ran meanwhile: read the order, not the digits.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from keras_vid.layers import grouped

SIZES = {(56, 128): 3, (28, 256): 4, (14, 512): 23, (7, 1024): 3}  # (height, channels): layers of the network


def milliseconds(function, repeats):
    function = tf.function(function)
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    total = {}
    for (size, channels), count in SIZES.items():
        x = tf.random.normal((args.frames, size, size, channels))
        layer = grouped.GroupedConv2D(channels, 3, groups=32, padding="same", use_bias=False)
        expected = layer(x)

        def gradients(x=x, layer=layer):
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(layer(x) ** 2)
            return tape.gradient(loss, [x, layer.kernel.value])

        row = {"native": milliseconds(lambda x=x, k=layer.kernel: tf.nn.conv2d(x, k, 1, "SAME"), args.repeats)}
        for grouped.BLOCKS in (1, 2, 4, 8, 16):
            assert tf.reduce_max(tf.abs(layer(x) - expected)) < 1e-3
            row[f"{grouped.BLOCKS} blocks"] = milliseconds(lambda x=x, layer=layer: layer(x), args.repeats)
            row[f"{grouped.BLOCKS} blocks, gradients"] = milliseconds(gradients, args.repeats)
        print(f"{size}x{size}x{channels}: " + ", ".join(f"{form} {ms:.1f}" for form, ms in row.items()), flush=True)
        for form, ms in row.items():
            total[form] = total.get(form, 0) + count * ms
    print("network: " + ", ".join(f"{form} {ms:.0f}" for form, ms in total.items()))


if __name__ == "__main__":
    main()
