"""Images from tensorflow-datasets, by name; `patterns`, which comes with this package, takes the same road."""

import difflib
import hashlib
import math
import os
import re
import socket
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from dogo_tf.data import decode, patterns_builder
from dogo_tf.data.choose import store_size
from dogo_tf.data.file_set import FileSet
from dogo_tf.data.image_set import ImageSet, allocate
from dogo_tf.data.listing import folders_alike
from dogo_tf.data.open_files import cache_folder, chosen
from dogo_tf.data.pixels import eight_bits, to_square
from dogo_tf.data.tfds_features import check_features, check_name, declared_size, split_size
from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded
from dogo_tf.platform.keras_compat import tf
from dogo_tf.sources import cached, tfds_reading
from dogo_tf.sources.records import Records
from dogo_tf.sources.sequential_records import SequentialRecords
from dogo_tf.sources.tfds_reading import one_line, quiet

PATTERNS = "patterns"


def is_known(name: str, data_dir: str | None) -> bool:
    """Whether `name` ("mnist", "patterns/ood", "cifar10:3.0.2") starts with a data set that TFDS or `data_dir` has."""
    base = _base(name)
    return base == PATTERNS or base in _all_names() or bool(data_dir and base and os.path.isdir(f"{data_dir}/{base}"))


class Found(NamedTuple):
    """A prepared split. count: of its images. names: of the classes; None without the feature `label`."""

    name: str
    builder: tfds.core.DatasetBuilder
    split: str
    count: int
    names: tuple[str, ...] | None

    @property
    def full_name(self) -> str:
        return f"{self.name} {self.split}"

    def size(self, image_size: int | None) -> int:
        """image_size, or the declared one, which must be square."""
        return image_size or declared_size(self.name, self.builder.info.features["image"].shape)


def find_tfds(name: str, split: str, data_dir: str | None, prepare: bool = True) -> Found:
    """The split of a TFDS data set, e.g. "cifar10" or "patterns/ood"; downloaded and prepared first if need be and `prepare`.

    split: a name or a TFDS slice, e.g. "train[:10%]". data_dir: TFDS's own folder (~/tensorflow_datasets) if None.
    Raises InputError: unknown name, configuration or split, no `image` feature, no network to download.
    """
    check_name(name)
    check_features(expanded(data_dir or tfds.core.constants.DATA_DIR) / _base(name))
    with quiet():
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
    return Found(name, builder, split, split_size(builder, name, split), names)


def records(found: Found, cache_dir: Path) -> FileSet | None:
    """The images as files, where they are kept in array_record, which is read at any place; else None.

    Labels come from the `label` feature; a set that has none, or hides them as -1, is unlabelled. Raises InputError.
    """
    if found.builder.info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
        return None
    with quiet():
        data = found.builder.as_data_source(found.split, decoders={"image": tfds.decode.SkipDecoding()})
    images = Records(found.full_name, data, *_files(found))
    labels = images.labels(cache_dir / "labels", images.read_labels) if found.names else None
    place = Path(str(found.builder.data_path))
    return FileSet(found.full_name, place, images, *_labels(found, labels))


def open_sequential(found: Found, image_size: int | None, source: str, cache_dir: Path, store_ratio: float) -> ImageSet:
    """Of files that are only read from their start to their end, as tfrecord's: in memory, or in a cache.

    Arguments and labels as of data.open and `records`. Raises InputError: damaged files, too little memory or disk, a stream.
    """
    advice = "tfds.builder(..., data_dir=<a new folder>, file_format='array_record') prepares it for source='stream'"
    if source == "stream":
        raise InputError(
            f"source: 'stream' is for files of images and TFDS data sets in array_record; {found.name!r} is stored as "
            f"{found.builder.info.file_format.value}; expected 'auto', 'memory' or 'cache' ({advice})"
        )
    size = found.size(image_size)
    if image_size is not None and store_ratio > 1:
        size = store_size(tfds_reading.sample_sizes(found.builder, found.split, decode.SAMPLE), size, store_ratio)
    files = SequentialRecords(
        found.full_name, found.count, *_files(found), partial(tfds_reading.encoded_images, *found[:3])
    )
    version = f"{files.digest()}\n{size}\n{decode.version(math.inf)}, TensorFlow {tf.__version__}"
    digest = hashlib.sha256(version.encode()).hexdigest()
    if source == "auto":
        without_stream = f"{found.name!r} cannot be streamed as it is stored; {advice}"
        source = chosen(files, size, digest, cache_dir, without_stream)
    if source == "memory":
        return _in_memory(found, size)
    decoded = partial(tfds_reading.decoded, found.name, found.builder, _resize(found, size))
    images = cached.open_cache(cache_folder(cache_dir, digest), files, size, digest, decoded)
    labels = files.labels(cache_dir / "labels", partial(tfds_reading.read_labels, *found[:3])) if found.names else None
    return ImageSet(found.full_name, images, *_labels(found, labels), source=source)


def _files(found: Found) -> tuple[list[Path], list[tuple[int, int]]]:
    """Those with the split's records, and what of each belongs to it."""
    parts = found.builder.info.splits[found.split].file_instructions
    return [Path(part.filename) for part in parts], [(part.skip, part.take) for part in parts]


def _labels(found: Found, labels: np.ndarray | None) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(labels, class names); None and () where there are none or they are hidden."""
    return (None, ()) if labels is None or labels.min() < 0 else (labels, found.names)


def _in_memory(found: Found, size: int) -> ImageSet:
    images, labels = allocate(found.count, size), np.full(found.count, -1, np.int64)
    tfds_reading.read_all(*found[:3], images, labels if found.names else None, _resize(found, size))
    return ImageSet(found.full_name, images, *_labels(found, labels if found.names else None))


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
            known = [*(f"the folder {path}" for path in folders_alike(name)), *close, PATTERNS]
            raise InputError(
                f"unknown data set {name!r}: neither an existing folder nor a TFDS name; the closest known names: "
                f"{', '.join(known)} (all: tensorflow_datasets.list_builders())"
            ) from error
        configs = ", ".join(tfds.builder_cls(base).builder_configs)
        options = f"; configurations: {configs}" if configs else ""
        raise InputError(f"TFDS cannot open the data set {name!r}: {one_line(error)}{options}") from error


def _prepare(builder: tfds.core.DatasetBuilder, name: str, prepare: bool) -> None:
    with quiet():
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
            f"{one_line(error)}. {how}"
        ) from error


def _network() -> bool:
    """False if no name can be resolved and there is no proxy: TFDS alone would retry for minutes before it gives up."""
    if urllib.request.getproxies():
        return True
    try:
        return bool(socket.getaddrinfo("storage.googleapis.com", 443))
    except OSError:
        return False


def _resize(found: Found, size: int) -> Callable[[np.ndarray], np.ndarray] | None:
    """What makes uint8 [size, size, 3] of a decoded picture; None if it is that already."""
    image = found.builder.info.features["image"]
    return None if image.shape == (size, size, 3) and image.np_dtype == np.uint8 else partial(_square, size)


def _square(size: int, array: np.ndarray) -> np.ndarray:
    """to_square of [H, W, 1 | 3 | 4] of uint8 or uint16."""
    if array.dtype == np.uint16:
        array = eight_bits(array)
    return to_square(Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array), size, math.inf)


def _base(name: str) -> str:
    return re.split("[/:]", name, maxsplit=1)[0]


def _all_names() -> list[str]:
    return tfds.list_builders(with_community_datasets=False)
