import math

import pytest

from dogo_tf.errors import TrainingFailure
from dogo_tf.pretraining.alarm import FailureAlarm

HEALTHY = {"small/ssl": 4.0, "small/distill": 0.2, "small/std": 0.9, "big/ssl": 4.0, "big/distill": 0.2, "big/std": 0.9}


@pytest.fixture
def alarm():
    return FailureAlarm(["small", "big"], lambda: "runs/x/checkpoints/ckpt-390")


def test_a_healthy_run_is_left_alone(alarm):
    alarm(400, HEALTHY)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["ssl", "distill"])
def test_a_loss_that_is_not_finite_stops_the_run(alarm, name, value):
    with pytest.raises(TrainingFailure) as failure:
        alarm(400, {**HEALTHY, f"big/{name}": value})
    assert str(failure.value) == (
        "step 400: peer 'big': a loss that is not finite. Last good checkpoint: runs/x/checkpoints/ckpt-390. "
        "Try a lower --learning_rate or more warm-up."
    )


def test_a_collapsed_peer_stops_the_run(alarm):
    with pytest.raises(TrainingFailure) as failure:
        alarm(400, {**HEALTHY, "small/std": 0.001})
    assert str(failure.value) == (
        "step 400: peer 'small': collapsed: std of z is 0.0010 (1 is evenly spread). Last good checkpoint: "
        "runs/x/checkpoints/ckpt-390. Try a lower --learning_rate, a larger batch, or an objective with negatives (simclr)."
    )


def test_embeddings_along_one_direction_are_warned_of_before_they_stop_the_run(alarm, capsys):
    broken = {**HEALTHY, "big/effective_rank": 1.1}
    alarm(100, broken)
    alarm(120, broken)
    assert "warning" not in "".join(capsys.readouterr())
    alarm(140, broken)
    alarm(160, broken)
    said = "".join(capsys.readouterr())
    assert said.count("warning: step 140: peer 'big': all embeddings lie along one direction") == 1
    with pytest.raises(TrainingFailure, match="step 300: peer 'big': .*effective rank of z is 1.10 for 200 steps"):
        alarm(300, broken)


def test_a_rank_that_recovers_starts_anew(alarm):
    for step in range(0, 1000, 100):
        alarm(step, {**HEALTHY, "small/effective_rank": 1.1 if step % 200 else 5.0})
