import numpy as np

from dogo_tf.pretraining.view_grid import GAP, picture


def test_cells_are_magnified_and_in_their_places():
    cells = np.zeros((2, 3, 32, 32, 3), np.uint8)
    cells[1, 2] = 200
    grid = picture(cells)
    side = 96
    assert grid.shape == (2 * (side + GAP) + GAP, 3 * (side + GAP) + GAP, 3)
    assert (grid[-side - GAP : -GAP, -side - GAP : -GAP] == 200).all()
    assert (grid[GAP : GAP + side, GAP : GAP + side] == 0).all()
    assert (grid[0] == 255).all() and (grid[:, 0] == 255).all()


def test_large_cells_keep_their_size():
    assert picture(np.zeros((1, 1, 224, 224, 3), np.uint8)).shape == (224 + 2 * GAP, 224 + 2 * GAP, 3)
