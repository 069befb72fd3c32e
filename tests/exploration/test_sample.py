"""Which images a page shows that cannot show all."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.exploration.sample import sampled


def test_all_where_they_have_room():
    assert sampled(5, 5).tolist() == sampled(5, 9, [2]).tolist() == [0, 1, 2, 3, 4]


def test_the_wanted_ones_and_a_fair_share_of_the_others_the_same_each_time():
    found = sampled(1000, 100, [7, 7, 500, 999])
    assert len(set(found)) == 100 and {7, 500, 999} <= set(found) and (np.diff(found) > 0).all()
    assert found.tolist() == sampled(1000, 100, [999, 500, 7]).tolist()
    assert set(found) <= set(sampled(1000, 101, [7, 500, 999]))
    assert (
        350 < np.mean(sampled(1000, 400)) < 650 and sampled(1000, 400, seed=1).tolist() != sampled(1000, 400).tolist()
    )


def test_a_list_more_changes_few_of_the_others():
    alone, with_list = set(sampled(1000, 500)), set(sampled(1000, 500, [3, 4, 5]))
    assert len(alone & with_list) >= 497


def test_more_wanted_ones_than_room_is_refused():
    with pytest.raises(InputError, match="max_images: expected at least 3, the images that have labels or are in the"):
        sampled(10, 2, [1, 2, 3])
