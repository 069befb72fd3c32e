"""Which layers of a network compute in a mixed precision."""

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.encoders._precision import in_precision, only_dense
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.precision import policy

MOBILE = ("mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "efficientnet_lite_b0")


def precisions(encoder) -> dict[str, set[str]]:
    """Name of a class -> in which precisions its layers compute."""
    found = {}
    for layer in encoder.layers:
        found.setdefault(type(layer).__name__, set()).add(layer.dtype_policy.name)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", MOBILE)
def test_of_a_mobile_network_a_cpu_computes_the_dense_convolutions_in_bfloat16(name):
    whole = encoders.build(name, 64)
    with policy("mixed_bfloat16"):
        encoder = encoders.build(name, 64)
    for half in (encoder, in_precision(whole, "mixed_bfloat16")):
        found = precisions(half)
        assert found.pop("Conv2D") == {"mixed_bfloat16"}
        assert set.union(*found.values()) == {"float32"}
    encoder.set_weights(whole.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(encoder(images), whole(images), atol=0.05 * np.abs(whole(images)).max())


def test_a_network_without_depthwise_convolutions_computes_in_bfloat16_but_where_that_rounds_too_much():
    with policy("mixed_bfloat16"):
        encoder = encoders.build("wrn_10_1", 16)
    for half in (encoder, in_precision(encoders.build("wrn_10_1", 16), "mixed_bfloat16")):
        found = precisions(half)
        kept = [found.pop(kind) for kind in ("InputLayer", "Rescaling", "GlobalAveragePooling2D")]
        assert set.union(*kept) == {"float32"}
        assert set.union(*found.values()) == {"mixed_bfloat16"}


@pytest.mark.parametrize("layer", ["DepthwiseConv2D", "SeparableConv2D"])
def test_depthwise_convolutions_are_found_inside_of_other_models(layer):
    images = keras.Input((8, 8, 3))
    convolution = {"DepthwiseConv2D": (3,), "SeparableConv2D": (4, 3)}[layer]
    inside = keras.Sequential([getattr(keras.layers, layer)(*convolution)])
    assert only_dense(keras.Model(images, inside(images)), "mixed_bfloat16")


@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "float64"])
def test_other_precisions_are_the_whole_networks(precision):
    assert not only_dense(keras.Sequential([keras.layers.DepthwiseConv2D(3)]), precision)


def test_an_accelerator_computes_the_whole_network_in_bfloat16(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["one"] if kind == "TPU" else [])
    assert not only_dense(keras.Sequential([keras.layers.DepthwiseConv2D(3)]), "mixed_bfloat16")


def test_batch_normalisation_over_all_replicas_stays_so():
    images = keras.Input((8, 8, 3))
    x = keras.layers.BatchNormalization(synchronized=True)(keras.layers.DepthwiseConv2D(3)(images))
    (layer,) = (
        layer
        for layer in in_precision(keras.Model(images, x), "mixed_bfloat16").layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    assert layer.synchronized
