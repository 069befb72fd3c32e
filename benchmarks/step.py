"""The training step: model.fit on the training stream against a bare loop over resident data, and both against the
machine's matrix product.

All figures come from one process and in turns, so that their ratios hold when the machine's speed drifts.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

import dogo_tf
from dogo_tf.data.stream import training_stream
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.provenance import record
from dogo_tf.step.flops import training_operations


def matmul_rate(size=2048, repeats=8) -> float:
    """Float32 operations per second of a large matrix product."""
    a, b = tf.random.normal([size, size]), tf.random.normal([size, size])
    multiply = tf.function(lambda: tf.linalg.matmul(a, b))
    multiply()
    started = time.perf_counter()
    for _ in range(repeats):
        multiply()
    return repeats * 2 * size**3 / (time.perf_counter() - started)


def measure(peers: list[str], batch: int, steps: int, rounds: int) -> dict:
    made = [dogo_tf.Peer(name, "simclr", image_size=32) for name in peers]
    model = dogo_tf.DoGo(made)
    model.compile(keras.optimizers.Adam(3e-4))
    images = np.random.default_rng(0).integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
    resident = tf.constant(images)
    data = training_stream(images, batch, seed=0)
    bare_step = tf.function(model.train_step)

    def bare():
        for _ in range(steps):
            logs = bare_step(resident)
        return float(logs["loss"])

    def fit():
        model.fit(data, steps_per_epoch=steps, verbose=0)

    bare(), fit()
    rates = {"fit": [], "bare": [], "matmul": []}
    for _ in range(rounds):
        for name, function in (("fit", fit), ("bare", bare)):
            started = time.perf_counter()
            function()
            rates[name].append(steps * batch / (time.perf_counter() - started))
        rates["matmul"].append(matmul_rate())
    per_image = sum(training_operations(peer) for peer in made)
    median = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "peers": peers,
        "batch": batch,
        "steps": steps,
        "rounds": rounds,
        "fit_images_per_second": median["fit"],
        "bare_images_per_second": median["bare"],
        "fit_over_bare": statistics.median(f / b for f, b in zip(rates["fit"], rates["bare"], strict=True)),
        "gflop_per_image": per_image / 1e9,
        "matmul_gflop_per_second": median["matmul"] / 1e9,
        "share_of_matmul_rate": statistics.median(
            f * per_image / m for f, m in zip(rates["fit"], rates["matmul"], strict=True)
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--peers", default="wrn_16_2,wrn_10_2")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    result = measure(arguments.peers.split(","), arguments.batch, arguments.steps, arguments.rounds)
    for name, value in result.items():
        print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}")
    if arguments.out:
        record(arguments.out, result)


if __name__ == "__main__":
    main()
