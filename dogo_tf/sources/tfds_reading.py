"""The records of a prepared TFDS split in the order of its files: pictures as they were encoded, and labels."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import load_tensorflow, tf
from dogo_tf.reporting.progress import Progress

_BLOCK = 1024  # labels that are read at a time
_BATCH = 256


def encoded_images(name: str, builder, split: str, start: int) -> Iterator[bytes]:
    """From record `start` on; what lies before is read, but not decoded. Raises InputError: damaged files."""
    encoded = tfds.decode.PartialDecoding({"image": True}, decoders={"image": tfds.decode.SkipDecoding()})
    with quiet():
        data = builder.as_dataset(split=split, decoders=encoded, read_config=_in_order(), shuffle_files=False)
    with damage_named(name, builder):
        for example in data.skip(start).as_numpy_iterator():
            yield example["image"]


def read_labels(name: str, builder, split: str) -> Iterator[np.ndarray]:
    """int64, block by block; no image is decoded. Raises InputError: damaged files."""
    labels = tfds.decode.PartialDecoding({"label": True})
    with quiet():
        data = builder.as_dataset(split=split, decoders=labels, read_config=_in_order(), shuffle_files=False)
    with damage_named(name, builder):
        for block in data.batch(_BLOCK).as_numpy_iterator():
            yield block["label"]


def decoded(name: str, builder, resize: Callable | None, encoded: bytes) -> np.ndarray:
    """One of encoded_images as uint8 [S, S, 3], the same as by read_all. Raises InputError: damaged files."""
    with damage_named(name, builder):
        image = builder.info.features["image"].decode_example(encoded).numpy()
    return image if resize is None else resize(image)


def read_all(
    name: str, builder, split: str, images: np.ndarray, labels: np.ndarray | None, resize: Callable | None
) -> None:
    """Fills `images` uint8 [N, S, S, 3] and, if wanted, `labels` int64 [N]. Raises InputError: damaged files.

    resize: a decoded picture -> uint8 [S, S, 3]; None if all pictures are that.
    """
    wanted = tfds.decode.PartialDecoding({"image": True, **({} if labels is None else {"label": True})})
    with quiet():
        data = builder.as_dataset(split=split, decoders=wanted, read_config=_in_order(), shuffle_files=False)
    if resize is not None:

        def resized(example):
            image = tf.numpy_function(resize, [example["image"]], tf.uint8)
            image.set_shape(images.shape[1:])
            return {**example, "image": image}

        data = data.map(resized, num_parallel_calls=tf.data.AUTOTUNE)
    done = 0
    with damage_named(name, builder), Progress(f"reading {builder.name} {split}", len(images)) as progress:
        for batch in data.batch(_BATCH).prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
            end = done + len(batch["image"])
            images[done:end] = batch["image"]
            if labels is not None:
                labels[done:end] = batch["label"]
            done = end
            progress.update(done)


def sample_sizes(builder, split: str, most: int) -> Sequence[tuple[int, int]]:
    """(width, height) as declared, or, where they vary, of the first pictures."""
    height, width = builder.info.features["image"].shape[:2]
    if height and width:
        return [(width, height)]
    with quiet():
        wanted = tfds.decode.PartialDecoding({"image": True})
        data = builder.as_dataset(split=split, decoders=wanted, read_config=_in_order())
    return [example["image"].shape[1::-1] for example in data.take(most).as_numpy_iterator()]


def _in_order() -> tfds.ReadConfig:
    return tfds.ReadConfig(try_autocache=False)


@contextlib.contextmanager
def damage_named(name: str, builder) -> Iterator[None]:
    """InputError with the folder that has to be prepared again, where records cannot be read."""
    try:
        yield
    except tf.errors.OpError as error:
        raise InputError(
            f"the prepared copy of {name!r} in {builder.data_path} is damaged: {one_line(error)}; "
            "delete this folder to have it prepared again"
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """TFDS logs warnings of its own affairs (its deprecated methods, folders that are not there yet).

    It imports TensorFlow, too; so that start-up lines stay off the screen, it finds it here already.
    """
    load_tensorflow()
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def one_line(error: Exception) -> str:
    """The class and the text of an error."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
