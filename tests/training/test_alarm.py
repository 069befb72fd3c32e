import math

import pytest

from dogo_tf.errors import TrainingFailure
from dogo_tf.training.alarm import FailureAlarm
from dogo_tf.training.stuck import StuckWatch, Yardstick

HEALTHY = {
    f"{peer}/{name}": value
    for peer in ("small", "big")
    for name, value in {"ssl": 3.0, "distill": 0.2, "std": 0.9, "effective_rank": 9.0}.items()
}
STUCK = {**HEALTHY, "big/ssl": 4.1, "big/effective_rank": 1.1}
ENOUGH = "over the last {} steps ssl is 4.1, and would be 4.143 with outputs that are the same for every image, "
RANK = "and the effective rank of z is 1.10, and could be 31"


@pytest.fixture
def alarm():
    yardstick = Yardstick(math.log(63), 2.24, 31)
    watches = {peer: StuckWatch(yardstick, warmup_steps=0, total_steps=1000) for peer in ("small", "big")}
    return FailureAlarm(watches, lambda: "runs/x/checkpoints/ckpt-390")


def test_a_healthy_run_is_left_alone(alarm, capsys):
    for step in range(10, 1000, 10):
        alarm(step, HEALTHY)
    assert capsys.readouterr().out == ""


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


def test_a_stuck_peer_is_warned_of_before_it_stops_the_run(alarm, capsys):
    for step in range(10, 100, 10):
        alarm(step, STUCK)
    assert capsys.readouterr().out == (
        f"warning: step 50: peer 'big': it learns nothing: {ENOUGH.format(50)}{RANK}. "
        "Try a lower --learning_rate or more warm-up; the run stops if it stays so.\n"
    )
    with pytest.raises(TrainingFailure) as failure:
        alarm(100, STUCK)
    assert str(failure.value) == (
        f"step 100: peer 'big': it learns nothing: {ENOUGH.format(100)}{RANK}. "
        "Last good checkpoint: runs/x/checkpoints/ckpt-390. Try a lower --learning_rate or more warm-up."
    )


def test_a_loss_at_chance_alone_is_warned_of(alarm, capsys):
    for step in range(10, 1000, 10):
        alarm(step, {**HEALTHY, "big/ssl": 4.1})
    assert capsys.readouterr().out == (
        f"warning: step 300: peer 'big': the loss is at chance: {ENOUGH.format(50).removesuffix(', ')}. "
        "Try a lower --learning_rate or more warm-up; the run goes on.\n"
    )


def test_lines_of_before_are_counted_on_without_a_word(alarm, capsys):
    alarm.recall([{"step": step, "images_per_second": 1.0, **STUCK} for step in range(10, 100, 10)])
    with pytest.raises(TrainingFailure, match="step 100: peer 'big': it learns nothing"):
        alarm(100, STUCK)
    assert capsys.readouterr().out == ""


def test_lines_that_are_not_of_this_run_are_no_traceback(alarm):
    alarm.recall([{"step": 10}, {"step": 20, "big/ssl": "x", "big/effective_rank": None}])


def test_the_middle_of_a_line_is_not_taken_for_one(alarm, capsys):
    """A checkpoint asks whether a state may be saved, whatever the log's steps."""
    for step in range(1, 1000):
        alarm.check(step, STUCK)
    assert capsys.readouterr().out == ""
