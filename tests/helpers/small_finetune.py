"""A small FineTune, and three classes of colour for it."""

import numpy as np
import small_dogo

import dogo_tf
from dogo_tf.platform.keras_compat import keras

NAMES = ("red", "green", "blue")


def pictures(count=48, seed=0):
    """Images uint8 [N, 8, 8, 3] and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 160, (count, small_dogo.SIZE, small_dogo.SIZE, 3))
    images[np.arange(count), :, :, labels] += 90
    return images.astype(np.uint8), labels


def model(*names, optimizer=None, **kwargs):
    keras.utils.set_random_seed(1)
    encoders = [small_dogo.encoder(name, width=6 + k) for k, name in enumerate(names or ("small",))]
    made = dogo_tf.FineTune(encoders, NAMES, **kwargs)
    made.compile(optimizer or keras.optimizers.Adam(0.01))
    return made
