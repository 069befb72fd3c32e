"""Where an encoder to evaluate comes from: a run of this package, or a file of any other."""

from __future__ import annotations

import hashlib
import json

from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.evaluate.saved_model_scan import PROGRAM
from dogo_tf.foreign import onnx_place
from dogo_tf.foreign.feature_file import is_feature_file
from dogo_tf.platform.files import expanded
from dogo_tf.platform.keras_compat import keras
from dogo_tf.runs.folder import CONFIG, RunFolder

KINDS = (
    "a .keras file, a .tflite file, a SavedModel folder, a folder of dogo-export (with saved_model in it), an .onnx file, "
    "or the folder of a dogo-pretrain run with the name of a peer"
)


def load_encoder(path, peer: str | None = None, trust: bool = False):
    """An encoder: pixel values 0..255, uint8 [B, H, W, 3] -> float32 [B, d], as `features.embed` takes it.

    Args:
        path: of a .keras file (see keras_file.load_keras_file), a SavedModel folder (see SavedModelEncoder), a folder that
            holds one as `saved_model`, a .tflite file of dogo-export, an .onnx file (with settings where it leaves things
            open, see onnx_place.parse), or a run folder. A folder with a config.json is a run, whatever else lies in it.
        peer: which encoder of a run folder; may be left out if it has one.
        trust: load a SavedModel whatever ops it holds; they can do all that you can do.
    Returns:
        A keras.Model, a SavedModelEncoder, a TFLiteEncoder or an OnnxEncoder; each has `input_shape`, (None, H, W, 3). Of a
        classifier, which dogo-finetune makes, it is the encoder in it.
    Raises:
        InputError: nothing there, none of these, a peer that the run lacks or that has to be named, or a file that cannot be
            loaded.
    """
    return without_head(load_network(path, peer, trust))


def check_exists(path) -> None:
    """InputError where nothing is there to load an encoder or features from; quick, and takes whatever is there."""
    place = onnx_place.without_settings(path)
    if not place.exists():
        kinds = "features of every image (.npz or .npy)" if is_feature_file(place) else KINDS
        raise InputError(f"encoder: {place} does not exist; expected {kinds}")


def without_head(network):
    """The encoder in a classifier; anything else as it is."""
    from dogo_tf.class_head import parts  # loads TensorFlow, which a mistyped flag need not wait for

    return parts(network).encoder if isinstance(network, keras.Model) else network


def load_network(path, peer: str | None = None, trust: bool = False):
    """As load_encoder, but a classifier as a whole: it gives logits."""
    if onnx_place.is_onnx(path):
        # ONNX Runtime is an extra of this package.
        from dogo_tf.foreign.onnx_encoder import OnnxEncoder

        return OnnxEncoder(path)
    path = expanded(path)
    if (path / CONFIG).is_file():
        return _load_peer(RunFolder(path), peer)
    if peer is not None:
        raise InputError(f"peer: {peer!r} was given, but {path} is no run folder (it has no {CONFIG})")
    for folder in (path, path / "saved_model"):
        if (folder / PROGRAM).is_file():
            return SavedModelEncoder(folder, trust)
    if path.is_file() and path.suffix == ".keras":
        return load_keras_file(path)
    if path.is_file() and path.suffix == ".tflite":
        # The library does not depend on the export; only whoever reads such a file does.
        from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder

        return TFLiteEncoder(path)
    came = "does not exist" if not path.exists() else "is none of these" if path.is_file() else "holds none of these"
    raise InputError(f"encoder: {path} {came}; expected {KINDS}")


def load_classifier(path, peer: str | None = None) -> keras.Model:
    """A classifier of dogo-finetune, its run folder or .keras file: images 0..255 [B, H, W, 3] -> logits [B, C].

    peer: which one of a run; may be left out if it has one. Raises InputError for what is none.
    """
    from dogo_tf.class_head import parts

    network = load_network(path, peer)
    if not isinstance(network, keras.Model) or parts(network).head is None:
        raise InputError(
            f"{path} holds no classifier of Keras; expected a run of dogo-finetune or a .keras file of one"
        )
    return network


def _load_peer(run: RunFolder, peer: str | None) -> keras.Model:
    if peer is None:
        known = run.peer_names()
        if len(known) != 1:
            raise InputError(f"peer: which encoder of {run.path}? It has: {', '.join(known) or 'none yet'}")
        (peer,) = known
    return run.load_network(peer)


def image_side(encoder) -> int | None:
    """The side of the square images that an encoder takes, in pixels; None if it takes any size.

    Raises:
        InputError: images that are not square, or no images.
    """
    shape = encoder.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
        raise InputError(f"encoder: expected one input of square images [B, side, side, 3], it takes {shape}")
    return shape[1]


def fingerprint(encoder) -> str:
    """The sha256 of what an encoder computes, in hexadecimal: equal only for equal architecture and weights.

    For a functional or sequential keras.Model it covers configuration and weights as they are now; for an encoder from another
    file, the file's bytes.

    Raises:
        InputError: a subclassed model or another function, whose code cannot be hashed.
    """
    if not isinstance(encoder, keras.Model):
        known = getattr(encoder, "fingerprint", None)
        if known is None:
            raise InputError(
                f"encoder: expected a keras.Model or an encoder from a file, got {type(encoder).__name__}, "
                "whose code cannot be fingerprinted"
            )
        return known
    check_functional(encoder)
    digest = hashlib.sha256(json.dumps(json.loads(encoder.to_json()), sort_keys=True).encode())
    for weight in encoder.get_weights():
        digest.update(f"{weight.dtype} {weight.shape}\n".encode())
        digest.update(weight.tobytes())
    return digest.hexdigest()


def check_functional(encoder: keras.Model) -> None:
    """InputError for a model whose configuration does not say what it computes."""
    if not getattr(encoder, "_is_graph_network", False):
        raise InputError(
            f"encoder {encoder.name!r}: expected a functional or sequential keras.Model, got the subclass "
            f"{type(encoder).__name__}, whose configuration does not say what it computes"
        )
