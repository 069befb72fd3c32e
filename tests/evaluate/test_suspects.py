"""Suspicious labels: against loops, on planted mistakes, among copies; and what is refused."""

import math
import tracemalloc

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import knn
from dogo_tf.evaluate.suspects import precision_recall, suspects


def blobs(count, seed=0, classes=(2, 5, 9), spread=0.3):
    generator = np.random.default_rng(seed)
    numbers = np.arange(count) % len(classes)
    return np.eye(len(classes), 8)[numbers] + spread * generator.normal(size=(count, 8)), np.array(classes)[numbers]


def flip(labels, share, seed=1):
    """Some labels moved on to the next class; which ones."""
    flipped = np.random.default_rng(seed).permutation(len(labels)) < share * len(labels)
    classes = np.unique(labels)
    next_one = classes[(np.searchsorted(classes, labels) + 1) % len(classes)]
    return np.where(flipped, next_one, labels), flipped


def suspects_by_loops(features, labels, k, temperature):
    """(own share, suggested, its share, listed) of every image."""
    unit = [row / math.sqrt(sum(x * x for x in row)) for row in features]
    shares = []
    for i in range(len(labels)):
        ranked = sorted((-float(np.dot(unit[i], unit[j])), j) for j in range(len(labels)) if j != i)[:k]
        votes = dict.fromkeys(labels.tolist(), 0.0)
        for negative, j in ranked:
            votes[int(labels[j])] += math.exp(-negative / temperature)
        shares.append({label: vote / sum(votes.values()) for label, vote in votes.items()})
    usual = {c: np.mean([s[c] for s, label in zip(shares, labels, strict=True) if label == c]) for c in set(labels)}
    answers = []
    for share, label in zip(shares, labels, strict=True):
        suggested = max(sorted(set(share) - {label}), key=share.get)
        listed = share[suggested] > share[label] and share[suggested] >= usual[suggested]
        answers.append((share[label], suggested, share[suggested], listed))
    return [np.array(column) for column in zip(*answers, strict=True)]


@pytest.mark.parametrize("k, temperature", [(1, 0.1), (7, 0.1), (20, 1.0), (59, 0.05)])
def test_shares_suggestions_and_list_equal_the_loops(k, temperature):
    features, truth = blobs(60, spread=0.6)
    labels, _ = flip(truth, 0.2)
    found = suspects(features, labels, k, temperature)
    own, suggested, suggested_share, listed = suspects_by_loops(features, labels, k, temperature)
    np.testing.assert_allclose(found.label_share, own, atol=1e-5)
    np.testing.assert_allclose(found.suggested_share, suggested_share, atol=1e-5)
    clear = suggested_share > 0
    np.testing.assert_array_equal(found.suggested[clear], suggested[clear])
    np.testing.assert_array_equal(found.listed, listed)
    assert 0 < found.listed.sum() < 60


def test_planted_mistakes_are_found_and_their_true_labels_suggested():
    features, truth = blobs(300)
    labels, flipped = flip(truth, 0.2)
    found = suspects(features, labels, k=20)
    precision, recall = precision_recall(found.listed, flipped)
    assert precision > 0.95 and recall > 0.8
    hits = found.listed & flipped
    assert np.mean(found.suggested[hits] == truth[hits]) > 0.95


def test_a_clean_set_lists_almost_nothing():
    features, labels = blobs(300)
    assert suspects(features, labels, k=20).listed.mean() < 0.01


def test_weak_features_accuse_fewer_than_they_misclassify():
    features, labels = blobs(300, spread=1.0)
    found = suspects(features, labels, k=20)
    outvoted = found.suspicion > 0
    assert outvoted.mean() > 0.2 and found.listed.sum() < outvoted.sum()
    assert not (found.listed & ~outvoted).any()


