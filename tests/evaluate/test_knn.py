"""The weighted neighbour vote against loops written from the paper, and its limits."""

import math

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import knn
from dogo_tf.evaluate.knn import knn_accuracy, nearest


def cosine(u, v):
    return float(np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v)))


def vote_by_loops(train, labels, test, k, temperature):
    predictions = []
    for query in test:
        ranked = sorted(((cosine(query, row), label) for row, label in zip(train, labels, strict=True)), reverse=True)
        votes = {}
        for similarity, label in ranked[:k]:
            votes[label] = votes.get(label, 0.0) + math.exp(similarity / temperature)
        predictions.append(max(votes, key=votes.get))
    return predictions


def clusters(count, seed, classes=(3, 7, 40), spread=1.0):
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(len(classes), 6))
    numbers = generator.integers(len(classes), size=count)
    return centres[numbers] + spread * generator.normal(size=(count, 6)), np.array(classes)[numbers]


@pytest.mark.parametrize("k, temperature", [(1, 0.1), (5, 0.07), (20, 0.1), (20, 5.0), (60, 0.1)])
def test_predictions_equal_the_loops(k, temperature):
    (train, train_labels), (test, test_labels) = clusters(60, 1), clusters(40, 2)
    result = knn_accuracy(train, train_labels, test, test_labels, k, temperature)
    expected = vote_by_loops(train, train_labels, test, k, temperature)
    assert result.predictions.tolist() == expected
    assert result.accuracy == pytest.approx(np.mean(np.array(expected) == test_labels))
    assert 0.4 < result.accuracy < 1  # a case in which something is decided


def test_k_beyond_the_training_set_takes_all_of_it():
    (train, train_labels), (test, test_labels) = clusters(30, 1), clusters(20, 2)
    everything = knn_accuracy(train, train_labels, test, test_labels, k=30)
    beyond = knn_accuracy(train, train_labels, test, test_labels, k=200)
    assert beyond.k == 30 and beyond.predictions.tolist() == everything.predictions.tolist()


def test_the_temperature_weighs_one_near_against_many_far():
    train = np.array([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8], [0.6, -0.8]])
    labels, test = np.array([5, 6, 6, 6]), np.array([[1.0, 0.0]])
    assert knn_accuracy(train, labels, test, np.array([5]), k=4, temperature=0.1).accuracy == 1
    assert knn_accuracy(train, labels, test, np.array([5]), k=4, temperature=10).accuracy == 0


def test_the_length_of_features_does_not_matter():
    (train, train_labels), (test, test_labels) = clusters(50, 1), clusters(50, 2)
    scale = np.random.default_rng(3).uniform(0.01, 100, (50, 1))
    plain = knn_accuracy(train, train_labels, test, test_labels, k=7)
    scaled = knn_accuracy(train * scale, train_labels, test / scale, test_labels, k=7)
    assert plain.predictions.tolist() == scaled.predictions.tolist()


def test_blocks_change_nothing(monkeypatch):
    train, test = clusters(50, 1)[0], clusters(23, 2)[0]
    whole = nearest(test, train, 4)
    monkeypatch.setattr(knn, "BLOCK_BYTES", 4 * 50 * 5)  # five rows a block, the last one incomplete
    blocks = nearest(test, train, 4)
    np.testing.assert_array_equal(whole[1], blocks[1])
    np.testing.assert_allclose(whole[0], blocks[0], rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 3, 17, 50])
def test_blocks_of_the_bank_change_nothing(monkeypatch, rows):
    train, test = clusters(50, 1)[0], clusters(23, 2)[0]
    train[40:] = train[:10]  # of equals the first one comes first, also from an earlier block
    whole = nearest(test, train, 12)
    monkeypatch.setattr(knn, "BANK_BYTES", 4 * 6 * rows)
    blocks = nearest(test, train, 12)
    np.testing.assert_array_equal(whole[1], blocks[1])
    np.testing.assert_allclose(whole[0], blocks[0], rtol=1e-6)


def test_nearest_is_sorted_and_a_zero_row_is_no_neighbour_in_particular():
    bank = np.array([[0.0, 2.0], [3.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    cosines, rows = nearest(np.array([[5.0, 0.0], [0.0, 0.0]]), bank, 4)
    np.testing.assert_allclose(cosines, [[1, 0, 0, -1], [0, 0, 0, 0]])
    assert rows.tolist() == [[1, 0, 2, 3], [0, 1, 2, 3]]


def test_what_cannot_be_used_is_refused():
    train, labels = clusters(10, 1)
    with pytest.raises(InputError, match="test_labels: no training example of class 8, 9"):
        knn_accuracy(train, labels, train[:3], np.array([8, 9, 3]))
    with pytest.raises(InputError, match=r"train_features and train_labels: .* got \[10, 6\] and \[9\]"):
        knn_accuracy(train, labels[:9], train, labels)
    with pytest.raises(InputError, match="test_features: expected 6 features per image, as in train, got 5"):
        knn_accuracy(train, labels, train[:, :5], labels)
    with pytest.raises(InputError, match="train_labels: expected whole numbers, got float64"):
        knn_accuracy(train, labels * 1.0, train, labels)
    with pytest.raises(InputError, match="train_features: NaN or infinite values"):
        knn_accuracy(train * np.nan, labels, train, labels)
    with pytest.raises(InputError, match="expected k >= 1 and temperature > 0, got 0 and 0.1"):
        knn_accuracy(train, labels, train, labels, k=0)


@pytest.mark.parametrize("temperature", (0.0, -1.0, float("nan"), float("inf")))
def test_a_temperature_without_meaning_is_refused(temperature):
    features, labels = np.eye(3, dtype=np.float32), np.arange(3)
    with pytest.raises(InputError, match="expected k >= 1 and temperature > 0"):
        knn_accuracy(features, labels, features, labels, temperature=temperature)
