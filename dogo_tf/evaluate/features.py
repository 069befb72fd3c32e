"""Images -> features: the one road by which every probe and parity check reads an encoder."""

from collections.abc import Iterator

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.source import ImageSource

_BLOCK = 2**22  # numbers that are looked at in one go


def embed(encoder, images, batch_size=256) -> np.ndarray:
    """The features of every image, in order.

    The incomplete last batch is filled up with black images, whose features are dropped: one batch shape, so nothing is
    compiled twice.

    Args:
        encoder: a keras.Model (run in inference mode), or any callable on uint8 batches [B, H, W, 3] that returns [B, d].
            If it has an `input_shape`, (None, H, W, 3), the images are checked against it.
        images: uint8 [N, H, W, 3], values 0..255; an array, or an ImageSource, of which a batch is read at a time.
        batch_size: images per call of the encoder.
    Returns:
        float32 [N, d].
    Raises:
        InputError: images of another type, shape or size; an encoder whose output is not [B, d], or NaN or infinite.
    """
    images, features, done = as_images(images), None, 0
    for answer in embedded_batches(encoder, images, batch_size):
        if features is None:
            features = np.empty((len(images), answer.shape[1]), np.float32)
        features[done : done + len(answer)] = answer
        done += len(answer)
    assert features is not None  # check_images has refused none at all
    return features


def embedded_batches(encoder, images, batch_size=256) -> Iterator[np.ndarray]:
    """The features of every image in order, as `embed`, but batch by batch: float32 [B, d] each, the last may be smaller."""
    check_images(images, getattr(encoder, "input_shape", None))
    if batch_size < 1:
        raise InputError(f"batch_size: expected at least 1, got {batch_size}")
    batch_size = min(batch_size, len(images))
    # predict_on_batch keeps its compiled function on the model, so repeated probes during a training compile once.
    call = encoder.predict_on_batch if isinstance(encoder, keras.Model) else encoder
    broken: list[int] = []
    with Progress("embedding images", len(images)) as progress:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            answer = _call_padded(call, batch, batch_size).astype(np.float32, copy=False)
            yield answer
            broken += (start + np.flatnonzero(~np.isfinite(answer).all(axis=1))).tolist()
            progress.update(start + len(batch))
    if broken:
        raise InputError(
            f"encoder: its features are NaN or infinite for {len(broken)} of {len(images)} images "
            f"(first: image {broken[0]}); its training diverged, or its file is damaged"
        )


def as_images(images):
    """An ImageSource as it is, anything else as an array."""
    return images if isinstance(images, ImageSource) else np.asarray(images)


def check_images(images, input_shape=None) -> None:
    """InputError unless `images` is uint8 [N >= 1, H, W, 3] of the size in `input_shape`, (None, H, W, 3)."""
    if images.dtype != np.uint8:
        raise InputError(f"images: expected uint8 pixel values 0..255, got {images.dtype}")
    if images.ndim != 4 or images.shape[-1] != 3 or not len(images):
        raise InputError(f"images: expected shape [N, height, width, 3] with N >= 1, got {list(images.shape)}")
    if input_shape is None:
        return
    if not isinstance(input_shape, tuple) or len(input_shape) != 4:
        raise InputError(f"encoder: expected one input of images [B, height, width, 3], it takes {input_shape}")
    if any(want not in (None, got) for want, got in zip(input_shape[1:], images.shape[1:], strict=True)):
        wanted = " x ".join("any" if side is None else str(side) for side in input_shape[1:])
        raise InputError(f"images: the encoder takes {wanted}, got {' x '.join(map(str, images.shape[1:]))}")


def check_labelled(train_features, train_labels, test_features, test_labels) -> None:
    """InputError unless both sets are finite [N >= 1, d] with N whole-number labels, and train has every test class."""
    for name, features, labels in (("train", train_features, train_labels), ("test", test_features, test_labels)):
        if features.ndim != 2 or labels.ndim != 1 or len(features) != len(labels) or not len(labels):
            raise InputError(
                f"{name}_features and {name}_labels: expected shapes [N, d] and [N] with N >= 1, "
                f"got {list(features.shape)} and {list(labels.shape)}"
            )
    check_labels(len(train_features), train_labels, len(test_features), test_labels)
    for name, features in (("train", train_features), ("test", test_features)):
        if not all_finite(features):
            raise InputError(f"{name}_features: NaN or infinite values")
    if train_features.shape[1] != test_features.shape[1]:
        raise InputError(
            f"test_features: expected {train_features.shape[1]} features per image, as in train, "
            f"got {test_features.shape[1]}"
        )


def all_finite(features) -> bool:
    """By blocks of rows: features may lie on disk, and the answer for each of them takes a quarter of their size."""
    rows = max(1, _BLOCK // max(1, features.shape[1]))
    return all(np.isfinite(features[start : start + rows]).all() for start in range(0, len(features), rows))


def check_labels(train_count, train_labels, test_count, test_labels) -> None:
    """InputError unless there are whole-number labels, [N >= 1], for both counts, and train has every test class."""
    for name, count, labels in (("train", train_count, train_labels), ("test", test_count, test_labels)):
        if labels.ndim != 1 or len(labels) != count or not count:
            raise InputError(
                f"{name}_labels: expected one for each of {count} images, at least 1, got shape {list(labels.shape)}"
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise InputError(f"{name}_labels: expected whole numbers, got {labels.dtype}")
    missing = np.setdiff1d(test_labels, train_labels)
    if len(missing):
        raise InputError(f"test_labels: no training example of class {', '.join(map(str, missing))}")


def check_classes(train_labels) -> None:
    """InputError unless there are at least two classes to tell apart."""
    if len(np.unique(train_labels)) < 2:
        raise InputError(f"train_labels: expected at least two classes, got only class {train_labels[0]}")


def _call_padded(call, batch, batch_size):
    padding = np.zeros((batch_size - len(batch), *batch.shape[1:]), np.uint8)
    answer = np.asarray(call(np.concatenate([batch, padding]) if len(padding) else batch))
    if answer.ndim != 2 or len(answer) != batch_size:
        raise InputError(
            f"encoder: expected features of shape [{batch_size}, d], got {list(answer.shape)}; "
            "pool over height and width first"
        )
    return answer[: len(batch)]
