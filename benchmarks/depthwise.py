"""Forward and gradient of mobile networks, in turns: float32, bfloat16, and bfloat16 in parts of the network.

  python benchmarks/depthwise.py --out=results/depthwise.json

The package computes only the dense convolutions in bfloat16 on a CPU (dogo_tf.encoders._precision).
"""

import argparse
import random
import statistics
import time
from pathlib import Path

import numpy as np

from dogo_tf import encoders
from dogo_tf.encoders._twin import twin
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining import precision
from dogo_tf.reporting.provenance import record

BATCH = 64
NETWORKS = (("mobilenet_v2", 64), ("mobilenet_v3_small", 64), ("efficientnet_lite_b0", 64), ("shufflenet_v2", 32))
FLOAT32, OURS = "float32", "only dense convolutions in bfloat16"
ALL_BUT_DEPTHWISE, THROUGHOUT = "all but depthwise convolutions", "bfloat16 throughout"


def in_all_precisions(name: str, side: int) -> dict[str, keras.Model]:
    found = {FLOAT32: encoders.build(name, side)}
    with precision.policy("mixed_bfloat16"):
        found[OURS] = encoders.build(name, side)
    found[ALL_BUT_DEPTHWISE] = twin(found[FLOAT32], lambda layer: _half(layer, keras.layers.DepthwiseConv2D))
    found[THROUGHOUT] = twin(found[FLOAT32], _half)
    return found


def _half(layer, *but) -> dict:
    stable = keras.layers.Rescaling, keras.layers.GlobalAveragePooling2D, *but
    config = layer.get_config()
    return config if isinstance(layer, stable) or "dtype" not in config else {**config, "dtype": "mixed_bfloat16"}


def step(network: keras.Model, images):
    """A function that computes all gradients once and waits for them."""

    @tf.function(autograph=False)
    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(images, training=True)))
        return tf.add_n([tf.reduce_sum(g) for g in tape.gradient(loss, network.trainable_variables)])

    return lambda: gradients().numpy()


def seconds_of(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(name: str, side: int, rounds: int) -> dict:
    images = tf.constant(np.random.default_rng(0).uniform(0, 255, (BATCH, side, side, 3)).astype(np.float32))
    steps = {way: step(network, images) for way, network in in_all_precisions(name, side).items()}
    for work in steps.values():
        work(), work()
    seconds = {way: [] for way in steps}
    shuffled = random.Random(0)  # what ran before leaves a warmer or a colder cache
    for _ in range(rounds):
        for way in shuffled.sample(list(steps), len(steps)):
            seconds[way].append(seconds_of(steps[way]))
    return {
        "network": name,
        "image_size": side,
        "images_per_second": {way: BATCH / statistics.median(taken) for way, taken in seconds.items()},
        "times_as_fast_as_float32": {
            way: statistics.median(a / b for a, b in zip(seconds[FLOAT32], taken, strict=True))
            for way, taken in seconds.items()
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    found = []
    for name, side in NETWORKS:
        found.append(measure(name, side, args.rounds))
        print(found[-1], flush=True)
    record(args.out, {"networks": found, "batch": BATCH, "rounds": args.rounds})


if __name__ == "__main__":
    main()
