"""Several replicas against one, on logical CPU devices: in processes of their own, as devices are set up only once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(__file__).parents[1] / "benchmarks" / "equality.py")


def deviations(*flags):
    """{objectives: {replicas: {steps: largest relative difference of a variable}}}."""
    done = subprocess.run([sys.executable, PROGRAM, "--json", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def worst(table):
    return max(found for replicas in table.values() for steps in replicas.values() for found in steps.values())


def test_replicas_train_to_the_weights_of_one_device():
    table = deviations("--objectives=simclr,simsiam,simclr", "--replicas=2,4")
    assert [*table.values()][0].keys() == {"2", "4"}
    assert worst(table) < 1e-9


def test_targets_and_the_order_of_the_queue_do_not_depend_on_the_number_of_replicas():
    assert worst(deviations("--objectives=byol,moco", "--replicas=2")) < 1e-9


@pytest.mark.slow
def test_replicas_equal_one_device_for_every_objective_with_two_and_three_peers():
    assert worst(deviations("--replicas=4")) < 1e-9


@pytest.mark.parametrize("bug", ["gather", "scale"])
def test_the_comparison_finds_a_wrong_gradient(bug):
    table = deviations(f"--mutate={bug}", "--objectives=simclr,simsiam", "--replicas=2", "--steps=1")
    assert worst(table) > 1e-4
