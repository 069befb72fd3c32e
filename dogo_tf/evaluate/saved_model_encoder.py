"""A SavedModel as an encoder, run by plain TensorFlow: this package's own exports, and others' that map images to features."""

import hashlib
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_images
from dogo_tf.evaluate.saved_model_scan import check_saved_model
from dogo_tf.platform.keras_compat import tf

# The contract of an exported encoder.
INPUT, OUTPUT, LOGITS = "images", "features", "logits"
SIGNATURE = "serving_default"
# The same outputs from float32 pixel values 0..255. An integer-only .tflite can be made of this graph alone: one that takes
# uint8 starts with a cast to float.
FLOAT_SIGNATURE = "float_images"


class SavedModelEncoder:
    """A SavedModel as a function: uint8 [B, H, W, 3] -> float32 [B, d].

    It needs a signature "serving_default" with one input, images [B, H, W, 3] of pixel values 0..255 in uint8 or float32, and
    an output "features" or a single one, float32 [B, d]. A SavedModel is a program: before it is loaded, its ops are checked
    against a list of what encoders need (see saved_model_scan); `trust` leaves the check out.

    Attributes: input_shape (None, H, W, 3); fingerprint, the sha256 of its files' names and bytes; name, that of the folder;
    variables, its weights; weights, the same in the order of the Keras encoder's (a head's last), or None for a foreign one;
    has_logits, whether it has a classifier besides, which is not used;
    features_of, a function of tensors float32 [B, H, W, 3], 0..255 -> [B, d], or None for a foreign one
    that takes uint8 only.

    Raises:
        InputError: the folder holds no SavedModel, one with another signature, or one with an op that is not on the list.
    """

    def __init__(self, folder, trust: bool = False):
        if not trust:
            check_saved_model(folder)
        try:
            # Kept: the loaded object owns the weights.
            self._loaded = tf.saved_model.load(str(folder))
            self._function = self._loaded.signatures.get(SIGNATURE)
            inputs = self._function.structured_input_signature[1] if self._function else {}
            outputs = self._function.structured_outputs if self._function else {}
        except Exception as error:  # of damage: OSError, ValueError, KeyError, TypeError, tf.errors.OpError, ...
            raise InputError(f"{folder}: expected a SavedModel folder: {error}") from error
        self.has_logits = LOGITS in outputs
        self._output = OUTPUT if OUTPUT in outputs else next(iter(outputs), None)
        alone = OUTPUT in outputs or len(outputs) == 1
        if len(inputs) != 1 or not alone or not _fits(next(iter(inputs.values())), outputs[self._output]):
            raise InputError(
                f"{folder}: expected a signature {SIGNATURE!r} from {INPUT!r} to {OUTPUT!r}, or from one input of images "
                "[B, H, W, 3], uint8 or float32, to one output of features [B, d], float32; "
                + (f"it maps {_shown(inputs)} to {_shown(outputs)}" if self._function else "it has none of that name")
            )
        ((self._input, spec),) = inputs.items()
        self._dtype = spec.dtype
        self.input_shape = tuple(spec.shape)
        self.fingerprint = _hash_files(Path(folder))
        self.name = Path(folder).resolve().name
        self.variables = list(self._function.variables)
        own = FLOAT_SIGNATURE in self._loaded.signatures and hasattr(self._loaded, "weights")
        self.weights = list(self._loaded.weights) if own else None
        self.features_of = None
        if spec.dtype == tf.float32:
            self.features_of = lambda images: self._function(**{self._input: images})[self._output]
        elif FLOAT_SIGNATURE in self._loaded.signatures:
            floats = self._loaded.signatures[FLOAT_SIGNATURE]
            self.features_of = lambda images: floats(**{INPUT: images})[OUTPUT]

    def features_in_graph(self, images):
        """As `features_of`; a function that takes uint8 only gets the pixel values rounded."""
        if self.features_of is not None:
            return self.features_of(images)
        return self._function(**{self._input: tf.cast(tf.round(images), self._dtype)})[self._output]

    def __call__(self, images) -> np.ndarray:
        images = np.asarray(images)
        check_images(images, self.input_shape)
        return self._function(**{self._input: tf.cast(images, self._dtype)})[self._output].numpy()


def _fits(images, features) -> bool:
    shape = images.shape
    return (
        images.dtype in (tf.uint8, tf.float32)
        and (shape.rank == 4 and shape[0] is None and shape[3] == 3)
        and features.dtype == tf.float32
        and features.shape.rank == 2
    )


def _shown(specs) -> str:
    return ", ".join(f"{name!r} {spec.dtype.name} {spec.shape}" for name, spec in sorted(specs.items())) or "nothing"


def _hash_files(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
