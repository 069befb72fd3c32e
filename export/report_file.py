"""The two files of a report, report.json and report.html, and a report as read from the first."""

import json
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.export import html_report
from dogo_tf.export.accuracy import Score
from dogo_tf.export.graph import Graph
from dogo_tf.export.latency import Latency
from dogo_tf.export.parity import Parity
from dogo_tf.export.report import Exported, Report
from dogo_tf.platform.files import write_atomically

REPORT, HTML_REPORT = "report.json", "report.html"


def write(folder: Path, report: Report) -> None:
    """Both files, each whole or not at all."""
    write_atomically(folder / REPORT, (json.dumps(report.as_dict(), indent=1) + "\n").encode())
    write_atomically(folder / HTML_REPORT, html_report.page(report).encode())


def load(folder: Path) -> Report:
    """The report of an exported folder; InputError if there is none, or not one of this version."""
    path = folder / REPORT
    try:
        told = json.loads(path.read_bytes())
        return _report(told, folder)
    except OSError as error:
        raise InputError(f"report: {path}: expected an export's report; it cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError, RecursionError) as error:
        raise InputError(f"report: {path}: expected the report of an export by this version; export again") from error


def _report(told: dict, folder: Path) -> Report:
    formats, original = told.pop("formats"), told.pop("original")
    name, _, _ = told.pop("encoder"), told.pop("recommendation"), told["targets"]
    items = tuple(_item(kind, entry, folder) for kind, entry in formats.items())
    first = next(iter(formats.values()))
    base_bytes = round(first["size_bytes"] / first["size_ratio"])
    return Report(name, items, _scores(original["scores"]), base_bytes, told)


def _item(kind: str, entry: dict, folder: Path) -> Exported:
    parts = {name: entry[name] and made(**entry[name]) for name, made in _PARTS.items()}
    path = entry["path"] and folder / entry["path"]
    scores = None if entry["scores"] is None else _scores(entry["scores"])
    known = {"path": path, "scores": scores, "problems": tuple(entry["problems"]), **parts}
    return Exported(kind, **known, size_bytes=entry["size_bytes"])


_PARTS = {"parity": Parity, "graph": Graph, "latency": Latency}


def _scores(told: dict) -> dict[str, Score]:
    return {name: Score(**values) for name, values in told.items()}
