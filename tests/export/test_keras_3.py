"""An encoder in a process that has Keras 3 only: the SavedModel opens as the page says, the .keras file does not."""

import importlib.metadata
import os
import subprocess
import sys

import numpy as np
import pytest
from markdown_pages import blocks

AFTER_THE_BLOCK = """
import sys

assert keras.__version__.startswith("3.") and not {"tf_keras", "dogo_tf"} & set(sys.modules)
np.save("features.npy", features)
try:
    keras.models.load_model("e.keras")
except TypeError as error:
    print(error)
"""


@pytest.mark.skipif(
    importlib.metadata.version("keras").startswith("2."), reason="this TensorFlow comes without Keras 3"
)
@pytest.mark.slow
def test_keras_3_takes_the_saved_model_as_a_layer_but_not_the_keras_file(encoder, saved, images, reference, tmp_path):
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "saved_model").symlink_to(saved)
    np.save(tmp_path / "images.npy", images)
    encoder.save(tmp_path / "e.keras", save_format="keras")
    (block,) = (b for b in blocks("docs/how-to/export-and-device.md", "py") if "TFSMLayer" in b.code)
    child = subprocess.run(
        [sys.executable, "-c", block.code + AFTER_THE_BLOCK],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TF_USE_LEGACY_KERAS": "0", "KERAS_BACKEND": "tensorflow"},
    )
    assert child.returncode == 0, child.stderr
    assert "'Functional'" in child.stdout
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), reference, atol=1e-5 * np.abs(reference).max())
