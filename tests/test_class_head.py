"""A classifier is an encoder with a head that knows its classes; whoever wants features gets them without it."""

import numpy as np
import pytest
import small_dogo

from dogo_tf import class_head
from dogo_tf.encoders._precision import as_float32, in_precision
from dogo_tf.errors import InputError
from dogo_tf.evaluate.sources import load_classifier, load_encoder

IMAGES = small_dogo.images(5)
NAMES = ("cat", "dög", "eel")
WEIGHTS, BIAS = np.random.default_rng(0).normal(size=(6, 3)), np.array([1.0, 2.0, 3.0])


@pytest.fixture(scope="module")
def encoder():
    return small_dogo.encoder("small")


@pytest.fixture(scope="module")
def saved(encoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("classifiers") / "classifier.keras"
    class_head.with_head(encoder, WEIGHTS, BIAS, NAMES).save(path, save_format="keras")
    return path


def test_a_saved_classifier_knows_its_classes_and_gives_logits(saved, encoder):
    classifier = load_classifier(saved)
    assert class_head.parts(classifier).head.class_names == NAMES
    expected = encoder(IMAGES).numpy() @ WEIGHTS + BIAS
    np.testing.assert_allclose(classifier(IMAGES), expected, atol=1e-5)


def test_for_everything_else_it_is_an_encoder(saved, encoder):
    loaded = load_encoder(saved)
    np.testing.assert_allclose(loaded(IMAGES), encoder(IMAGES), atol=1e-6)
    assert class_head.parts(loaded) == (loaded, None)


def test_an_encoder_is_no_classifier(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.keras", save_format="keras")
    with pytest.raises(
        InputError, match="encoder.keras holds no classifier of Keras; expected a run of dogo-finetune or"
    ):
        load_classifier(tmp_path / "encoder.keras")


def test_in_half_precision_it_computes_alike_and_comes_back_as_it_was(encoder):
    half = in_precision(class_head.with_head(encoder, WEIGHTS, BIAS, NAMES), "mixed_bfloat16")
    assert {layer.compute_dtype for layer in half.layers} == {"float32", "bfloat16"}
    assert half.layers[-1].compute_dtype == "float32"
    expected = encoder(IMAGES).numpy() @ WEIGHTS + BIAS
    answers = half(IMAGES).numpy()
    assert 0 < np.abs(answers - expected).max() < 0.1
    np.testing.assert_allclose(as_float32(half)(IMAGES), expected, atol=1e-5)
