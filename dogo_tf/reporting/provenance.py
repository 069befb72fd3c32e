"""Writes a published number with what is needed to question it: command, commit, hardware, versions, date."""

import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

from dogo_tf.platform.keras_compat import tf


def provenance() -> dict:
    """The command line, the commit or release, the hardware and the versions, and today's date."""
    return {
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "commit": _commit() or f"release {version('dogo-tf')}",
        "date": date.today().isoformat(),
        "hardware": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "accelerators": [device.name for device in tf.config.list_physical_devices("GPU")],
        },
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__},
    }


def _commit() -> str | None:
    """The checkout's commit, with "+changes" if tracked files differ from it; None if this is no checkout."""

    def git(*words):
        done = subprocess.run(["git", *words], capture_output=True, text=True, cwd=Path(__file__).parent)
        return done.stdout.strip() if done.returncode == 0 else None

    # An installed package may lie inside somebody else's checkout, whose commit says nothing about it.
    if shutil.which("git") is None or git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return git("rev-parse", "--short=12", "HEAD") + ("+changes" if git("status", "--porcelain", "-uno") else "")


def record(path: Path, numbers: dict) -> None:
    """Writes `numbers` and their provenance to `path` as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**provenance(), **numbers}, indent=1) + "\n")
    print(f"wrote {path}")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
