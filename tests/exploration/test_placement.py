"""Whole-number places, and which pictures a level shows."""

import numpy as np

from dogo_tf.exploration.placement import BITS, SIDE, appearance, on_grid


def test_copies_at_the_edge_stay_on_the_map():
    corners = np.repeat([[0.0, 0.0], [1.0, 1.0]], 200, axis=0)
    found = on_grid(corners)
    assert found.min() >= 0 and found.max() < SIDE
    assert len(np.unique(found, axis=0)) == len(corners)


def test_the_map_is_filled_and_its_shape_stays():
    places = np.random.default_rng(0).normal(size=(300, 2)) * (2.0, 1.0)
    found = on_grid(places)
    assert found.min() >= 0 and found.max() == SIDE - 1 and np.ptp(found[:, 0]) == SIDE - 1
    wide, high = np.ptp(places, axis=0)
    np.testing.assert_allclose(np.ptp(found[:, 1]) / (SIDE - 1), high / wide, atol=1e-4)


def test_copies_get_places_of_their_own_near_by():
    found = on_grid(np.concatenate([np.zeros((500, 2)), [[1.0, 0.0]]]))
    assert len(np.unique(found, axis=0)) == 501
    assert np.abs(found[:500] - np.median(found[:500], axis=0)).max() < SIDE / 100
    assert len(np.unique(on_grid(np.zeros((50, 2))), axis=0)) == 50


def test_each_level_shows_one_picture_of_every_cell_that_holds_any():
    """Against a loop over cells; the pictures of a level are the first ones in the order."""
    points = on_grid(np.random.default_rng(1).normal(size=(400, 2)))
    order, counts = appearance(points)
    assert sorted(order) == list(range(400)) and counts[0] == 1 and counts[BITS] == 400
    for level in range(BITS + 1):
        cells = [tuple(point >> (BITS - level)) for point in points]
        shown = [cells[row] for row in order[: counts[level]]]
        assert len(shown) == len(set(shown)) and set(shown) == set(cells)
