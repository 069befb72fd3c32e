"""SavedModel -> .tflite, in a child process: the converter leaks memory and writes its own lines on the screen.

A format is one entry of FORMATS. All formats of an encoder share one child, since starting TensorFlow takes seconds.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.keras_compat import tf


def _float32(converter):
    pass  # the converter's default


def _float16(converter):
    """Weights are stored in half precision; the arithmetic stays float32."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


# Name -> what to set on the converter. Each name has its limits in parity.LIMITS.
FORMATS = {"float32": _float32, "float16": _float16}


def convert(saved_model_folder, formats=tuple(FORMATS)) -> dict[str, bytes]:
    """The .tflite files of a SavedModel, by format; built-in operations only.

    Inputs and outputs keep the names of the SavedModel's signature. Takes some seconds, mostly to start TensorFlow anew.

    Raises:
        InputError: an unknown format, no SavedModel there, or a graph that TFLite's built-in operations cannot express.
    """
    formats = list(formats)
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("TFLite format", name, FORMATS)
    folder = Path(saved_model_folder)
    if not (folder / "saved_model.pb").is_file():
        raise InputError(f"saved_model_folder: {folder} is not a SavedModel folder (it has no saved_model.pb)")
    with tempfile.TemporaryDirectory() as answers:
        child = subprocess.run(
            [sys.executable, "-m", "dogo_tf.export.tflite", str(folder.resolve()), answers, *formats],
            # The child must find the same packages, however this process came to find them.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
            errors="replace",
        )
        files = {name: Path(answers) / name for name in formats}
        for name, file in files.items():
            if not file.is_file():
                told = "\n".join(child.stderr.strip().splitlines()[-15:])
                raise InputError(f"{folder}: the conversion to {name} failed (exit status {child.returncode}):\n{told}")
        return {name: file.read_bytes() for name, file in files.items()}


def _convert_here(saved_model_folder: str, answers: str, formats: list[str]) -> None:
    for name in formats:
        converter = tf.lite.TFLiteConverter.from_saved_model(saved_model_folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        FORMATS[name](converter)
        (Path(answers) / name).write_bytes(converter.convert())


if __name__ == "__main__":
    _convert_here(sys.argv[1], sys.argv[2], sys.argv[3:])
