"""What is made of images that are not in memory: the same as of arrays, and never from more than a block of them."""

import dataclasses

import numpy as np
import pytest
from counted import Counted

from dogo_tf.data.image_set import ImageSet
from dogo_tf.evaluate import features, studies
from dogo_tf.evaluate.probe import probe
from dogo_tf.evaluate.studies import StudyPlan, run_studies
from dogo_tf.platform.keras_compat import keras

BLOCK = 256


def image_set(count, seed):
    """Three classes of colour."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    colours = np.array([[180, 90, 90], [90, 180, 90], [90, 90, 180]])[labels]
    images = np.clip(colours[:, None, None] + generator.normal(0, 60, (count, 8, 8, 3)), 0, 255).astype(np.uint8)
    return ImageSet(f"set {seed}", images, labels, ("red", "green", "blue"))


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(3)
    images = keras.Input((8, 8, 3))
    scaled = keras.layers.Rescaling(1 / 128, -1)(images)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(6, 3, 2)(scaled)))


def counted(data: ImageSet) -> ImageSet:
    return dataclasses.replace(data, images=Counted(data.images))


def test_a_probe(encoder):
    train, test = image_set(320, 0), image_set(270, 1)
    options = {"fractions": (1.0,), "protocols": ("knn", "linear", "fine_tune"), "fine_tune_epochs": 1}
    expected = probe(encoder, train, test, **options)
    known, asked = counted(train), counted(test)
    found = probe(encoder, known, asked, **options)
    assert found.as_dict() == expected.as_dict()
    np.testing.assert_array_equal(found.knn.predictions, expected.knn.predictions)
    for data in (known, asked):
        assert data.images.total >= len(data) and data.images.largest <= BLOCK


def test_studies(encoder):
    train, test = image_set(260, 0), image_set(290, 1)
    plan = StudyPlan((), (), (), ("jpeg",), 280, draws=1)
    expected = run_studies(encoder, train, test, plan, transfers=[(train, test)])
    known, asked = counted(train), counted(test)
    found = run_studies(encoder, known, asked, plan, transfers=[(known, asked)])
    assert found.keys() == expected.keys() and len(found["corruption jpeg"]) == 280
    for study, scores in expected.items():
        np.testing.assert_array_equal(found[study], scores, err_msg=study)
    for data in (known, asked):
        assert 0 < data.images.largest <= BLOCK


def test_damages_are_the_same_in_blocks_of_any_size(encoder, monkeypatch):
    train, test = image_set(60, 0), image_set(41, 1)
    plan = StudyPlan((), (), (), ("impulse_noise",), draws=1)
    whole = run_studies(encoder, train, test, plan)
    monkeypatch.setattr(studies, "_AT_ONCE", 7)
    blocks = run_studies(encoder, train, test, plan)
    for study, scores in whole.items():
        np.testing.assert_array_equal(blocks[study], scores, err_msg=study)


def test_finite_features_are_found_out_by_blocks(monkeypatch):
    monkeypatch.setattr(features, "_BLOCK", 8)
    found = np.zeros((9, 4))
    assert features.all_finite(found)
    found[8, 3] = np.inf
    assert not features.all_finite(found)
