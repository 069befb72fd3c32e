"""The one file that a device needs: alone, without TensorFlow, and to the bit what training saw."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogo_tf import encoders
from dogo_tf.data import pixels
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import runtime, tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf

ROOT = Path(__file__).resolve().parents[2]
# Importing one of these means that the file does not work alone.
ALONE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "tf_keras", "dogo_tf", "sklearn", "matplotlib"}:
            raise ImportError("refused: " + name)
sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture(scope="module")
def square(tmp_path_factory):
    """A .tflite of 32 x 32 pixels and a folder of pictures of many sizes."""
    folder = tmp_path_factory.mktemp("square")
    keras.utils.set_random_seed(0)
    encoder = encoders.build("wrn_10_1", image_size=32)
    (folder / "small.tflite").write_bytes(
        tflite.convert(export_saved_model(encoder, folder / "saved"), ["float32"])["float32"]
    )
    rng = np.random.default_rng(0)
    for i, shape in enumerate([(32, 32, 3), (40, 70, 3), (300, 200, 3)]):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / f"{i}.jpg")
    return folder


def write(folder, data, description=None):
    (folder / "small.tflite").write_bytes(data)
    if description is not None:
        (folder / "small.json").write_text(description)
    return folder / "small.tflite"


def test_the_copied_file_runs_without_tensorflow_and_gives_the_same_features(square, tmp_path):
    shutil.copy(ROOT / "export" / "runtime.py", tmp_path)
    files = [str(square / f"{i}.jpg") for i in range(3)]
    run = (
        "import numpy as np; from runtime import Encoder\n"
        "encoder = Encoder(sys.argv[1]); np.save(sys.argv[2], encoder.features(sys.argv[3:]))\n"
        "print(encoder.image_size, encoder.feature_dimension, encoder.metadata)"
    )
    words = [sys.executable, "-c", ALONE + run, str(square / "small.tflite"), str(tmp_path / "out.npy"), *files]
    child = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert child.returncode == 0, child.stderr
    assert child.stdout == "(32, 32) 64 None\n" and "delegate" not in child.stderr
    expected = TFLiteEncoder(square / "small.tflite")(
        np.stack([pixels.to_square(Image.open(file), 32) for file in files])
    )
    found = np.load(tmp_path / "out.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_the_example_for_the_device_names_the_nearest_picture(square, tmp_path):
    shutil.copy(ROOT / "export" / "runtime.py", tmp_path)
    shutil.copy(ROOT / "examples" / "device.py", tmp_path)
    run = "import runpy; runpy.run_path('device.py', run_name='__main__')"
    words = [str(square / name) for name in ("small.tflite", "1.jpg", "0.jpg", "1.jpg", "2.jpg")]
    child = subprocess.run(
        [sys.executable, "-c", ALONE + "sys.path.insert(0, '')\n" + run, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert child.returncode == 0, child.stderr
    lines = child.stdout.splitlines()
    assert lines[0] == f"1.000  {square / '1.jpg'}" and len(lines) == 3


def pictures():
    """Encoded pictures of every mode and of sizes that are cropped, enlarged and shrunk."""
    rng = np.random.default_rng(0)
    for size in ((16, 16), (9, 40), (333, 120)):
        colours = rng.integers(0, 256, (*size, 4), np.uint8)
        rgba = Image.fromarray(colours)
        grey16 = Image.fromarray(rng.integers(0, 65536, size).astype(np.uint16))
        exif = Image.Exif()
        exif[0x0112] = 6
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
            yield f"{mode} {size}", rgba.convert(mode), "PNG", {}
        for mode in ("L", "RGB", "CMYK"):
            yield f"jpeg {mode} {size}", rgba.convert("RGB").convert(mode), "JPEG", {}
        yield f"16 bit {size}", grey16, "PNG", {}
        yield f"upright {size}", rgba.convert("RGB"), "JPEG", {"exif": exif}
        yield f"key colour {size}", rgba.convert("P"), "PNG", {"transparency": 3}
        yield f"damaged exif {size}", rgba.convert("RGB"), "PNG", {"exif": b"Exif\0\0neither II nor MM"}


@pytest.mark.parametrize("name, image, kind, options", list(pictures()), ids=lambda x: x if isinstance(x, str) else "")
def test_the_resize_is_that_of_training(name, image, kind, options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    for size in (8, 16, 31):
        ours, theirs = (Image.open(io.BytesIO(buffer.getvalue())) for _ in range(2))
        np.testing.assert_array_equal(runtime.to_square(ours, size), pixels.to_square(theirs, size))
    with pytest.raises(ValueError, match="pixel type F is not supported"):
        runtime.to_square(Image.new("F", (8, 8)), 8)


def test_arrays_pictures_and_paths_give_the_same(square):
    encoder = runtime.Encoder(square / "small.tflite")
    with Image.open(square / "1.jpg") as image:
        array = np.asarray(image)
        from_picture = encoder.features(image)
    assert from_picture.shape == (1, encoder.feature_dimension)
    for images in (array, array[np.newaxis], [array], str(square / "1.jpg"), [square / "1.jpg"]):
        np.testing.assert_array_equal(encoder.features(images), from_picture)
    both = encoder.features([array, square / "0.jpg"], normalise=True)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(both[:1] * np.linalg.norm(from_picture), from_picture, rtol=1e-5, atol=1e-6)


def test_arrays_of_the_size_of_a_network_that_is_not_square(tflite_files, images, tmp_path):
    encoder = runtime.Encoder(write(tmp_path, tflite_files["float16"]))
    expected = TFLiteEncoder(tflite_files["float16"])(images)
    np.testing.assert_allclose(encoder.features(images), expected, atol=1e-5 * np.abs(expected).max())
    with pytest.raises(ValueError, match="input is not square; expected arrays of 16 x 12 x 3"):
        encoder.features(Image.new("RGB", (20, 20)))


@pytest.mark.parametrize("kind", [tf.int8, tf.uint8], ids=["int8", "uint8"])
def test_integer_features_are_dequantised(kind, tmp_path, images):
    weights = tf.constant(np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32))

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 16, 12, 3], tf.float32, name="images")])
        def features(self, images):
            return {"features": tf.reduce_mean(images, [1, 2]) @ weights}

    module = Module()
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.features)
    extremes = np.concatenate([np.zeros((1, 16, 12, 3)), np.full((1, 16, 12, 3), 255.0), images]).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in extremes)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type, converter.inference_output_type = tf.uint8, kind
    found = runtime.Encoder(write(tmp_path, converter.convert())).features(images)
    expected = images.astype(np.float32).mean(axis=(1, 2)) @ weights.numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())


def test_metadata_comes_from_beside_or_from_inside_the_file(tflite_files, images, tmp_path):
    data = tflite_files["float32"]
    path = write(tmp_path, data)
    assert runtime.Encoder(path).metadata is None
    inside = {"sha256": hashlib.sha256(data).hexdigest(), "encoder": "inside"}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", json.dumps(inside))
    encoder = runtime.Encoder(path)
    assert encoder.metadata == inside
    assert encoder.features(images).shape == (40, 8)
    path.with_suffix(".json").write_text(json.dumps(inside | {"encoder": "beside"}))
    assert runtime.Encoder(path).metadata["encoder"] == "beside"


def test_files_that_are_no_encoder_are_refused(tflite_files, tmp_path):
    data = tflite_files["float32"]
    with pytest.raises(ValueError, match="missing.tflite: cannot be read: No such file or directory"):
        runtime.Encoder(tmp_path / "missing.tflite")
    with pytest.raises(ValueError, match="expected a TFLite file, it is empty"):
        runtime.Encoder(write(tmp_path, b""))
    for content in (data[: len(data) // 2], b"hello, I am a text file" * 50):
        with pytest.raises(ValueError, match="small.tflite: expected a TFLite file, but LiteRT cannot load it"):
            runtime.Encoder(write(tmp_path, content))
    double = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([2], name="x")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([double.get_concrete_function()])
    with pytest.raises(ValueError, match="expected a signature from 'images' to 'features'"):
        runtime.Encoder(write(tmp_path, converter.convert()))
    with pytest.raises(ValueError, match="damaged or replaced: its sha256 is .* states 0123"):
        runtime.Encoder(write(tmp_path, data, '{"sha256": "0123"}'))
    for text in ("{", "[]", "{}"):
        with pytest.raises(ValueError, match="small.json: expected the JSON description of an exported encoder"):
            runtime.Encoder(write(tmp_path, data, text))


WRONG = {
    "float": (np.zeros((2, 32, 32, 3), np.float32), "expected uint8 pixel values 0..255, got float32"),
    "grey": (np.zeros((32, 32), np.uint8), r"expected shape \[B, H, W, 3\] or \[H, W, 3\], got \[32, 32\]"),
    "four channels": (np.zeros((32, 32, 4), np.uint8), r"got \[32, 32, 4\]"),
    "no pixels": (np.zeros((0, 32, 3), np.uint8), r"got \[0, 32, 3\]"),
    "none": ([], "expected at least one, got none"),
    "empty array": (np.zeros((0, 32, 32, 3), np.uint8), "expected at least one, got none"),
    "number": (3, "expected an array, a Pillow image, a path or a list, got int"),
    "numbers": ([3], "expected uint8 arrays, Pillow images or paths, got int"),
    "no file": ("missing.jpg", "missing.jpg: cannot be read as an image: .*No such file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_images_are_refused(case, square):
    images, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        runtime.Encoder(square / "small.tflite").features(images)


HOSTILE_DESCRIPTIONS = {
    "nested": ("[" * 100_000, "expected the JSON description of an exported encoder"),
    "large": (" " * (2**20 + 1), "expected the JSON description of an exported encoder"),
    "labels 7": ({"labels": 7}, "expected a list of names as the labels in its description, got 7"),
    "labels text": ({"labels": "abc"}, "expected a list of names as the labels"),
    "labels dictionary": ({"labels": {"a": 1}}, "expected a list of names as the labels"),
    "numbers as labels": ({"labels": [1, 2]}, "expected a list of names as the labels"),
}


@pytest.mark.parametrize("case", HOSTILE_DESCRIPTIONS)
def test_hostile_descriptions_are_refused(case, square, tmp_path):
    content, message = HOSTILE_DESCRIPTIONS[case]
    model = (square / "small.tflite").read_bytes()
    path = tmp_path / "m.tflite"
    path.write_bytes(model)
    if isinstance(content, dict):
        plain, _ = runtime._split(model, "m")
        path.write_bytes(plain)
        content = json.dumps({"sha256": hashlib.sha256(plain).hexdigest(), **content})
    path.with_suffix(".json").write_text(content)
    with pytest.raises(ValueError, match=message):
        runtime.Encoder(path)


def test_a_picture_that_would_unpack_to_gigabytes_is_not_decoded(tmp_path):
    Image.new("L", (300, 200)).save(tmp_path / "wide.png")
    for module in (runtime, pixels):
        with (
            Image.open(tmp_path / "wide.png") as image,
            pytest.raises(ValueError, match="300 x 200 pixels, more than the 0.05 million of max_pixels"),
        ):
            module.to_square(image, 16, max_pixels=50_000)
        with Image.open(tmp_path / "wide.png") as image:
            assert module.to_square(image, 16, max_pixels=60_000).shape == (16, 16, 3)


@pytest.mark.parametrize("module", [runtime, pixels], ids=["runtime", "training"])
def test_a_large_jpeg_is_reduced_unless_it_is_unpacked_whole_first(module, tmp_path):
    for progressive in (False, True):
        Image.new("RGB", (320, 320), "red").save(tmp_path / f"{progressive}.jpg", progressive=progressive)
    with Image.open(tmp_path / "False.jpg") as image:
        assert module.to_square(image, 16, 50_000).shape == (16, 16, 3)
    with (
        Image.open(tmp_path / "True.jpg") as image,
        pytest.raises(ValueError, match="320 x 320 pixels, more than the 0.05 million"),
    ):
        module.to_square(image, 16, 50_000)


def test_a_model_that_cannot_be_run_is_a_value_error(square, monkeypatch):
    encoder = runtime.Encoder(square / "small.tflite")

    def damaged(**_):
        raise RuntimeError("Input tensor 3 lacks data")

    monkeypatch.setattr(encoder, "_run", damaged)
    with pytest.raises(ValueError, match="damaged: LiteRT cannot run it: Input tensor 3 lacks data"):
        encoder.features(np.zeros((32, 32, 3), np.uint8))


def test_a_network_for_images_larger_than_any_is_not_given_memory(square, monkeypatch):
    monkeypatch.setattr(runtime, "MAX_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"its input \[1, 32, 32, 3\] is larger than any image"):
        runtime.Encoder(square / "small.tflite")


def test_a_signature_of_other_shapes_is_refused(tmp_path):
    mean = tf.function(
        lambda images: {"features": tf.reduce_mean(tf.cast(images, tf.float32))},
        input_signature=[tf.TensorSpec([4], tf.uint8, name="images")],
    )
    module = tf.Module()
    module.features = mean
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=mean)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
    with pytest.raises(
        ValueError, match=r"expected images \[B, height, width, 3\] to features \[B, d\], it maps \[4\] to"
    ):
        runtime.Encoder(write(tmp_path, converter.convert()))
