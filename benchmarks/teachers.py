"""What a teacher costs the student: images per second next to a peer, to a frozen teacher computed in the step, and to one
that was computed before (--cache_teachers), against the student alone. All take turns in one process.
"""

import argparse
from pathlib import Path

import numpy as np
from step_times import in_turns

import dogo_tf
from dogo_tf.data.stream import training_stream
from dogo_tf.evaluate.features import embed
from dogo_tf.platform.keras_compat import keras
from dogo_tf.reporting.provenance import record

SIZE = 32


def models_and_streams(small: str, big: str, batch: int) -> dict:
    images = np.random.default_rng(0).integers(0, 256, (4 * batch, SIZE, SIZE, 3), dtype=np.uint8)
    finished = dogo_tf.encoders.build(big, SIZE)
    features = embed(finished, images)

    def student(*more, teachers=(), extra_features=None):
        model = dogo_tf.DoGo([dogo_tf.Peer(name, "simclr", SIZE) for name in (small, *more)], teachers=teachers)
        model.compile(keras.optimizers.Adam(1e-3))
        return model, training_stream(images, batch, seed=0, extra_features=extra_features)

    return {
        "alone": student(),
        "cached teacher": student(
            teachers=[dogo_tf.CachedTeacher(features, "cached")], extra_features={"cached": features}
        ),
        "teacher in the step": student(teachers=[dogo_tf.FrozenTeacher(finished, "frozen")]),
        "peer": student(big),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--small", default="wrn_10_2")
    parser.add_argument("--big", default="wrn_16_2")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=8, help="steps per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    settings = {name: value for name, value in vars(arguments).items() if name != "out"}
    models = models_and_streams(arguments.small, arguments.big, arguments.batch)
    numbers = in_turns(models, arguments.batch, arguments.steps, arguments.rounds, "alone", "over_alone")
    for name, found in numbers.items():
        print(f"{name}: {found['images_per_second']:.0f} images/s, {found['over_alone']:.2f} of the student alone")
    if arguments.out:
        record(arguments.out, {**settings, "teaching": numbers})


if __name__ == "__main__":
    main()
