"""The studies of an encoder: what each name stands for, on features whose worth is known."""

import numpy as np
import pytest

from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.labels import spread_over_classes
from dogo_tf.errors import InputError
from dogo_tf.evaluate import studies
from dogo_tf.evaluate.studies import StudyPlan, run_studies

CLASSES = 4
PLAN = StudyPlan(
    fractions=(1.0, 0.1),
    noise=(("symmetric", 0.4), ("pairwise", 0.4)),
    imbalance=("exponential",),
    corruptions=("brightness", "gaussian_noise"),
    draws=2,
)


def grey_set(name, per_class, seed):
    """Plain grey images with some noise, whose class is their brightness."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(CLASSES), per_class)
    pixels = 50 + 45 * labels[:, None, None, None] + rng.normal(0, 12, (len(labels), 8, 8, 3))
    return ImageSet(name, np.clip(pixels, 0, 255).astype(np.uint8), labels, tuple("abcd"))


def brightness(images):
    """An encoder: the mean pixel, its square, and a feature that says nothing."""
    mean = np.asarray(images, np.float32).mean(axis=(1, 2, 3)) / 255
    return np.stack([mean, mean**2, np.ones_like(mean)], axis=1)


@pytest.fixture(scope="module")
def scores():
    train, test = grey_set("train", 40, 0), grey_set("test", 15, 1)
    return run_studies(brightness, train, test, PLAN, transfers=[(grey_set("far", 20, 2), grey_set("afar", 10, 3))])


def test_every_study_scores_every_image_between_0_and_1(scores):
    assert set(scores) == {
        "knn", "linear 100%", "linear 10%", "noise symmetric 40%", "noise pairwise 40%", "imbalance exponential",
        "corruption brightness", "corruption gaussian_noise", "corruption all", "transfer afar",
        *(f"severity {severity}" for severity in range(1, 6)),
    }  # fmt: skip
    for study, found in scores.items():
        assert found.dtype == np.float32 and found.shape == ((40,) if study.startswith("transfer") else (60,))
        assert found.min() >= 0 and found.max() <= 1


def test_clean_labels_on_clean_images_are_learnt_and_hard_conditions_cost(scores):
    accuracy = {study: found.mean() for study, found in scores.items()}
    assert accuracy["linear 100%"] > 0.95 and accuracy["transfer afar"] > 0.9
    assert accuracy["severity 5"] < accuracy["severity 1"] <= accuracy["linear 100%"]
    assert accuracy["noise pairwise 40%"] <= accuracy["linear 100%"]


def test_means_over_corruptions_and_over_severities_are_the_same(scores):
    by_name = np.mean([scores["corruption brightness"], scores["corruption gaussian_noise"]], axis=0)
    by_severity = np.mean([scores[f"severity {severity}"] for severity in range(1, 6)], axis=0)
    np.testing.assert_allclose(scores["corruption all"], by_name, rtol=1e-6)
    np.testing.assert_allclose(scores["corruption all"], by_severity, rtol=1e-6)


def test_two_encoders_get_the_same_labels_for_a_seed_and_others_for_another():
    train = grey_set("train", 40, 0)

    def sets(seed):
        return {
            study: [(rows.tolist(), labels.tolist()) for rows, labels in repetitions]
            for study, repetitions in studies.label_sets(train.labels, CLASSES, PLAN, seed)
        }

    assert sets(0) == sets(0)
    for study in ("linear 10%", "noise symmetric 40%", "imbalance exponential"):
        first, second = sets(0)[study], sets(1)[study]
        assert all(repetition not in second for repetition in first)
        assert first[0] != first[1]


def test_what_the_probe_is_given_is_what_the_study_is_called():
    train = grey_set("train", 40, 0)
    sets = dict(studies.label_sets(train.labels, CLASSES, PLAN, seed=3))
    assert [len(rows) for rows, _ in sets["linear 10%"]] == [16, 16]
    for rows, labels in sets["noise pairwise 40%"]:
        wrong = labels != train.labels[rows]
        assert wrong.mean() == 0.4 and (labels[wrong] == (train.labels[wrong] + 1) % CLASSES).all()
    sizes = np.bincount(train.labels[sets["imbalance exponential"][0][0]])
    assert sizes[0] == 40 and sizes[-1] == 2 and (np.diff(sizes) < 0).all()


def test_the_labels_of_every_study_can_be_read_back(tmp_path):
    train = grey_set("train", 40, 0)
    studies.save_label_sets(tmp_path / "labels.npz", train.labels, CLASSES, PLAN, seed=3)
    saved = np.load(tmp_path / "labels.npz")
    for study, repetitions in studies.label_sets(train.labels, CLASSES, PLAN, seed=3):
        for draw, (rows, labels) in enumerate(repetitions):
            np.testing.assert_array_equal(saved[f"{study}, draw {draw}, rows"], rows)
            np.testing.assert_array_equal(saved[f"{study}, draw {draw}, labels"], labels)
    few, more = saved["linear 10%, draw 0, rows"], saved["linear 100%, draw 0, rows"]
    assert set(few) <= set(more) and len(few) == 16


def test_fewer_corrupted_images_are_of_all_classes_and_damaged_as_they_are_among_all(scores):
    train, test = grey_set("train", 40, 0), grey_set("test", 15, 1)  # listed class by class, as folders are
    plan = StudyPlan((), (), (), ("gaussian_noise",), corruption_images=20)
    few = run_studies(brightness, train, test, plan)["corruption gaussian_noise"]
    chosen = spread_over_classes(test.labels, 20)
    assert np.bincount(test.labels[chosen]).tolist() == [5, 5, 5, 5]
    np.testing.assert_array_equal(few, scores["corruption gaussian_noise"][chosen])


def test_they_are_the_same_images_for_every_seed(monkeypatch):
    train, test = grey_set("train", 10, 0), grey_set("test", 15, 1)
    damaged = []
    monkeypatch.setattr(studies, "corrupt", lambda images, *_: damaged.append(images) or images)
    for seed in (0, 1):
        run_studies(brightness, train, test, StudyPlan((), (), (), ("contrast",), corruption_images=20), seed)
    first, second = damaged[:5], damaged[5:]
    np.testing.assert_array_equal(first, second)


def test_more_corrupted_images_than_there_are_are_all():
    train, test = grey_set("train", 10, 0), grey_set("test", 2, 1)
    plan = StudyPlan((), (), (), ("contrast",), corruption_images=50)
    assert run_studies(brightness, train, test, plan)["corruption contrast"].shape == (2 * CLASSES,)


@pytest.mark.parametrize(
    ("fractions", "noise", "corruptions", "fits"),
    [
        ((1.0, 0.1), (), ("contrast",), [10 * CLASSES, CLASSES]),
        ((0.1,), (), ("contrast",), [CLASSES, 10 * CLASSES]),
        ((0.1,), (("pairwise", 0.0),), (), [CLASSES, 10 * CLASSES]),
        ((), (), (), []),
    ],
)
def test_the_probe_on_everything_is_fitted_once_and_only_where_it_is_asked_for(
    fractions, noise, corruptions, fits, monkeypatch
):
    train, test = grey_set("train", 10, 0), grey_set("test", 2, 1)
    plan = StudyPlan(fractions, noise, (), corruptions, draws=1)
    fitted, fit = [], studies.fit_linear_probe

    def noted(features, labels, seed):
        fitted.append(len(labels))
        return fit(features, labels, seed)

    monkeypatch.setattr(studies, "fit_linear_probe", noted)
    run_studies(brightness, train, test, plan)
    assert fitted == fits


def test_clean_and_damaged_images_meet_the_same_probe(scores):
    train, test = grey_set("train", 40, 0), grey_set("test", 15, 1)
    probe = studies.fit_linear_probe(brightness(train.images), train.labels, 0)
    damaged = [studies.corrupt(test.images, "brightness", severity) for severity in range(1, 6)]
    for study, images in (("linear 100%", [test.images]), ("corruption brightness", damaged)):
        rights = np.float32([probe.predict(brightness(one)) == test.labels for one in images])
        np.testing.assert_array_equal(scores[study], rights.mean(axis=0), err_msg=study)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"noise": (("random", 0.2),)}, "unknown noise 'random'; known: pairwise, symmetric"),
        ({"noise": (("symmetric", 40),)}, "noise: expected shares of wrong labels from 0 to 0.8 .*; got .*40"),
        ({"imbalance": ("steep",)}, "unknown imbalance 'steep'; known: authors, exponential"),
        ({"corruptions": ("rain",)}, "unknown corruption 'rain'; known: "),
        ({"protocols": ("svm",)}, "unknown protocol 'svm'; known: fine_tune, linear_adam"),
        ({"fractions": (1.0, 0.0)}, "fractions: expected shares of the labels"),
        ({"draws": 0}, "draws: expected a whole number of at least 1, got 0"),
        ({"corruption_images": 1}, "corruption_images: expected a whole number of at least 2, got 1"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused_at_once(values, message):
    with pytest.raises(InputError, match=message):
        StudyPlan(**values)
