"""What a prepared TFDS data set says of itself: checked before TFDS imports the classes that its features.json names."""

import json
import re
from pathlib import Path

from dogo_tf.errors import InputError

# name[/configuration][:version]. TFDS also reads arguments and places of other libraries' data sets out of a name.
_NAME = re.compile(r"[\w. -]+(/[\w.+-]+)?(:[\d.*]+)?")
_OWN = "tensorflow_datasets."
_FEATURES = f"{_OWN}core.features."


def check_name(name: str) -> None:
    """InputError for a name with more in it than a data set, a configuration and a version."""
    if not _NAME.fullmatch(name):
        raise InputError(f"dataset: expected a folder, or a TFDS name as name[/configuration][:version]; got {name!r}")


def check_features(folder: Path) -> None:
    """InputError for a features.json below `folder` whose classes are not TFDS' own features: reading it would import them."""
    for path in sorted(folder.rglob("features.json")):
        try:
            _check(json.loads(path.read_bytes()), path)
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path} is damaged: {type(error).__name__}; delete its folder to have it prepared anew"
            ) from error


def split_size(builder, name: str, split: str) -> int:
    """Of a TFDS builder: the number of images; InputError for a split that it has not, or that is empty."""
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError, AssertionError, AttributeError) as error:
        known = ", ".join(sorted(builder.info.splits))
        raise InputError(
            f"unknown split {split!r} of {name!r}; known: {known}, and slices of these like 'train[:10%]'"
        ) from error
    if count < 1:  # of a slice that ends before it begins, TFDS gives a negative number
        raise InputError(f"the split {split!r} of {name!r} has no images")
    return count


def declared_size(name: str, shape: tuple[int | None, ...]) -> int:
    """The side of the squares that all images are; InputError if they are none."""
    height, width = shape[:2]
    if height is None or height != width:
        size = f"{height} x {width} pixels" if height and width else "of varying size"
        raise InputError(f"image_size: give it, because the images of {name!r} are {size}, and squares are needed")
    return height


def _check(value, path: Path) -> None:
    if isinstance(value, list):
        for item in value:
            _check(item, path)
    if not isinstance(value, dict):
        return
    # The older format says `type` and `proto_cls`; a feature may be called so, too, and is a dictionary then.
    for key, own in (("pythonClassName", _FEATURES), ("type", _FEATURES), ("proto_cls", _OWN)):
        named = value.get(key)
        if isinstance(named, str) and named and not named.startswith(own):
            raise InputError(f"{path}: its feature {named!r} is none of TFDS' own, so the data set is not opened")
    for item in value.values():
        _check(item, path)
