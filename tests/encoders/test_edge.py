"""What is particular to the encoders for the edge: where they come from, and that they reach a device."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.encoders import _adapter, mobilenet_v3, shufflenet_v2
from dogo_tf.evaluate import embed
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import graph, parity, tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.runs.folder import RunFolder

NAMES = [
    "efficientnet_lite_b0",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "mobilenet_v3_small_minimalistic",
    "shufflenet_v2",
]


def run(program, *arguments):
    """What `program` prints in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_kerascv_is_imported_when_it_is_needed_quietly_and_without_the_network():
    program = """
import socket, sys
from dogo_tf import encoders

def no_network(*_):
    raise OSError("this test has no network")

socket.socket.connect = socket.getaddrinfo = no_network
encoders.build("wrn_10_1", 32)
print("keras_cv" in sys.modules)
for name in ("mobilenet_v3_small", "efficientnet_lite_b0"):
    print(encoders.build(name, 32).name)
print("keras_cv" in sys.modules)
"""
    assert run(program).split() == ["False", "mobilenet_v3_small", "efficientnet_lite_b0", "True"]


@pytest.mark.slow
def test_a_saved_encoder_needs_neither_kerascv_nor_this_package(tmp_path):
    keras.utils.set_random_seed(0)
    encoder = encoders.build("mobilenet_v3_small", 32)
    folder = RunFolder(tmp_path)
    settings = {"dataset": "patterns", "data_dir": None}
    config = {"settings": settings, "peers": [{"name": "small"}], "data": {"image_size": 64}, "provenance": {}}
    folder.start(config, resume=False, overwrite=False)
    (tmp_path / "encoders").mkdir()
    path = tmp_path / "encoders" / "small.keras"
    encoder.save(path, save_format="keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    program = """
import os, sys
os.environ["TF_USE_LEGACY_KERAS"] = "1"
sys.modules["keras_cv"] = sys.modules["dogo_tf"] = None  # their import fails
import numpy as np, tensorflow as tf
folder = sys.argv[1]
encoder = tf.keras.models.load_model(folder + "/encoders/small.keras", compile=False)
np.save(folder + "/features.npy", encoder(np.load(folder + "/images.npy")))
"""
    run(program, tmp_path)
    expected = encoder(images).numpy()
    np.testing.assert_allclose(
        np.load(tmp_path / "features.npy"), expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max()
    )
    np.testing.assert_array_equal(folder.load_encoder("small")(images), expected)


@pytest.mark.slow
def test_batch_statistics_run_over_all_replicas():
    program = """
from dogo_tf.platform.keras_compat import keras, tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from dogo_tf import encoders
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    for name in ("mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2"):
        layers = [layer for layer in encoders.build(name, 32).layers if "BatchNorm" in type(layer).__name__]
        print({layer.synchronized for layer in layers})
"""
    assert run(program).split() == ["{True}"] * 3


@pytest.mark.slow
def test_the_adapted_graph_is_that_of_the_library():
    """The same weights give the same map of features as the backbone itself."""
    encoder = encoders.build("mobilenet_v2", 64, (127.5,) * 3, (127.5,) * 3)
    original = keras.applications.MobileNetV2((64, 64, 3), include_top=False, weights=None, pooling="avg")
    original.set_weights(settled(encoder).get_weights())
    images = pictures(4, 64)
    expected = original(images / np.float32(127.5) - 1).numpy()
    np.testing.assert_allclose(encoder(images), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_kerascvs_layers_compute_the_same_when_they_are_rebuilt():
    original = _adapter.import_keras_cv().models.MobileNetV3Backbone(
        **mobilenet_v3.STACKS["mobilenet_v3_small"], include_rescaling=False, input_shape=(64, 64, 3)
    )
    encoder = settled(encoders.build("mobilenet_v3_small", 64, (127.5,) * 3, (127.5,) * 3))
    original.set_weights(encoder.get_weights())
    images = pictures(4, 64)
    expected = original(images / np.float32(127.5) - 1).numpy().mean((1, 2))
    np.testing.assert_allclose(encoder(images), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_minimalistic_variant_has_nothing_that_integers_are_slow_or_coarse_at():
    encoder = encoders.build("mobilenet_v3_small_minimalistic", 64)
    kinds = {type(layer).__name__ for layer in encoder.layers}
    assert kinds == {
        *("InputLayer", "Rescaling", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Add", "ZeroPadding2D"),
        "GlobalAveragePooling2D",
    }
    assert {layer.kernel_size for layer in encoder.layers if type(layer) is keras.layers.DepthwiseConv2D} == {(3, 3)}


def test_shuffling_takes_the_halves_in_turn():
    left = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    both = shufflenet_v2._shuffled(tf.constant(left), tf.constant(100 + left)).numpy()
    np.testing.assert_array_equal(both[0, 0, 0], [0, 100, 1, 101, 2, 102])
    np.testing.assert_array_equal(both[0, 1, 1], [9, 109, 10, 110, 11, 111])


def pictures(count, size):
    """Random images with structure: blocks of colour, so that feature maps differ."""
    coarse = np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3), np.uint8)
    return coarse.repeat(size // 8, axis=1).repeat(size // 8, axis=2)


def settled(encoder):
    """The encoder with the batch-norm statistics of images; with the initial ones it tells no two images apart."""
    norms = [layer for layer in encoder.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0  # one batch decides: what is left of the initial statistics multiplies over the depth
    encoder(pictures(64, encoder.input_shape[1]), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return encoder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_builtin_operations_express_every_encoder(name, tmp_path):
    keras.utils.set_random_seed(0)
    encoder = settled(encoders.build(name, 64))
    images = pictures(32, 64)
    reference = embed(encoder, images)
    calibration = pictures(100, 64)
    files = tflite.convert(export_saved_model(encoder, tmp_path / "saved"), calibration=calibration)
    assert set(files) == set(tflite.FORMATS)
    graphs = {variant: graph.read(data) for variant, data in files.items()}
    assert all(found.builtin_only for found in graphs.values()) and graphs["int8"].float_operators == 0
    for data in files.values():  # they load, run, and tell images apart; how well integers do needs trained weights
        features = embed(TFLiteEncoder(data), images)
        assert features.shape == reference.shape and np.isfinite(features).all() and features.std(axis=0).max() > 0
    float32, float16 = (
        parity.compare(reference, embed(TFLiteEncoder(files[name]), images)) for name in ("float32", "float16")
    )
    assert parity.violations(float32, "float32") == []
    # The limits of half precision are for trained networks: weights at random amplify rounding from layer to layer. The error
    # next to the difference between images (error_ratio) also shows that the encoder does tell these apart.
    assert float16.error_ratio < 0.005 and float16.cosine_min > 0.999
