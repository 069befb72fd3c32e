"""How many SimCLR views a second dogo_tf.views.make_view draws, compiled (its way on CPUs) and as a plain graph.

Medians over the repeats, and the best of them. The variants take turns in one process, next to a float32 matrix product of
fixed size that tells how busy the machine was.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.provenance import record
from dogo_tf.views import SIMCLR, augment, counter_rng, make_view, view


def stages(recipe, images, size: int) -> dict:
    """name -> (function, arguments) of the parts of a view, each to be compiled by itself."""
    numbers = tf.range(images.shape[0], dtype=tf.int64)

    def parameters(numbers):
        return view.draw(recipe, *images.shape[1:3], counter_rng.uniform(0, (0, 0), numbers, view.UNIFORMS))

    drawn = parameters(numbers)
    planes = augment.to_planes(images)
    resized = augment.crop_and_resize(planes, drawn.boxes, drawn.flip, size)
    factors = (drawn.brightness, drawn.contrast, drawn.saturation)
    kernel_size = view.blur_kernel_size(size)
    return {
        "draw": (parameters, (numbers,)),
        "crop_and_resize": (lambda p: augment.crop_and_resize(p, drawn.boxes, drawn.flip, size), (planes,)),
        "colour_jitter": (
            lambda p: augment.colour_jitter(p, *factors, drawn.hue, drawn.turns, drawn.jitter),
            (resized,),
        ),
        "greyscale": (lambda p: augment.greyscale(p, drawn.grey), (resized,)),
        "blur": (lambda p: augment.blur(p, drawn.sigma, drawn.blur, kernel_size), (resized,)),
    }


def whole_views(recipe, images, size: int) -> dict:
    """name -> (function, arguments): the view as make_view compiles it, and as a plain graph."""
    numbers = tf.range(images.shape[0], dtype=tf.int64)
    words = [counter_rng.to_word(0)] * 3

    def view(images, numbers):
        return make_view(images, recipe, 0, numbers, peer=0, view=0, size=size)

    def plain(images, numbers):
        drawn = view.draw(recipe, *images.shape[1:3], counter_rng.uniform(words[0], words[1:], numbers, view.UNIFORMS))
        return view.apply(recipe, size, images, drawn)

    return {"make_view": (tf.function(view), (images, numbers)), "plain": (tf.function(plain), (images, numbers))}


def measure(batch: int, size: int, repeats: int) -> dict:
    images = tf.constant(np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), dtype=np.uint8))
    calls = whole_views(SIMCLR, images, size)
    for name, (function, inputs) in stages(SIMCLR, images, size).items():
        calls[name] = (tf.function(function, jit_compile=True, autograph=False), inputs)
    a = tf.random.stateless_normal([1024, 1024], [0, 0])
    calls["matmul"] = (tf.function(lambda a: tf.linalg.matmul(a, a)), (a,))
    seconds = {name: [] for name in calls}
    for function, inputs in calls.values():
        function(*inputs)
    for _ in range(repeats):
        for name, (function, inputs) in calls.items():
            started = time.perf_counter()
            tf.nest.map_structure(lambda t: t.numpy(), function(*inputs))
            seconds[name].append(time.perf_counter() - started)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "batch": batch,
        "size": size,
        "repeats": repeats,
        "compiled_views_per_second": batch / median["make_view"],
        "compiled_views_per_second_best": batch / min(seconds["make_view"]),
        "plain_graph_views_per_second": batch / median["plain"],
        "compiled_stages_milliseconds": {name: 1e3 * median[name] for name in list(calls)[2:-1]},
        "matmul_gflop_per_second": 2 * 1024**3 / median["matmul"] / 1e9,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--size", type=int, default=32, help="side of the images and of the views")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    result = measure(arguments.batch, arguments.size, arguments.repeats)
    for name, value in result.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    if arguments.out:
        record(arguments.out, result)


if __name__ == "__main__":
    main()
