"""Encoder -> SavedModel: raw pixels in, features out, loadable by plain TensorFlow without this package."""

import contextlib
import os
import shutil
from pathlib import Path

import absl.logging

from dogo_tf.encoders._float32 import as_float32
from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import INPUT, OUTPUT, SIGNATURE
from dogo_tf.keras_compat import keras, tf


def export_saved_model(encoder: keras.Model, folder, overwrite=False) -> Path:
    """Writes `encoder` as a SavedModel: uint8 `images` [None, H, W, 3], values 0..255 -> {"features": float32 [None, d]}.

    It holds the encoder's weights and one function, in float32 and in inference mode; no Keras objects and no optimizer. The
    folder appears under its name only when it is whole.

    Args:
        encoder: a keras.Model [B, H, W, 3] of fixed H and W -> [B, d] on pixel values 0..255.
        folder: where to; its parents are made.
        overwrite: whether an existing SavedModel there is replaced; anything else that exists never is.
    Returns:
        The folder as a Path.
    Raises:
        InputError: the destination is taken, or the encoder's shapes do not fit.
    """
    folder = Path(folder)
    check_encoder(encoder)
    _check_destination(folder, overwrite)
    model = as_float32(encoder)
    _, height, width, _ = model.input_shape

    @tf.function(input_signature=[tf.TensorSpec([None, height, width, 3], tf.uint8, name=INPUT)])
    def features(images):
        return {OUTPUT: tf.cast(model(tf.cast(images, tf.float32), training=False), tf.float32)}

    # A bare module: one that held the Keras model would drag its layers and optimizer into the file.
    module = tf.Module()
    module.weights = list(model.variables)
    module.features = features
    temporary = folder.with_name(f".{os.getpid()}_{folder.name}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _information_lines_aside():
            tf.saved_model.save(module, str(temporary), signatures={SIGNATURE: features})
        if folder.is_dir():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except OSError as error:
        raise InputError(f"folder: cannot write to {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_encoder(encoder: keras.Model) -> None:
    """InputError unless `encoder` takes images of one fixed size and returns one row of features each."""
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
def _information_lines_aside():
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
