"""The linear probe: its objective, its choice of strength, and that the test set plays no part in it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dogo_tf.errors import InputError
from dogo_tf.evaluate import linear
from dogo_tf.evaluate.linear import linear_probe


def blobs(count, seed, classes=3, features=6, spread=1.0):
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, features))
    labels = np.arange(count) % classes
    return (centres[labels] + spread * generator.normal(size=(count, features))).astype(np.float32), labels


def test_the_objective_is_the_mean_cross_entropy_plus_half_the_strength_times_the_squared_weights():
    features, labels = blobs(90, 0)
    features = features.astype(np.float64)
    for strength in (1.0, 0.01):
        model = linear._model(1000)
        assert linear._fit(model, features, labels, strength)
        gradient = strength * model.coef_
        for row, label in zip(features, labels, strict=True):
            logits = model.coef_ @ row + model.intercept_
            probabilities = np.exp(logits) / np.exp(logits).sum()
            gradient += np.outer(probabilities - np.eye(3)[label], row) / len(labels)
        assert np.abs(gradient).max() < 1e-3  # stationary; the same weights at half the strength are not
        assert np.abs(gradient - 0.5 * strength * model.coef_).max() > 1e-2 * strength


@pytest.mark.parametrize("count, selection", [(300, "5-fold cross-validation"), (2400, "15% of train held out")])
def test_separable_classes_are_separated(count, selection):
    train, test = blobs(count, 1, spread=0.1), blobs(200, 2, spread=0.1)
    probe = linear_probe(*train, *test)
    assert probe.accuracy == 1 and probe.validation_accuracy == 1 and probe.converged
    assert probe.selection == selection and probe.n_train == count


def test_predictions_are_given_per_test_image_and_do_not_take_part_in_comparisons():
    (train, labels), (test, test_labels) = blobs(150, 1, spread=3.0), blobs(100, 2, spread=3.0)
    names = np.array([7, 2, 40])  # labels need not be 0, 1, 2
    probe = linear_probe(train, names[labels], test, names[test_labels])
    assert 0.4 < probe.accuracy < 1 and probe.accuracy == np.mean(probe.predictions == names[test_labels])
    alone = [linear_probe(train, names[labels], test[i : i + 1], names[test_labels[i : i + 1]]) for i in (0, 1, 2)]
    assert [single.predictions.tolist() for single in alone] == [[label] for label in probe.predictions[:3]]
    assert "predictions" not in repr(probe)
    assert probe == replace(probe, predictions=probe.predictions[::-1])


def test_labels_without_meaning_are_not_learnt_and_validation_is_honest():
    """More features than images: every fit is perfect on what it saw, so a leak would show as a high accuracy."""
    generator = np.random.default_rng(0)
    labels = np.arange(120) % 4
    probe = linear_probe(
        generator.normal(size=(120, 200)), labels, generator.normal(size=(400, 200)), np.arange(400) % 4
    )
    assert probe.validation_accuracy < 0.45 and probe.accuracy < 0.4


def test_the_strength_fits_the_data():
    noisy = linear_probe(*blobs(60, 1, features=40, spread=3.0), *blobs(300, 2, features=40, spread=3.0))
    # The class shows only in the small difference of two features that vary together.
    generator = np.random.default_rng(0)
    labels = np.arange(3000) % 2
    shared = generator.normal(size=3000)
    features = np.stack([shared, shared + 0.02 * labels + 0.005 * generator.normal(size=3000)], axis=1)
    clean = linear_probe(features[:2500], labels[:2500], features[2500:], labels[2500:])
    assert noisy.strength >= 0.1 > 1e-3 >= clean.strength
    assert clean.accuracy > 0.95


def test_the_strength_has_the_least_cross_entropy_on_held_out_images_and_not_the_best_accuracy():
    features, labels = blobs(50, 1, features=40, spread=3.0)
    losses, accuracies = [], []
    for strength in linear.STRENGTHS:
        loss, right = 0.0, 0
        for held_out in linear._splits(labels, seed=0)[0]:
            train, asked = features[~held_out], features[held_out]
            mean, std = train.mean(axis=0), train.std(axis=0)
            model = LogisticRegression(C=1 / (strength * len(train)), max_iter=10_000, tol=1e-8)
            probabilities = model.fit((train - mean) / std, labels[~held_out]).predict_proba((asked - mean) / std)
            for row, label in zip(probabilities, labels[held_out], strict=True):
                loss -= np.log(row[label])
                right += row.argmax() == label
        losses.append(loss)
        accuracies.append(right / len(labels))
    least, best = np.argmin(losses), np.argmax(accuracies)
    fitted = linear.fit_linear_probe(features, labels, seed=0)
    assert fitted.strength == linear.STRENGTHS[least] != linear.STRENGTHS[best]
    assert fitted.validation_accuracy == pytest.approx(accuracies[least])


def test_the_test_set_has_no_say():
    train, test = blobs(200, 1, spread=2.0), blobs(100, 2, spread=2.0)
    once = linear_probe(*train, *test)
    flipped = linear_probe(*train, -5 * test[0] + 3, (test[1] + 1) % 3)
    assert (once.strength, once.validation_accuracy) == (flipped.strength, flipped.validation_accuracy)
    assert once.accuracy != flipped.accuracy
    # Image by image gives the same predictions: the statistics are those of train.
    single = [linear_probe(*train, test[0][i : i + 1], test[1][i : i + 1]).accuracy for i in range(5)]
    assert np.mean(single) == linear_probe(*train, test[0][:5], test[1][:5]).accuracy


def test_units_and_offsets_of_features_do_not_matter():
    (train, labels), (test, test_labels) = blobs(240, 1, spread=2.0), blobs(200, 2, spread=2.0)
    scale, offset = np.array([1e-3, 1, 50, 1e3, 2, 7]), np.array([0, -3, 1e2, 1e3, 0, 1])
    plain = linear_probe(train.astype(float), labels, test.astype(float), test_labels)
    moved = linear_probe(train * scale + offset, labels, test * scale + offset, test_labels)
    assert plain == moved


def test_a_feature_that_is_constant_in_train_is_ignored():
    (train, labels), (test, test_labels) = blobs(200, 1), blobs(100, 2)
    generator = np.random.default_rng(0)
    padded = np.hstack([train, np.full((200, 1), 0.1, np.float32)])
    padded_test = np.hstack([test, generator.normal(size=(100, 1)).astype(np.float32)])
    assert linear_probe(padded, labels, padded_test, test_labels) == linear_probe(train, labels, test, test_labels)


def test_the_seed_decides():
    train, test = blobs(150, 1, spread=3.0), blobs(100, 2, spread=3.0)
    probes = [linear_probe(*train, *test, seed=seed) for seed in (0, 0, 1, 2, 3)]
    assert probes[0] == probes[1]
    assert len({probe.validation_accuracy for probe in probes}) > 1


def test_one_label_per_class_gets_the_fixed_strength():
    train, test = blobs(3, 1, spread=0.1), blobs(30, 2, spread=0.1)
    probe = linear_probe(*train, *test)
    assert probe.validation_accuracy is None and probe.strength == linear.STRENGTH_WITHOUT_VALIDATION
    assert probe.selection.startswith("fixed") and probe.accuracy == 1


@pytest.mark.parametrize("count", [40, 2100])
def test_a_class_with_a_single_image_stays_in_training(count):
    features, labels = blobs(count, 1, classes=2, spread=0.1)
    rare = np.array([[30.0, -30, 30, -30, 30, -30]])
    train, train_labels = np.vstack([features, rare]), np.append(labels, 9)
    probe = linear_probe(train, train_labels, np.vstack([features[:4], rare]), np.append(labels[:4], 9))
    assert probe.accuracy == 1 and probe.validation_accuracy == 1


@pytest.mark.parametrize("sizes", [(2, 3, 50), (1, 2, 9), (1, 300, 2000)])
def test_held_out_images_leave_every_class_something_to_learn_from(sizes):
    labels = np.repeat(np.arange(3), sizes)
    masks, _ = linear._splits(labels, seed=4)
    assert masks
    for held_out in masks:
        assert set(labels[~held_out]) == {0, 1, 2}
    held_out_times = np.sum(masks, axis=0)
    for label, size in enumerate(sizes):
        times = held_out_times[labels == label]
        if size == 1:
            assert times.tolist() == [0]
        elif len(labels) < linear.SINGLE_SPLIT_FROM:
            assert set(times) == {1}
        else:
            assert times.sum() == round(0.15 * size)


def test_a_fit_that_was_cut_short_says_so(monkeypatch):
    train, test = blobs(200, 1), blobs(50, 2)
    monkeypatch.setattr(linear, "FINAL_ITERATIONS", 1)
    monkeypatch.setattr(linear, "SELECTION_ITERATIONS", 1)
    assert not linear_probe(*train, *test).converged  # and no warning reaches the user: pytest makes them errors


def test_what_cannot_be_used_is_refused():
    train, labels = blobs(20, 1)
    with pytest.raises(InputError, match="test_labels: no training example of class 3"):
        linear_probe(train, labels, train, labels + 1)
    with pytest.raises(InputError, match="train_labels: expected at least two classes, got only class 4"):
        linear_probe(train, np.full(20, 4), train, np.full(20, 4))


def test_a_fitted_probe_predicts_any_images_like_the_probe_itself():
    train, test = blobs(200, 1, spread=2.0), blobs(100, 2, spread=2.0)
    fitted = linear.fit_linear_probe(*train, seed=5)
    np.testing.assert_array_equal(fitted.predict(test[0]), linear_probe(*train, *test, seed=5).predictions)
    np.testing.assert_array_equal(fitted.predict(test[0][7:9]), fitted.predict(test[0])[7:9])


def test_more_images_times_classes_than_a_fit_could_end_with_are_refused_at_once():
    labels = np.arange(20_000) % 10_000
    message = "20,000 images of 10,000 classes are too many .* up to 50,000,000 images x classes. Use the kNN probe"
    with pytest.raises(InputError, match=message):
        linear.fit_linear_probe(np.zeros((20_000, 2)), labels)
