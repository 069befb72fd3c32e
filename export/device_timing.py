"""What `python runtime.py MODEL --benchmark` measured on devices, beside the rest of an export's report."""

import json
from dataclasses import replace
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.export.report import Report
from dogo_tf.export.runtime import BENCHMARK, LARGEST_DESCRIPTION
from dogo_tf.platform.files import open_regular
from dogo_tf.reporting.table import text_table

DEVICES = "devices"  # their place in report.json
HEAD = ["device", "file", "threads", "median ms", "p95 ms", "with image ms", "model MB", "process MB"]
_NUMBERS = ("threads", "calls", "median_ms", "p95_ms", "load_ms")
_NUMBERS_OR_NOTHING = ("with_image_ms", "memory_bytes", "peak_memory_bytes")


def add(report: Report, folder: Path, paths) -> Report:
    """The report with these measurements of files of its folder.

    A measurement takes the place of an earlier one of the same file, device and number of threads.

    Args:
        paths: JSON files of `runtime.py --benchmark`.
    Raises:
        InputError: not such a file, or one that measured another model than those of the folder.
    """
    known = _models(folder)
    found = {_key(entry): entry for entry in report.details.get(DEVICES, [])}
    for path in map(Path, paths):
        entry = read(path)
        if entry["sha256"] not in known:
            raise InputError(
                f"report_add: {path} measured {entry['file']} of sha256 {entry['sha256']}, which is none of the files in "
                f"{folder}: {', '.join(known.values()) or 'there are none'}; measure the exported file itself"
            )
        entry["variant"] = known[entry["sha256"]]
        found[_key(entry)] = entry
    return replace(report, details=report.details | {DEVICES: list(found.values())})


def read(path: Path) -> dict:
    """One measurement, checked; InputError if the file is none."""
    try:
        with open_regular(path) as file:
            entry = json.loads(file.read(LARGEST_DESCRIPTION))
    except OSError as error:
        raise InputError(f"report_add: {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        entry = None
    if not _is_measurement(entry):
        raise InputError(f"report_add: {path}: expected what `python runtime.py MODEL.tflite --benchmark` prints")
    return entry


def rows(report: Report) -> list[list[str]]:
    """The cells below HEAD as text; "-" where nothing was measured."""
    return [
        [
            entry["device"]["name"],
            entry["variant"],
            str(entry["threads"]),
            f"{entry['median_ms']:.2f}",
            f"{entry['p95_ms']:.2f}",
            "-" if entry["with_image_ms"] is None else f"{entry['with_image_ms']:.2f}",
            _megabytes(entry["memory_bytes"]),
            _megabytes(entry["peak_memory_bytes"]),
        ]
        for entry in report.details.get(DEVICES, [])
    ]


def table(report: Report) -> str:
    """For a terminal."""
    return text_table(HEAD, rows(report))


def _models(folder: Path) -> dict[str, str]:
    """sha256 of the model -> format, by the descriptions beside the files."""
    found = {}
    for path in sorted(folder.glob("*.tflite")):
        try:
            told = json.loads(path.with_suffix(".json").read_bytes())
            found[told["sha256"]] = told["variant"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"report_add: {path} has no description beside it; export again") from error
    return found


def _key(entry: dict) -> tuple:
    return entry["sha256"], entry["device"]["name"], entry["threads"]


def _is_measurement(entry) -> bool:
    if not isinstance(entry, dict) or entry.get("kind") != BENCHMARK or not isinstance(entry.get("device"), dict):
        return False
    texts = entry.get("sha256"), entry.get("file"), entry["device"].get("name")
    nothing = type(None)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(entry.get(name), int | float) for name in _NUMBERS)
        and all(isinstance(entry.get(name), int | float | nothing) for name in _NUMBERS_OR_NOTHING)
    )


def _megabytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e6:.1f}"
