"""A small encoder with everything an export must carry over, and its files, made once for all tests of this folder."""

import warnings

import numpy as np
import pytest

from dogo_tf.export import saved_model, tflite
from dogo_tf.platform.keras_compat import keras, tf


def residual_encoder(policy="float32", name="small"):
    """Normalisation in the graph, a residual block and batch normalisation with statistics that matter; 16 x 12 pixels."""
    keras.utils.set_random_seed(7)
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        images = keras.Input((16, 12, 3), name="pixels")
        x = keras.layers.Rescaling([1 / 60, 1 / 50, 1 / 55], [-120 / 60, -110 / 50, -100 / 55], dtype="float32")(images)
        x = keras.layers.Conv2D(8, 3, 2, "same", use_bias=False)(x)
        y = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        y = keras.layers.Conv2D(8, 3, 1, "same", use_bias=False)(y)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Add()([x, y])))
        model = keras.Model(images, keras.layers.GlobalAveragePooling2D(dtype="float32")(x), name=name)
    finally:
        keras.mixed_precision.set_global_policy(before)
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            low_high = ((0.5, 1.5), (-0.5, 0.5), (-1.0, 1.0), (0.2, 2.0))  # gamma, beta, mean, variance
            layer.set_weights([generator.uniform(low, high, 8).astype(np.float32) for low, high in low_high])
    return model


def in_this_process(words, files):
    """As tflite._run_child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own, which a child keeps to itself
        tflite._convert_here(words[0], words[1], words[2:])
    return 0, []


@pytest.fixture(scope="module", autouse=True)
def conversions_in_this_process(request):
    """Starting TensorFlow for each takes longer than all the rest; test_tflite.py has them as they are, in a child process."""
    with pytest.MonkeyPatch.context() as patched:
        if request.module.__name__.rpartition(".")[2] != "test_tflite":
            patched.setattr(tflite, "_run_child", in_this_process)
        yield


@pytest.fixture(scope="session")
def make_encoder():
    return residual_encoder


@pytest.fixture(scope="session")
def encoder():
    return residual_encoder()


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 16, 12, 3), np.uint8)


@pytest.fixture(scope="session")
def calibration_images():
    return np.random.default_rng(1).integers(0, 256, (100, 16, 12, 3), np.uint8)


@pytest.fixture(scope="session")
def reference(encoder, images):
    """The features that the exported files must return."""
    return encoder(images.astype(np.float32), training=False).numpy()


@pytest.fixture(scope="session")
def saved(encoder, tmp_path_factory):
    return saved_model.export_saved_model(encoder, tmp_path_factory.mktemp("export") / "saved_model")


@pytest.fixture(scope="session")
def tflite_files(saved, calibration_images):
    return tflite.convert(saved, calibration=calibration_images)


def gated_encoder(extra=None, gate_bias="zeros"):
    """16 x 12 pixels, with what the package's own encoders consist of: squeeze-and-excite, hard-swish, shuffling, pooling.

    `extra`: a layer before the last convolution. gate_bias: initialiser of the first bias of squeeze-and-excite."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    images = keras.Input((16, 12, 3), name="pixels")
    x = layers.Rescaling([1 / 60, 1 / 50, 1 / 55], [-120 / 60, -110 / 50, -100 / 55])(images)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, 2, "same", use_bias=False)(x))
    x = x * layers.ReLU(6.0)(x + 3.0) * (1 / 6)
    x = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)))
    gate = layers.Conv2D(4, 1, activation="relu", bias_initializer=gate_bias)(
        layers.GlobalAveragePooling2D(keepdims=True)(x)
    )
    x = layers.Multiply()([x, layers.ReLU(6.0)(layers.Conv2D(8, 1)(gate) + 3.0) * (1 / 6)])
    kept, y = tf.split(x, 2, axis=-1)
    y = layers.BatchNormalization()(layers.Conv2D(4, 1, use_bias=False)(y))
    x = layers.Concatenate()([kept, y])
    x = layers.Permute((1, 3, 2))(layers.Reshape((48, 2, 4))(x))
    x = layers.MaxPooling2D(2)(layers.Reshape((8, 6, 8))(x))
    x = layers.Add()([x, layers.Conv2D(8, 3, padding="same", activation="sigmoid")(x)])
    x = layers.BatchNormalization()(layers.AveragePooling2D(2, padding="same")(layers.ZeroPadding2D(1)(x)))
    x = layers.Conv2D(16, 3, padding="same")(extra(x) if extra else x)
    model = keras.Model(images, layers.GlobalAveragePooling2D()(x), name="gated")
    generator = np.random.default_rng(6)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            low_high = ((0.8, 1.5), (-0.5, 0.5), (-0.5, 0.5), (0.2, 1.0))  # gamma, beta, mean, variance
            layer.set_weights(
                [generator.uniform(*pair, w.shape) for pair, w in zip(low_high, layer.get_weights(), strict=True)]
            )
    return model


@pytest.fixture(scope="session")
def converted(tmp_path_factory, calibration_images):
    """Function from an encoder to its float32 and int8 files."""

    def convert(encoder):
        folder = saved_model.export_saved_model(encoder, tmp_path_factory.mktemp("converted") / "saved_model")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(tflite, "_run_child", in_this_process)
            return tflite.convert(folder, ("float32", "int8"), calibration_images)

    return convert


@pytest.fixture(scope="session")
def gated(converted):
    return converted(gated_encoder())


@pytest.fixture(scope="session")
def unknown(converted):
    """With an operation that is not followed in TensorFlow."""
    return converted(gated_encoder(extra=lambda x: tf.math.tanh(x)))


@pytest.fixture(scope="session")
def silent(converted):
    """With a ReLU that passes nothing on any image, as some in MobileNetV3-Small after a proper training."""
    return converted(gated_encoder(gate_bias=keras.initializers.Constant(-100)))
