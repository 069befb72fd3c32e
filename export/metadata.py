"""What a device must know to use a .tflite file: a JSON file beside it, and the same as a zip entry inside."""

import hashlib
import io
import json
import zipfile
from importlib.metadata import version
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import INPUT
from dogo_tf.export.runtime import METADATA
from dogo_tf.platform.files import write_atomically
from dogo_tf.platform.keras_compat import keras

FORMAT_VERSION = 2


def describe(encoder, name: str, variant: str, model_bytes: bytes, outputs: dict, **measured) -> dict:
    """The contract of an exported file, ready for JSON.

    Args:
        encoder: what was exported: a keras.Model or SavedModelEncoder.
        name: how the encoder is called.
        variant: the format, e.g. "float16".
        model_bytes: the .tflite file.
        outputs: name -> dtype, shape, scale and zero-point of each output; runtime.Encoder.outputs.
        measured: further entries, e.g. labels, calibration, parity_with_original.
    """
    return {
        "format_version": FORMAT_VERSION,
        "package": f"dogo-tf {version('dogo-tf')}",
        "encoder": name,
        "variant": variant,
        "input": input_contract(encoder),
        "outputs": outputs,
        "l2_normalised_in_graph": False,
        **measured,
        "size_bytes": len(model_bytes),
        "sha256": hashlib.sha256(model_bytes).hexdigest(),
    }


def input_contract(encoder) -> dict:
    """What every file takes, ready for JSON. encoder: a keras.Model or SavedModelEncoder."""
    mean, std = _normalisation(encoder)
    _, height, width, channels = encoder.input_shape
    return {
        "name": INPUT,
        "dtype": "uint8",
        "shape": [None, height, width, channels],
        "layout": "NHWC",
        "colour_order": "RGB",
        "value_range": [0, 255],
        "normalised_in_graph": True,
        "mean": mean,
        "std": std,
    }


def write(path, model_bytes: bytes, description: dict) -> Path:
    """Writes the model to `path`, e.g. small.tflite, and its description beside it as small.json, which it returns.

    The .tflite also holds the description, as a zip entry behind the model: LiteRT does not look there, `zipfile` and
    runtime.Encoder do. `size_bytes` and `sha256` are those of the model without it.
    """
    path = Path(path)
    sidecar = path.with_suffix(".json")
    if sidecar == path:
        raise InputError(f"path: {path} would be overwritten by its own description; expected a name ending in .tflite")
    text = json.dumps(description, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, appended(model_bytes, text))
        write_atomically(sidecar, text.encode())
    except OSError as error:
        raise InputError(f"path: cannot write {path}: {error.strerror}") from error
    return sidecar


def appended(model_bytes: bytes, text: str) -> bytes:
    """The model with `text` as the zip entry metadata.json behind it; the same bytes for the same arguments."""
    content = io.BytesIO(model_bytes)
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr(zipfile.ZipInfo(METADATA), text)  # ZipInfo: without the time of day
    return content.getvalue()


def _normalisation(encoder):
    """The mean and std, in units of 0..255, of the Rescaling layer that the pixels enter; None, None if there is none."""
    for layer in encoder.layers if isinstance(encoder, keras.Model) else ():
        first = getattr(layer, "input", None) is encoder.inputs[0]
        if first and isinstance(layer, keras.layers.Rescaling) and isinstance(layer.offset, (list, tuple)):
            pairs = list(zip(layer.scale, layer.offset, strict=True))
            return [round(-offset / scale, 4) for scale, offset in pairs], [round(1 / scale, 4) for scale, _ in pairs]
    return None, None
