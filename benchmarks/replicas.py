"""What distribution costs: images per second on 2 and 4 logical devices of this machine's cores, against one device.

The devices share the same cores, so there is nothing to gain here; the ratio is the overhead of gathering, of synchronised
batch normalisation and of summing gradients. All numbers of devices take turns in one process.
"""

import argparse
from pathlib import Path

import numpy as np
from equality import on_logical_devices, set_up
from step_times import in_turns

from dogo_tf.platform.keras_compat import keras


def model_and_stream(strategy, peers, batch: int, sync_batch_norm: bool):
    import dogo_tf
    from dogo_tf.data.stream import distributed_stream

    with strategy.scope():
        model = dogo_tf.DoGo(
            [dogo_tf.Peer(name, "simclr", image_size=32) for name in peers], sync_batch_norm=sync_batch_norm
        )
        model.compile(keras.optimizers.Adam(3e-4))
    images = np.random.default_rng(0).integers(0, 256, (4 * batch, 32, 32, 3), dtype=np.uint8)
    return model, distributed_stream(strategy, images, batch, seed=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--peers", default="wrn_16_2,wrn_10_2")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    set_up("float32")
    from dogo_tf.reporting.provenance import record

    peers = arguments.peers.split(",")
    models = {
        f"{count}{'' if sync else ', batch norm apart'}": model_and_stream(
            on_logical_devices(count), peers, arguments.batch, sync
        )
        for count, sync in ((1, True), (2, True), (2, False), (4, True), (4, False))
    }
    numbers = in_turns(models, arguments.batch, arguments.steps, arguments.rounds, "1", "over_one_device")
    for name, found in numbers.items():
        print(
            f"{name} devices: {found['images_per_second']:.0f} images/s, {found['over_one_device']:.2f} of one device"
        )
    if arguments.out:
        settings = {"peers": peers, "batch": arguments.batch, "steps": arguments.steps, "rounds": arguments.rounds}
        record(arguments.out, {**settings, "devices": numbers})


if __name__ == "__main__":
    main()
