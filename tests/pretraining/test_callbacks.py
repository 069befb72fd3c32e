import math

import pytest

from dogo_tf.errors import TrainingFailure
from dogo_tf.pretraining.callbacks import FailureAlarm

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
