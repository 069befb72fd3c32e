""".keras files: what is loaded, and that nothing a file carries is run or imported."""

import json
import sys
import zipfile

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf


def pooled(layer):
    images = keras.Input((8, 8, 3))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(layer(images)))


def rewrite(source, target, change):
    """A copy of a .keras file whose configuration, as text, went through `change`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == "config.json" else content)


@pytest.mark.parametrize(
    "name",
    ["wrn_10_1", *(pytest.param(name, marks=pytest.mark.slow) for name in ("shufflenet_v2", "mobilenet_v3_small"))],
)
def test_an_encoder_comes_back_as_it_was_saved(name, tmp_path):
    encoder = encoders.build(name, 32)
    encoder.save(tmp_path / "encoder.keras")
    loaded = load_keras_file(tmp_path / "encoder.keras")
    assert loaded.input_shape == (None, 32, 32, 3) and loaded.to_json() == encoder.to_json()
    for ours, theirs in zip(loaded.get_weights(), encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_code_in_a_lambda_layer_is_refused_wherever_it_hides(tmp_path):
    pooled(keras.layers.Lambda(lambda x: x / 2, name="halve")).save(tmp_path / "flat.keras")
    images = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.layers.Lambda(lambda x: x / 2, name="deep")])
    keras.Model(images, keras.layers.GlobalAveragePooling2D()(inner(images))).save(tmp_path / "nested.keras")
    for file, layer in (("flat", "halve"), ("nested", "deep")):
        with pytest.raises(
            InputError, match=f"{file}.keras cannot be loaded: its Lambda layer '{layer}' holds Python code"
        ):
            load_keras_file(tmp_path / f"{file}.keras")


def test_an_hdf5_file_under_this_name_is_refused(tmp_path):
    """Keras would load it without its safe mode, and run the code in its Lambda layers."""
    model = pooled(keras.layers.Lambda(lambda x: x / 2))
    with pytest.warns(UserWarning, match="HDF5"):
        model.save(tmp_path / "old.h5")
    (tmp_path / "old.h5").rename(tmp_path / "old.keras")
    with pytest.raises(InputError, match="old.keras cannot be loaded: expected the .keras format, a zip archive"):
        load_keras_file(tmp_path / "old.keras")


def test_a_module_that_a_file_names_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "sneaky.py").write_text("class ReLU:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    pooled(keras.layers.ReLU()).save(tmp_path / "plain.keras")
    rewrite(
        tmp_path / "plain.keras",
        tmp_path / "other.keras",
        lambda text: text.replace(
            '{"module": "keras.layers", "class_name": "ReLU"', '{"module": "sneaky", "class_name": "ReLU"'
        ),
    )
    with pytest.raises(
        InputError, match="its class ReLU of the module 'sneaky' is not Keras' own; import what registers"
    ):
        load_keras_file(tmp_path / "other.keras")
    assert "sneaky" not in sys.modules


def test_a_registered_class_is_loaded(tmp_path):
    @keras.utils.register_keras_serializable("dogo_tests")
    class Double(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    pooled(Double()).save(tmp_path / "own.keras")
    assert load_keras_file(tmp_path / "own.keras")(np.ones((1, 8, 8, 3))).numpy().tolist() == [[2, 2, 2]]
    keras.utils.get_custom_objects().pop("dogo_tests>Double")
    with pytest.raises(InputError, match="its class Double of the module .* is not Keras' own"):
        load_keras_file(tmp_path / "own.keras")


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: tf.transpose(x, [0, 2, 1, 3]),
        lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]),
        lambda x: tf.reshape(x, [tf.shape(x)[0], 4, 16, 3]),
        lambda x: tf.squeeze(tf.expand_dims(x, 1), 1),
        lambda x: tf.gather(x, [2, 1, 0], axis=3),
        lambda x: tf.roll(tf.reverse(x, [1]), 1, axis=2),
        lambda x: tf.repeat(tf.slice(x, [0, 0, 0, 0], [-1, 4, 4, 3]), 2, axis=1),
        lambda x: tf.broadcast_to(tf.image.resize(x, [4, 4]), tf.shape(x[:, :4, :4])),
        lambda x: tf.where(tf.math.greater(x, 0.5), x[:, :, ::-1], tf.clip_by_value(tf.nn.relu(x) ** 2, 0, 1)),
    ],
)
def test_functions_of_tensorflow_that_only_compute_come_back(operation, tmp_path):
    model = pooled(operation)
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    np.testing.assert_array_equal(load_keras_file(tmp_path / "model.keras")(images), model(images))


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(InputError, match="nothing.keras does not exist"):
        load_keras_file(tmp_path / "nothing.keras")
    pooled(keras.layers.Conv2D(2, 3)).save(tmp_path / "whole.keras")
    content = (tmp_path / "whole.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(content[: len(content) // 2])
    rewrite(tmp_path / "whole.keras", tmp_path / "odd.keras", lambda text: json.dumps({"class_name": "Nothing"}))
    rewrite(tmp_path / "whole.keras", tmp_path / "gone.keras", lambda text: text.replace("Conv2D", "Conv9D"))
    for name in ("cut", "odd", "gone"):
        with pytest.raises(InputError, match=f"{name}.keras cannot be loaded: "):
            load_keras_file(tmp_path / f"{name}.keras")
