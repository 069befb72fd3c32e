"""The int8 formats of an export: int8, whose ranges are chosen by error, and int8_qat, which is trained from there."""

from dataclasses import dataclass

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import calibration, parity, qat
from dogo_tf.export.int8 import calibrated
from dogo_tf.export.report import BASE

CALIBRATED, QAT = FORMATS = ("int8", "int8_qat")


@dataclass(frozen=True)
class Made:
    """files: format -> bytes. details: format -> how it came about, for the report. refused: format -> why there is none."""

    files: dict[str, bytes]
    details: dict[str, dict]
    refused: dict[str, str]


def make(
    formats: list[str],
    converted: dict[str, bytes],
    images: calibration.Calibration,
    reference: np.ndarray,
    train_images: np.ndarray,
    train_features: np.ndarray | None,
    seed: int = 0,
    rows: np.ndarray | None = None,
) -> Made:
    """The files of `formats`, out of the converter's float32 and int8.

    Args:
        formats: among FORMATS.
        converted: files of tflite.convert of one SavedModel, calibrated on images.images.
        reference: the original's features of images.judging.
        train_images: uint8 [N, H, W, 3], and the original's features of them, for int8_qat.
        seed: of the order of the training images. rows: of them to learn from; all if not given.
    """
    try:
        best = calibrated.best(converted[CALIBRATED], converted[BASE], images.images, images.judging, reference)
    except InputError as error:
        return Made({}, {}, dict.fromkeys(formats, str(error)))
    files, details, refused = {}, {}, {}
    if CALIBRATED in formats:
        files[CALIBRATED], details[CALIBRATED] = best.content, best.as_dict()
    if QAT in formats:
        try:
            known, held_out = (train_images, train_features), (images.judging, reference)
            trained = qat.train(best.content, converted[BASE], *known, *held_out, seed=seed, rows=rows)
        except InputError as error:
            refused[QAT] = str(error)
        else:
            found = parity.compare(reference, embed(TFLiteEncoder(trained.content), images.judging))
            training = {"training": trained.as_dict(), "trained": found.error_ratio}
            files[QAT], details[QAT] = trained.content, best.as_dict() | training
    return Made(files, details, refused)
