"""SavedModel -> .tflite, in a child process: the converter leaks memory and writes its own lines on the screen.

A format is one entry of FORMATS. All formats of an encoder share one child, since starting TensorFlow takes seconds.

  float32        as trained
  float16        half the size; the arithmetic stays float32
  dynamic_range  8-bit weights; activations are quantised as they come, per image
  int8           integers throughout: uint8 pixels in, int8 out; the ranges of all activations come from calibration images
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.saved_model_encoder import FLOAT_SIGNATURE, INPUT, SIGNATURE
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.progress import Progress

CALIBRATION = "calibration.npy"


def _float32(converter, calibration):
    pass  # the converter's default


def _float16(converter, calibration):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic_range(converter, calibration):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter, calibration):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ({INPUT: image[np.newaxis].astype(np.float32)} for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type, converter.inference_output_type = tf.uint8, tf.int8


# Name -> what to set on the converter. Each name has its limits in parity.LIMITS. The pipeline makes int8_qat of int8.
FORMATS = {"float32": _float32, "float16": _float16, "dynamic_range": _dynamic_range, "int8": _int8}
CALIBRATED = ("int8",)


def convert(saved_model_folder, formats=tuple(FORMATS), calibration=None) -> dict[str, bytes]:
    """The .tflite files of a SavedModel of `export_saved_model`, by format; built-in operations only.

    Inputs and outputs keep the names of the SavedModel's signature. Takes some seconds, mostly to start TensorFlow anew.

    Args:
        formats: names of FORMATS.
        calibration: uint8 [N, H, W, 3], for int8; see calibration.choose.
    Raises:
        InputError: an unknown format, no SavedModel there, int8 without calibration images, or a graph that TFLite's built-in
            operations cannot express.
    """
    formats = list(formats)
    for name in formats:
        if name not in FORMATS:
            raise unknown_name("TFLite format", name, FORMATS)
    needing = [name for name in formats if name in CALIBRATED]
    if needing and calibration is None:
        raise InputError(
            f"calibration: expected images uint8 [N, H, W, 3] to convert to {', '.join(needing)}, got None"
        )
    folder = Path(saved_model_folder)
    if not (folder / "saved_model.pb").is_file():
        raise InputError(f"saved_model_folder: {folder} is not a SavedModel folder (it has no saved_model.pb)")
    with tempfile.TemporaryDirectory() as answers:
        if needing:
            np.save(Path(answers) / CALIBRATION, calibration)
        files = {name: Path(answers) / name for name in formats}
        status, lines = _run_child([str(folder.resolve()), answers, *formats], files)
        for name, file in files.items():
            if not file.is_file():
                output = "\n".join(lines[-15:])
                raise InputError(f"{folder}: the conversion to {name} failed (exit status {status}):\n{output}")
        return {name: file.read_bytes() for name, file in files.items()}


def _run_child(words: list[str], files: dict[str, Path]) -> tuple[int, list[str]]:
    """Converts in a process of its own, which makes `files`; returns its exit status and what it wrote to stderr."""
    # The child must find the same packages, however this process came to find them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "dogo_tf.export.tflite", *words]
    with tempfile.TemporaryFile() as written, Progress("converting", len(files)) as progress:
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=written) as child:
            while child.poll() is None:
                time.sleep(0.1)
                done = sum(file.exists() for file in files.values())
                if done < len(files):
                    progress.update(done)
        progress.update(len(files))
        written.seek(0)
        return child.returncode, written.read().decode(errors="replace").strip().splitlines()


def _convert_here(saved_model_folder: str, answers: str, formats: list[str]) -> None:
    for name in formats:
        source, calibration = saved_model_folder, None
        if name in CALIBRATED:
            source, calibration = f"{answers}/float_graph", np.load(Path(answers) / CALIBRATION)
            _save_float_graph(saved_model_folder, source)
        converter = tf.lite.TFLiteConverter.from_saved_model(source, signature_keys=[SIGNATURE])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        FORMATS[name](converter, calibration)
        (Path(answers) / name).write_bytes(converter.convert())


def _save_float_graph(saved_model_folder: str, folder: str) -> None:
    """The float signature alone, under the usual name: the converter would keep its own name in the file."""
    loaded = tf.saved_model.load(saved_model_folder)
    tf.saved_model.save(loaded, folder, signatures={SIGNATURE: loaded.signatures[FLOAT_SIGNATURE]})


if __name__ == "__main__":
    _convert_here(sys.argv[1], sys.argv[2], sys.argv[3:])
