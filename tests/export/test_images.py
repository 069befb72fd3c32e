"""Parts of a set of images."""

import dataclasses

import numpy as np
import pytest
from counted import Counted

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.export import images


def numbered(count):
    """Image n has the value n everywhere and the label n."""
    values = np.arange(count)
    return ImageSet("set", np.broadcast_to(values[:, None, None, None], (count, 8, 8, 3)).astype(np.uint8), values, ())


def values(data):
    found = data.images[:, 0, 0, 0].tolist()
    assert found == data.labels.tolist() == sorted(found)
    return set(found)


@pytest.mark.parametrize("at_least, expected", [(10, 40), (70, 70)])
def test_what_is_set_aside_and_the_rest_are_the_whole(at_least, expected):
    rest, aside = images.set_aside(numbered(200), at_least, seed=1)
    assert len(aside.images) == expected and aside.name == f"set, {expected} set aside"
    assert values(rest) | values(aside) == set(range(200)) and not values(rest) & values(aside)
    assert values(images.set_aside(numbered(200), at_least, seed=1)[1]) == values(aside)
    assert values(images.set_aside(numbered(200), at_least, seed=2)[1]) != values(aside)


def test_a_part_of_at_most_so_many():
    assert images.at_most(numbered(20), 20, 0).images.shape[0] == 20
    part = images.at_most(numbered(200), 50, 0)
    assert len(values(part)) == 50 and max(values(part)) > 100  # not just the first ones


@pytest.mark.parametrize("seed", range(8))
def test_the_only_image_of_a_class_is_there_to_learn_from(seed):
    labels = np.repeat([0, 1, 2], [100, 100, 1])
    data = dataclasses.replace(numbered(201), labels=labels, class_names=("a", "b", "c"))
    rest, aside = images.set_aside(data, 40, seed)
    assert 2 in rest.labels and len(rest.labels) == 161 and len(aside.labels) == 40
    assert 2 in images.at_most(rest, 20, seed, every_class=True).labels
    assert len(images.at_most(data, 2, seed, every_class=True).labels) == 2


def test_a_draw_that_has_every_class_stays_the_one_of_its_seed():
    data = dataclasses.replace(numbered(200), labels=np.arange(200) % 4)
    drawn = np.random.default_rng(3).permutation(200)
    kept = [
        part.images[:, 0, 0, 0].tolist() for part in (*images.set_aside(data, 10, 3), images.at_most(data, 30, 3, True))
    ]
    assert kept == [sorted(drawn[40:]), sorted(drawn[:40]), sorted(drawn[:30])]


def test_parts_of_a_source_are_not_read():
    data = numbered(200)
    source = Counted(data.images)
    named = dataclasses.replace(data, images=source, files=tuple(f"{n}.png" for n in range(200)))
    rest, aside = images.set_aside(named, 10, seed=1)
    part = images.at_most(rest, 50, seed=1)
    assert source.total == 0
    expected = images.at_most(images.set_aside(data, 10, seed=1)[0], 50, seed=1)
    np.testing.assert_array_equal(part.images[:], expected.images)
    assert part.files == tuple(f"{n}.png" for n in part.labels)


def test_too_few_are_refused():
    with pytest.raises(InputError, match="set: expected more than 256 images, to set 256 aside; got 256"):
        images.set_aside(numbered(256), 256, 0)
    with pytest.raises(InputError, match="max_images: expected at least 1, got 0"):
        images.at_most(numbered(4), 0, 0)
