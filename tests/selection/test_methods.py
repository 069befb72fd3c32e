"""Every method against loops straight from its definition, on a few features."""

import math
import statistics

import numpy as np
import pytest
from clouds import clouds

from dogo_tf import selection
from dogo_tf.evaluate.linear import fit_linear_probe
from dogo_tf.selection import max_herding, prob_cover, typiclust
from dogo_tf.selection._pool import Pool

FEATURES, CLOUD = clouds((14, 9, 7))
ROWS = Pool.of(FEATURES, np.empty(0, np.int64), None, (), 0).features  # as the methods see them
LABELLED = pytest.mark.parametrize("labelled", [(), (2, 20)])


def pool(labelled=(), seed=0):
    return Pool.of(FEATURES, np.array(labelled, np.int64), None, (), seed)


def test_features_are_standardised_and_of_length_1():
    standard = (FEATURES - FEATURES.mean(axis=0)) / FEATURES.std(axis=0)
    np.testing.assert_allclose(ROWS, standard / np.linalg.norm(standard, axis=1, keepdims=True), atol=1e-5)


def distance(a: int, b: int) -> float:
    return math.dist(ROWS[a].tolist(), ROWS[b].tolist())


def chosen(method, budget, labelled=(), **more):
    return selection.select(FEATURES, budget, method, labelled, **more).rows.tolist()


def best(score, taken):
    """The image with the highest score that is not taken; of equals the first."""
    return max((row for row in range(len(FEATURES)) if row not in taken), key=score)


@pytest.mark.parametrize("labelled", [(2,), (2, 20)])
def test_k_centre_takes_the_farthest(labelled):
    taken = [*labelled]
    for row in chosen("k_centre", 12, labelled):
        assert row == best(lambda one: min(distance(one, other) for other in taken), taken)
        taken.append(row)


def test_k_centre_is_at_most_twice_as_far_as_can_be():
    three = chosen("k_centre", 3)
    farthest = max(min(distance(one, other) for other in three) for one in range(30))
    smallest = min(
        max(min(distance(one, other) for other in (a, b, c)) for one in range(30))
        for a in range(30)
        for b in range(a)
        for c in range(b)
    )
    assert smallest <= farthest <= 2 * smallest


@LABELLED
def test_max_herding_adds_most_to_the_mean_similarity_to_the_nearest(labelled):
    def coverage(those):
        nearest = [min((distance(one, other) for other in those), default=math.inf) for one in range(len(FEATURES))]
        return sum(math.exp(-(far**2) / (2 * max_herding.WIDTH**2)) for far in nearest)

    taken = [*labelled]
    for row in chosen("max_herding", 12, labelled):
        assert row == best(lambda one: round(coverage([*taken, one]) - coverage(taken), 3), taken)
        taken.append(row)


@LABELLED
def test_prob_cover_covers_most_with_every_ball(labelled):
    reach = prob_cover.radius(pool())

    def covered(those):
        return {one for one in range(len(FEATURES)) if any(distance(one, other) <= reach for other in those)}

    taken, found = [*labelled], selection.select(FEATURES, 28 - len(labelled), "prob_cover", labelled)
    for row, why in zip(found.rows.tolist(), found.why, strict=True):
        gain = len(covered([*taken, row])) - len(covered(taken))
        if not gain:
            assert len(covered(taken)) == len(FEATURES) and why.startswith("at random: prob_cover")
            break
        assert row == best(lambda one: len(covered([*taken, one])), taken)
        taken.append(row)
    else:
        raise AssertionError("all is covered before so many are chosen")


def test_the_radius_of_prob_cover_leaves_the_balls_pure():
    many = Pool.of(clouds((200, 200, 200), spread=0.1)[0], np.empty(0, np.int64), None, (), 0)
    features, found = many.features, prob_cover.radius(many)

    def purity(reach):
        near = np.linalg.norm(features[:, None] - features, axis=2) <= reach
        return np.mean([len({*members[near[row]]}) == 1 for row in range(len(features))])

    members = prob_cover.clusters(features, seed=0)
    assert purity(found - 1e-4) >= prob_cover.PURITY > purity(found * 1.1)


def typicality(row, rows):
    """Of an image among the rows of its cluster: Hacohen et al. 2022, equation 4."""
    others = sorted(distance(row, other) for other in rows if other != row)
    return 1 / statistics.fmean(others[: min(typiclust.NEIGHBOURS, len(rows) // 2)])


def test_the_typical_image_has_the_nearest_neighbours(monkeypatch):
    monkeypatch.setattr(typiclust, "NEIGHBOURS", 4)
    for rows in ([*range(14)], [*range(5, 30)], [3, 9, 11]):
        assert typiclust.typical(pool(), np.array(rows)) == max(rows, key=lambda row: typicality(row, rows))


def test_typiclust_finds_every_cloud_the_largest_first():
    assert CLOUD[chosen("typiclust", 3)].tolist() == [0, 1, 2]


def test_typiclust_leaves_out_clouds_that_have_a_label():
    assert CLOUD[chosen("typiclust", 1, labelled=[3, 25])].tolist() == [1]


def test_uncertainty_takes_the_smallest_margin_and_names_the_classes():
    labelled, labels = [0, 1, 15, 16, 25, 26], [7, 7, 3, 3, 5, 5]
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven")
    found = selection.select(FEATURES, 24, "uncertainty", labelled, labels, names)
    probe = fit_linear_probe(ROWS[labelled], np.array(labels))
    margins, words = {}, {}
    for row in {*range(30)} - {*labelled}:
        shares = sorted(zip(probe.probabilities(ROWS[[row]])[0], probe.classes, strict=True), reverse=True)
        margins[row] = shares[0][0] - shares[1][0]
        words[row] = [names[number] for _, number in shares[:2]]
    assert found.rows.tolist() == sorted(margins, key=margins.get)
    for row, why in zip(found.rows.tolist(), found.why, strict=True):
        assert why.startswith(f"between {words[row][0]} (") and f" and {words[row][1]} (" in why


def test_random_depends_on_the_seed_and_is_even():
    draws = [chosen("random", 3, seed=seed) for seed in range(400)]
    counts = np.bincount(np.ravel(draws), minlength=30)
    assert counts.min() > 15 and counts.max() < 75  # 40 are expected, with a deviation of 6
