"""A .tflite file as an encoder, run by LiteRT: what a device computes."""

import hashlib
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_images
from dogo_tf.export.runtime import OUTPUT, Encoder


class TFLiteEncoder:
    """An exported .tflite file of any format as a function: uint8 [B, H, W, 3], any B >= 1 -> float32 [B, d].

    Args:
        model: a path, or the file's bytes.
        threads: of the interpreter.
    Attributes:
        input_shape: (None, H, W, 3). fingerprint: the sha256 of the file's bytes.
        stated_outputs: see runtime.Encoder.outputs.
    Raises:
        InputError: no such file, not a TFLite file, or not one of this package's encoders.
    """

    def __init__(self, model, threads: int = 1):
        try:
            self._encoder = Encoder(model, threads)
        except ValueError as error:
            raise InputError(str(error)) from error
        content = model if isinstance(model, bytes) else Path(model).read_bytes()
        self.fingerprint = hashlib.sha256(content).hexdigest()
        self.stated_outputs = self._encoder.outputs
        self.input_shape = (None, *self._encoder.image_size, 3)

    def outputs(self, images) -> dict[str, np.ndarray]:
        """Every output by name, each float32 [B, ...]."""
        images = np.asarray(images)
        check_images(images, self.input_shape)
        return self._encoder.run(images)

    def __call__(self, images) -> np.ndarray:
        return self.outputs(images)[OUTPUT]
