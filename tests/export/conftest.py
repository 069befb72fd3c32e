"""A small encoder with everything an export must carry over, and its files, made once for all tests of this folder."""

import warnings

import numpy as np
import pytest

from dogo_tf.export import saved_model, tflite
from dogo_tf.platform.keras_compat import keras


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


@pytest.fixture(scope="module", autouse=True)
def conversions_in_this_process(request):
    """Starting TensorFlow for each takes longer than all the rest; test_tflite.py has them as they are, in a child process."""

    def convert(words, files):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter's own, which a child keeps to itself
            tflite._convert_here(words[0], words[1], words[2:])
        return 0, []

    with pytest.MonkeyPatch.context() as patched:
        if request.module.__name__.rpartition(".")[2] != "test_tflite":
            patched.setattr(tflite, "_run_child", convert)
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
