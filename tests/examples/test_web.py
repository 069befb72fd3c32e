"""The page that runs an encoder in the browser, in headless Chromium, beside Python."""

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from browser import BROWSERS
from PIL import Image
from served_page import told

from dogo_tf.data.image_set import ImageSet
from dogo_tf.export.pipeline import Options, export_encoder
from dogo_tf.export.runtime import Encoder
from dogo_tf.platform.keras_compat import keras

BUILD = Path(__file__).resolve().parents[2] / "examples" / "web" / "build.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("npm"), reason="needs npm"),
    pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="needs Chromium"),
]


def build(model, pictures, out):
    words = [sys.executable, str(BUILD), str(model), *map(str, pictures), f"--out={out}"]
    return subprocess.run(words, capture_output=True, text=True)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An export with a head, of 24 x 24 pixels, and pictures of many sizes and kinds."""
    folder = tmp_path_factory.mktemp("web")
    keras.utils.set_random_seed(0)
    images = keras.Input((24, 24, 3))
    x = keras.layers.Conv2D(16, 3, 2, activation="relu")(keras.layers.Rescaling(1 / 64, -2.0)(images))
    encoder = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="tiny")
    labels = np.arange(256) % 2
    noise = np.random.default_rng(0).normal(0, 30, (256, 24, 24, 3))
    pixels = np.clip(60 + 120 * labels[:, None, None, None] + noise, 0, 255).astype(np.uint8)
    data = ImageSet("set", pixels, labels, ("dark", "light"))
    options = Options(("float16", "int8"), head=True, targets=(), calibration_images=100, force=True)
    export_encoder(encoder, folder / "out", data, data, options, "tiny")
    rng = np.random.default_rng(1)
    kinds = {
        "a.jpg": (24, 24, 3),
        "b.png": (70, 90, 3),
        "c.jpg": (200, 301, 3),
        "d.png": (15, 20, 4),
        "e.png": (60, 40, 3),
    }
    for number, (name, (height, width, channels)) in enumerate(kinds.items()):
        rough = Image.fromarray(rng.integers(0, 256, (5, 5, channels), np.uint8)).resize((width, height))
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 2 else 1  # turned by a quarter
        rough.save(folder / name, exif=exif)
    return folder


@pytest.fixture(scope="module")
def site(exported):
    made = build(exported / "out" / "tiny_float16.tflite", sorted(exported.glob("?.*")), exported / "site")
    assert made.returncode == 0, made.stderr
    (exported / "site" / "broken.jpg").write_text("no picture")
    return exported / "site"


def unit(features):
    return features / np.linalg.norm(features)


@pytest.mark.parametrize("number, name", list(enumerate(["a.jpg", "b.png", "c.jpg", "d.png", "e.png"])))
def test_features_neighbours_and_label_are_those_of_python(number, name, exported, site, tmp_path):
    shown, asked = told(site, f"index.html#picture=gallery/{number:02}{Path(name).suffix}", tmp_path)
    encoder = Encoder(exported / "out" / "tiny_float16.tflite")
    expected = encoder.features(exported / name, normalise=True)[0]
    found = np.array(json.loads(re.search(r'<pre id="features">(.*?)</pre>', shown)[1]))
    assert unit(found) @ expected >= 0.999
    nearest = [line.split("  ") for line in re.findall(r"<small>([-\d.]+  .*?)</small>", shown)]
    names = sorted(path.name for path in exported.glob("?.*"))
    cosines = dict(
        zip(names, encoder.features([exported / other for other in names], normalise=True) @ expected, strict=True)
    )
    assert nearest[0][1] == name and {caption for _, caption in nearest} == set(names)
    assert all(float(cosine) == pytest.approx(cosines[caption], abs=0.01) for cosine, caption in nearest)
    label, confidence = encoder.classify(exported / name)[0]
    said, share = re.search(r'<h2 id="label">(\w+) \((\d+) %\)</h2>', shown).groups()
    # Pillow decodes a large JPEG at a fraction of its size, the browser decodes all of it.
    assert said == label and int(share) == pytest.approx(100 * confidence, abs=5)
    assert "/model.tflite" in asked


def test_a_file_that_is_no_picture_is_told(site, tmp_path):
    shown, _ = told(site, "index.html#picture=broken.jpg", tmp_path)
    assert "This file cannot be read as a picture (image/jpeg)." in shown and '<section id="answer" hidden' in shown


def test_a_file_that_is_missing_is_told(site, tmp_path):
    shown, _ = told(site, "index.html#picture=gallery/none.png", tmp_path)
    assert "gallery/none.png is missing (404): build the page again." in html.unescape(shown)


def test_a_network_of_pictures_that_are_not_square_is_told(site, tmp_path):
    other = tmp_path / "site"
    shutil.copytree(site, other)
    description = json.loads((other / "model.json").read_text())
    description["input"]["shape"] = [1, 24, 20, 3]
    (other / "model.json").write_text(json.dumps(description))
    shown, _ = told(other, "index.html#picture=gallery/00.jpg", tmp_path / "profile")
    assert "This network takes 24 x 20 pixels; the page crops squares only." in shown


def test_models_and_pictures_that_the_page_cannot_use_are_refused(exported, tmp_path):
    pictures = [exported / "a.jpg"]
    cases = {
        "LiteRT.js has no 8-bit outputs": (exported / "out" / "tiny_int8.tflite", pictures),
        "cannot be read: No such file": (exported / "none.tflite", pictures),
        "cannot be read as an image": (exported / "out" / "tiny_float16.tflite", [exported / "out" / "report.json"]),
    }
    for message, (model, gallery) in cases.items():
        made = build(model, gallery, tmp_path / "site")
        assert made.returncode == 1 and message in made.stderr and "Traceback" not in made.stderr
        assert not (tmp_path / "site").exists()
