"""Wrong labels: how many, which, and that more noise contains less."""

import numpy as np
import pytest

from dogo_tf.data.label_noise import noisy_labels
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.errors import InputError

COUNTS = [400, 203, 30, 3]
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(4), COUNTS))
SHARES = (0, 0.1, 0.2, 0.4, 0.8)
KINDS = pytest.mark.parametrize("kind", ["symmetric", "pairwise"])


@KINDS
@pytest.mark.parametrize("share", SHARES)
def test_exactly_the_share_of_every_class_is_wrong(kind, share):
    given = LABELS.copy()
    noisy = noisy_labels(given, share, kind, 4, seed=1)
    assert noisy.labels.dtype == np.int64 and noisy.flipped.dtype == bool
    np.testing.assert_array_equal(given, LABELS)  # not changed in place
    np.testing.assert_array_equal(noisy.labels != LABELS, noisy.flipped)
    assert [int(noisy.flipped[c == LABELS].sum()) for c in range(4)] == [round(share * n) for n in COUNTS]
    assert noisy.labels.min() >= 0 and noisy.labels.max() < 4


@KINDS
@pytest.mark.parametrize("seed", [0, 3])
def test_more_noise_contains_less(kind, seed):
    levels = [noisy_labels(LABELS, share, kind, 4, seed) for share in SHARES]
    for less, more in zip(levels, levels[1:], strict=False):
        assert more.flipped[less.flipped].all() and more.flipped.sum() > less.flipped.sum()
        np.testing.assert_array_equal(less.labels[less.flipped], more.labels[less.flipped])


def test_pairwise_labels_are_the_next_class():
    noisy = noisy_labels(LABELS, 0.4, "pairwise", 4, seed=0)
    np.testing.assert_array_equal(noisy.labels[noisy.flipped], (LABELS[noisy.flipped] + 1) % 4)
    assert 0 in noisy.labels[(LABELS == 3) & noisy.flipped]  # the last class becomes the first


def test_symmetric_labels_are_uniform_over_the_other_classes():
    labels = np.repeat([2, 0], [30_000, 10])
    noisy = noisy_labels(labels, 0.5, "symmetric", 5, seed=0)
    counts = np.bincount(noisy.labels[(labels == 2) & noisy.flipped], minlength=5)
    assert counts[2] == 0 and counts.sum() == 15_000
    deviation = np.sqrt(15_000 * 0.25 * 0.75)
    assert np.all(np.abs(np.delete(counts, 2) - 15_000 / 4) < 4 * deviation)


def test_the_seed_decides_and_both_kinds_flip_the_same_examples():
    first = noisy_labels(LABELS, 0.4, "symmetric", 4, seed=5)
    np.testing.assert_array_equal(first.labels, noisy_labels(LABELS, 0.4, "symmetric", 4, seed=5).labels)
    np.testing.assert_array_equal(first.flipped, noisy_labels(LABELS, 0.4, "pairwise", 4, seed=5).flipped)
    assert (first.flipped != noisy_labels(LABELS, 0.4, "symmetric", 4, seed=6).flipped).any()


@pytest.mark.parametrize("seed", range(3))
def test_the_few_labels_of_the_same_seed_are_not_the_wrong_ones(seed):
    labels = np.repeat(np.arange(10), 1000)
    few = stratified_fraction(labels, 0.1, seed)
    rate = noisy_labels(labels, 0.2, "symmetric", 10, seed).flipped[few].mean()
    assert abs(rate - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 1000)  # 1 if one draw decided both


def test_a_class_may_be_missing_from_the_labels():
    assert noisy_labels(np.array([0] * 10), 0.4, "pairwise", 3, seed=0).labels.sum() == 4


@pytest.mark.parametrize(
    "change, message",
    [
        ({"share": 0.81}, "share: expected a share of wrong labels in 0..0.8 (0.2 is 20 %), got 0.81"),
        ({"share": -0.1}, "share: expected a share of wrong labels in 0..0.8 (0.2 is 20 %), got -0.1"),
        ({"share": float("nan")}, "share: expected a share of wrong labels in 0..0.8 (0.2 is 20 %), got nan"),
        ({"kind": "asymmetric"}, "unknown kind of label noise 'asymmetric'; known: pairwise, symmetric"),
        ({"classes": 1}, "classes: expected at least 2, because a wrong label is one of another class, got 1"),
        ({"classes": 3}, "labels: expected classes 0 to 2 (3 classes), got 3"),
        ({"labels": [0.0, 1.0]}, "labels: expected integers [N], N >= 1, got float64 [2]"),
    ],
)
def test_arguments_are_checked(change, message):
    arguments = {"labels": LABELS, "share": 0.2, "kind": "symmetric", "classes": 4, "seed": 0} | change
    with pytest.raises(InputError) as error:
        noisy_labels(**arguments)
    assert str(error.value) == message
