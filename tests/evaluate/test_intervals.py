"""95 % intervals: closed forms, loops over pairs of seeds, and how often they cover the truth."""

import itertools
import math

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import intervals
from dogo_tf.evaluate.intervals import accuracy_interval, bootstrap_means, difference_interval

T_2, T_3 = 4.302653, 3.182446  # 97.5 % quantiles of Student's t with 2 and 3 degrees of freedom


def covered(draw, simulations=400):
    """The share of simulated [S, N] scores around 0.5 whose interval holds 0.5."""
    generator = np.random.default_rng(5)
    found = [accuracy_interval(draw(generator)) for _ in range(simulations)]
    return np.mean([interval.low <= 0.5 <= interval.high for interval in found])


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(
    "over_seeds, over_images, rest",
    [(0.0, 0.1, 0.0), (0.0, 0.0, 0.1), (0.004, 0.1, 0.0), (0.01, 0.1, 0.0), (0.02, 0.1, 0.0), (0.01, 0.07, 0.07)],
)
def test_95_of_100_intervals_hold_the_truth(seeds, over_seeds, over_images, rest):
    def draw(generator, images=400):
        scores = 0.5 + over_seeds * generator.normal(size=(seeds, 1)) + over_images * generator.normal(size=(1, images))
        return (scores + rest * generator.normal(size=(seeds, images))).clip(0, 1)

    assert 0.93 <= covered(draw) <= 0.995


def test_the_bootstrap_of_one_seed_holds_the_truth_over_images():
    assert 0.93 <= covered(lambda generator: (generator.random(300) < 0.5).astype(float)) <= 0.97


def test_only_seeds_differ_is_the_t_interval_over_seeds():
    scores = np.repeat([[0.5], [0.6], [0.7]], 10, axis=1)
    result = accuracy_interval(scores)
    assert result.mean == pytest.approx(0.6) and result.images_error == pytest.approx(0, abs=1e-12)
    assert result.seeds_error == pytest.approx(0.1 / math.sqrt(3))
    assert result.high - result.mean == pytest.approx(T_2 * 0.1 / math.sqrt(3), rel=1e-6)
    assert result.mean - result.low == pytest.approx(result.high - result.mean)


def test_only_images_differ_is_the_t_interval_over_images():
    result = accuracy_interval([[0.2, 0.4, 0.4, 0.6]] * 3)
    error = math.sqrt((0.04 + 0.04) / 3 / 4)
    assert result.seeds_error == pytest.approx(0, abs=1e-12) and result.images_error == pytest.approx(error)
    assert result.high == pytest.approx(0.4 + T_3 * error, rel=1e-6)


def test_the_part_of_the_images_is_the_mean_covariance_of_pairs_of_seeds():
    scores = np.clip(0.5 + 0.2 * np.random.default_rng(0).normal(size=(1, 30)), 0, 1)
    scores = np.clip(scores + 0.1 * np.random.default_rng(1).normal(size=(4, 30)), 0, 1)
    pairs = [np.cov(scores[s], scores[r])[0, 1] for s, r in itertools.combinations(range(4), 2)]
    assert accuracy_interval(scores).images_error == pytest.approx(math.sqrt(np.mean(pairs) / 30))
    margin = math.hypot(T_3 * accuracy_interval(scores).seeds_error, 2.045230 * math.sqrt(np.mean(pairs) / 30))
    assert accuracy_interval(scores).high == pytest.approx(scores.mean() + margin, rel=1e-6)


def test_one_seed_is_the_percentile_bootstrap():
    scores = (np.random.default_rng(0).random(500) < 0.8).astype(float)
    result = accuracy_interval(scores, seed=3)
    generator = np.random.default_rng(99)
    means = [scores[generator.integers(500, size=500)].mean() for _ in range(4000)]
    assert result.mean == scores.mean() and result.seeds_error is None
    np.testing.assert_allclose([result.low, result.high], np.quantile(means, [0.025, 0.975]), atol=0.003)
    assert result.images_error == pytest.approx(scores.std() / math.sqrt(500), rel=0.05)
    assert result == accuracy_interval(scores[np.newaxis], seed=3) != accuracy_interval(scores, seed=4)


def test_bootstrap_means_of_scores_that_all_differ_have_the_right_spread_in_any_block(monkeypatch):
    values = np.random.default_rng(0).random(200)
    monkeypatch.setattr(intervals, "BLOCK_BYTES", 8 * 200 * 7)  # seven resamples a block, the last one incomplete
    means = bootstrap_means(values, seed=0)
    assert means.shape == (2000,)
    assert means.mean() == pytest.approx(values.mean(), abs=0.002)
    assert means.std() == pytest.approx(values.std() / math.sqrt(200), rel=0.06)


def test_pairing_removes_what_both_share():
    generator = np.random.default_rng(0)
    hard = generator.random(1000) * 0.8
    solo = hard + 0.05 * generator.random((3, 1))
    gain = difference_interval(solo + 0.1, solo)
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0.1, 0.1, 0.1))
    assert accuracy_interval(solo).high - accuracy_interval(solo).low > 0.03
    mirrored = difference_interval(solo, solo + 0.1)
    assert (mirrored.mean, mirrored.low) == pytest.approx((-gain.mean, -gain.high))


@pytest.mark.parametrize("shape", [(1, 50), (3, 50), (50,)])
def test_a_difference_of_equals_is_zero_for_sure(shape):
    scores = np.random.default_rng(0).random(shape)
    assert difference_interval(scores, scores)[:3] == (0, 0, 0)


def test_ends_stay_in_the_possible_range():
    far = np.repeat([[0.2], [1.0]], 4, axis=1)
    assert accuracy_interval(far)[:3] == pytest.approx((0.6, 0, 1))
    assert difference_interval(far, np.zeros((2, 4)))[:3] == pytest.approx((0.6, -1, 1))


def test_what_cannot_be_used_is_refused():
    scores = np.full((3, 10), 0.5)
    with pytest.raises(InputError, match=r"the same seeds and test images, got \[3, 10\] and \[3, 9\]"):
        difference_interval(scores, scores[:, :9])
    with pytest.raises(InputError, match=r"got \[3, 10\] and \[2, 10\]"):
        difference_interval(scores, scores[:2])
    with pytest.raises(InputError, match=r"scores: expected \[seeds, images\] or \[images\] .* got \[1, 3, 10\]"):
        accuracy_interval(scores[np.newaxis])
    with pytest.raises(InputError, match=r"at least 2 images, got \[3, 1\]"):
        accuracy_interval(scores[:, :1])
    with pytest.raises(InputError, match=r"got \[0, 10\]"):
        accuracy_interval(scores[:0])
    with pytest.raises(InputError, match="scores: expected shares in 0..1, got values from 50.0 to 50.0"):
        accuracy_interval(scores * 100)
    with pytest.raises(InputError, match="other: expected shares in 0..1, got values from nan to nan"):
        difference_interval(scores, scores * np.nan)
