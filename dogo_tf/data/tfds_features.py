"""What a prepared TFDS data set says its features are: checked before TFDS imports the classes that its features.json names."""

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
