"""Neighbours, clusters, suspicion and disagreement, against what they are made of."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.suspects import suspects
from dogo_tf.exploration import look
from dogo_tf.exploration.looks import NEIGHBOURS


@pytest.fixture(scope="module")
def groups():
    rng, group = np.random.default_rng(0), np.arange(120) % 3
    return np.eye(8)[group] + rng.normal(0, 0.1, (120, 8)), group


def test_neighbours_are_the_most_similar_others(groups):
    features, _ = groups
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(120)
    np.testing.assert_array_equal(look(features).neighbours, np.argsort(-cosines, axis=1)[:, :NEIGHBOURS])


def test_suspicion_is_that_of_dogo_suspects(groups):
    features, group = groups
    labels = np.where(np.arange(120) == 17, (group + 1) % 3, group)
    found = look(features, labels).suspects
    np.testing.assert_array_equal(found.suspicion, suspects(features, labels, NEIGHBOURS).suspicion)
    assert found.suspicion.argmax() == 17 and found.suggested[17] == group[17]
    assert look(features).suspects is None and look(features, np.zeros(120, int)).suspects is None


def test_clusters_are_the_groups_and_the_largest_is_the_first(groups):
    features, group = groups
    found = look(np.concatenate([features, features[group == 1]])).clusters
    assert np.bincount(found).argmax() == 0 and found.max() < 20
    assert all(len(set(group[found[:120] == number])) == 1 for number in set(found[:120]))


def test_encoders_that_see_the_same_agree_and_others_do_not(groups):
    features, _ = groups
    assert not look(features, other_features=2 * features).disagreement.any()
    other = np.random.default_rng(1).normal(size=(120, 5))
    found = look(features, other_features=other)
    theirs = look(other).neighbours
    expected = 1 - len(set(found.neighbours[5]) & set(theirs[5])) / NEIGHBOURS
    assert found.disagreement[5] == pytest.approx(expected) and 0.5 < found.disagreement.mean() <= 1


def test_few_images_have_fewer_neighbours_and_one_alone_none():
    assert look(np.eye(3)).neighbours.shape == (3, 2)
    with pytest.raises(InputError, match="expected at least 2 images to compare with each other, got 1"):
        look(np.ones((1, 4)))
