"""What distribution costs: images per second on 2 and 4 logical devices of this machine's cores, against one device.

The devices share the same cores, so there is nothing to gain here; the ratio is the overhead of gathering, of synchronised
batch normalisation and of summing gradients. All numbers of devices take turns in one process.
"""

import argparse
import itertools
import statistics
import time
from pathlib import Path

import numpy as np
from equality import on_logical_devices, set_up

from dogo_tf.keras_compat import keras


class StepTimes(keras.callbacks.Callback):
    """Seconds of each step but the first, in which `fit` sets up its iterators and may trace."""

    def on_epoch_begin(self, epoch, logs=None):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(time.perf_counter())

    def median(self) -> float:
        return statistics.median(after - before for before, after in itertools.pairwise(self.ends))


def trained(strategy, peers, batch: int, sync_batch_norm: bool):
    """A function that makes so many steps and returns its images per second."""
    import dogo_tf
    from dogo_tf.data.stream import distributed_stream

    with strategy.scope():
        model = dogo_tf.DoGo(
            [dogo_tf.Peer(name, "simclr", image_size=32) for name in peers], sync_batch_norm=sync_batch_norm
        )
        model.compile(keras.optimizers.Adam(3e-4))
    images = np.random.default_rng(0).integers(0, 256, (4 * batch, 32, 32, 3), dtype=np.uint8)
    stream = distributed_stream(strategy, images, batch, seed=0)

    def rate(steps: int) -> float:
        times = StepTimes()
        model.fit(stream, steps_per_epoch=steps, callbacks=[times], verbose=0)
        return batch / times.median()

    return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--peers", default="wrn_16_2,wrn_10_2")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    set_up("float32")
    from dogo_tf.provenance import record

    peers = arguments.peers.split(",")
    rates = {
        f"{count}{'' if sync else ', batch norm apart'}": (
            trained(on_logical_devices(count), peers, arguments.batch, sync),
            [],
        )
        for count, sync in ((1, True), (2, True), (2, False), (4, True), (4, False))
    }
    for function, _ in rates.values():
        function(2)  # traces
    for _ in range(arguments.rounds):
        for function, found in rates.values():
            found.append(function(arguments.steps))
    one = rates["1"][1]
    numbers = {
        name: {
            "images_per_second": statistics.median(found),
            "over_one_device": statistics.median(ours / theirs for ours, theirs in zip(found, one, strict=True)),
        }
        for name, (_, found) in rates.items()
    }
    for name, found in numbers.items():
        print(
            f"{name} devices: {found['images_per_second']:.0f} images/s, {found['over_one_device']:.2f} of one device"
        )
    if arguments.out:
        settings = {"peers": peers, "batch": arguments.batch, "steps": arguments.steps, "rounds": arguments.rounds}
        record(arguments.out, {**settings, "devices": numbers})


if __name__ == "__main__":
    main()
