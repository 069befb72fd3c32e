"""as_float32: the same function in float32, from every precision and shape of model."""

import numpy as np
import pytest

from dogo_tf.encoders import build
from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf


@pytest.fixture
def policy():
    """Sets the global policy for one model; float32 again afterwards."""
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy("float32")


def trained(model, seed=0):
    """The model with weights and batch-norm statistics that no initialiser gives."""
    generator = np.random.default_rng(seed)
    model.set_weights([np.abs(generator.normal(0.1, 0.2, weight.shape)) for weight in model.get_weights()])
    return model


PICTURES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("precision, tolerance", [("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)])
def test_the_twin_of_a_mixed_model_equals_one_built_in_float32(policy, precision, tolerance):
    original = build("wrn_10_1", 16)
    policy(precision)
    mixed = build("wrn_10_1", 16)
    policy("float32")
    generator = np.random.default_rng(0)
    for variable in original.variables:
        variable.assign(variable + 0.05 * generator.normal(size=variable.shape))
    mixed.set_weights(original.get_weights())
    twin = as_float32(mixed)
    expected = original(PICTURES, training=False).numpy()
    np.testing.assert_array_equal(twin(PICTURES, training=False), expected)
    off = np.abs(mixed(PICTURES, training=False).numpy() - expected).max() / np.abs(expected).max()
    assert 0 < off < tolerance  # it did compute in half precision, and it is the same function
    assert {layer.compute_dtype for layer in twin.layers} == {"float32"}
    assert (twin.name, twin.input_shape, twin.input_names) == (mixed.name, mixed.input_shape, mixed.input_names)


def test_a_float32_model_is_returned_as_it_is():
    model = build("wrn_10_1", 16)
    assert as_float32(model) is model


def test_the_twin_has_weights_of_its_own(policy):
    policy("mixed_bfloat16")
    model = build("wrn_10_1", 16)
    twin = as_float32(model)
    before = twin(PICTURES, training=False).numpy()
    model.set_weights([2 * weight for weight in model.get_weights()])
    np.testing.assert_array_equal(twin(PICTURES, training=False), before)


def nested():
    images = keras.Input((16, 16, 3), name="pixels")
    return keras.Model(images, keras.layers.Dense(3, name="last", dtype="float32")(build("wrn_10_1", 16)(images)))


def sequential():
    layers = [keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), *layers])
    model.build((None, 16, 16, 3))
    return model


def wrapped():
    images = keras.Input((16, 16, 3))
    rows = keras.layers.TimeDistributed(keras.layers.Dense(4))(images / 255)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(rows))


@pytest.mark.parametrize("make", [nested, sequential, wrapped])
def test_models_in_models_sequences_and_wrappers(policy, make):
    policy("mixed_bfloat16")
    model = trained(make())
    policy("float32")
    reference = make()
    reference.set_weights(model.get_weights())
    np.testing.assert_array_equal(as_float32(model)(PICTURES), reference(PICTURES))


def test_frozen_layers_keep_their_weights(policy):
    policy("mixed_bfloat16")
    model = trained(build("wrn_10_1", 16))
    for layer in model.layers[::3]:
        layer.trainable = False
    twin = as_float32(model)
    for layer, twin_layer in zip(model.layers, twin.layers, strict=True):
        for weight, twin_weight in zip(layer.get_weights(), twin_layer.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, twin_weight)


def test_what_cannot_be_rebuilt_is_refused(policy):
    policy("mixed_bfloat16")

    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    own = Own()
    own(np.zeros((1, 4), np.float32))
    with pytest.raises(InputError, match="encoder 'own': cannot be rebuilt in float32"):
        as_float32(own)
    images = keras.Input((16, 16, 3))
    cast = tf.cast(keras.layers.GlobalAveragePooling2D()(images), tf.bfloat16)
    with pytest.raises(InputError, match="encoder 'cast': expected float32 output, but its graph holds a cast"):
        as_float32(keras.Model(images, cast, name="cast"))
