"""A device as it is: a fresh environment without TensorFlow, into which runtime.py is copied."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogo_tf.data import pixels
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import metadata

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["ai-edge-litert", "numpy", "pillow"]
RUN = """
import importlib.util, sys
for name in ("tensorflow", "keras", "tf_keras", "dogo_tf", "sklearn"):
    assert importlib.util.find_spec(name) is None, name
import numpy as np
from PIL import Image
from runtime import Encoder, to_square
np.save("square.npy", to_square(Image.open("picture.jpg"), 12))
for name in sys.argv[1].split(","):
    encoder = Encoder(f"{name}.tflite")
    np.savez(name, features=encoder.features(np.load("images.npy")), variant=encoder.metadata["variant"])
assert "tensorflow" not in sys.modules
"""


@pytest.mark.slow
def test_every_format_runs_in_an_environment_without_tensorflow(tflite_files, encoder, images, tmp_path):
    device = tmp_path / "device"
    venv.create(device / "venv", with_pip=True)
    python = device / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True, timeout=900)
    shutil.copy(ROOT / "export" / "runtime.py", device)
    np.save(device / "images.npy", images)
    picture = np.random.default_rng(3).integers(0, 256, (90, 60, 3), np.uint8)
    Image.fromarray(picture).save(device / "picture.jpg")
    for name, data in tflite_files.items():
        told = metadata.describe(encoder, "small", name, data, TFLiteEncoder(data).stated_outputs)
        metadata.write(device / f"{name}.tflite", data, told)
    command = [python, "-c", RUN, ",".join(tflite_files)]
    child = subprocess.run(command, cwd=device, capture_output=True, text=True, env={}, timeout=300)
    assert child.returncode == 0, child.stderr
    # Another release of Pillow may round a JPEG differently.
    square = np.load(device / "square.npy").astype(int)
    assert np.abs(square - pixels.to_square(Image.open(device / "picture.jpg"), 12)).max() <= 2
    for name, data in tflite_files.items():
        expected = TFLiteEncoder(data)(images)
        found = np.load(device / f"{name}.npz")
        assert str(found["variant"]) == name
        np.testing.assert_allclose(found["features"], expected, atol=1e-5 * np.abs(expected).max())
