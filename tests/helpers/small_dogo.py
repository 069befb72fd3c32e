"""A small DoGo, and data for it."""

import numpy as np

import dogo_tf
from dogo_tf.objectives import simclr, simsiam
from dogo_tf.platform.keras_compat import keras, tf

SIZE = 8


def encoder(name, width=6):
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(images)
    x = keras.layers.Conv2D(width, 3, 2, use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(images, x, name=name)


def objective(name):
    if name == "simclr":
        return simclr.Objective(widths=(12, 8))
    return simsiam.Objective(projector_widths=(12, 8), predictor_width=16)


def peers(*names):
    return [
        dogo_tf.Peer(encoder(f"peer_{k}", width=6 + k), objective(name), name=f"peer_{k}")
        for k, name in enumerate(names)
    ]


def model(*names, optimizer=None, seed=0, **kwargs):
    keras.utils.set_random_seed(1)
    made = dogo_tf.DoGo(peers(*names), seed=seed, **kwargs)
    made.compile(optimizer or keras.optimizers.SGD(0.1))
    return made


def images(count=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def dataset(batch=16):
    return tf.data.Dataset.from_tensor_slices(images()).batch(batch, drop_remainder=True)


def subclassed():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.inner = encoder("inner")

        def call(self, images, training=False):
            return self.inner(images, training=training)

    return Mine()


def called(model, images):
    model(images)
    return model
