"""Encoder -> SavedModel -> TFLite files, each checked against Keras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dogo_tf.encoders._float32 import as_float32
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.export import metadata, tflite
from dogo_tf.export.parity import Parity, compare, violations
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.export.tflite_encoder import TFLiteEncoder

MIN_PARITY_IMAGES = 256


@dataclass(frozen=True)
class Exported:
    """A file, or the SavedModel's folder, that passed its parity check."""

    format: str
    path: Path
    size_bytes: int
    parity: Parity


def export_encoder(encoder, folder, images, formats=tuple(tflite.FORMATS), overwrite=False) -> list[Exported]:
    """Writes <folder>/saved_model and <folder>/<encoder>_<format>.tflite with its .json.

    Args:
        encoder: keras.Model [B, H, W, 3] (0..255) -> [B, d].
        images: uint8 [N >= 256, H, W, 3], on which every file is compared with the encoder.
        formats: names of tflite.FORMATS.
        overwrite: replace files of an earlier export; without it they are an error.
    Raises:
        InputError: too few images, files in the way, or a file that differs too much from Keras (its numbers are named, and
            it is not written).
    """
    folder = Path(folder)
    if len(images) < MIN_PARITY_IMAGES:
        raise InputError(f"images: expected at least {MIN_PARITY_IMAGES} to check parity with, got {len(images)}")
    files = {name: folder / f"{encoder.name}_{name}.tflite" for name in formats}
    in_the_way = [str(file) for file in files.values() if file.exists()]
    if in_the_way and not overwrite:
        raise InputError(f"out: {', '.join(in_the_way)} exists already; choose another folder or give --overwrite")
    encoder = as_float32(encoder)
    reference = embed(encoder, images)

    saved_model = export_saved_model(encoder, folder / "saved_model", overwrite)
    parity = _checked("saved_model", reference, embed(SavedModelEncoder(saved_model), images))
    size = sum(file.stat().st_size for file in saved_model.rglob("*") if file.is_file())
    exported = [Exported("saved_model", saved_model, size, parity)]

    for name, model_bytes in tflite.convert(saved_model, formats).items():
        parity = _checked(name, reference, embed(TFLiteEncoder(model_bytes), images))
        metadata.write(files[name], model_bytes, metadata.describe(encoder, name, model_bytes, parity))
        exported.append(Exported(name, files[name], len(model_bytes), parity))
    return exported


def _checked(name: str, reference: np.ndarray, features: np.ndarray) -> Parity:
    parity = compare(reference, features)
    problems = violations(parity, name)
    if problems:
        raise InputError("the exported encoder differs too much from Keras: " + "; ".join(problems))
    return parity
