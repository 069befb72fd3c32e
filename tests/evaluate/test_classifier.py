"""The probe as a part to deploy: the same decisions as the probe's, on features as they come."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.classifier import fit_classifier
from dogo_tf.evaluate.linear import linear_probe


def features(classes, count=300, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = 2 * np.random.default_rng(9).normal(size=(classes, 6))
    # Features of very different scale and offset, and one that is constant.
    rows = (centres[labels] + generator.normal(size=(count, 6))) * [1, 10, 0.01, 3, 1, 1] + [0, 50, 2, -7, 0, 3]
    rows[:, 4] = 4.2
    return rows.astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_it_decides_like_the_probe(classes):
    train, labels = features(classes)
    test, test_labels = features(classes, seed=1)
    probe = linear_probe(train, labels, test, test_labels)
    classifier = fit_classifier(train, labels, classes)
    assert classifier.weights.shape == (6, classes) and classifier.bias.shape == (classes,)
    assert classifier.strength == probe.strength and classifier.converged
    np.testing.assert_array_equal(classifier.predict(test), probe.predictions)
    assert np.all(classifier.weights[4] == 0)


def test_its_logits_are_the_logarithms_of_the_probabilities():
    train, labels = features(2)
    logits = fit_classifier(train, labels, 2, strength=0.1).logits(train)
    # Of two classes: the cross-entropy with a L2 term is stationary, so the mean residual of the bias is 0.
    probability = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    assert np.mean(probability - labels) == pytest.approx(0, abs=1e-4)


def test_a_given_strength_is_used():
    train, labels = features(3)
    strong, weak = (fit_classifier(train, labels, 3, strength) for strength in (10.0, 1e-4))
    assert strong.strength == 10 and np.abs(strong.weights).max() < 0.2 * np.abs(weak.weights).max()


@pytest.mark.parametrize("classes, message", [(4, "none of class 3"), (2, "each class 0..1"), (1, "at least two")])
def test_labels_that_do_not_fit_are_refused(classes, message):
    train, labels = features(3)
    with pytest.raises(InputError, match=message):
        fit_classifier(train, labels, classes)
