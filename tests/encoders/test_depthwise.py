"""In which precision depthwise convolutions are computed."""

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.encoders import _layers
from dogo_tf.encoders._float32 import in_precision
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.precision import policy

NAMES = ("mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2", "efficientnet_lite_b0")


def precisions(encoder, kind) -> set[str]:
    return {layer.dtype_policy.name for layer in encoder.layers if type(layer) is kind}


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_on_a_cpu_they_stay_in_float32_within_bfloat16(name):
    whole = encoders.build(name, 64)
    with policy("mixed_bfloat16"):
        encoder = encoders.build(name, 64)
    for half in (encoder, in_precision(whole, "mixed_bfloat16")):
        assert precisions(half, keras.layers.DepthwiseConv2D) == {"float32"}
        assert precisions(half, keras.layers.Conv2D) == {"mixed_bfloat16"}
    encoder.set_weights(whole.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(encoder(images), whole(images), atol=0.05 * np.abs(whole(images)).max())


@pytest.mark.parametrize("asked", ["float32", "mixed_float16", "float64"])
def test_other_precisions_are_the_networks_own(asked):
    assert _layers.depthwise_precision(asked) == asked


def test_an_accelerator_computes_them_in_bfloat16(monkeypatch):
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["one"] if kind == "TPU" else [])
    assert _layers.depthwise_precision("mixed_bfloat16") == "mixed_bfloat16"
