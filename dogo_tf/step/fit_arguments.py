"""What `fit`, `evaluate` and `compile` are given besides images: refused where it would be ignored without a word."""

import inspect

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf


def bound(method, *args, **kwargs) -> inspect.BoundArguments:
    """The arguments of Keras' fit or evaluate by name, with validation data as Keras takes it: images alone are a tuple.

    Raises:
        InputError: weights of examples or classes, which no objective here knows.
    """
    call = inspect.signature(method).bind(*args, **kwargs)
    for name in ("sample_weight", "class_weight"):
        if call.arguments.get(name) is not None:
            raise InputError(
                f"{name}: the objectives compare images with each other and know no weights of single ones; leave it out, or "
                "choose which images there are, and how often, in x"
            )
    validation = call.arguments.get("validation_data")
    if hasattr(validation, "shape"):  # Keras asks an array for its truth value
        call.arguments["validation_data"] = (validation,)
    size = call.arguments.get("batch_size")
    for name in ("x", "validation_data"):
        _check_last_batch(
            name, call.arguments.get(name), call.arguments.get("validation_batch_size" * (name != "x")) or size
        )
    return call


def check_compile(arguments: dict) -> None:
    """InputError for losses and metrics, which a DoGo has of its own."""
    for name in ("loss", "metrics", "weighted_metrics", "loss_weights"):
        if arguments.get(name) is not None:
            raise InputError(
                f"{name}: a DoGo has the losses and metrics of its peers' objectives; leave it out, and give "
                "dogo_tf.Peer(..., objective=...) and DoGo(..., distill_weight=..., ssl_weight=...) what you want"
            )


def check_rests(arguments: dict, resting) -> None:
    """InputError for several steps per call: who rests is decided before each. resting: names of peers that rest at times."""
    steps = arguments.get("steps_per_execution")
    if resting and steps not in (None, 1):
        raise InputError(
            f"steps_per_execution: expected 1 where peers rest ({', '.join(sorted(resting))}); got {steps}"
        )


def refuse_to_save(*_, **__) -> None:
    """Instead of keras.Model.save: Keras would write a file that it cannot load again."""
    raise InputError(
        "save: Keras cannot load a DoGo from a file. Save what is deployed, model.peers[0].encoder.save('small.keras'), or, to "
        "go on later, tf.train.Checkpoint(model=model).write('folder/state'), and .read it into a model built the same way"
    )


def _check_last_batch(name: str, data, batch_size: int | None) -> None:
    """Of arrays the number of images is known: a batch of one has nothing to compare it with, and a loss of 0."""
    while isinstance(data, tuple | list) and data:
        data = data[0]
    if isinstance(data, tf.data.Dataset) or not getattr(data, "shape", None):
        return
    count, size = data.shape[0], batch_size or 32  # Keras' default
    if count and count % size == 1 or size == 1:
        raise InputError(
            f"{name}: {count} images in batches of {size} leave a batch of one image, which has no other to be compared with; "
            f"expected at least 2 in every batch, e.g. {name}[:{count - 1}] or another batch_size"
        )
