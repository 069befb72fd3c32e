"""What a whole comparison will take, from the speed of its first steps."""

import pytest

from dogo_tf.comparison.arms import arms
from dogo_tf.comparison.costs import training_gflop
from dogo_tf.comparison.time_estimate import TimeEstimate, estimate, total_gflop
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.progress import clock


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
    assert estimate(600.0, 1.0, seeds=3, epochs=20).splitlines() == [
        "all trainings of this comparison: about 30:00; the studies come on top",
        "  with --epochs=10 instead of 20: about 15:00",
        "  with --seeds=1 instead of 3: about 10:00, but without a verdict",
    ]
    assert len(estimate(60.0, 1.0, seeds=1, epochs=1).splitlines()) == 1


def test_it_is_said_once_from_the_speed_of_the_first_training(every_arm, capsys):
    arms = list(every_arm.values())
    time = TimeEstimate([every_arm["solo"]], arms, 2000, 16, seeds=2)
    steps = 4 * (2000 // every_arm["solo"].training.batch_size)  # for each of two seeds
    time.after_first_steps_of(every_arm["solo"])(1.0)
    time.after_first_steps_of(every_arm["dogo"])(1.0)
    shown = capsys.readouterr().out
    assert shown.count("all trainings") == 1 and f"about {clock(2 * steps)};" in shown
