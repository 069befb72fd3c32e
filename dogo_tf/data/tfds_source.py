"""Images from tensorflow-datasets, by name; `patterns`, which comes with this package, takes the same road."""

import contextlib
import difflib
import math
import os
import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from PIL import Image

from dogo_tf.data import patterns_builder
from dogo_tf.data.choose import store_size
from dogo_tf.data.decode import SAMPLE
from dogo_tf.data.file_set import FileSet
from dogo_tf.data.image_set import ImageSet, allocate
from dogo_tf.data.pixels import eight_bits, to_square
from dogo_tf.data.tfds_features import check_features, check_name, declared_size, split_size
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.records import Records

PATTERNS = "patterns"
_BATCH = 256
_IN_ORDER = tfds.ReadConfig(try_autocache=False)


def is_known(name: str, data_dir: str | None) -> bool:
    """Whether `name` ("mnist", "patterns/ood", "cifar10:3.0.2") starts with a data set that TFDS or `data_dir` has."""
    base = _base(name)
    return base == PATTERNS or base in _all_names() or bool(data_dir and base and os.path.isdir(f"{data_dir}/{base}"))


class Found(NamedTuple):
    """A prepared split. count: of its images. names: of the classes; None without the feature `label`."""

    name: str
    split: str
    builder: tfds.core.DatasetBuilder
    count: int
    names: tuple[str, ...] | None

    def size(self, image_size: int | None) -> int:
        """image_size, or the declared one, which must be square."""
        return image_size or declared_size(self.name, self.builder.info.features["image"].shape)


def find_tfds(name: str, split: str, data_dir: str | None, prepare: bool = True) -> Found:
    """The split of a TFDS data set, e.g. "cifar10" or "patterns/ood"; downloaded and prepared first if need be and `prepare`.

    split: a name or a TFDS slice, e.g. "train[:10%]". data_dir: TFDS's own folder (~/tensorflow_datasets) if None.
    Raises InputError: unknown name, configuration or split, no `image` feature, no network to download.
    """
    check_name(name)
    check_features(Path(data_dir or tfds.core.constants.DATA_DIR).expanduser() / _base(name))
    with _quiet():
        builder = _builder(name, data_dir, prepare)
    features = builder.info.features
    features = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    image = features.get("image")
    if not isinstance(image, tfds.features.Image) or image.np_dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"the TFDS data set {name!r} has no feature `image` of uint8 or uint16 pixels; it has: "
            + ", ".join(f"{key} ({type(value).__name__})" for key, value in features.items())
        )
    _prepare(builder, name, prepare)
    label = features.get("label")
    names = tuple(label.names) if isinstance(label, tfds.features.ClassLabel) else None
    return Found(name, split, builder, split_size(builder, name, split), names)


def records(found: Found, cache_dir: Path) -> FileSet | None:
    """The images as files, where they are kept in array_record, which is read at any place; else None.

    Labels come from the `label` feature; a set that has none, or hides them as -1, is unlabelled. Raises InputError.
    """
    if found.builder.info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
        return None
    parts = found.builder.info.splits[found.split].file_instructions
    with _quiet():
        data = found.builder.as_data_source(found.split, decoders={"image": tfds.decode.SkipDecoding()})
    files = [Path(part.filename) for part in parts]
    images = Records(f"{found.name} {found.split}", data, files, [(part.skip, part.take) for part in parts])
    labels = images.labels(cache_dir / "labels") if found.names else None
    if labels is None or labels.min() < 0:
        labels = None
    place = Path(str(found.builder.data_path))
    return FileSet(f"{found.name} {found.split}", place, images, labels, () if labels is None else found.names)


def load_tfds(found: Found, image_size: int | None, store_ratio: float = 1.0) -> ImageSet:
    """All images, in memory. store_ratio: as of data.open. Labels as of `records`. Raises InputError: damaged files."""
    size = found.size(image_size)
    if image_size is not None and store_ratio > 1:
        size = store_size(_sample_sizes(found.builder, found.split), size, store_ratio)
    images, labels = allocate(found.count, size), np.full(found.count, -1, np.int64)
    try:
        _read_into(images, labels, found.builder, found.split, found.names is not None)
    except tf.errors.OpError as error:
        raise InputError(
            f"the prepared copy of {found.name!r} in {found.builder.data_path} is damaged: {_reason(error)}; "
            "delete this folder to have it prepared again"
        ) from error
    if found.names is None or labels.min() < 0:
        return ImageSet(f"{found.name} {found.split}", images)
    return ImageSet(f"{found.name} {found.split}", images, labels, found.names)