def test_the_most_suspicious_come_first():
    features, truth = blobs(120, spread=0.6)
    found = suspects(features, flip(truth, 0.2)[0], k=15)
    assert sorted(found.order) == np.flatnonzero(found.listed).tolist() and len(found.order) > 10
    assert (np.diff(found.suspicion[found.order]) <= 0).all()
    assert found.suspicion.min() >= -1 and found.suspicion.max() <= 1


def test_an_image_is_never_its_own_witness_even_among_copies():
    # Five copies of one image, one with another label, next to an unrelated pair. With itself among its neighbours the odd
    # one out would keep votes for its own label.
    features = np.array([[1.0, 0.0]] * 5 + [[0.0, 1.0]] * 2)
    labels = np.array([0, 0, 0, 1, 0, 1, 1])
    for k in (1, 2, 3, 4):
        found = suspects(features, labels, k)
        if k == 4:
            assert found.label_share[3] == 0 and found.suggested[3] == 0
            np.testing.assert_allclose(found.label_share[[0, 1, 2, 4]], 3 / 4)
        # The last pair has only itself nearby; a vote for the own label must come from the other one.
        assert (found.label_share[5:] > 0.99).all()
    assert suspects(features, labels, 4).order.tolist() == [3]


def test_two_copies_with_different_labels_contradict_each_other():
    features = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    found = suspects(features, np.array([0, 1, 1, 1]), k=1)
    assert found.suggested[:2].tolist() == [1, 0] and found.label_share[:2].tolist() == [0, 0]
    assert found.order.tolist() == [0, 1]


def test_blocks_change_nothing(monkeypatch):
    features, labels = blobs(50, spread=0.6)
    whole = suspects(features, labels, 7)
    monkeypatch.setattr(knn, "BLOCK_BYTES", 4 * 50 * 6)
    blocks = suspects(features, labels, 7)
    np.testing.assert_allclose(whole.label_share, blocks.label_share, atol=1e-6)
    np.testing.assert_array_equal(whole.listed, blocks.listed)


def test_precision_and_recall_by_hand():
    listed = np.array([True, True, True, False, False])
    wrong = np.array([True, False, False, True, False])
    assert precision_recall(listed, wrong) == pytest.approx((1 / 3, 1 / 2))
    nothing = np.zeros(5, bool)
    assert math.isnan(precision_recall(nothing, wrong).precision) and precision_recall(nothing, wrong).recall == 0
    assert math.isnan(precision_recall(listed, nothing).recall)


def test_what_cannot_be_used_is_refused():
    features, labels = blobs(10)
    with pytest.raises(InputError, match="k: expected 1 to 9, as each of the 10 images has that many others; got 10"):
        suspects(features, labels, k=10)
    with pytest.raises(InputError, match="k: expected 1 to 9, .* got 0"):
        suspects(features, labels, k=0)
    with pytest.raises(InputError, match="temperature: expected more than 0, got 0"):
        suspects(features, labels, k=3, temperature=0)
    with pytest.raises(InputError, match="labels: expected at least two classes, got only class 4"):
        suspects(features, np.full(10, 4), k=3)
    with pytest.raises(InputError, match="expected boolean arrays"):
        precision_recall(np.array([0, 1]), np.array([True, False]))


def test_memory_does_not_grow_with_images_times_classes(monkeypatch):
    monkeypatch.setattr(knn, "BLOCK_BYTES", 2**20)
    count, classes = 4000, 2000
    features, labels = np.random.default_rng(0).normal(size=(count, 8)), np.arange(count) % classes
    tracemalloc.start()
    try:
        suspects(features, labels, 5)
        knn.knn_accuracy(features, labels, features, labels, 5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < count * classes * 8 / 4


def test_weights_that_all_vanish_still_name_the_nearest():
    features, labels = blobs(30, spread=0.6)
    sharp, nearest = suspects(features, labels, 5, temperature=1e-9), suspects(features, labels, 1)
    np.testing.assert_array_equal(sharp.label_share > 0.5, nearest.label_share > 0.5)
    assert np.isfinite(sharp.label_share).all()
