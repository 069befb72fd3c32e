"""Encoders from every kind of file, what is said to the others, and fingerprints that change with what is computed."""

import json

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.evaluate.sources import fingerprint, image_side, load_encoder
from dogo_tf.export import tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.runs.folder import CONFIG


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(3)
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3, use_bias=False)(keras.layers.Rescaling(1 / 64, -2.0)(images))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="small")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def files(encoder, tmp_path_factory):
    """The same encoder in every kind of file that is known."""
    folder = tmp_path_factory.mktemp("files")
    encoder.save(folder / "encoder.keras")
    saved = export_saved_model(encoder, folder / "export" / "saved_model")
    (folder / "encoder.tflite").write_bytes(tflite.convert(saved, ["float32"])["float32"])
    make_run(folder / "run", encoder, ["small"])
    return folder


def make_run(path, encoder, names):
    (path / "encoders").mkdir(parents=True)
    config = {
        "settings": {"dataset": "patterns", "data_dir": None},
        "peers": [{"name": name} for name in names],
        "data": {"image_size": 8},
        "provenance": {},
    }
    (path / CONFIG).write_text(json.dumps(config))
    for name in names:
        encoder.save(path / "encoders" / f"{name}.keras")
    return path


@pytest.mark.parametrize("name", ["encoder.keras", "export/saved_model", "export", "encoder.tflite", "run"])
def test_every_kind_of_file_gives_the_same_features(name, files, encoder, images):
    loaded = load_encoder(files / name)
    assert loaded.input_shape == (None, 8, 8, 3)
    expected = encoder(images.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(embed(loaded, images, batch_size=3), expected, atol=1e-4 * np.abs(expected).max())
    with pytest.raises(InputError, match="the encoder takes 8 x 8 x 3, got 9 x 9 x 3"):
        embed(loaded, np.zeros((2, 9, 9, 3), np.uint8))
    assert fingerprint(loaded) == fingerprint(load_encoder(files / name))


def test_a_run_with_several_peers_needs_a_name(encoder, tmp_path):
    run = make_run(tmp_path / "pair", encoder, ["big", "small"])
    assert load_encoder(run, peer="small").input_shape == (None, 8, 8, 3)
    with pytest.raises(InputError, match="peer: which encoder of .*pair\\? It has: big, small"):
        load_encoder(run)
    with pytest.raises(InputError, match="no encoder of a peer 'medium'; it has: big, small"):
        load_encoder(run, peer="medium")
    with pytest.raises(InputError, match="It has: none yet"):
        load_encoder(make_run(tmp_path / "empty", encoder, []))


def test_what_is_no_encoder_is_answered_with_what_is(files, tmp_path):
    (tmp_path / "notes.txt").write_text("")
    for path, came in (("gone", "does not exist"), ("notes.txt", "is none of these"), ("", "holds none of these")):
        with pytest.raises(InputError, match=f"{came}; expected a .keras file, a .tflite file, a SavedModel folder"):
            load_encoder(tmp_path / path)
    with pytest.raises(InputError, match="peer: 'small' was given, but .*encoder.keras is no run folder"):
        load_encoder(files / "encoder.keras", peer="small")


def save_function(folder, function, *specs):
    module = tf.Module()
    module.function = tf.function(function, input_signature=specs)
    tf.saved_model.save(module, str(folder), signatures=module.function)
    return folder


def test_a_foreign_saved_model_from_images_to_one_output_is_an_encoder(images, tmp_path):
    """As Keras saves a model: float32 in, names of its own."""
    inputs = keras.Input((8, 8, 3), name="pixels")
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="averages")(inputs))
    tf.saved_model.save(model, str(tmp_path / "foreign"))
    loaded = load_encoder(tmp_path / "foreign")
    assert loaded.input_shape == (None, 8, 8, 3)
    np.testing.assert_allclose(embed(loaded, images), images.mean(axis=(1, 2)), rtol=1e-5)


