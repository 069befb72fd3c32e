"""The training stream: an endless order of images that can be entered anywhere, because it has no hidden state."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from dogo_tf.data.image_set import ImageSet, check_images
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.sources.decoded import DecodedImages
from dogo_tf.types import Crops
from dogo_tf.views.crops import CropPlan


class HostClock:
    """How long the host works on the images of a step, in its own thread beside the training step."""

    def __init__(self):
        self.seconds, self.steps = 0.0, 0.0

    def add(self, seconds: float, steps: float) -> None:
        self.seconds, self.steps = self.seconds + seconds, self.steps + steps

    def read(self) -> dict:
        """The mean since the last call, in milliseconds per step."""
        mean = 1e3 * self.seconds / self.steps if self.steps else 0.0
        self.seconds = self.steps = 0.0
        return {"host_ms_per_step": mean}


def training_stream(
    images,
    batch_size: int,
    seed: int,
    start_example: int = 0,
    shuffle: bool = True,
    replicas: int = 1,
    local_replicas: range = range(1),
    clock: HostClock | None = None,
    extra_features: Mapping[str, np.ndarray] | None = None,
    crops: CropPlan | None = None,
    rows: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Endless batches uint8 [batch_size / replicas, H, W, 3] of `images` uint8 [N, H, W, 3], from `start_example` on.

    With `crops`, by dogo_tf.crop_plan(model), of images that are decoded on the fly (source="stream"): Crops instead of images,
    for every view of the model, cut out of the original pictures by the boxes that the model's step would draw, and resized.

    With `extra_features`, {name: float32 [N, d]}, a batch is (images, {name: the rows of the same images}).

    With `rows`, int64 [M], numbers of images, also repeated ones, the stream is one of images[rows], which is never made.

    A pure function of the global example number t: with E = batch_size * (N // batch_size) examples an epoch,
    `epoch, position = divmod(t, E)` and the image is index_shuffle(position, seed=[epoch, seed], max_index=N-1), a
    permutation of 0..N-1 for every epoch, of which the last N - E entries are left out. A run that was stopped after
    t examples therefore goes on exactly with start_example=t. shuffle=False: the image is `position`.

    Replica r of R trains on rows r * batch_size / R and following of every batch, so that all numbers of replicas and workers
    see the same. The stream gives the batches of the replicas in `local_replicas` in turn: step by step, replica by replica.

    start_example must be a multiple of batch_size (the number of steps done times batch_size). `images` is an array, an
    ImageSource or an ImageSet. They are read where they are, row by row, and must not change meanwhile. Raises InputError.
    """
    images = images.images if isinstance(images, ImageSet) else images
    check_images(images)
    extra_features = dict(extra_features or {})
    for name, features in extra_features.items():
        if len(features) != len(images):
            raise InputError(
                f"extra_features: expected one row of {name!r} for each of {len(images)} images, got {len(features)}"
            )
    count = len(images) if rows is None else len(rows)
    if crops is not None and not isinstance(images, DecodedImages):
        raise InputError(
            "crops: expected images that are decoded on the fly, as data.open(..., source='stream') gives them"
        )
    tables = [*([] if crops else [images]), *extra_features.values()]
    _check_whole("batch_size", batch_size, 1)
    _check_whole("seed", seed, 0)
    _check_whole("start_example", start_example, 0)
    if batch_size > count:
        raise InputError(f"batch_size {batch_size} is larger than the data, which has {count} images")
    if batch_size % replicas:
        raise InputError(f"batch_size {batch_size} does not divide over {replicas} replicas")
    if start_example % batch_size:
        raise InputError(f"start_example: expected a multiple of batch_size {batch_size}, got {start_example}")
    epoch_size = count // batch_size * batch_size
    share = batch_size // replicas

    def examples(number):
        step, replica = number // len(local_replicas), local_replicas.start + number % len(local_replicas)
        return step * batch_size + replica * share + tf.range(share, dtype=tf.int64)

    def indices(example_numbers):
        epoch, position = example_numbers[0] // epoch_size, example_numbers % epoch_size
        if not shuffle:
            return position
        seeds = tf.stack([epoch, tf.constant(seed, tf.int64)])  # a batch never spans two epochs
        return tf.random.experimental.index_shuffle(position, seed=seeds, max_index=count - 1)

    def take(index, uniforms=None):
        started = time.perf_counter()
        index = index if rows is None else rows[index]
        batch = [] if crops is None else images.crops(index, uniforms, crops.requests)
        batch += [table[index] for table in tables]
        if clock is not None:
            clock.add(time.perf_counter() - started, 1 / len(local_replicas))
        return batch

    def batch_of(number):
        # Python gathers the rows: a tensor of all images would be a second copy of them, and over 2 GB as a constant.
        numbers, cut = examples(number), crops.requests if crops else ()
        asked = [indices(numbers), crops.uniforms(numbers)] if crops else [indices(numbers)]
        types = [tf.uint8] * len(cut) + [table.dtype for table in tables]
        batch = tf.numpy_function(take, asked, types)
        shapes = [[view.size, view.size, 3] for view in cut] + [table.shape[1:] for table in tables]
        for taken, shape in zip(batch, shapes, strict=True):
            taken.set_shape([share, *shape])
        first = Crops({view.key: taken for view, taken in zip(cut, batch, strict=False)}) if crops else batch[0]
        beside = dict(zip(extra_features, batch[len(batch) - len(extra_features) :], strict=True))
        return (first, beside) if extra_features else first

    start = start_example // batch_size * len(local_replicas)
    numbers = tf.data.Dataset.range(start, tf.int64.max // batch_size)
    # A thread of its own: in the pool that it would share with the training step it made steps up to 1.4 times as long.
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    return numbers.map(batch_of).prefetch(tf.data.AUTOTUNE).with_options(options)


def distributed_stream(strategy: tf.distribute.Strategy, images, batch_size: int, *args, **kwargs):
    """`training_stream` for model.fit under a strategy: every worker reads the rows of its own replicas only."""
    return distributed(strategy, partial(training_stream, images, batch_size, *args, **kwargs))


def distributed(strategy: tf.distribute.Strategy, stream: Callable[..., tf.data.Dataset]):
    """For model.fit under a strategy: `stream(replicas=, local_replicas=)`, as of training_stream, of every worker."""
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return stream(replicas=1, local_replicas=range(1))

    def of_worker(context):
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return stream(replicas=replicas, local_replicas=range(first, first + local))

    return strategy.distribute_datasets_from_function(of_worker)


def _check_whole(argument: str, value: int, least: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value <= tf.int64.max:
        raise InputError(f"{argument}: expected an integer of at least {least}, got {value!r}")
