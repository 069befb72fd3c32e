"""Encoder -> SavedModel: raw pixels in, features out, loadable by plain TensorFlow without this package."""

import contextlib
import os
import shutil
from pathlib import Path

import absl.logging

from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import FLOAT_SIGNATURE, INPUT, LOGITS, OUTPUT, SIGNATURE, SavedModelEncoder
from dogo_tf.platform.files import reason
from dogo_tf.platform.keras_compat import keras, tf


def export_saved_model(encoder, folder, overwrite=False, head=None) -> Path:
    """Writes `encoder` as a SavedModel: uint8 `images` [None, H, W, 3], values 0..255 -> {"features": float32 [None, d]}.

    With a head there is a second output, "logits" [None, classes]. It holds the weights and one function under two signatures,
    `serving_default` and, for float32 images 0..255, `float_images`; all in float32 and in inference mode; no Keras objects and
    no optimizer. The folder appears under its name only when it is whole.

    Args:
        encoder: a keras.Model [B, H, W, 3] of fixed H and W -> [B, d] on pixel values 0..255, or a SavedModelEncoder.
        folder: where to; its parents are made.
        overwrite: whether an existing SavedModel there is replaced; anything else that exists never is.
        head: a LinearClassifier on the features (see dogo_tf.evaluate.classifier), or None.
    Returns:
        The folder as a Path.
    Raises:
        InputError: the destination is taken, or the encoder's shapes do not fit.
    """
    folder = Path(folder)
    check_encoder(encoder)
    _check_destination(folder, overwrite)
    module, signatures = _module(encoder, head)
    temporary = folder.with_name(f".{os.getpid()}_{folder.name}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _captured_information_lines():
            tf.saved_model.save(module, str(temporary), signatures=signatures)
        if folder.is_dir():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except (OSError, tf.errors.OpError) as error:  # TensorFlow reports a full disk as its own error
        raise InputError(f"folder: cannot write to {folder}: {reason(error)}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _module(encoder, head):
    """(a bare module, its signatures): one that held the Keras model would drag its layers and optimizer into the file."""
    if isinstance(encoder, SavedModelEncoder):
        features_of, variables = encoder.features_of, encoder.variables
    else:
        model = as_float32(encoder)
        features_of, variables = (lambda images: model(images, training=False)), model.variables
    module = tf.Module()
    module.weights = list(variables)
    if head is not None:
        kernel, bias = tf.Variable(head.weights, dtype=tf.float32), tf.Variable(head.bias, dtype=tf.float32)
        module.weights += [kernel, bias]

    def outputs(images):
        features = tf.cast(features_of(images), tf.float32)
        return {OUTPUT: features} | ({} if head is None else {LOGITS: tf.matmul(features, kernel) + bias})

    _, height, width, _ = encoder.input_shape

    def of_declared_size(images):
        # TensorFlow does not hold a caller of a loaded signature to its shape: a network that pools would take any size.
        return outputs(tf.cast(tf.ensure_shape(images, [None, height, width, 3]), tf.float32))

    signatures = {}
    for name, dtype in ((SIGNATURE, tf.uint8), (FLOAT_SIGNATURE, tf.float32)):
        spec = tf.TensorSpec([None, height, width, 3], dtype, name=INPUT)
        signatures[name] = tf.function(of_declared_size, input_signature=[spec])
    module.functions = dict(signatures)
    return module, signatures


def check_encoder(encoder) -> None:
    """InputError unless `encoder` takes images of one fixed size and returns one row of features each."""
    if isinstance(encoder, SavedModelEncoder):
        if None in encoder.input_shape[1:]:
            raise InputError(f"encoder: expected images of fixed height and width, it takes {encoder.input_shape}")
        if encoder.features_of is None:
            raise InputError(
                "encoder: its SavedModel takes uint8 images only, of which no integer .tflite can be made; expected one of "
                "dogo-export, or one that takes float32 pixel values 0..255; or export from the run folder or .keras file"
            )
        return
    if not isinstance(encoder, keras.Model):
        raise InputError(f"encoder: expected a keras.Model of the Keras 2 API, got {type(encoder).__name__}")
    shape = getattr(encoder, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or None in shape[1:]:
        raise InputError(
            f"encoder {encoder.name!r}: expected one input [B, H, W, 3] of fixed H and W, it takes {shape}"
        )
    output = encoder.output_shape
    if not isinstance(output, tuple) or len(output) != 2 or output[1] is None:
        raise InputError(f"encoder {encoder.name!r}: expected one output of features [B, d], it returns {output}")


def _check_destination(folder: Path, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"folder: {folder} is a file; expected a folder that is new or empty")
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"folder: {folder} is not empty; choose another, or replace its SavedModel with overwrite")
    if not (folder / "saved_model.pb").is_file():
        raise InputError(f"folder: {folder} holds files but no SavedModel (saved_model.pb); it is not replaced")


@contextlib.contextmanager
def _captured_information_lines():
    """Saving logs half a dozen lines that help nobody; warnings still come through."""
    tensorflow_level, verbosity = tf.get_logger().level, absl.logging.get_verbosity()
    try:
        tf.get_logger().setLevel("WARNING")
        # Through absl's own setting: TensorFlow changes and restores that one as it saves.
        absl.logging.set_verbosity(absl.logging.WARNING)
        yield
    finally:
        tf.get_logger().setLevel(tensorflow_level)
        absl.logging.set_verbosity(verbosity)
