"""Reads results/*.json for the tables of README and docs/."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def read(name: str) -> dict:
    """results/<name>.json"""
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


def source(name: str) -> str:
    """Where a table comes from: a link, the commit, the hardware."""
    result = read(name)
    result = result.get("provenance", result)
    cores = result["hardware"]["cores"]
    hardware = f"{cores} core{'s' if cores > 1 else ''} of {result['hardware']['processor']}"
    return f"\n\n[results/{name}.json](results/{name}.json): commit {result['commit']}, {hardware}"


def points(difference: dict) -> str:
    """A difference of accuracies in percentage points, with its interval."""
    mean, low, high = (100 * difference[name] for name in ("mean", "low", "high"))
    return f"{mean:+.1f} ({low:.1f} to {high:.1f})"
