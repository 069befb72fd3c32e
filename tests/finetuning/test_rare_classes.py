"""Logit adjustment: classes with few labels are answered as if all were equally frequent."""

import numpy as np
import pytest
import small_finetune
from small_finetune import NAMES

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.evaluate.classifier import fit_classifier
from dogo_tf.evaluate.features import embed
from dogo_tf.finetuning import networks
from dogo_tf.finetuning.rare_classes import class_shares
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.finetuning.without_folder import trained_with
from dogo_tf.platform.keras_compat import keras


def faint_pictures(counts, seed=0):
    """An ImageSet with so many images of each class, whose colours are hard to tell apart."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), counts)
    images = rng.integers(60, 120, (len(labels), 8, 8, 3)) + rng.integers(-12, 13, (len(labels), 1, 1, 3))
    images[np.arange(len(labels)), :, :, labels] += 14
    return ImageSet("faint colours", images.astype(np.uint8), labels, NAMES)


LABELLED, EQUAL = faint_pictures((60, 60, 6)), faint_pictures((60, 60, 60), seed=1)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Of an encoder that gives the mean colour."""
    path = tmp_path_factory.mktemp("encoder") / "small.keras"
    inputs = keras.Input((8, 8, 3))
    colours = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 20, -5.0)(inputs))
    keras.Model(inputs, keras.layers.Dense(3, kernel_initializer="identity")(colours)).save(path, save_format="keras")

    def made(**how):
        return FinetuneSettings((f"small={path}",), "", "", steps=60, batch_size=32, warmup_steps=0, **how)

    return made


@pytest.mark.slow
def test_the_rare_class_is_found_more_often(settings):
    def found(**how):
        answers = embed(trained_with(settings(**how), LABELLED, None)["small"], EQUAL.images).argmax(axis=1)
        return np.mean(answers[EQUAL.labels == 2] == 2), np.mean(answers == EQUAL.labels)

    (rare, accuracy), (rare_adjusted, accuracy_adjusted) = found(), found(logit_adjustment=True)
    assert rare_adjusted > rare + 0.2 and accuracy_adjusted > accuracy + 0.05


def test_the_adjusted_logits_begin_as_the_probes(settings):
    loaded = networks.load_encoders(settings())
    features = embed(loaded["small"], LABELLED.images)
    model = networks.build_model(settings(logit_adjustment=True), loaded, LABELLED, 8)
    networks.start_heads(model, loaded, LABELLED, 0)
    probe = fit_classifier(features, LABELLED.labels, 3).logits(features)
    adjusted = model(LABELLED.images.astype(np.float32))[0] + np.log(np.array([60, 60, 6]) / 126)
    np.testing.assert_allclose(adjusted, probe, atol=1e-3)


def test_only_training_adjusts_what_the_loss_sees():
    """A head of zeros gives -log share[label] in the first step, and log 3 when it is evaluated."""
    labels = np.repeat(np.arange(3), (8, 6, 2))
    images = small_finetune.pictures(16)[0]
    made = small_finetune.model(class_shares=class_shares(labels, 3))
    assert made.evaluate(images, labels, verbose=0, return_dict=True)["loss"] == pytest.approx(np.log(3))
    history = made.fit(images, labels, batch_size=16, verbose=0).history
    assert history["small/supervised"] == pytest.approx([-np.mean(np.log(np.array([8, 6, 2]) / 16)[labels])])


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.5, 0.5, 0.0], [0.5, np.nan, 0.5]])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(InputError, match="class_shares: expected a number above 0 for each of the 3 classes; got"):
        small_finetune.model(class_shares=shares)
