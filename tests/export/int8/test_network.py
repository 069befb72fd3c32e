"""The int8 file followed in TensorFlow: what LiteRT computes, and gradients for what is learned."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export.int8.graph_file import Int8File
from dogo_tf.export.int8.network import Network
from dogo_tf.platform.keras_compat import tf


@pytest.fixture(scope="module")
def network(gated):
    return Network(Int8File(gated["int8"], gated["float32"]))


def test_unrounded_it_is_the_float32_file(network, gated, images):
    expected = TFLiteEncoder(gated["float32"])(images)
    found = network.features(images.astype(np.float32), rounded=False)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_rounded_it_is_what_litert_computes_to_one_step(network, gated, images):
    int8 = TFLiteEncoder(gated["int8"])
    steps = (
        np.abs(network.features(images.astype(np.float32)) - int8(images)) / int8.stated_outputs["features"]["scale"]
    )
    assert (steps < 1.01).mean() >= 0.999 and (steps < 0.01).mean() > 0.5
    assert steps.mean() < 0.1 * np.abs(int8(images)).max() / int8.stated_outputs["features"]["scale"]


def test_every_weight_and_bias_learns_through_the_rounding(network, images):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network.features(images.astype(np.float32)) ** 2)
    gradients = tape.gradient(loss, network.trainable_variables)
    assert len(gradients) == 2 * 7 and all(np.abs(gradient).max() > 0 for gradient in gradients)


def test_an_operation_that_is_not_known_is_named(unknown):
    with pytest.raises(InputError, match="int8: the network has operations whose rounding is not known: TANH"):
        Network(Int8File(unknown["int8"], unknown["float32"]))
