"""Fine-tuning: it learns, it leaves the encoder alone, and it says what it cannot train."""

from dataclasses import replace

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.errors import InputError
from dogo_tf.evaluate import fine_tune as module
from dogo_tf.evaluate.fine_tune import fine_tune
from dogo_tf.evaluate.sources import fingerprint
from dogo_tf.platform.keras_compat import keras


def stripes(count, seed, size=8):
    """Noisy pictures of horizontal (class 3) or vertical (class 8) stripes; their mean colours say nothing."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    dark = np.arange(size) % 2 == 0
    pattern = np.stack([np.tile(dark[:, None], (1, size)), np.tile(dark, (size, 1))])[labels]
    noise = generator.normal(0, 30, (count, size, size, 3))
    images = np.clip(np.where(pattern, 70, 180)[..., None] + noise, 0, 255).astype(np.uint8)
    return images, np.array([3, 8])[labels]


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(3)
    return encoders.build("wrn_10_1", 8)


@pytest.fixture(scope="module")
def small():
    """Compiles in no time."""
    keras.utils.set_random_seed(3)
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(8, 3)(keras.layers.Rescaling(1 / 64, -2.0)(images))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x))


def test_the_loss_goes_down_and_stripes_are_told_apart(encoder):
    tuned = fine_tune(encoder, *stripes(90, 1), *stripes(40, 2), epochs=6, batch_size=16, learning_rate=5e-3)
    assert tuned.losses[-1] < 0.5 * tuned.losses[0] and tuned.losses[0] < 1.2 * np.log(2)
    assert tuned.accuracy > 0.9 and tuned.validation_accuracy > 0.9 and tuned.n_train == 90
    assert set(tuned.predictions) == {3, 8} and tuned.accuracy == np.mean(tuned.predictions == stripes(40, 2)[1])


def test_the_encoder_is_left_as_it_was_and_the_seed_decides(small):
    before = fingerprint(small)
    first, again, other = (
        fine_tune(small, *stripes(60, 1), *stripes(10, 2), seed, epochs=2, batch_size=16, learning_rate=3e-2)
        for seed in (0, 0, 1)
    )
    assert fingerprint(small) == before
    np.testing.assert_allclose(again.losses, first.losses, rtol=1e-4)
    assert np.abs(np.subtract(other.losses, first.losses)).max() > 1e-3


def test_the_test_set_has_no_say(small):
    test, labels = stripes(20, 2)
    first = fine_tune(small, *stripes(30, 1), test, labels, epochs=1, batch_size=16)
    other = fine_tune(small, *stripes(30, 1), test[:8], 11 - labels[:8], epochs=1, batch_size=16)
    np.testing.assert_array_equal(other.predictions, first.predictions[:8])
    np.testing.assert_allclose(other.losses, first.losses, rtol=1e-4)
    assert other.accuracy == 1 - np.mean(first.predictions[:8] == labels[:8])


def test_every_weight_but_the_statistics_of_batch_normalisation_is_trained(small):
    images, labels = stripes(32, 1)
    network, copy, head = module._with_head(small, images, 2)
    step = module._step_function(network, [(head, 1e-3), (copy, 1e-4)], steps=4)
    before = [variable.numpy() for variable in copy.variables]
    for _ in range(3):  # the head is zero in the first step, so the encoder's gradient is
        step(images, labels // 8)
    for variable, old in zip(copy.variables, before, strict=True):
        statistic = "moving" in variable.name
        change = np.abs(variable.numpy() - old).max()
        assert (change == 0) == statistic, variable.name
        assert change < 3.5e-4  # Adam moves by its rate at most, and this is the encoder's
    assert np.abs(head.kernel.numpy()).max() > 1e-3


def test_a_frozen_encoder_is_thawed_in_the_copy_only(small):
    frozen = keras.models.clone_model(small)
    frozen.trainable = False
    _, copy, _ = module._with_head(frozen, stripes(8, 1)[0], 2)
    assert len(copy.trainable_variables) == len(small.trainable_variables) and not frozen.trainable_variables


def test_augmentation_shifts_and_flips_each_image_by_itself(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (40, 16, 8, 3), np.uint8)
    augmented = module._augment(images, np.random.default_rng(1))
    seen = set()
    for image, result in zip(images, augmented, strict=True):
        padded = np.pad(image, ((2, 2), (1, 1), (0, 0)), "reflect")
        found = {
            (top, left, flip)
            for top in range(5)
            for left in range(3)
            for flip in (1, -1)
            if np.array_equal(result, padded[top : top + 16, left : left + 8][:, ::flip])
        }
        assert len(found) == 1
        seen |= found
    assert len(seen) > 15 and {flip for *_, flip in seen} == {1, -1}
    assert {top for top, *_ in seen} == set(range(5)) and {left for _, left, _ in seen} == set(range(3))


def test_one_label_per_class_takes_the_last_epoch(small):
    probe = fine_tune(small, *stripes(2, 1), *stripes(6, 2), epochs=2)
    assert probe.validation_accuracy is None and probe.epoch == 2 and len(probe.losses) == 2


def test_the_weights_of_the_best_epoch_classify(small, monkeypatch):
    """The first epoch is declared the best: the later ones must not show in the predictions."""

    class First(module.BestEpoch):
        def offer(self, epoch, logits, weights):
            if epoch == 1:
                super().offer(epoch, logits, weights)

    noise = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3), np.uint8)  # predictions of noise do not settle
    labels = np.arange(100) % 2
    arguments = [small, noise[:60], labels[:60], noise[60:], labels[60:]]
    # The same first epoch in both: the schedule's length counts in epochs.
    monkeypatch.setattr(module.optimizers, "schedule", lambda name, rate, steps: rate)
    one = fine_tune(*arguments, epochs=1, batch_size=16, learning_rate=3e-2)
    last = fine_tune(*arguments, epochs=5, batch_size=16, learning_rate=3e-2)
    monkeypatch.setattr(module, "BestEpoch", First)
    first = fine_tune(*arguments, epochs=5, batch_size=16, learning_rate=3e-2)
    np.testing.assert_array_equal(first.predictions, one.predictions)
    assert first.epoch == 1 and last.epoch > 1 and not np.array_equal(last.predictions, first.predictions)
    assert replace(first, losses=one.losses) == one


def test_a_model_of_half_precision_is_tuned_in_float32():
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        half = encoders.build("wrn_10_1", 8)
    finally:
        keras.mixed_precision.set_global_policy(before)
    network, _, _ = module._with_head(half, stripes(4, 1)[0], 2)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}


def test_what_cannot_be_tuned_is_refused(small):
    train, test = stripes(10, 1), stripes(4, 2)
    with pytest.raises(
        InputError, match="fine-tuning expects a keras.Model, .*; a function cannot be trained, only probed"
    ):
        fine_tune(lambda batch: batch, *train, *test)
    with pytest.raises(InputError, match="the encoder takes 8 x 8 x 3, got 9 x 9 x 3"):
        fine_tune(small, *stripes(10, 1, size=9), *test)
    with pytest.raises(InputError, match="train_labels: expected one for each of 10 images"):
        fine_tune(small, train[0], train[1][:9], *test)
    with pytest.raises(InputError, match="test_labels: no training example of class 4, 9"):
        fine_tune(small, *train, test[0], test[1] + 1)
    with pytest.raises(InputError, match="expected at least two classes"):
        fine_tune(small, train[0][::2], train[1][::2], test[0][::2], test[1][::2])
    with pytest.raises(InputError, match="epochs: expected at least 1, got 0"):
        fine_tune(small, *train, *test, epochs=0)
    with pytest.raises(InputError, match="batch_size and learning_rate: .* got 0 and 0.001"):
        fine_tune(small, *train, *test, batch_size=0)