def _builder(name: str, data_dir: str | None, prepare: bool) -> tfds.core.DatasetBuilder:
    if _base(name) == PATTERNS and prepare:
        return patterns_builder.prepare(name.partition("/")[2] or "default", data_dir)
    try:
        if _base(name) == PATTERNS:
            return patterns_builder.Patterns(config=name.partition("/")[2] or "default", data_dir=data_dir)
        return tfds.builder(name, data_dir=data_dir)
    except Exception as error:  # TFDS has no common class for unknown names, configurations, versions, missing packages
        base = _base(name)
        if base not in _all_names():
            close = difflib.get_close_matches(base.lower(), _all_names(), n=6)
            raise InputError(
                f"unknown data set {name!r}: neither an existing folder nor a TFDS name; the closest known names: "
                f"{', '.join([*close, PATTERNS])} (all: tensorflow_datasets.list_builders())"
            ) from error
        configs = ", ".join(tfds.builder_cls(base).builder_configs)
        options = f"; configurations: {configs}" if configs else ""
        raise InputError(f"TFDS cannot open the data set {name!r}: {_reason(error)}{options}") from error


def _prepare(builder: tfds.core.DatasetBuilder, name: str, prepare: bool) -> None:
    with _quiet():
        if builder.is_prepared():
            return
    if not prepare:
        raise InputError(
            f"the TFDS data set {name!r} is not prepared in {builder.data_path}, where the run's config.json has it; nothing "
            "is written where a file says; give --data_dir to have it prepared there"
        )
    how = (
        f"To go on: run this once with a network, so that TFDS downloads it; or copy the folder {builder.name} of "
        f"another machine's tensorflow_datasets folder and give its parent as data_dir; or use {PATTERNS!r} or a "
        "folder of images"
    )
    downloads = type(builder).__module__.startswith("tensorflow_datasets.") and not builder.MANUAL_DOWNLOAD_INSTRUCTIONS
    if downloads and not _network():
        raise InputError(
            f"the TFDS data set {name!r} is not prepared in {builder.data_path}, and there is no network. {how}"
        )
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # refused connection, wrong checksum, full disk, missing manual download, ...
        raise InputError(
            f"the TFDS data set {name!r} is not prepared in {builder.data_path}, and preparing it failed: "
            f"{_reason(error)}. {how}"
        ) from error


def _network() -> bool:
    """False if no name can be resolved and there is no proxy: TFDS alone would retry for minutes before it gives up."""
    if urllib.request.getproxies():
        return True
    try:
        return bool(socket.getaddrinfo("storage.googleapis.com", 443))
    except OSError:
        return False


def _sample_sizes(builder, split: str) -> list[tuple[int, int]]:
    """(width, height) as declared, or, where they vary, of the first pictures."""
    height, width = builder.info.features["image"].shape[:2]
    if height and width:
        return [(width, height)]
    with _quiet():
        data = builder.as_dataset(
            split=split, decoders=tfds.decode.PartialDecoding({"image": True}), read_config=_IN_ORDER
        )
    return [example["image"].shape[1::-1] for example in data.take(SAMPLE).as_numpy_iterator()]


def _read_into(images: np.ndarray, labels: np.ndarray, builder, split: str, has_label: bool) -> None:
    """Fills `images` uint8 [N, S, S, 3] and, if the set has them, `labels` int64 [N], in the order of the files."""
    wanted = {"image": True, "label": True} if has_label else {"image": True}
    with _quiet():
        data = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders=tfds.decode.PartialDecoding(wanted),
            read_config=_IN_ORDER,
        )
    image, size = builder.info.features["image"], images.shape[1]
    if image.shape != images.shape[1:] or image.np_dtype != np.uint8:

        def square(example):
            result = tf.numpy_function(
                lambda array: to_square(_picture(array), size, math.inf), [example["image"]], tf.uint8
            )
            result.set_shape([size, size, 3])
            return {**example, "image": result}

        data = data.map(square, num_parallel_calls=tf.data.AUTOTUNE)
    done = 0
    with Progress(f"reading {builder.name} {split}", len(images)) as progress:
        for batch in data.batch(_BATCH).prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
            end = done + len(batch["image"])
            images[done:end] = batch["image"]
            if has_label:
                labels[done:end] = batch["label"]
            done = end
            progress.update(done)


def _picture(array: np.ndarray) -> Image.Image:
    """A Pillow image from [H, W, 1 | 3 | 4] of uint8 or uint16."""
    if array.dtype == np.uint16:
        array = eight_bits(array)
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TFDS logs warnings of its own affairs (its deprecated methods, folders that are not there yet)."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _base(name: str) -> str:
    return re.split("[/:]", name, maxsplit=1)[0]


def _all_names() -> list[str]:
    return tfds.list_builders(with_community_datasets=False)


def _reason(error: Exception) -> str:
    """The class and the text of an error, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
