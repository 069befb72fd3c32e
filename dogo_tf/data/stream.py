"""The training stream: an endless order of images that can be entered anywhere, because it has no hidden state."""

import numpy as np

from dogo_tf.data.image_set import check_images
from dogo_tf.errors import InputError
from dogo_tf.keras_compat import tf


def training_stream(
    images: np.ndarray, batch_size: int, seed: int, start_example: int = 0, shuffle: bool = True
) -> tf.data.Dataset:
    """Endless batches uint8 [batch_size, H, W, 3] of `images` uint8 [N, H, W, 3], from example `start_example` on.

    A pure function of the global example number t: with E = batch_size * (N // batch_size) examples an epoch,
    `epoch, position = divmod(t, E)` and the image is index_shuffle(position, seed=[epoch, seed], max_index=N-1), a
    permutation of 0..N-1 for every epoch, of which the last N - E entries are left out. A run that was stopped after
    t examples therefore goes on exactly with start_example=t. shuffle=False: the image is `position`.

    start_example must be a multiple of batch_size (the number of steps done times batch_size). The array is read
    where it is, row by row, and must not change meanwhile; a numpy.memmap will do. Raises InputError.
    """
    check_images(images)
    count = len(images)
    _check_whole("batch_size", batch_size, 1)
    _check_whole("seed", seed, 0)
    _check_whole("start_example", start_example, 0)
    if batch_size > count:
        raise InputError(f"batch_size {batch_size} is larger than the data, which has {count} images")
    if start_example % batch_size:
        raise InputError(f"start_example: expected a multiple of batch_size {batch_size}, got {start_example}")
    steps_per_epoch = count // batch_size

    def indices(step):
        epoch = step // steps_per_epoch
        position = (step % steps_per_epoch) * batch_size + tf.range(batch_size, dtype=tf.int64)
        if not shuffle:
            return position
        seeds = tf.stack([epoch, tf.constant(seed, tf.int64)])
        return tf.random.experimental.index_shuffle(position, seed=seeds, max_index=count - 1)

    def rows(step):
        # Python gathers the rows: a tensor of all images would be a second copy of them, and over 2 GB as a constant.
        batch = tf.numpy_function(lambda index: np.take(images, index, axis=0), [indices(step)], tf.uint8)
        batch.set_shape([batch_size, *images.shape[1:]])
        return batch

    steps = tf.data.Dataset.range(start_example // batch_size, tf.int64.max // batch_size)
    # A thread of its own: in the pool that it would share with the training step it made steps up to 1.4 times as long.
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    return steps.map(rows).prefetch(tf.data.AUTOTUNE).with_options(options)


def _check_whole(argument: str, value: int, least: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value <= tf.int64.max:
        raise InputError(f"{argument}: expected an integer of at least {least}, got {value!r}")