def test_the_output_called_features_is_taken_among_several(images, tmp_path):
    def both(images):
        means = tf.reduce_mean(tf.cast(images, tf.float32), [1, 2])
        return {"classes": -means, "features": means}

    folder = save_function(tmp_path / "two", both, tf.TensorSpec([None, 8, 8, 3], tf.uint8, "images"))
    np.testing.assert_allclose(SavedModelEncoder(folder)(images), images.mean(axis=(1, 2)), rtol=1e-5)


IMAGES = tf.TensorSpec([None, 8, 8, 3], tf.float32, "x")
FOREIGN = {
    "two": (lambda x: {"a": x[:, 0, 0], "b": x[:, 1, 1]}, [IMAGES], "it maps 'x' float32 .* to 'a' float32 .* 'b'"),
    "maps": (lambda x: {"a": x}, [IMAGES], r"to 'a' float32 \(None, 8, 8, 3\)"),
    "numbers": (lambda x: {"a": tf.cast(x[:, 0, 0], tf.int32)}, [IMAGES], "to 'a' int32"),
    "vectors": (lambda x: {"a": x}, [tf.TensorSpec([None, 4], tf.float32, "x")], r"it maps 'x' float32 \(None, 4\)"),
    "fixed": (
        lambda x: {"a": x[:, 0, 0]},
        [tf.TensorSpec([1, 8, 8, 3], tf.float32, "x")],
        r"it maps 'x' float32 \(1, 8, 8, 3\)",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_foreign_saved_model_of_another_kind_is_refused(case, tmp_path):
    function, specs, message = FOREIGN[case]
    folder = save_function(tmp_path / "other", function, *specs)
    with pytest.raises(InputError, match="other: expected a signature 'serving_default' .*" + message):
        load_encoder(folder)


def test_a_saved_model_without_a_signature_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    with pytest.raises(InputError, match="bare: expected a signature .*; it has none of that name"):
        load_encoder(tmp_path / "bare")


def test_a_fingerprint_changes_with_weights_and_architecture_and_nothing_else(encoder):
    before = fingerprint(encoder)
    assert len(before) == 64 and fingerprint(encoder) == before
    twin = keras.models.clone_model(encoder)
    twin.set_weights(encoder.get_weights())
    twin.compile("adam", "mse")
    assert fingerprint(twin) == before
    weights = encoder.get_weights()
    weights[-1].flat[0] = np.nextafter(weights[-1].flat[0], np.float32(9))
    twin.set_weights(weights)
    assert fingerprint(twin) != before

    def pooled(layer):  # without weights: only the configuration differs
        images = keras.Input((8, 8, 3), name="images")
        return keras.Model(images, layer(images), name="pooled")

    average, largest = keras.layers.GlobalAveragePooling2D(name="h"), keras.layers.GlobalMaxPooling2D(name="h")
    assert fingerprint(pooled(average)) != fingerprint(pooled(largest))


def test_the_fingerprint_of_a_file_covers_its_weights(encoder, files, tmp_path):
    other = keras.models.clone_model(encoder)
    other.set_weights([weight + 1e-3 for weight in encoder.get_weights()])
    folder = export_saved_model(other, tmp_path / "other")
    assert fingerprint(load_encoder(folder)) != fingerprint(load_encoder(files / "export"))


def test_code_has_no_fingerprint():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(InputError, match="got the subclass Own, whose configuration does not say what it computes"):
        fingerprint(Own())
    with pytest.raises(InputError, match="got function, whose code cannot be fingerprinted"):
        fingerprint(lambda batch: batch)


def test_the_side_of_the_images_is_the_encoders(encoder):
    assert image_side(encoder) == 8
    any_size = keras.Input((None, None, 3))
    assert image_side(keras.Model(any_size, any_size)) is None
    wide = keras.Input((8, 16, 3))
    with pytest.raises(InputError, match=r"expected one input of square images .*, it takes \(None, 8, 16, 3\)"):
        image_side(keras.Model(wide, wide))
