"""A .tflite file as an encoder, run by LiteRT: what a device computes."""

import hashlib
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_images
from dogo_tf.evaluate.saved_model_encoder import INPUT, OUTPUT
from dogo_tf.quiet import stderr_aside


class TFLiteEncoder:
    """An exported .tflite file as a function: uint8 [B, H, W, 3], any B >= 1 -> float32 [B, d].

    Attributes: input_shape (None, H, W, 3); fingerprint, the sha256 of the file's bytes.

    Args:
        model: a path, or the file's bytes.
        threads: of the interpreter.
    Raises:
        InputError: no such file, not a TFLite file, or not one of this package's encoders.
    """

    def __init__(self, model, threads: int = 1):
        name = "TFLite model" if isinstance(model, bytes) else str(model)
        try:
            content = model if isinstance(model, bytes) else Path(model).read_bytes()
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error
        if not content:
            raise InputError(f"{name}: expected a TFLite file, it is empty")
        try:
            with stderr_aside():  # LiteRT announces its delegate
                interpreter = Interpreter(model_content=content, num_threads=threads)
                interpreter.allocate_tensors()
                signatures = interpreter.get_signature_list()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{name}: expected a TFLite file, but LiteRT cannot load it: {error}") from error
        if not any(s["inputs"] == [INPUT] and OUTPUT in s["outputs"] for s in signatures.values()):
            raise InputError(f"{name}: expected a signature from {INPUT!r} to {OUTPUT!r}, it has {signatures}")
        self._run = interpreter.get_signature_runner()
        details = self._run.get_input_details()[INPUT]
        if details["dtype"] != np.uint8:
            raise InputError(f"{name}: expected uint8 input, it takes {np.dtype(details['dtype']).name}")
        self.fingerprint = hashlib.sha256(content).hexdigest()
        self.input_shape = (None, *(int(side) for side in details["shape"][1:]))

    def __call__(self, images) -> np.ndarray:
        images = np.ascontiguousarray(images)
        check_images(images, self.input_shape)
        # The runner resizes the graph to this batch; by name, as the order of outputs is not that of the signature.
        return self._run(**{INPUT: images})[OUTPUT]
