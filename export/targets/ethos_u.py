"""Arm Ethos-U55 and U65: what Arm's compiler Vela places on the accelerator, and what it estimates. Nothing is run.

The estimates are Vela's, for its default system of each accelerator, whose names stand among the facts.
"""

import csv
import re
import tempfile
from pathlib import Path

from dogo_tf.export.targets._work import Finding, Work, last_words, run_tool

MODULES = {"ethosu": "ethos-u-vela"}
# Column -> Vela's name of the accelerator: the multiply-accumulate units of the middle sizes.
ACCELERATORS = {"Ethos-U55": "ethos-u55-128", "Ethos-U65": "ethos-u65-256"}
COLUMNS = tuple(ACCELERATORS)
_PLACED = re.compile(r"^(CPU|NPU) operators = (\d+)", re.MULTILINE)
_ON_CPU = re.compile(r"^\s+CPU: (\w+) = ", re.MULTILINE)
_MEMORIES = ("sram", "dram", "on_chip_flash", "off_chip_flash")


def examine(work: Work) -> dict[str, Finding]:
    return {name: _examine(path) for name, path in work.integer_files.items()}


def _examine(path: Path) -> Finding:
    cells, facts = {}, {}
    for column, accelerator in ACCELERATORS.items():
        with tempfile.TemporaryDirectory() as folder:
            words = ["--accelerator-config", accelerator, "--output-dir", folder, "--show-cpu-operations"]
            done = run_tool("ethosu.vela", path, *words)
            tables = list(Path(folder).glob("*.csv"))
            if done.returncode or not tables:
                return Finding(facts=facts, reason=f"Vela cannot compile it for {accelerator}: {last_words(done)}")
            try:
                facts[accelerator] = found = _read(done.stdout, tables[0])
            except (KeyError, ValueError, StopIteration):
                return Finding(
                    facts=facts, reason=f"what Vela says of {accelerator} cannot be read; is it another version?"
                )
        total = found["npu_operators"] + found["cpu_operators"]
        cells[column] = (
            f"{found['npu_operators']}/{total} on the NPU, {found['cycles'] / 1e6:.2f} M cycles, "
            f"{found['memory_bytes']['sram'] / 1000:.0f} kB SRAM"
        )
    return Finding(cells, facts)


def _read(printed: str, table: Path) -> dict:
    with table.open(newline="") as file:
        row = next(csv.DictReader(file))
    placed = {where.lower(): int(count) for where, count in _PLACED.findall(printed)}
    return {
        "npu_operators": placed["npu"],
        "cpu_operators": placed["cpu"],
        "on_cpu": sorted(set(_ON_CPU.findall(printed))),
        "cycles": int(float(row["cycles_total"])),
        "inference_ms": 1000 * float(row["inference_time"]),
        "memory_bytes": {name: round(1024 * float(row[f"{name}_memory_used"])) for name in _MEMORIES},
        "system": row["system_config"],
        "memory_mode": row["memory_mode"],
        "clock_hz": float(row["core_clock"]),
    }
