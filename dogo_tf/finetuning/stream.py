"""The order in which a fine-tuning meets its images: labelled ones, and beside them others without labels."""

from functools import partial

import numpy as np

from dogo_tf.data.stream import HostClock, distributed, training_stream
from dogo_tf.finetuning.batches import IMAGES, UNLABELLED
from dogo_tf.platform.keras_compat import tf

# So that images with and without labels, where they are the same, are not met in the same order.
OTHER_ORDER = 7919


def enough_rows(count: int, batch_size: int) -> np.ndarray:
    """Numbers of the images that make up an epoch, int64: all of them, repeated where they are fewer than a batch."""
    return np.tile(np.arange(count), -(-batch_size // count))


def finetuning_stream(
    strategy: tf.distribute.Strategy,
    images,
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    start_example: int = 0,
    unlabelled=None,
    unlabelled_batch: int = 0,
    clock: HostClock | None = None,
):
    """Endless batches for FineTune.fit, a pure function of the global example number, as data.stream.training_stream.

    Args:
        images: uint8 [N, S, S, 3] or an ImageSource. labels: whole numbers [N].
        batch_size: labelled images in a step, over all replicas; more than there are repeats them.
        start_example: labelled examples seen before, a multiple of batch_size.
        unlabelled: further images, of which unlabelled_batch are in a step, over all replicas.
    """
    labelled = partial(
        training_stream,
        images,
        batch_size,
        seed,
        start_example,
        clock=clock,
        extra_features={"labels": np.asarray(labels, np.int32)},
        rows=enough_rows(len(images), batch_size),
    )
    if unlabelled is None:
        return distributed(strategy, lambda **part: labelled(**part).map(lambda x, beside: (x, beside["labels"])))
    others = partial(
        training_stream,
        unlabelled,
        unlabelled_batch,
        seed + OTHER_ORDER,
        start_example // batch_size * unlabelled_batch,
        rows=enough_rows(len(unlabelled), unlabelled_batch),
    )

    def both(**part):
        pairs = tf.data.Dataset.zip((labelled(**part), others(**part)))
        return pairs.map(lambda first, x: ({IMAGES: first[0], UNLABELLED: x}, first[1]["labels"]))

    return distributed(strategy, both)
