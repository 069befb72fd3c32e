import numpy as np
import pytest

from dogo_tf.pretraining.untrained import worse_than_untrained


def line(epoch, linear, peer="small", n_test=300):
    return {"step": 10 * epoch, "epoch": epoch, "peer": peer, "linear": linear, "n_train": 1700, "n_test": n_test}


BEFORE = [line(0, 0.1, peer="big"), line(0, 0.502), line(1, 0.562)]


def test_it_names_both_numbers():
    assert worse_than_untrained(line(2, 0.434), BEFORE) == (
        "the encoder got worse than untrained: linear accuracy 43.4 % after epoch 2, 50.2 % before the first step"
    )


@pytest.mark.parametrize("linear", [0.9, 0.502, 0.47])
def test_a_better_one_and_one_that_may_be_worse_by_chance_are_left_alone(linear):
    assert worse_than_untrained(line(2, linear), BEFORE) is None


def test_more_test_images_tell_smaller_differences():
    assert worse_than_untrained(line(2, 0.47, n_test=10_000), [line(0, 0.502, n_test=10_000)])


@pytest.mark.parametrize("before", [[], [line(1, 0.9)], [line(0, 0.9, peer="big")], [line(0, 0.9, n_test=200)]])
def test_without_the_same_probe_before_the_first_step_there_is_nothing_to_compare_with(before):
    assert worse_than_untrained(line(2, 0.1), before) is None


def test_equal_encoders_are_seldom_taken_for_worse():
    rng = np.random.default_rng(0)
    pairs = rng.binomial(300, 0.5, size=(4000, 2)) / 300
    assert 0.03 < np.mean([worse_than_untrained(line(1, b), [line(0, a)]) is not None for a, b in pairs]) < 0.065
