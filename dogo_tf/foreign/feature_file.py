"""Features of a data set that were computed elsewhere, in a file of NumPy: .npz with the images' names, or a bare .npy."""

import os
import posixpath
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dogo_tf.data.image_set import ImageSet, digest
from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded
from dogo_tf.reporting.progress import say

EXTENSIONS = (".npz", ".npy")
FEATURES, NAMES, DIGEST = "features", "names", "digest"
_LOCAL_HEADER = 30  # bytes of a zip member's own header, before its name and extra field
_CHUNK = 65_536  # rows that are checked at a time


def is_feature_file(path) -> bool:
    """Whether a path is named as such a file."""
    return Path(path).suffix in EXTENSIONS


def read_features(path, images: ImageSet, digest_of: Callable[[], str] | None = None) -> np.ndarray:
    """The features of `images`, [N, d] of a floating-point type, mapped from the file unless it is compressed.

    Args:
        path: of a .npy file with the features, for images that have no files of their own; or of an .npz file with the arrays
            features: [N, d], floating point and finite, in the order of the images;
            names: text [N], the images' paths (ImageSet.files), needed where the images are files. Folders that all names have
            in common are ignored, so that the data may have been somewhere else;
            digest: optional, hexadecimal, of images that are no files (data.digest).
        digest_of: gives what the digest is compared with, where `images` are kept at another size than they are asked for.
    Raises:
        InputError: no such file, other arrays, types, shapes or values, features of other images or in another order.
    """
    path = expanded(path)
    try:
        arrays = (
            _read_npz(path, len(images)) if path.suffix == ".npz" else {FEATURES: np.lib.format.open_memmap(path, "r")}
        )
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; expected features of {images.name}, .npz or .npy") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, struct.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read as a file of NumPy: {' '.join(str(error).split())}") from error
    features = arrays[FEATURES]
    _check_kind(path, features.dtype, features.shape, len(images))
    _check_belonging(path, arrays, images, digest_of or (lambda: digest(images.images)))
    _check_finite(path, features)
    return features


def _read_npz(path: Path, count: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        held = [name.removesuffix(".npy") for name in archive.namelist()]
        if FEATURES not in held:
            raise InputError(
                f"{path}: expected the arrays {FEATURES}[, {NAMES}][, {DIGEST}]; it holds: {', '.join(held) or 'none'}"
            )
        found = {FEATURES: _member(path, archive, file, count)}
        for name in (NAMES, DIGEST):
            if name in held:
                with archive.open(f"{name}.npy") as member:
                    found[name] = np.lib.format.read_array(member, allow_pickle=False)
        return found


def _member(path: Path, archive: zipfile.ZipFile, file, count: int) -> np.ndarray:
    """The features, checked before memory is taken for them; mapped where they lie as they are."""
    info = archive.getinfo(f"{FEATURES}.npy")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(member)
        begins = member.tell()
    _check_kind(path, dtype, shape, count)
    if info.compress_type == zipfile.ZIP_STORED:
        file.seek(info.header_offset)
        of_name, of_extra = struct.unpack("<26xHH", file.read(_LOCAL_HEADER))
        offset = info.header_offset + _LOCAL_HEADER + of_name + of_extra + begins
        return np.memmap(path, dtype, "r", offset, shape, "F" if fortran_order else "C")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _check_kind(path: Path, dtype: np.dtype, shape: tuple[int, ...], count: int) -> None:
    if not np.issubdtype(dtype, np.floating) or len(shape) != 2 or not shape[1]:
        remedy = "; of tokens or maps take the class token or the mean" if len(shape) > 2 else ""
        raise InputError(f"{path}: expected floating-point features [N, d], got {dtype} {list(shape)}{remedy}")
    if shape[0] != count:
        raise InputError(f"{path}: expected the features of {count:,} images, got {shape[0]:,}")


def _check_belonging(path: Path, arrays: dict[str, np.ndarray], images: ImageSet, digest_of: Callable[[], str]) -> None:
    names, made_of = arrays.get(NAMES), arrays.get(DIGEST)
    if images.files:
        if names is None:
            raise InputError(
                f"{path}: {images.name} are files, so an array {NAMES} must say which row is which: "
                f"numpy.savez(path, {FEATURES}=..., {NAMES}=...), as dogo_tf.data.load(...).files"
            )
        _check_names(path, names, images.files)
    elif names is not None:
        raise InputError(f"{path}: its {NAMES} are those of files, but the images of {images.name} come from none")
    elif made_of is None:
        say(f"{path} has no {DIGEST} of its images, so that only their number could be checked, not their order")
    elif str(made_of) != digest_of():
        raise InputError(
            f"{path}: its {DIGEST} is of other images than {images.name}, in another order or of another size"
        )


def _check_names(path: Path, names: np.ndarray, files: tuple[str, ...]) -> None:
    if names.dtype.kind != "U" or names.shape != (len(files),):
        raise InputError(f"{path}: {NAMES}: expected text [{len(files)}], got {names.dtype} {list(names.shape)}")
    for row, (ours, theirs) in enumerate(zip(_inner(files), _inner(names.tolist()), strict=True)):
        if ours != theirs:
            raise InputError(
                f"{path}: features of other images or in another order: image {row} is {ours}, but row {row} of the "
                f"features is of {theirs}"
            )


def _inner(names) -> list[str]:
    """The names without the folders that all have in common."""
    parts = [posixpath.normpath(name).split("/") for name in names]
    common = len(os.path.commonprefix([folders[:-1] for folders in parts]))
    return ["/".join(folders[common:]) for folders in parts]


def _check_finite(path: Path, features: np.ndarray) -> None:
    for start in range(0, len(features), _CHUNK):
        broken = np.flatnonzero(~np.isfinite(features[start : start + _CHUNK]).all(axis=1))
        if len(broken):
            raise InputError(f"{path}: NaN or infinite features, first of image {start + broken[0]}")
