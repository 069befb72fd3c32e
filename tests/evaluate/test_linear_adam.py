"""The authors' linear probe: its steps against a loop in NumPy, the choice of the epoch, and what it may look at."""

from dataclasses import replace

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import linear_adam
from dogo_tf.evaluate.best_epoch import BestEpoch
from dogo_tf.evaluate.hold_out import hold_out
from dogo_tf.evaluate.linear_adam import linear_probe_adam


def blobs(count, seed, classes=3, features=6, spread=1.0):
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, features))
    labels = np.arange(count) % classes
    return (centres[labels] + spread * generator.normal(size=(count, features))).astype(np.float32), labels


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def test_its_steps_are_adam_with_l2_in_the_gradient(monkeypatch):
    monkeypatch.setattr(linear_adam, "WEIGHT_DECAY", 0.3)  # large enough to show
    features, labels = blobs(150, 0)
    validation = np.arange(150) >= 130
    best, losses = linear_adam._train(features, labels, validation, 3, seed=5, epochs=2)

    generator = np.random.default_rng([5, 1])
    limit = 1 / np.sqrt(6)
    weights = [generator.uniform(-limit, limit, shape) for shape in ([6, 3], [3])]
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    step, expected = 0, []
    for _ in range(2):
        order, total = generator.permutation(130), 0.0
        for batch in (order[:64], order[64:128], order[128:]):
            x, y = features[batch].astype(np.float64), labels[batch]
            p = softmax(x @ weights[0] + weights[1])
            total -= np.log(p[np.arange(len(y)), y]).sum()
            error = (p - np.eye(3)[y]) / len(y)
            step += 1
            for k, gradient in enumerate([x.T @ error, error.sum(axis=0)]):
                gradient = gradient + 0.3 * weights[k]
                first[k] = 0.9 * first[k] + 0.1 * gradient
                second[k] = 0.999 * second[k] + 0.001 * gradient**2
                corrected = first[k] / (1 - 0.9**step), second[k] / (1 - 0.999**step)
                weights[k] -= 3e-4 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
        expected.append(total / 130)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert best.epoch == 2
    for ours, theirs in zip(best.weights, weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_separable_classes_are_separated_and_labels_keep_their_names():
    (train, labels), (test, test_labels) = blobs(3000, 1, spread=0.1), blobs(90, 2, spread=0.1)
    names = np.array([7, 2, 40])
    probe = linear_probe_adam(train * 5, names[labels], test * 5, names[test_labels])
    assert probe.accuracy == 1 and probe.validation_accuracy == 1 and probe.n_train == 3000
    np.testing.assert_array_equal(probe.predictions, names[test_labels])
    assert len(probe.losses) == 100 and probe.losses[-1] < 0.1 * probe.losses[0]


def test_labels_without_meaning_are_not_learnt_and_validation_is_honest():
    """More features than images: training images are learnt by heart, so a leak would show as a high accuracy."""
    generator = np.random.default_rng(0)
    train, test = 10 * generator.normal(size=(120, 200)), 10 * generator.normal(size=(400, 200))
    probe = linear_probe_adam(train, np.arange(120) % 4, test, np.arange(400) % 4)
    assert probe.losses[-1] < 0.2
    assert probe.validation_accuracy < 0.6 and probe.accuracy < 0.4


def test_the_test_set_has_no_say():
    train, labels = blobs(150, 1, spread=2.0)
    test, test_labels = blobs(60, 2, spread=2.0)
    probe = linear_probe_adam(train, labels, test, test_labels, epochs=5)
    other = linear_probe_adam(train, labels, test[:20], (test_labels[:20] + 1) % 3, epochs=5)
    np.testing.assert_array_equal(other.predictions, probe.predictions[:20])
    assert replace(other, accuracy=probe.accuracy) == probe


def test_the_seed_decides():
    train, test = blobs(150, 1, spread=3.0), blobs(100, 2, spread=3.0)
    probes = [linear_probe_adam(*train, *test, seed=seed, epochs=3) for seed in (0, 0, 1)]
    assert probes[0] == probes[1] and probes[0].losses != probes[2].losses
    np.testing.assert_array_equal(probes[0].predictions, probes[1].predictions)


def test_the_best_epoch_is_the_most_accurate_then_the_surest_then_the_earliest():
    right, wrong, sure = [[1.0, 0.0]], [[0.0, 1.0]], [[3.0, 0.0]]
    offers = [(right, right), (right, wrong), (sure, right), (sure, right), (wrong, wrong)]
    best = BestEpoch(np.array([0, 0]))
    chosen = []
    for epoch, logits in enumerate(offers, start=1):
        best.offer(epoch, np.concatenate(logits), f"weights {epoch}")
        chosen.append(best.epoch)
    assert chosen == [1, 1, 3, 3, 3] and best.weights == "weights 3" and best.accuracy == 1


def test_the_weights_of_the_best_epoch_classify(monkeypatch):
    """Held-out images with wrong labels: the better the classifier becomes, the worse they make it look."""
    train, labels = blobs(300, 1, classes=2, spread=2.0)
    upside_down = np.where(hold_out(labels, 0), 1 - labels, labels)
    monkeypatch.setattr(linear_adam, "LEARNING_RATE", 1e-2)
    monkeypatch.setattr(linear_adam, "hold_out", lambda _, seed: hold_out(labels, seed))
    late = linear_probe_adam(train, upside_down, train, labels, epochs=20)
    assert late.epoch < 10
    stopped = linear_probe_adam(train, upside_down, train, labels, epochs=late.epoch)
    np.testing.assert_array_equal(late.predictions, stopped.predictions)
    assert (late.accuracy, late.validation_accuracy) == (stopped.accuracy, stopped.validation_accuracy)
    monkeypatch.setattr(linear_adam, "hold_out", lambda _, seed: np.zeros(300, bool))
    assert linear_probe_adam(train, labels, train, labels, epochs=20).accuracy > late.accuracy


@pytest.mark.parametrize("sizes", [(1, 2, 9), (1, 300, 2000), (7, 20, 100)])
def test_fifteen_percent_of_each_class_are_held_out_and_a_single_image_is_not(sizes):
    labels = np.repeat([4, 8, 9], sizes)
    mask = hold_out(labels, seed=3)
    held = [int(mask[labels == label].sum()) for label in (4, 8, 9)]
    assert held == [0 if size == 1 else max(1, round(0.15 * size)) for size in sizes]
    assert not np.array_equal(mask, hold_out(labels, seed=4)) and np.array_equal(mask, hold_out(labels, seed=3))


def test_a_class_with_a_single_image_is_trained_on():
    features, labels = blobs(400, 1, classes=2, spread=0.1)
    rare = np.array([[30.0, -30, 30, -30, 30, -30]])
    train, train_labels = np.vstack([features, rare]), np.append(labels, 9)
    probe = linear_probe_adam(train, train_labels, np.vstack([features[:4], rare]), np.append(labels[:4], 9))
    assert probe.predictions[-1] == 9


def test_one_label_per_class_takes_the_last_epoch():
    train, test = blobs(3, 1, spread=0.1), blobs(30, 2, spread=0.1)
    probe = linear_probe_adam(*train, *test, epochs=4)
    assert probe.validation_accuracy is None and probe.epoch == 4


def test_what_cannot_be_used_is_refused():
    train, labels = blobs(20, 1)
    with pytest.raises(InputError, match="test_labels: no training example of class 3"):
        linear_probe_adam(train, labels, train, labels + 1)
    with pytest.raises(InputError, match="train_labels: expected at least two classes, got only class 4"):
        linear_probe_adam(train, np.full(20, 4), train, np.full(20, 4))
    with pytest.raises(InputError, match="epochs: expected at least 1, got 0"):
        linear_probe_adam(train, labels, train, labels, epochs=0)
