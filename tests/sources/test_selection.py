"""Some images of a source, which are read only when they are asked for."""

import numpy as np
from counted import Counted

from dogo_tf.sources.selection import selected

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
ROWS = np.array([7, 3, 3, 19])


def test_the_rows_of_a_source_are_those_of_an_array():
    source = Counted(IMAGES)
    found = selected(source, ROWS)
    assert source.total == 0 and found.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(found[:], selected(IMAGES, ROWS))
    np.testing.assert_array_equal(selected(found, np.array([3, 0]))[:], IMAGES[[19, 7]])
    assert source.total == 6


def test_other_rows_are_other_data():
    source = Counted(IMAGES)
    digests = {selected(source, rows).digest for rows in (ROWS, ROWS[::-1], ROWS[:3], ROWS.astype(np.int32))}
    assert len(digests) == 3 and source.digest not in digests
