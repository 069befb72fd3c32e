"""What a step of FineTune receives, and what is refused before the first one."""

import inspect
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from dogo_tf import class_head
from dogo_tf.data.image_set import check_images
from dogo_tf.distribution import collectives
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.views.view import make_view

IMAGES, UNLABELLED = "labelled", "unlabelled"
# Learners and teachers see the same view of an image, which depends on no network's name.
STREAM = zlib.crc32(b"fine_tune")


class Batch(NamedTuple):
    """images: uint8 [B, H, W, 3]. labels: integers [B]. unlabelled: uint8 [U, H, W, 3], or None."""

    images: Any
    labels: Any
    unlabelled: Any = None


def batch_of(data, learner) -> Batch:
    """Raises InputError for an element of the data set (or its spec) of another kind."""
    if not isinstance(data, tuple | list) or len(data) < 2 or data[1] is None:
        raise InputError("y: expected whole-number labels [B] beside the images; got none")
    x, y = data[:2]
    if len(data) > 2 and data[2] is not None:
        raise InputError("sample_weight: expected images and labels; got a third part, which is not used here")
    if isinstance(x, Mapping):
        if set(x) != {IMAGES, UNLABELLED}:
            raise InputError(f"x: expected images, or {{'{IMAGES}': images, '{UNLABELLED}': images}}; got {sorted(x)}")
        images, unlabelled = x[IMAGES], x[UNLABELLED]
    else:
        images, unlabelled = x, None
    for array in (images, unlabelled):
        if array is not None:
            _check_array(array, learner.image_size)
    if not (tf.as_dtype(y.dtype).is_integer and len(y.shape) == 1):
        raise InputError(f"y: expected whole-number labels [B], got {tf.as_dtype(y.dtype).name} {list(y.shape)}")
    return Batch(images, y, unlabelled)


def views_of(batch: Batch, recipe, seed: int, first_labelled, first_unlabelled):
    """A view of every image, float [B + U, S, S, 3], labelled ones first, by the global numbers of the first of each."""
    views = []
    for number, (images, first) in enumerate(((batch.images, first_labelled), (batch.unlabelled, first_unlabelled))):
        if images is not None:
            rows = tf.cast(collectives.row_offset(images) + tf.range(tf.shape(images)[0]), tf.int64)
            views.append(make_view(images, recipe, seed, first + rows, STREAM, number))
    return views[0] if len(views) == 1 else tf.concat(views, axis=0)


def over_replicas(rows):
    """How many rows all replicas have, int64."""
    return tf.cast(tf.shape(rows)[0] * collectives.replica_count(), tf.int64)


def check_networks(learners, teachers, class_names) -> None:
    """InputError for networks that do not go together."""
    if not learners:
        raise InputError("encoder: expected a keras.Model or several, got an empty list")
    names = [*(name for one in learners for name in one.encoders), *(teacher.name for teacher in teachers)]
    if len(set(names)) < len(names):
        raise InputError(f"encoder: expected different names; got {names}. Give Learner(..., name=...)")
    sizes = {network.name: network.image_size for network in (*learners, *teachers)}
    if len(set(sizes.values())) > 1:
        raise InputError(f"encoder: expected one image size for all learners and teachers; got {sizes}")
    for learner in learners:
        check_same_classes(f"learner {learner.name!r}", learner.class_names, class_names)
    for teacher in teachers:
        head = class_head.parts(teacher.encoder).head if isinstance(teacher.encoder, keras.Model) else None
        if head is not None:
            check_same_classes(f"teachers: {teacher.name}", head.class_names, class_names)
        elif teacher.width_h != len(class_names):
            raise InputError(
                f"teachers: {teacher.name}: expected logits of {len(class_names)} classes, as a classifier of "
                f"dogo-finetune gives them; got {teacher.width_h} numbers"
            )


def check_same_classes(whose: str, came, expected) -> None:
    """InputError unless both have the same classes in the same order."""
    if tuple(came) != tuple(expected):
        differing = sorted(set(came) ^ set(expected))
        what = f"only one of them has {', '.join(differing[:10])}" if differing else "they come in another order"
        raise InputError(f"{whose}: expected the {len(expected)} classes of the labels, got {len(came)}; {what}")


def check_before_start(x, y, learner, unlabelled: bool) -> None:
    """What can be seen before the first step; what yields its batches only then is checked when the step is traced."""
    if isinstance(x, tf.data.Dataset):
        batch = batch_of(x.element_spec, learner)
    elif inspect.isgenerator(x) or isinstance(x, keras.utils.Sequence | tf.distribute.DistributedDataset):
        return
    else:
        batch = batch_of((x, y), learner)
        check_images(batch.images, "x")
    if batch.unlabelled is not None and not unlabelled:
        raise InputError("x: expected labelled images only, to evaluate on")


def check_compile(arguments: dict) -> None:
    """InputError for losses and metrics, which FineTune has of its own."""
    for name in ("loss", "metrics", "weighted_metrics", "loss_weights"):
        if arguments.get(name) is not None:
            raise InputError(f"{name}: leave it out; FineTune(..., loss=...) says how labels are learnt from")


def refuse_to_save(*_, **__) -> None:
    """Instead of keras.Model.save, which would write a file that Keras cannot load again."""
    raise InputError(
        "save: Keras cannot load a FineTune from a file. Save what is deployed, e.g. "
        "model.learners[0].encoders['small'].save('small.keras')"
    )


def _check_array(array, size: int) -> None:
    dtype, shape = tf.as_dtype(array.dtype), tf.TensorShape(array.shape)
    if dtype != tf.uint8:
        raise InputError(f"x: expected uint8 images in 0..255; got {dtype.name}")
    if not shape.is_compatible_with([None, size, size, 3]):
        raise InputError(f"x: expected images of shape [B, {size}, {size}, 3], as the encoders take; got {shape}")
