"""What a target is given, what it answers, and how its tool is started."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

EXTRA = "pip install 'dogo-tf[devices]'"


@dataclass(frozen=True)
class Work:
    """folder: of the export, to which files may be added. name: of the encoder. saved_model: its folder.

    integer_files: format -> path of each .tflite that passed and computes in integers. images: uint8 [N, H, W, 3], N > 5;
    reference: float [N, d], the original's features of them. arena_bytes: memory of the microcontroller; None: any.
    """

    folder: Path
    name: str
    saved_model: Path
    integer_files: dict[str, Path]
    images: np.ndarray
    reference: np.ndarray
    arena_bytes: int | None = None


@dataclass(frozen=True)
class Finding:
    """What came of one file on a target.

    cells: column -> a few words for the table. facts: all that was measured, ready for JSON. reason: why it cannot run there;
    None if it can.
    """

    cells: dict[str, str] = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    reason: str | None = None


def missing(modules: dict[str, str]) -> str | None:
    """Which of the modules (name -> package) are not installed, as a sentence; None if all are."""
    absent = [package for module, package in modules.items() if not _installed(module)]
    return f"needs {', '.join(absent)}: {EXTRA}" if absent else None


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def run_tool(*words) -> subprocess.CompletedProcess:
    """Runs a Python module with these arguments in a process of its own: tools print, leak, and end processes by themselves."""
    # The child must find the same packages, however this process came to find them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")


def last_words(done: subprocess.CompletedProcess) -> str:
    """Why a tool failed, from the end of what it printed, in one line."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return " ".join(lines[-3:])[-300:] or f"exit status {done.returncode}"
