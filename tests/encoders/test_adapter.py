"""Backbones of other libraries, made small: the adapted graph is theirs, whatever they are made of."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from dogo_tf.encoders import NATURAL_MEAN, NATURAL_STD, _adapter, _transformers
from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.encoders._precision import as_float32
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf

TO_ONE = ((0.0,) * 3, (255.0,) * 3)  # pixel_mean and pixel_std of x / 255
NATURAL = (NATURAL_MEAN, NATURAL_STD)


def family(function):
    """The function behind those of keras.applications that only choose its settings."""
    return vars(sys.modules[function.__module__])


def convnext():
    """Layers of the library's own, also ones that draw random numbers, and sequences in the graph."""
    make = family(keras.applications.ConvNeXtTiny)["ConvNeXt"]
    sizes = {"depths": [1, 1, 1, 2], "projection_dims": [4, 6, 8, 10], "drop_path_rate": 0.9}
    return make(**sizes, layer_scale_init_value=0.5, include_top=False, weights=None, input_shape=(32, 32, 3))


def efficientnet():
    """Two layers in front that normalise, and dropout."""
    make = family(keras.applications.EfficientNetB0)["EfficientNet"]
    sizes = {"width_coefficient": 0.25, "depth_coefficient": 0.1, "default_size": 32, "drop_connect_rate": 0.9}
    return make(**sizes, include_top=False, weights=None, input_shape=(32, 32, 3))


def keras_cv(kind, side, **settings):
    return getattr(_adapter.import_keras_cv().models, kind)(
        **settings, include_rescaling=True, input_shape=(side, side, 3)
    )


def csp_darknet():
    """Slices, sequences and Lambda layers within layers."""
    return keras_cv("CSPDarkNetBackbone", 32, stackwise_channels=[4, 6, 8, 10], stackwise_depth=[1, 2, 1, 1])


def efficientnet_v2():
    """Layers that make others while they are called, and have dropout inside."""
    stages = {"kernel_sizes": [3, 3], "num_repeats": [2, 2], "input_filters": [8, 8], "output_filters": [8, 16]}
    more = {"expansion_ratios": [1, 4], "squeeze_and_excite_ratios": [0, 0.25], "conv_types": ["fused", "unfused"]}
    stacks = {f"stackwise_{name}": row for name, row in {**stages, **more, "strides": [1, 2]}.items()}
    scale = {"width_coefficient": 1.0, "depth_coefficient": 1.0}
    return keras_cv("EfficientNetV2Backbone", 16, **stacks, **scale, skip_connection_dropout=0.9)


def mix_transformer():
    return keras_cv("MiTBackbone", 64, depths=[1, 2, 1, 1], embedding_dims=[4, 4, 10, 8])


def vitdet():
    """Attention in windows that do not fit the 4 x 4 patches, and over all of them; learnt positions."""
    sizes = {"embed_dim": 8, "depth": 2, "mlp_dim": 16, "num_heads": 2, "out_chans": 6}
    return keras_cv("ViTDetBackbone", 64, **sizes, window_size=3, global_attention_indices=[1])


