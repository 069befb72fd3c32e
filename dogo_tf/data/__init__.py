"""Where images come from: a TFDS name, a folder of images, or the embedded set `patterns`."""

import os
import sys
from pathlib import Path

from dogo_tf.data.image_set import ImageSet, digest, pixel_statistics
from dogo_tf.data.pixels import MAX_PIXELS, check_image_size
from dogo_tf.errors import InputError
from dogo_tf.platform import ranges
from dogo_tf.reporting.plain_text import printable

__all__ = ["ImageSet", "digest", "load", "pixel_statistics"]


def load(
    name_or_path: str | os.PathLike,
    split: str = "train",
    image_size: int | None = None,
    data_dir: str | os.PathLike | None = None,
    max_bad_images: float = 0.01,
    prepare: bool = True,
    max_pixels: float = MAX_PIXELS,
) -> ImageSet:
    """All images of a split, in memory: uint8 [N, image_size, image_size, 3], with labels if there are any.

    Args:
        name_or_path: "patterns" or "patterns/ood", the set that comes with this package; the path of an existing folder of
            images (see folder.load_folder); anything else is a TFDS name (see tfds_source.load_tfds).
        split: "train", "test", ...; for a folder, its sub-folder.
        image_size: side in pixels, >= 8; None: the data's own, where all its images are squares of one size.
        data_dir: where TFDS keeps prepared data sets; not used for folders.
        max_bad_images: largest share (0..1) of a folder's files that may be unreadable; they are left out, named on stderr
            and listed in ImageSet.bad_files.
        prepare: whether a TFDS set that is missing in data_dir is made there; False where data_dir comes from a file.
        max_pixels: of a folder's file to decode, >= 1: a larger JPEG is decoded at 1/2, 1/4 or 1/8 of its sides, other files
            count as unreadable.
    Raises:
        InputError: what the user can put right.
    """
    if image_size is not None:
        check_image_size(image_size)
    if not isinstance(max_bad_images, (int, float)) or not 0 <= max_bad_images <= 1:
        raise InputError(f"max_bad_images: expected a share of the files in 0..1 (0.01 is 1 %), got {max_bad_images!r}")
    ranges.check("max_pixels", max_pixels)
    name = os.fspath(name_or_path)
    if name == "patterns" or name.startswith("patterns/"):
        return _load_tfds(name, split, image_size, data_dir, prepare)
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return _load_folder(folder, split, image_size, max_bad_images, max_pixels)
    if folder.is_file():
        raise InputError(f"{name} is a file; expected a folder of images (unpack archives first) or a data set's name")
    if not name or name.startswith((".", "~")) or folder.is_absolute():
        raise InputError(f"the folder {name!r} does not exist")
    return _load_tfds(name, split, image_size, data_dir, prepare)


def _load_folder(folder, split, image_size, max_bad_images, max_pixels) -> ImageSet:
    from dogo_tf.data.folder import load_folder

    data = load_folder(folder, split, image_size, max_bad_images, max_pixels)
    if data.bad_files:
        path, reason = data.bad_files[0]
        left_out = (
            f"left out {len(data.bad_files)} of {len(data.bad_files) + len(data.images)} images of {folder} "
            f"that cannot be read, e.g. {path}: {reason}"
        )
        print(printable(left_out), file=sys.stderr)
    return data


def _load_tfds(name, split, image_size, data_dir, prepare) -> ImageSet:
    from dogo_tf.data import tfds_source  # here, because it takes a second to import, which folders need not wait for

    data_dir = None if data_dir is None else str(Path(data_dir).expanduser())
    if (os.sep in name or "/" in name) and not tfds_source.is_known(name, data_dir):
        raise InputError(f"the folder {name!r} does not exist, and {name.split('/')[0]!r} is no TFDS data set either")
    return tfds_source.load_tfds(name, split, image_size, data_dir, prepare)
