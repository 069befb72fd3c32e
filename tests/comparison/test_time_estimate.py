"""What a whole comparison will take, from the speed of its first steps."""

import pytest

from dogo_tf import encoders
from dogo_tf.comparison.arms import arms
from dogo_tf.comparison.costs import training_gflop
from dogo_tf.comparison.time_estimate import TimeEstimate, estimate, total_gflop
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.progress import clock
from dogo_tf.step.flops import teaching_operations


@pytest.fixture(scope="module")
def every_arm():
    pair = PretrainSettings(dataset="x", run_dir="", peers=("wrn_10_1", "wrn_16_1"), epochs=4)
    return {arm.name: arm for arm in arms(pair, 16)}


def gflop(every_arm, *names):
    return total_gflop([every_arm[name] for name in names], list(every_arm.values()), 100, 16)


def test_every_training_counts_once_and_an_untrained_encoder_not(every_arm):
    solo, pair = (4 * 100 * training_gflop(every_arm[name].training, 16) for name in ("solo", "dogo"))
    assert gflop(every_arm, "random", "solo", "dogo", "dogo_big") == pytest.approx(solo + pair)
    assert gflop(every_arm, "solo_matched") == pytest.approx(pair, rel=0.2)


def test_a_finished_teacher_has_to_be_trained_first(every_arm):
    taught = gflop(every_arm, "frozen")
    assert taught > gflop(every_arm, "big_solo") + gflop(every_arm, "solo")
    assert gflop(every_arm, "frozen", "big_solo") == pytest.approx(taught)


def test_a_head_start_has_to_be_trained_first(every_arm):
    longer = 8 * 100 * training_gflop(every_arm["big_solo"].training, 16)
    assert gflop(every_arm, "head_start") == pytest.approx(gflop(every_arm, "dogo") + longer)


def test_the_words():
    assert estimate(600.0, None, seeds=3, epochs=20).splitlines() == [
        "all trainings of this comparison: about 30:00; the studies come on top",
        "  with --epochs=10 instead of 20: about 15:00",
        "  with --seeds=1 instead of 3: about 10:00, but without a verdict",
    ]
    assert estimate(600.0, 60.0, seeds=3, epochs=20).splitlines() == [
        "all trainings of this comparison: about 30:00; the studies about 3:00 on top",
        "  with --epochs=10 instead of 20: about 18:00",
        "  with --seeds=1 instead of 3: about 11:00, but without a verdict",
    ]
    assert len(estimate(60.0, None, seeds=1, epochs=1).splitlines()) == 1


def test_every_arm_is_studied_for_every_seed(every_arm, capsys, monkeypatch):
    arms = list(every_arm.values())
    time = TimeEstimate([every_arm["random"], every_arm["solo"]], arms, 2000, 16, seeds=3)
    now = iter((100.0, 130.0))
    with monkeypatch.context() as patched:  # no longer than that: the clock is everybody's
        patched.setattr("dogo_tf.comparison.time_estimate.time.perf_counter", lambda: next(now))
        with time.of_a_study():
            pass
    time.after_first_steps_of(every_arm["solo"])(1.0, range(1, 6))
    assert "the studies about 3:00 on top" in capsys.readouterr().out


def test_it_is_said_once_from_the_speed_of_the_first_training(every_arm, capsys):
    arms = list(every_arm.values())
    time = TimeEstimate([every_arm["solo"]], arms, 2000, 16, seeds=2)
    steps = 4 * (2000 // every_arm["solo"].training.batch_size)  # for each of two seeds
    time.after_first_steps_of(every_arm["solo"])(1.0, range(1, 6))
    time.after_first_steps_of(every_arm["dogo"])(1.0, range(1, 6))
    shown = capsys.readouterr().out
    assert shown.count("all trainings") == 1 and f"about {clock(2 * steps)};" in shown


GFLOP_A_SECOND = 0.01


@pytest.mark.parametrize(
    ("first", "steps", "with_big"),  # with_big: the share of the timed steps in which the big peer takes part
    [
        *[("solo", range(1, 6), 0.0), ("dogo", range(1, 6), 1.0), ("frozen", range(1, 6), 0.0)],
        # Half of 4 epochs of 15 steps; a run that is resumed later has other steps first.
        *[("stopping", range(1, 6), 1.0), ("stopping", range(28, 33), 0.4), ("stopping", range(40, 45), 0.0)],
        *[("every_kth", range(2, 7), 0.2), ("every_kth", range(4, 9), 0.4), ("cached", range(1, 6), 0.0)],
    ],
)
def test_the_speed_is_that_of_the_steps_that_were_timed(every_arm, capsys, first, steps, with_big):
    """On a device of known speed the estimate is exact, whatever is trained first."""
    arm, arms = every_arm[first], list(every_arm.values())
    small, big = (training_gflop(every_arm[name].training, 16) for name in ("solo", "big_solo"))
    look = teaching_operations(encoders.build("wrn_16_1", 16)) / 1e9 if first == "frozen" else 0.0
    seconds_a_step = arm.training.batch_size * (small + with_big * big + look) / GFLOP_A_SECOND
    TimeEstimate([arm], arms, 2000, 16, seeds=1).after_first_steps_of(arm)(seconds_a_step, steps)
    images = 2000 // arm.training.batch_size * arm.training.batch_size
    expected = clock(total_gflop([arm], arms, images, 16) / GFLOP_A_SECOND)
    assert f"all trainings of this comparison: about {expected};" in capsys.readouterr().out
