"""What is left out before the training: labels that neighbours contradict."""

from types import SimpleNamespace

import numpy as np
import pytest
import small_finetune

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.finetuning.cleaning import cleaned, trusted
from dogo_tf.platform.keras_compat import keras

ON, OFF = SimpleNamespace(drop_suspects=True), SimpleNamespace(drop_suspects=False)


def clusters(per_class=30):
    """Features of three well separated classes, and their labels."""
    labels = np.repeat(np.arange(3), per_class)
    return 10 * np.eye(3)[labels] + np.random.default_rng(0).normal(size=(3 * per_class, 3)), labels


def test_what_the_neighbours_contradict_is_left_out():
    features, labels = clusters()
    wrong = [4, 40, 77]
    given = labels.copy()
    given[wrong] = (labels[wrong] + 1) % 3
    assert trusted(features, given).tolist() == [row for row in range(90) if row not in wrong]


def test_no_class_is_lost():
    """One image of a fourth class amid the others: all its neighbours are against it."""
    features, labels = clusters()
    labels[10] = 3
    assert 10 in trusted(features, labels)


def test_it_is_done_where_it_is_asked_for_by_an_encoder_that_knows_something():
    images, labels = small_finetune.pictures(90)
    labels[7] = (labels[7] + 1) % 3
    data = ImageSet("colours", images, labels, small_finetune.NAMES)
    layers = [keras.Input((8, 8, 3)), keras.layers.Rescaling(1.0, -110.0), keras.layers.GlobalAveragePooling2D()]
    assert cleaned(data, OFF, {}) is data
    kept = cleaned(data, ON, {"mean colour": keras.Sequential(layers)})
    others = [row for row in range(90) if row != 7]
    np.testing.assert_array_equal(kept.images, images[others])
    assert kept.labels.tolist() == labels[others].tolist() and kept.class_names == data.class_names
    with pytest.raises(
        InputError, match="drop_suspects: expected a pre-trained encoder; one with random weights knows no"
    ):
        cleaned(data, ON, {})
