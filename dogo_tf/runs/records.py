"""Reads the JSON files of a run folder, and checks that they are what a run writes: a folder may be damaged, or anybody's."""

import json
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.platform.files import open_regular

NUMBER = (int, float)
NOTHING = type(None)
# A dictionary lists the keys that must be there (with "?" in front: that may be), a list the kind of its items.
CONFIG = {
    "settings": {"dataset": str, "data_dir": (str, NOTHING), "?split": str},
    "peers": [{"name": str, "?encoder": str, "?objective": str}],
    "data": {
        "image_size": int,
        "?images": int,
        "?name": str,
        "?digest": str,
        "?source": str,
        "?store_size": int,
        "?crops": str,
    },
    "provenance": dict,
    "?teachers": dict,
}
COMPARISON = {"settings": dict, "provenance": dict}  # of dogo-compare
METRICS = {"step": int, "images_per_second": NUMBER}
PROBES = {"step": int, "epoch": int, "peer": str, "linear": NUMBER}
CHECKSUMS = dict
_NAMES = {str: "text", int: "a whole number", float: "a number", dict: "a dictionary", list: "a list", NOTHING: "null"}


class Damaged(ValueError):
    """What is wrong with the contents of a file."""


def read_json(path: Path, kind):
    """The contents of a JSON file of this kind. Raises Damaged with the place and what was expected there; OSError."""
    with open_regular(path) as file:
        return _parse(file.read(), kind)


def read_json_lines(path: Path, kind) -> list[dict]:
    """One JSON dictionary a line, without a last one that a killed run left unfinished; an empty list if there is no file.

    Raises:
        InputError: a damaged line.
    """
    try:
        with open_regular(path) as file:
            *lines, _unfinished = file.read().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"run_dir: {path} cannot be read: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_parse(line, kind))
        except Damaged as error:
            raise InputError(f"run_dir: {path} is damaged in line {number} ({error}); delete this line") from error
    return found


def _parse(text: bytes, kind):
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise Damaged("it is nested too deeply") from error
    except ValueError as error:  # no JSON, or no UTF-8
        raise Damaged(str(error)) from error
    _check(value, kind, "")
    return value


def _check(value, kind, place: str) -> None:
    outer = type(kind) if isinstance(kind, dict | list) else kind
    if not isinstance(value, outer) or isinstance(value, bool):
        kinds = outer if isinstance(outer, tuple) else (outer,)
        expected = " or ".join(_NAMES[one] for one in kinds)
        raise Damaged(f"{place or 'the whole'}: expected {expected}, got {json.dumps(value)[:40]}")
    if isinstance(kind, list):
        for number, item in enumerate(value):
            _check(item, kind[0], f"{place}[{number}]")
    elif isinstance(kind, dict):
        for key, inner in kind.items():
            name = key.removeprefix("?")
            inside = f"{place}.{name}" if place else name
            if name in value:
                _check(value[name], inner, inside)
            elif name == key:
                raise Damaged(f"{inside} is missing")
