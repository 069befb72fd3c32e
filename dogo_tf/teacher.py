"""Frozen teachers: encoders that are finished, next to the peers that are not."""

import hashlib
import zlib

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import all_finite
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.evaluate.sources import fingerprint, image_side, load_encoder
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.types import Embeddings, ViewEmbeddings

ANY_SIDE = 224  # pixels, of a teacher that takes every size: one that none is too small for


class FrozenTeacher:
    """views [B, H, W, 3] in 0..255 -> Embeddings of both, in which z and p are h: a finished encoder has no heads.

    Its embeddings are computed in the step, without gradient and in inference mode. It is not part of the model's weights or
    checkpoints.

    Attributes:
        name: how edges call it. image_size, width_h, width_z: as of a Peer. encoder: what computes h.
    """

    has_predictor = False
    local = None

    def __init__(self, encoder, name: str, peer: str | None = None, trust: bool = False):
        """
        Args:
            encoder: a keras.Model, or where one is: a .keras file, a SavedModel (uint8 or float32 images -> features), a folder
                of dogo-export, the folder of a run.
            name: different from the peers'.
            peer: which encoder of a run.
            trust: load a SavedModel whatever ops it holds; they can do all that you can do.
        Raises:
            InputError: nothing there, or nothing that TensorFlow can compute within a step.
        """
        self.name = name
        if not isinstance(encoder, keras.Model):
            try:
                encoder = load_encoder(encoder, peer, trust)
            except InputError as error:
                raise InputError(f"teachers: {name}: {error}") from error
        self._features = _in_graph(encoder, name)
        self.encoder = encoder
        self.image_size = image_side(encoder)
        side = self.image_size or ANY_SIDE
        self.width_h = self.width_z = self._features(tf.zeros([1, side, side, 3])).shape[-1]

    def features(self, images):
        """float images [B, H, W, 3] in 0..255 -> h [B, d_h], without gradient."""
        return tf.stop_gradient(self._features(images))

    @property
    def fingerprint(self) -> str:
        """The sha256 of what it computes; see evaluate.sources.fingerprint."""
        return fingerprint(self.encoder)

    @property
    def stream(self) -> int:
        """As Peer.stream: of independent views, a teacher draws its own."""
        return zlib.crc32(self.name.encode())

    def embed(self, views) -> ViewEmbeddings:
        """The Embeddings of both views, by one forward pass over the 2B images."""
        h = self.features(tf.concat([views.a, views.b], axis=0))
        return ViewEmbeddings(*(Embeddings(half, half, half) for half in tf.split(h, 2)))


class CachedTeacher:
    """A frozen teacher's features of the images as they are, computed once before the training.

    features [B, d] of a batch -> Embeddings in which h, z and p are these features, for both views. The student's views are
    compared with what the teacher thinks of the whole image: less work in every step, and a teacher of any kind and image
    size, but it does not see what the student sees.

    `fit` takes the features beside their images: `model.fit(images, {name: features})`, or a tf.data.Dataset of such pairs.

    Attributes:
        name: how edges call it. features: float32 [N, d]. width_h, width_z: d. fingerprint: the sha256 of its source.
    """

    has_predictor = False

    def __init__(self, features, name: str, fingerprint: str | None = None):
        """
        Args:
            features: [N, d], finite; see dogo_tf.evaluate.features.embed. They may be mapped from a file (numpy.load with
                mmap_mode="r"): a batch's rows are read at a time.
            name: different from the peers'.
            fingerprint: of the encoder that they come from; by default that of the features themselves.
        Raises:
            InputError: features of another kind.
        """
        features = np.asarray(features)
        if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating) or not all_finite(features):
            raise InputError(
                f"teachers: {name}: expected finite floating-point features [N, d]; got {features.dtype} {list(features.shape)}"
            )
        self.name, self.features = name, features.astype(np.float32, copy=False)
        self.width_h = self.width_z = features.shape[1]
        self.fingerprint = fingerprint or hashlib.sha256(np.ascontiguousarray(self.features).data).hexdigest()

    def embed(self, features) -> ViewEmbeddings:
        """The Embeddings of both views, from the features of this batch."""
        features = tf.cast(features, keras.backend.floatx())
        both = Embeddings(features, features, features)
        return ViewEmbeddings(both, both)


def _in_graph(encoder, name: str):
    """A function from float images to features that a training step can call."""
    if isinstance(encoder, keras.Model):
        return lambda images: encoder(images, training=False)
    if isinstance(encoder, SavedModelEncoder):
        return encoder.features_in_graph
    raise InputError(
        f"teachers: {name}: a {type(encoder).__name__} cannot be computed within a training step; expected a .keras file, "
        "a SavedModel or the folder of a run, or that it is computed before (cache_teachers)"
    )
