"""A student of teachers, both small."""

import numpy as np

import dogo_tf
from dogo_tf.objectives import simclr
from dogo_tf.platform.keras_compat import keras

SIZE = 8


def encoder(name, width):
    pixels = keras.Input((SIZE, SIZE, 3), name="images")
    x = keras.layers.Conv2D(width, 3, 2)(keras.layers.Rescaling(1 / 127.5, -1)(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x)), name=name)


def images(count=16):
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def student_of(*teachers, **options):
    keras.utils.set_random_seed(0)
    peer = dogo_tf.Peer(encoder("small", 5), simclr.Objective(widths=(12, 6)))
    model = dogo_tf.DoGo([peer], teachers=teachers, **options)
    model.compile(keras.optimizers.SGD(0.1))
    return model
