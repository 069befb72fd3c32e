"""Several replicas against one, on logical CPU devices: in processes of their own, as devices are set up only once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dogo_tf import distill
from dogo_tf.platform import plugins

PROGRAM = str(Path(__file__).resolve().parents[2] / "benchmarks" / "equality.py")


def deviations(*flags):
    """{objectives: {replicas: {steps: largest relative difference of a variable}}}."""
    done = subprocess.run([sys.executable, PROGRAM, "--json", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def worst(table):
    return max(found for replicas in table.values() for steps in replicas.values() for found in steps.values())


SCHEMES = f"--schemes={','.join(distill.schemes())}"


@pytest.mark.slow
def test_replicas_train_to_the_weights_of_one_device():
    """And to its targets, and to the order of its queue."""
    table = deviations("--objectives=byol,moco", SCHEMES, "--replicas=2", "--steps=1,3")
    assert [*table.values()][0].keys() == {"2"}
    assert worst(table) < 1e-9


@pytest.mark.slow
def test_local_views_on_replicas_train_to_the_weights_of_one_device():
    objectives = ",".join(plugins.names("dogo_tf.objectives"))
    assert worst(deviations(f"--objectives={objectives}", "--local_views=2", "--replicas=2", "--steps=1,3")) < 1e-9


@pytest.mark.slow
def test_strong_decay_does_not_feed_rounding_to_adam():
    """The bias before a batch normalisation has a gradient of rounding alone, which Adam divides by its own size."""
    flags = ["--objectives=simclr,barlow_twins", "--replicas=2", "--adam_decay=0.01", "--steps=5"]
    assert worst(deviations(*flags)) < 1e-9


@pytest.mark.slow
def test_in_float32_a_smooth_network_differs_by_rounding_alone():
    flags = ["--floatx=float32", "--activation=swish", "--objectives=simclr,simclr", "--replicas=2"]
    assert worst(deviations(*flags)) < 1e-5


@pytest.mark.slow
def test_micro_batches_and_blocks_of_rows_are_the_same_however_replicas_share_them():
    """4 micro-batches of one device are 2 on each of 2 replicas; a block holds 3 anchors of 16 or 8."""
    table = deviations(
        "--objectives=simclr,simsiam", "--replicas=2", "--micro_batches=4", "--most_similarities=96", "--steps=1,3"
    )
    assert worst(table) < 1e-9


@pytest.mark.slow
def test_features_of_a_cached_teacher_go_where_their_images_go():
    flags = ["--objectives=simclr", SCHEMES, "--replicas=2", "--cached_teacher", "--steps=3"]
    assert worst(deviations(*flags)) < 1e-9


@pytest.mark.slow
def test_replicas_equal_one_device_for_every_objective_next_to_every_other():
    objectives = ",".join(plugins.names("dogo_tf.objectives"))
    assert worst(deviations(f"--objectives={objectives}", SCHEMES, "--replicas=4")) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["gather", "scale"])
def test_the_comparison_finds_a_wrong_gradient(bug):
    table = deviations(f"--mutate={bug}", "--objectives=simclr,simsiam", "--replicas=2", "--steps=1")
    assert worst(table) > 1e-4
