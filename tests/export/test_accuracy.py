"""Accuracies of an artefact next to the original's, and the gate on what is lost."""

from dataclasses import replace

import numpy as np
import pytest

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.export.accuracy import Judge, Score, violations, why_none


def labelled(count, seed):
    labels = np.arange(count) % 3
    images = np.zeros((count, 8, 8, 3), np.uint8)
    features = np.eye(3, 6)[labels] * 3 + np.random.default_rng(seed).normal(size=(count, 6))
    return ImageSet(f"set {seed}", images, labels, ("a", "b", "c")), features.astype(np.float32)


@pytest.fixture(scope="module")
def judge():
    (train, train_features), (test, test_features) = labelled(300, 0), labelled(200, 1)
    return Judge(train, test, train_features, test_features), train_features, test_features, test.labels


def test_equal_features_lose_nothing(judge):
    judge, train, test, labels = judge
    scores = judge.scores(train, test, judge.classifier.logits(test))
    assert {name: score.lost for name, score in scores.items()} == {"knn": 0, "linear": 0, "head": 0}
    assert scores["linear"].accuracy == scores["head"].accuracy == judge.reference()["linear"].accuracy
    assert scores["head"].accuracy == np.mean(judge.classifier.predict(test) == labels)
    assert 0.8 < scores["knn"].accuracy < 1 and set(judge.reference()) == {"knn", "linear"}
    assert violations(scores, "int8") == []


def test_ruined_features_are_outside_the_limits_and_rotated_ones_only_for_the_head(judge):
    judge, train, test, labels = judge
    noise = np.random.default_rng(2).normal(size=test.shape).astype(np.float32)
    ruined = judge.scores(train, noise, judge.classifier.logits(noise))
    assert len(violations(ruined, "int8")) == 3
    rotated = judge.scores(train[:, ::-1], test[:, ::-1], judge.classifier.logits(test[:, ::-1]))
    assert [problem.split()[1] for problem in violations(rotated, "int8")] == ["head"]


def test_loss_and_its_error_are_those_of_the_paired_images(judge):
    judge, train, test, labels = judge
    logits = judge.classifier.logits(test)
    right = np.flatnonzero(logits.argmax(axis=1) == labels)[:10]
    logits[right] = -logits[right]
    score = judge.scores(train, test, logits)["head"]
    differences = np.zeros(200)
    differences[right] = 1
    assert score.lost == pytest.approx(0.05) and score.error == pytest.approx(differences.std() / np.sqrt(200))


def test_chance_is_allowed_for_and_the_message_has_the_numbers():
    assert violations({"knn": Score(0.5, 0.03, 0.0101)}, "int8") == []
    assert violations({"knn": Score(0.5, 0.03, 0.0099)}, "int8") == [
        "int8: knn accuracy is 50.0 %, 3.0 points less than the original's (standard error 1.0); expected at most 1 point"
    ]


def test_other_classes_are_refused():
    (train, features), (test, test_features) = labelled(30, 0), labelled(30, 1)
    other = ImageSet("other", test.images, test.labels, ("a", "b", "d"))
    with pytest.raises(InputError, match="expected the same classes in the same order; only one of them has c, d"):
        Judge(train, other, features, test_features)


@pytest.mark.parametrize(
    "train, test, classes, reason",
    [
        ([0, 1], [1, 1], ("a", "b"), None),
        ([0, 0], [0, 0], ("holiday",), "train: all images are of one class, holiday"),
        ([1, 1], [0, 1], ("a", "b"), "train: all images are of one class, b"),
        ([0, 1], [2, 1], ("a", "b", "c"), "train: no image of c"),
        ([0, 1], [0, 1], ("a", "b", "c"), "train: no image of c"),
    ],
)
def test_labels_that_no_classifier_can_be_learnt_from(train, test, classes, reason):
    sets = [
        ImageSet(name, np.zeros((2, 8, 8, 3), np.uint8), np.array(labels), classes)
        for name, labels in (("train", train), ("test", test))
    ]
    assert why_none(*sets) == reason


def test_classes_go_by_their_names():
    (train, _), (test, _) = labelled(30, 0), labelled(30, 1)
    assert why_none(train, replace(test, class_names=("c", "b", "a"))) is None
    assert why_none(train, replace(test, class_names=("a", "b", "d"))) == "set 0: no image of d"
