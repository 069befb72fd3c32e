"""What a device must know to use a .tflite file: a JSON file beside it."""

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import INPUT, OUTPUT
from dogo_tf.export.parity import Parity
from dogo_tf.export.saved_model import check_encoder
from dogo_tf.files import write_atomically
from dogo_tf.keras_compat import keras

FORMAT_VERSION = 1


def describe(encoder: keras.Model, variant: str, model_bytes: bytes, parity: Parity) -> dict:
    """The contract of an exported file, ready for JSON.

    Args:
        encoder: what was exported.
        variant: the format, e.g. "float16".
        model_bytes: the .tflite file.
        parity: against the Keras encoder.
    """
    check_encoder(encoder)
    mean, std = _normalisation(encoder)
    _, height, width, channels = encoder.input_shape
    return {
        "format_version": FORMAT_VERSION,
        "package": f"dogo-tf {version('dogo-tf')}",
        "encoder": encoder.name,
        "variant": variant,
        "input": {
            "name": INPUT,
            "dtype": "uint8",
            "shape": [None, height, width, channels],
            "layout": "NHWC",
            "colour_order": "RGB",
            "value_range": [0, 255],
            "normalised_in_graph": True,
            "mean": mean,
            "std": std,
        },
        "output": {"name": OUTPUT, "dtype": "float32", "shape": [None, encoder.output_shape[1]]},
        "parity_with_keras": asdict(parity),
        "size_bytes": len(model_bytes),
        "sha256": hashlib.sha256(model_bytes).hexdigest(),
    }


def write(path, model_bytes: bytes, description: dict) -> Path:
    """Writes the model to `path`, e.g. small.tflite, and its description beside it as small.json, which it returns."""
    path = Path(path)
    sidecar = path.with_suffix(".json")
    if sidecar == path:
        raise InputError(f"path: {path} would be overwritten by its own description; expected a name ending in .tflite")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model_bytes)
        write_atomically(sidecar, (json.dumps(description, indent=1) + "\n").encode())
    except OSError as error:
        raise InputError(f"path: cannot write {path}: {error.strerror}") from error
    return sidecar


def _normalisation(encoder):
    """The mean and std, in units of 0..255, of the Rescaling layer that the pixels enter; None, None if there is none."""
    for layer in encoder.layers:
        first = getattr(layer, "input", None) is encoder.inputs[0]
        if first and isinstance(layer, keras.layers.Rescaling) and isinstance(layer.offset, (list, tuple)):
            pairs = list(zip(layer.scale, layer.offset, strict=True))
            return [round(-offset / scale, 4) for scale, offset in pairs], [round(1 / scale, 4) for scale, _ in pairs]
    return None, None
