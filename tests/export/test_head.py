"""The head of an export: which one, and its temperature."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from scipy import special
from small_export import TEST, TRAIN, quick

from dogo_tf.assessment import expected_calibration_error, fit_temperature
from dogo_tf.class_head import with_head
from dogo_tf.evaluate.classifier import LinearClassifier
from dogo_tf.export import accuracy, head, pipeline
from dogo_tf.export.pipeline import export_encoder


def test_the_temperature_is_folded_into_weights_and_bias():
    generator = np.random.default_rng(0)
    trained = LinearClassifier(
        generator.normal(size=(6, 4)).astype(np.float32) * 3, generator.normal(size=4).astype(np.float32), 0.1, True
    )
    features = generator.normal(size=(400, 6)).astype(np.float32)
    shares = special.softmax(trained.logits(features) / 3, axis=1)
    labels = np.array([generator.choice(4, p=row / row.sum()) for row in shares])  # so it is three times too sure
    found, temperature = head.calibrated(trained, features, labels)
    assert temperature == pytest.approx(3, rel=0.3)
    np.testing.assert_allclose(found.logits(features), trained.logits(features) / temperature, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found.predict(features), trained.predict(features))
    assert fit_temperature(found.logits(features), labels) == pytest.approx(1, abs=1e-3)
    before, after = (expected_calibration_error(one.logits(features), labels) for one in (trained, found))
    assert after < before / 2
    assert (found.strength, found.converged) == (0.1, True)


def test_an_encoder_has_no_head_of_its_own():
    assert head.of_classifier(None, True, ()) is None


REORDERED = replace(TEST, labels=2 - TEST.labels, class_names=TEST.class_names[::-1])


def test_labels_are_numbered_in_the_order_asked_for_and_keep_their_names():
    found = head.in_order_of(TEST.class_names, REORDERED)
    assert found.class_names == TEST.class_names and found.labels.tolist() == TEST.labels.tolist()
    for other in (replace(TEST, class_names=("red", "green", "grey")), replace(TEST, labels=None, class_names=())):
        assert head.in_order_of(TEST.class_names, other) is other


@pytest.mark.parametrize("own", [False, True], ids=["encoder", "classifier"])
def test_an_export_takes_classes_in_any_order(own, encoder, tmp_path, monkeypatch):
    def judge(train, test, *_):
        for given, known in ((train, TRAIN), (test, TEST)):
            assert given.class_names == TEST.class_names and given.labels.tolist() == known.labels.tolist()
        raise ZeroDivisionError

    monkeypatch.setattr(accuracy, "Judge", judge)
    if own:
        encoder = with_head(encoder, np.zeros((8, 3)), np.zeros(3), TEST.class_names)
    train = replace(TRAIN, labels=2 - TRAIN.labels, class_names=TRAIN.class_names[::-1]) if own else TRAIN
    with pytest.raises(ZeroDivisionError):
        export_encoder(encoder, tmp_path / "out", train, REORDERED, quick(formats=("float16",)))


def test_a_classifier_is_exported_where_the_images_tell_nothing_of_its_classes(encoder, tmp_path, monkeypatch, capsys):
    """A folder with one sub-folder looks like one class."""
    monkeypatch.setattr(pipeline, "export_saved_model", Mock(side_effect=ZeroDivisionError))
    unsorted = [
        replace(images, labels=np.zeros(len(images), np.int64), class_names=("unsorted",)) for images in (TRAIN, TEST)
    ]
    classifier = with_head(encoder, np.zeros((8, 3)), np.zeros(3), TEST.class_names)
    with pytest.raises(ZeroDivisionError):
        export_encoder(classifier, tmp_path / "out", *unsorted, quick(formats=("float16",)))
    assert "no accuracies: " in capsys.readouterr().out
