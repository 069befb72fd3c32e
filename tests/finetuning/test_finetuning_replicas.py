"""Fine-tuning on several replicas against one device, in a process of its own: devices are set up only once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def deviations(*arguments):
    """The largest relative difference of a variable after 1 and 3 steps."""
    paths = os.pathsep.join([str(TESTS.parent / "benchmarks"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(TESTS / "helpers" / "finetune_on_replicas.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_replicas_fine_tune_to_the_weights_of_one_device():
    found = deviations()
    assert found.keys() == {"1", "3"} and max(found.values()) < 1e-9


@pytest.mark.slow
def test_the_comparison_finds_a_wrong_scale():
    assert deviations("scale")["1"] > 1e-4
