"""The .tflite files: same features, small, quiet, built-in operations; and files that are none."""

import subprocess
import sys

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import parity, tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.progress import Progress


def test_every_format_has_its_limits():
    assert set(tflite.FORMATS) < set(parity.LIMITS)


@pytest.mark.parametrize("name", tflite.FORMATS)
def test_features_stay_within_the_limits_of_the_format(name, tflite_files, images, reference):
    features = embed(TFLiteEncoder(tflite_files[name]), images, batch_size=16)
    assert parity.violations(parity.compare(reference, features), name) == []


@pytest.mark.slow
def test_a_wide_residual_network_goes_the_whole_way(tmp_path):
    keras.utils.set_random_seed(0)
    encoder = encoders.build("wrn_10_1", image_size=32)
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    calibration = np.random.default_rng(1).integers(0, 256, (100, 32, 32, 3), np.uint8)
    files = tflite.convert(export_saved_model(encoder, tmp_path / "saved"), calibration=calibration)
    reference = embed(encoder, images)
    for name, data in files.items():
        assert parity.violations(parity.compare(reference, embed(TFLiteEncoder(data), images)), name) == []
    # Half or a quarter of the bytes per weight, and the description of the graph.
    assert 0.5 < len(files["float16"]) / len(files["float32"]) < 0.56
    assert all(0.25 < len(files[name]) / len(files["float32"]) < 0.4 for name in ("dynamic_range", "int8"))


@pytest.mark.parametrize("name", tflite.FORMATS)
def test_any_batch_gives_the_same_features(name, tflite_files, images):
    encoder = TFLiteEncoder(tflite_files[name])
    whole = encoder(images)
    assert whole.dtype == np.float32 and encoder.input_shape == (None, 16, 12, 3)
    one_by_one = np.concatenate([encoder(images[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(one_by_one, whole[:5], atol=1e-5 * np.abs(whole).max())
    np.testing.assert_array_equal(encoder(images), whole)


def test_converting_shows_its_progress_and_nothing_of_the_converter(saved, capfd, monkeypatch):
    monkeypatch.setattr(tflite, "Progress", lambda label, total: Progress(label, total, quiet_for=0))
    tflite.convert(saved, ["float16"])
    shown = capfd.readouterr()
    assert shown.out == "" and shown.err.splitlines()[-1] == "converting: 1/1 (100 %)"
    assert all(line.startswith("converting: ") for line in shown.err.splitlines())


def test_the_interpreters_own_lines_stay_off_the_screen(tflite_files, tmp_path):
    """In a fresh process, since LiteRT writes them for the first interpreter only."""
    path = tmp_path / "small.tflite"
    path.write_bytes(tflite_files["float32"])
    run = (
        "import sys, numpy as np\n"
        "from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder\n"
        "TFLiteEncoder(sys.argv[1])(np.zeros((2, 16, 12, 3), np.uint8))\n"
        "print('ours', file=sys.stderr)"
    )
    child = subprocess.run([sys.executable, "-c", run, str(path)], capture_output=True, text=True, check=True)
    assert "ours" in child.stderr and "delegate" not in child.stderr


def test_a_path_works_as_well_as_bytes(tflite_files, images, tmp_path):
    path = tmp_path / "small.tflite"
    path.write_bytes(tflite_files["float32"])
    np.testing.assert_array_equal(TFLiteEncoder(path)(images), TFLiteEncoder(tflite_files["float32"])(images))


def test_what_is_no_tflite_encoder_is_refused(tflite_files, tmp_path):
    data = tflite_files["float32"]
    with pytest.raises(InputError, match="missing.tflite: cannot be read: No such file or directory"):
        TFLiteEncoder(tmp_path / "missing.tflite")
    for content in (data[: len(data) // 2], b"hello, I am a text file" * 50):
        with pytest.raises(InputError, match="TFLite model: expected a TFLite file, but LiteRT cannot load it"):
            TFLiteEncoder(content)
    with pytest.raises(InputError, match="expected a TFLite file, it is empty"):
        TFLiteEncoder(b"")


def test_wrong_pictures_are_refused(tflite_files, images):
    encoder = TFLiteEncoder(tflite_files["float32"])
    with pytest.raises(InputError, match="expected uint8 pixel values 0..255, got float32"):
        encoder(images / np.float32(255))
    with pytest.raises(InputError, match="the encoder takes 16 x 12 x 3, got 8 x 12 x 3"):
        encoder(images[:, ::2])


def test_wrong_requests_are_refused(saved, tmp_path):
    with pytest.raises(InputError, match="unknown TFLite format 'int3'; known: dynamic_range, float16, float32, int8"):
        tflite.convert(saved, ["float32", "int3"])
    with pytest.raises(InputError, match=r"is not a SavedModel folder \(it has no saved_model.pb\)"):
        tflite.convert(tmp_path, ["float32"])
    with pytest.raises(InputError, match=r"calibration: expected images .* to convert to int8, got None"):
        tflite.convert(saved)


@pytest.mark.slow
def test_dark_calibration_images_would_scale_the_pixels_and_are_caught(saved, calibration_images):
    """What calibration.choose prevents: a device would have to divide its pixels by the scale."""
    data = tflite.convert(saved, ["int8"], calibration_images // 2)["int8"]
    with pytest.raises(
        InputError, match=r"expected to give it uint8 pixels as they are, it takes uint8 of scale .*0\.4"
    ):
        TFLiteEncoder(data)


@pytest.mark.slow
def test_a_graph_beyond_the_builtin_operations_is_refused_with_the_reason(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.uint8, name="images")])
    def features(images):
        shrunk = tf.image.resize(tf.cast(images, tf.float32), [4, 4], antialias=True)
        return {"features": tf.reduce_mean(shrunk, [1, 2])}

    module.features = features
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=features)
    with pytest.raises(InputError, match=r"(?s)the conversion to float32 failed .*ScaleAndTranslate"):
        tflite.convert(tmp_path / "saved", ["float32"])


def test_another_models_file_is_refused(tmp_path):
    double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([2], name="x")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([double.get_concrete_function()])
    with pytest.raises(InputError, match="expected a signature from 'images' to 'features'"):
        TFLiteEncoder(converter.convert())
