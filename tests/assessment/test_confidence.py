"""Calibration: closed forms, a loop over images, a grid of temperatures."""

import numpy as np
import pytest
from scipy import special

from dogo_tf.assessment import expected_calibration_error, fit_temperature, reliability
from dogo_tf.errors import InputError


def logits_of(probabilities) -> np.ndarray:
    return np.log(np.asarray(probabilities))


@pytest.fixture(scope="module")
def drawn():
    """Logits of 500 images, and labels drawn by them at a temperature of 2.5: the classifier is too sure by that factor."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(500, 4)) * 5
    shares = special.softmax(logits / 2.5, axis=1)
    return logits, np.array([generator.choice(4, p=row) for row in shares])


def ece_by_a_loop(logits, labels, bins):
    """Guo et al. 2017, equation 3: bin by bin, image by image."""
    total = 0.0
    for number in range(bins):
        confidences, right = [], []
        for row, label in zip(logits, labels, strict=True):
            shares = [np.exp(value) / np.exp(row).sum() for value in row]
            if number / bins < max(shares) <= (number + 1) / bins:
                confidences.append(max(shares))
                right.append(int(np.argmax(shares)) == label)
        if right:
            total += len(right) / len(labels) * abs(np.mean(right) - np.mean(confidences))
    return total


@pytest.mark.parametrize("bins", (1, 4, 15))
def test_the_calibration_error_is_that_of_a_loop(drawn, bins):
    logits, labels = drawn
    assert expected_calibration_error(logits, labels, bins=bins) == pytest.approx(
        ece_by_a_loop(logits, labels, bins), abs=1e-12
    )


def test_answers_of_one_confidence():
    """Four answers of 0.78 each, three of them right: in one bin alone, and off by 0.03."""
    logits = logits_of([[0.78, 0.22]] * 4)
    found = reliability(logits, [0, 0, 0, 1], bins=10)
    assert found.count.tolist() == [0] * 7 + [4] + [0] * 2
    assert (found.confidence[7], found.accuracy[7]) == pytest.approx((0.78, 0.75))
    assert np.isnan(found.accuracy[0])
    assert found.error == pytest.approx(0.03)


def test_the_temperature_is_the_best_of_a_grid(drawn):
    logits, labels = drawn

    def cross_entropy(temperature):
        return -special.log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()

    grid = np.geomspace(0.1, 10, 2001)
    best = grid[np.argmin([cross_entropy(temperature) for temperature in grid])]
    assert fit_temperature(logits, labels) == pytest.approx(best, rel=3e-3)
    assert best == pytest.approx(2.5, rel=0.2)


def test_the_temperature_in_closed_form():
    """Of two classes at a distance of 4, three answers of four are right: best where the confidence is 3/4, 4/T = log 3."""
    assert fit_temperature([[4.0, 0.0]] * 4, [0, 0, 0, 1]) == pytest.approx(4 / np.log(3), rel=1e-4)


def test_the_temperature_mends_what_was_too_sure(drawn):
    logits, labels = drawn
    before = expected_calibration_error(logits, labels)
    assert expected_calibration_error(logits, labels, fit_temperature(logits, labels)) < before / 3


def test_nothing_is_learned_from_answers_that_are_all_right():
    assert fit_temperature([[3.0, 0.0], [0.0, 3.0]], [0, 1]) == 1


def test_logits_that_are_always_wrong_have_an_end():
    assert fit_temperature([[9.0, 0.0]] * 3, [1, 1, 1]) == pytest.approx(20, rel=1e-3)


def test_huge_logits_stay_finite():
    logits = np.array([[1e4, 0.0], [0.0, 1e4], [1e4, 0.0]])
    assert np.isfinite(fit_temperature(logits, [0, 1, 1]))
    assert expected_calibration_error(logits, [0, 1, 1]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros(3), [0, 0, 0], r"logits: expected numbers \[N, C\] .* got float64 \[3\]"),
        (np.zeros((2, 1)), [0, 0], "C >= 2 classes"),
        (np.zeros((0, 2)), np.zeros(0, int), "N >= 1 images"),
        ([[0, np.nan], [0, 0]], [0, 0], "logits: NaN or infinite values; first in row 0"),
        (np.zeros((2, 2)), [0], r"labels: expected a whole number for each of 2 images, got int64 \[1\]"),
        (np.zeros((2, 2)), [0.0, 1.0], "labels: expected a whole number"),
        (np.zeros((2, 2)), [0, 2], "labels: expected classes 0 to 1, got 0 to 2"),
    ],
)
def test_bad_input(logits, labels, message):
    for function in (fit_temperature, reliability):
        with pytest.raises(InputError, match=message):
            function(logits, labels)


def test_bad_settings():
    with pytest.raises(InputError, match="temperature: expected a number above 0, got 0"):
        reliability(np.zeros((2, 2)), [0, 1], temperature=0)
    with pytest.raises(InputError, match="bins: expected at least 1, got 0"):
        reliability(np.zeros((2, 2)), [0, 1], bins=0)