def repeated():
    """Layers that are called twice, and models in models."""
    side = keras.Input((8, 8, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same", name="shared")
    norm = keras.layers.BatchNormalization(name="norm")
    features = keras.Input((8, 8, 3))
    inner = keras.Model(features, keras.layers.Add()([norm(shared(features)), features]), name="inner")
    sequence = keras.Sequential([keras.layers.Conv2D(5, 1, name="last"), keras.layers.ReLU()])
    x = inner(norm(shared(inner(keras.layers.Rescaling(1 / 255)(side)))))
    return keras.Model(side, sequence(x), name="repeated")


KINDS = {
    convnext: NATURAL,
    efficientnet: TO_ONE,
    csp_darknet: TO_ONE,
    efficientnet_v2: TO_ONE,
    mix_transformer: TO_ONE,
    vitdet: NATURAL,
    repeated: TO_ONE,
}


def adapted(backbone, statistics, name):
    return _adapter.encoder(backbone, name, backbone.input_shape[1], *statistics, _transformers.REPLACEMENTS)


DEAR = (csp_darknet, efficientnet_v2, mix_transformer, vitdet)


@pytest.fixture(
    scope="module",
    params=[pytest.param(make, marks=pytest.mark.slow if make in DEAR else ()) for make in KINDS],
    ids=lambda make: make.__name__,
)
def pair(request):
    """A backbone with weights that no initialiser gives, and the encoder made of it, with the same ones."""
    keras.utils.set_random_seed(0)
    backbone = request.param()
    encoder = adapted(backbone, KINDS[request.param], request.param.__name__)
    generator = np.random.default_rng(0)
    for weight in backbone.weights:
        value = weight + 0.1 * generator.normal(size=weight.shape)
        weight.assign(np.abs(value) if "variance" in weight.name else value)
    layers = {part.name: part for part in backbone.submodules if isinstance(part, keras.layers.Layer)}
    taken = 0
    for layer in encoder.layers:
        if layer.weights:
            theirs = layers[layer.name].get_weights()
            layer.set_weights([w.reshape(own.shape) for w, own in zip(theirs, layer.weights, strict=True)])
            taken += sum(w.size for w in theirs)
    assert taken == encoder.count_params()
    return backbone, encoder


@pytest.fixture
def images(pair):
    return np.random.default_rng(1).integers(0, 256, (3, *pair[0].input_shape[1:]), np.uint8)


def test_the_features_are_the_means_of_the_backbones_map(pair, images):
    """With the statistics of the backbone's own normalisation, which is left out."""
    backbone, encoder = pair
    expected = backbone(images.astype(np.float32)).numpy().mean((1, 2))
    spread = np.std(expected, axis=0).max()
    assert spread > 1e-5
    np.testing.assert_allclose(encoder(images), expected, rtol=0, atol=0.02 * spread)


def test_nothing_is_drawn_at_random(pair, images):
    _, encoder = pair
    before = encoder.get_weights()
    first, again = (encoder(images, training=True).numpy() for _ in range(2))
    encoder.set_weights(before)
    np.testing.assert_array_equal(first, again)


def test_every_weight_learns(pair, images):
    _, encoder = pair
    before = encoder.get_weights()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(images, training=True) ** 2)
    gradients = tape.gradient(loss, encoder.trainable_variables)
    encoder.set_weights(before)
    named = zip(encoder.trainable_variables, gradients, strict=True)
    assert [variable.name for variable, gradient in named if gradient is None or not np.any(gradient)] == []


@pytest.mark.slow
@pytest.mark.parametrize("make", [csp_darknet, mix_transformer, vitdet])
def test_functions_of_tensorflow_in_the_graph_follow_the_precision(make):
    if make is vitdet and tf.__version__.startswith("2.15."):
        pytest.skip(
            "KerasCV's own ViTDet cannot be built in half precision with Keras 2.15: it adds float32 to bfloat16"
        )
    encoder = adapted(make(), KINDS[make], make.__name__)
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        half = adapted(make(), KINDS[make], make.__name__)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    half.set_weights(encoder.get_weights())
    images = np.random.default_rng(1).integers(0, 256, (3, *encoder.input_shape[1:]), np.uint8)
    assert half(images).dtype == tf.float32 and not np.array_equal(half(images), encoder(images))
    np.testing.assert_array_equal(as_float32(half)(images), encoder(images))


def test_batch_normalisation_has_our_momentum_at_every_depth(pair):
    norms = [part for part in pair[1].submodules if isinstance(part, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} <= {0.9}


def test_a_file_holds_no_class_of_another_library(pair, images, tmp_path):
    _, encoder = pair
    encoder.save(tmp_path / "encoder.keras", save_format="keras")
    with zipfile.ZipFile(tmp_path / "encoder.keras") as archive:
        config = archive.read("config.json").decode()
    assert "keras_cv" not in config and "applications" not in config
    np.testing.assert_array_equal(load_keras_file(tmp_path / "encoder.keras")(images), encoder(images))


@pytest.mark.slow
def test_a_tflite_file_computes_the_same_for_any_number_of_images(pair, images, tmp_path):
    _, encoder = pair
    files = tflite.convert(export_saved_model(encoder, tmp_path / "saved"), ["float32"])
    expected = encoder(images).numpy()
    for count in (1, 3):
        features = embed(TFLiteEncoder(files["float32"]), images, batch_size=count)
        np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_learned_positions_are_loaded_in_a_process_that_has_built_nothing(tmp_path):
    adapted(vitdet(), NATURAL, "vitdet").save(tmp_path / "encoder.keras", save_format="keras")
    program = """
import sys
sys.modules["keras_cv"] = None
from dogo_tf.encoders._keras_file import load_keras_file
print(load_keras_file(sys.argv[1]).output_shape)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "encoder.keras")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split("\n")[-2] == "(None, 6)"
