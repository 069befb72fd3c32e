"""How hard `patterns` is: a linear classifier on pixels, a supervised network, and features of untrained ones.

    python benchmarks/patterns_difficulty.py --out=results/patterns_difficulty.json

About five minutes on 2 CPU cores, most of it the supervised network.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dogo_tf.data import patterns
from dogo_tf.data.patterns_builder import SPLITS
from dogo_tf.encoders import wrn
from dogo_tf.platform.keras_compat import keras
from dogo_tf.reporting.provenance import record

BATCH = 128
LEARNING_RATE = 1e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6, help="of the supervised WRN-16-2")
    parser.add_argument("--seed", type=int, default=0, help="of the networks' weights and of the order of the images")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    started = time.monotonic()
    data = {
        variant: {split: patterns.generate(count, seed, variant) for split, (count, seed) in SPLITS.items()}
        for variant in patterns.VARIANTS
    }
    seconds = (time.monotonic() - started) / len(patterns.VARIANTS)
    train, test = data["default"]["train"], data["default"]["test"]
    numbers = {
        "seconds_to_generate_12000_images": seconds,
        "test_accuracy_logistic_regression_on_pixels": pixel_accuracy(train, test),
        "test_accuracy_random_wrn_10_2_features_100_labels": random_feature_accuracies(train, test, arguments.seed),
    }
    model = supervised_wrn_16_2(train, arguments.epochs, arguments.seed)
    numbers["test_accuracy_supervised_wrn_16_2"] = accuracy(model, test)
    numbers["ood_test_accuracy_supervised_wrn_16_2"] = accuracy(model, data["ood"]["test"])
    numbers["supervised_settings"] = {
        "epochs": arguments.epochs,
        "batch_size": BATCH,
        "optimizer": "Adam",
        "learning_rate": LEARNING_RATE,
        "schedule": "cosine to 0",
        "augmentation": "horizontal flip",
        "seed": arguments.seed,
    }
    record(arguments.out, numbers)


def pixel_accuracy(train, test) -> dict[str, float]:
    """Multinomial logistic regression on standardised pixels, for weak and strong regularisation (C, scikit-learn)."""
    return {
        f"C={c:g}": _regression(c).fit(_rows(train[0]), train[1]).score(_rows(test[0]), test[1])
        for c in (1e-6, 1e-5, 1e-4, 1e-3)
    }


def random_feature_accuracies(train, test, seed, initialisations=3) -> list[float]:
    """Logistic regression on the pooled features of untrained encoders, 10 labelled images a class."""
    images, labels = train
    few = np.concatenate([np.flatnonzero(labels == c)[:10] for c in range(len(patterns.CLASS_NAMES))])
    accuracies = []
    for initialisation in range(initialisations):
        keras.utils.set_random_seed(seed + initialisation)
        encoder = _encoder("wrn_10_2", images)
        regression = _regression(0.1).fit(encoder.predict(images[few], verbose=0), labels[few])
        accuracies.append(regression.score(encoder.predict(test[0], batch_size=250, verbose=0), test[1]))
    return accuracies


def supervised_wrn_16_2(train, epochs, seed) -> keras.Model:
    """Trained with all labels: Adam, cosine to zero, every second image of an epoch mirrored."""
    images, labels = train
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([_encoder("wrn_16_2", images), keras.layers.Dense(len(patterns.CLASS_NAMES))])
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * (len(images) // BATCH))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        order = rng.permutation(len(images))[: len(images) // BATCH * BATCH]
        batch = images[order]
        batch[::2] = batch[::2, :, ::-1]
        history = model.fit(batch, labels[order], batch_size=BATCH, shuffle=False, verbose=0).history
        print(f"epoch {epoch + 1}/{epochs}: train accuracy {history['accuracy'][0]:.4f}", file=sys.stderr)
    return model


def accuracy(model, test) -> float:
    return float((model.predict(test[0], batch_size=250, verbose=0).argmax(1) == test[1]).mean())


def _encoder(name, images):
    pixels = images.reshape(-1, 3)
    return wrn.build(name, patterns.IMAGE_SIZE, tuple(pixels.mean(0)), tuple(pixels.std(0)))


def _regression(c):
    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))


def _rows(images):
    return images.reshape(len(images), -1).astype(np.float32)


if __name__ == "__main__":
    main()
