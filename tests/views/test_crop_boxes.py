"""Crops drawn outside of TensorFlow are those that a step would draw."""

import numpy as np
import pytest

from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment, crops
from dogo_tf.views.recipe import SIMCLR, ViewRecipe
from dogo_tf.views.view import UNIFORMS, draw, finish_view, make_view

RECIPES = (SIMCLR, ViewRecipe(crop_area=(0.2, 1.0)), ViewRecipe(crop_aspect=(0.9, 1.0), crop_area=(0.9, 1.0)))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("height, width", [(32, 32), (375, 500), (1000, 60), (3, 4000)])
def test_boxes_are_those_of_the_step(recipe, height, width):
    u = np.random.default_rng(0).random((2000, UNIFORMS), np.float32)
    expected = draw(recipe, height, width, u).boxes.numpy().astype(int)
    found = np.array([crops.box(row[: augment.CROP_UNIFORMS], height, width, recipe) for row in u])
    # The step computes in float32: now and then a side is rounded the other way.
    assert np.mean((found == expected).all(axis=1)) > 0.99
    assert abs(found[:, 2:] - expected[:, 2:]).max() <= 1
    assert (found[:, :2] >= 0).all() and (found[:, :2] + found[:, 2:] <= (height, width)).all()
    assert found[:, 2:].min() >= crops.smallest_side(width, height, recipe)


def test_numbers_are_those_of_the_step():
    requests = tuple(crops.ViewRequest(stream, number, SIMCLR, 8) for stream in (5, 9) for number in (0, 1))
    numbers = tf.constant([3, 70, 2**40], tf.int64)
    found = crops.CropPlan(requests, seed=4).uniforms(numbers)
    assert found.shape == (3, 4, augment.CROP_UNIFORMS)
    for k, view in enumerate(requests):
        drawn = crops.counter_rng.uniform(4, (view.stream, view.number), numbers, UNIFORMS)
        np.testing.assert_array_equal(found[:, k], drawn[:, : augment.CROP_UNIFORMS])
    assert len({view.key for view in requests}) == 4


def test_a_view_of_a_crop_is_the_view_whose_crop_it_is():
    recipe = ViewRecipe(blur_from_size=8)
    images = np.random.default_rng(1).integers(0, 256, (12, 16, 16, 3), np.uint8)
    numbers = np.arange(12)
    boxes = draw(recipe, 16, 16, crops.counter_rng.uniform(7, (3, 1), tf.constant(numbers, tf.int64), UNIFORMS)).boxes
    unflipped = augment.crop_and_resize(augment.to_planes(images), boxes, tf.zeros(12, bool), 8)
    cut = tf.cast(tf.round(augment.from_planes(unflipped)), tf.uint8)
    found = finish_view(cut, recipe, 7, numbers, peer=3, view=1)
    expected = make_view(images, recipe, 7, numbers, peer=3, view=1, size=8)
    np.testing.assert_allclose(found, expected, atol=8)  # the crop was rounded, which jitter may multiply
    assert np.mean(abs(found - expected)) < 1
