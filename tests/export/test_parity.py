"""Parity against loops and closed forms; limits and their messages."""

import math

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.export.parity import LIMITS, Parity, compare, violations


def cosine(u, v):
    return float(np.dot(u, v) / math.sqrt(np.dot(u, u) * np.dot(v, v)))


def neighbours_by_loops(rows, image):
    others = sorted((-cosine(rows[image], rows[other]), other) for other in range(len(rows)) if other != image)
    return {other for _, other in others[:5]}


def test_every_measure_equals_the_loops():
    generator = np.random.default_rng(0)
    reference = 1 + generator.normal(size=(30, 8))
    features = reference + 0.3 * generator.normal(size=(30, 8))
    count = range(30)
    cosines = [cosine(reference[i], features[i]) for i in count]
    between = np.mean([cosine(reference[i], reference[j]) for i in count for j in count if i != j])
    overlaps = [len(neighbours_by_loops(reference, i) & neighbours_by_loops(features, i)) / 5 for i in count]
    difference = max(abs(reference[i, j] - features[i, j]) for i in count for j in range(8))
    result = compare(reference, features)
    assert result.max_abs_difference == pytest.approx(difference)
    assert result.relative_difference == pytest.approx(difference / np.abs(reference).max())
    assert result.cosine_mean == pytest.approx(np.mean(cosines))
    assert result.cosine_min == pytest.approx(min(cosines))
    assert result.error_ratio == pytest.approx((1 - np.mean(cosines)) / (1 - between))
    assert result.neighbour_overlap == pytest.approx(np.mean(overlaps)) and 0.2 < np.mean(overlaps) < 0.9
    assert result.images == 30


def test_equal_features_are_perfect_and_a_scale_leaves_the_directions():
    reference = np.random.default_rng(1).normal(size=(20, 4)).astype(np.float32)
    same = compare(reference, reference)
    assert (same.max_abs_difference, same.neighbour_overlap) == (0, 1)
    assert same.cosine_min == pytest.approx(1) and same.error_ratio == pytest.approx(0, abs=1e-12)
    for name in LIMITS:
        assert violations(same, name) == []
    doubled = compare(reference, 2 * reference)
    assert doubled.relative_difference == pytest.approx(1)
    assert doubled.cosine_min == pytest.approx(1) and doubled.neighbour_overlap == 1


def test_unrelated_features_have_an_error_ratio_of_about_one():
    generator = np.random.default_rng(2)
    result = compare(generator.normal(size=(400, 64)), generator.normal(size=(400, 64)))
    assert result.error_ratio == pytest.approx(1, abs=0.05) and result.neighbour_overlap < 0.1


def test_rows_of_zeros_and_collapsed_references_give_numbers():
    reference = np.random.default_rng(3).normal(size=(10, 4))
    reference[0] = 0
    one_sided = compare(reference, np.where(np.arange(10)[:, None] == 0, 1.0, reference))
    assert one_sided.cosine_min == 0
    assert compare(reference, reference).cosine_min == pytest.approx(1)
    collapsed = np.ones((10, 4))
    assert compare(collapsed, collapsed).error_ratio == pytest.approx(0)
    tilted = collapsed + np.array([0.1, 0, 0, 0])
    assert compare(collapsed, tilted).error_ratio > 1e6
    assert compare(np.zeros((10, 4)), np.zeros((10, 4))).relative_difference == 0


def test_violations_name_measure_value_and_limit():
    poor = Parity(0.5, 2e-4, 0.99985, 0.97, 0.01, 0.9, 256)
    assert violations(poor, "float16") == [
        "float16: cosine_mean is 0.99985, expected at least 0.9999",
        "float16: cosine_min is 0.97, expected at least 0.999",
    ]
    assert violations(poor, "saved_model") == ["saved_model: relative_difference is 0.0002, expected at most 1e-05"]
    assert len(violations(Parity(*[float("nan")] * 6, 256), "float32")) == 2  # NaN is never inside
    with pytest.raises(
        InputError,
        match="unknown export format 'bfloat16'; known: dynamic_range, float16, float32, int8, int8_qat, saved_model",
    ):
        violations(poor, "bfloat16")


@pytest.mark.parametrize("shapes", [((8, 4), (8, 5)), ((8, 4), (7, 4)), ((5, 4), (5, 4)), ((8,), (8,))])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(InputError, match=r"expected the same shape \[N, d\] with N > 5, got \[\d"):
        compare(np.ones(shapes[0]), np.ones(shapes[1]))
