"""The SavedModel: its contract, what it contains, that it stands alone, and what is never overwritten."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.export import parity
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf

LOAD_ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("dogo_tf", "tf_keras", "keras_cv", "sklearn"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Refuse())
import numpy as np
import tensorflow as tf

signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
name, spec = *signature.structured_input_signature[1],  signature.structured_input_signature[1]["images"]
assert (name, spec.dtype, spec.shape.as_list()) == ("images", tf.uint8, [None, 16, 12, 3]), spec
np.save(sys.argv[3], signature(images=tf.constant(np.load(sys.argv[2])))["features"].numpy())
"""


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_it_returns_the_encoders_features_for_any_batch(saved, images, reference):
    exported = SavedModelEncoder(saved)
    assert exported.input_shape == (None, 16, 12, 3)
    for count in (1, 3, 40):
        features = exported(images[:count])
        assert features.dtype == np.float32
        np.testing.assert_allclose(features, reference[:count], atol=1e-5 * np.abs(reference).max())
    result = parity.compare(reference, embed(exported, images, batch_size=16))
    assert parity.violations(result, "saved_model") == []


def test_plain_tensorflow_loads_it_without_this_package(saved, images, reference, tmp_path):
    np.save(tmp_path / "images.npy", images)
    arguments = [str(saved), str(tmp_path / "images.npy"), str(tmp_path / "features.npy")]
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    child = subprocess.run(
        [sys.executable, "-c", LOAD_ALONE, *arguments], capture_output=True, text=True, env=environment
    )
    assert child.returncode == 0, child.stderr
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), reference, atol=1e-5 * np.abs(reference).max())


def test_it_holds_the_encoders_weights_and_nothing_else(make_encoder, images, tmp_path):
    encoder = make_encoder()
    encoder.compile(keras.optimizers.Adam(), "mse")
    encoder.fit(images.astype(np.float32), np.zeros((40, 8)), verbose=0)
    folder = export_saved_model(encoder, tmp_path / "out")
    stored = [shape for name, shape in tf.train.list_variables(str(folder / "variables" / "variables")) if shape]
    assert sorted(map(tuple, stored)) == sorted(tuple(variable.shape) for variable in encoder.variables)
    expected = encoder(images.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(SavedModelEncoder(folder)(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_model_of_mixed_precision_is_exported_in_float32(make_encoder, policy, images, reference, tmp_path):
    folder = export_saved_model(make_encoder(policy), tmp_path / "out")
    np.testing.assert_allclose(SavedModelEncoder(folder)(images), reference, atol=1e-5 * np.abs(reference).max())


def test_what_is_there_stays_unless_it_is_a_saved_model_to_overwrite(encoder, saved, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="own is not empty; choose another, or replace its SavedModel with overwrite"):
        export_saved_model(encoder, own)
    with pytest.raises(InputError, match=r"own holds files but no SavedModel \(saved_model.pb\); it is not replaced"):
        export_saved_model(encoder, own, overwrite=True)
    with pytest.raises(InputError, match="thesis.txt is a file; expected a folder"):
        export_saved_model(encoder, own / "thesis.txt", overwrite=True)
    with pytest.raises(InputError, match="is not empty"):
        export_saved_model(encoder, saved)
    assert files_below(own) == ["thesis.txt"]


def test_overwriting_replaces_everything_and_an_empty_folder_is_free(encoder, tmp_path):
    (tmp_path / "out").mkdir()
    folder = export_saved_model(encoder, tmp_path / "out")
    fresh = files_below(folder)
    (folder / "assets" / "stale.txt").write_text("old")
    export_saved_model(encoder, folder, overwrite=True)
    assert files_below(folder) == fresh
    assert files_below(tmp_path) == sorted(["out", *(f"out/{name}" for name in fresh)])


def test_a_failed_export_leaves_the_old_one_and_no_rubbish(encoder, tmp_path, monkeypatch):
    folder = export_saved_model(encoder, tmp_path / "out")
    before = files_below(tmp_path)

    def full(module, path, signatures):
        os.mkdir(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(InputError, match="cannot write to .*out: No space left on device"):
        export_saved_model(encoder, folder, overwrite=True)
    assert files_below(tmp_path) == before


def test_encoders_of_other_shapes_are_refused(tmp_path):
    images = keras.Input((16, 16, 3))
    pooled = keras.layers.GlobalAveragePooling2D()
    any_size = keras.Input((None, None, 3))
    grey = keras.Input((16, 16, 1))
    for model, message in [
        (
            keras.Model(images, keras.layers.Conv2D(4, 3)(images), name="maps"),
            r"'maps': expected one output .* 14, 14, 4",
        ),
        (keras.Model(any_size, pooled(any_size), name="free"), r"'free': expected one input .* of fixed H and W"),
        (keras.Model(grey, pooled(grey), name="grey"), r"'grey': expected one input \[B, H, W, 3\].* 16, 16, 1"),
        (lambda batch: batch, "expected a keras.Model of the Keras 2 API, got function"),
    ]:
        with pytest.raises(InputError, match=message):
            export_saved_model(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_foreign_folder_is_no_encoder(tmp_path):
    with pytest.raises(InputError, match="nothing: expected a SavedModel folder"):
        SavedModelEncoder(tmp_path / "nothing")
    module = tf.Module()
    module.double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], name="x")])
    tf.saved_model.save(module, str(tmp_path / "other"), signatures=module.double)
    with pytest.raises(InputError, match="other: expected a signature 'serving_default' from 'images' to 'features'"):
        SavedModelEncoder(tmp_path / "other")


def test_wrong_pictures_are_refused(saved, images):
    with pytest.raises(InputError, match="the encoder takes 16 x 12 x 3, got 12 x 16 x 3"):
        SavedModelEncoder(saved)(images.transpose(0, 2, 1, 3))


@pytest.mark.parametrize(("name", "dtype"), [("serving_default", tf.uint8), ("float_images", tf.float32)])
def test_plain_tensorflow_refuses_images_of_another_size_than_declared(saved, name, dtype):
    signature = tf.saved_model.load(str(saved)).signatures[name]
    for shape in [(2, 32, 24, 3), (2, 12, 16, 3)]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"not compatible with expected shape \[\?,16,12,3\]"):
            signature(images=tf.zeros(shape, dtype))
