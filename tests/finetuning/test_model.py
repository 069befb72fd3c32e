"""FineTune in Python: what it learns from, and what it refuses."""

import numpy as np
import pytest
import small_dogo
import small_finetune
from small_finetune import NAMES

import dogo_tf
from dogo_tf import class_head
from dogo_tf.errors import InputError
from dogo_tf.evaluate.classifier import fit_classifier
from dogo_tf.evaluate.features import embed
from dogo_tf.finetuning.learner import Learner
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.teacher import FrozenTeacher

IMAGES, LABELS = small_finetune.pictures()
FRESH, FRESH_LABELS = small_finetune.pictures(60, seed=1)


@pytest.fixture(scope="module")
def tuned():
    made = small_finetune.model(ema=0.9)
    made.fit(IMAGES, LABELS, batch_size=16, epochs=12, verbose=0)
    return made


def test_it_learns_to_tell_the_classes_of_images_it_has_not_seen(tuned):
    found = tuned.evaluate(FRESH, FRESH_LABELS, verbose=0, return_dict=True)
    assert found["small/accuracy"] > 0.9 and found["loss"] == pytest.approx(found["small/supervised"])


def test_an_evaluation_counts_every_image_once(tuned):
    logits = tuned(FRESH.astype(np.float32))[0].numpy()
    for size in (60, 47):
        found = tuned.evaluate(FRESH, (FRESH_LABELS + FRESH_LABELS % 2) % 3, size, verbose=0, return_dict=True)
        expected = np.mean(logits.argmax(axis=1) == (FRESH_LABELS + FRESH_LABELS % 2) % 3)
        assert found["small/accuracy"] == pytest.approx(expected)


def test_what_is_deployed_answers_as_what_was_trained(tuned):
    classifiers = tuned.learners[0].encoders
    assert list(classifiers) == ["small", "small_ema"]
    logits = tuned(FRESH.astype(np.float32))[0]
    np.testing.assert_allclose(classifiers["small"](FRESH), logits, atol=1e-5)
    averaged = classifiers["small_ema"](FRESH).numpy()
    assert np.abs(averaged - logits).max() > 1e-3
    assert np.mean(averaged.argmax(axis=1) == FRESH_LABELS) > 0.9
    assert class_head.parts(classifiers["small_ema"]).head.class_names == NAMES


def test_a_head_begins_as_the_linear_probe_of_the_labels():
    encoder = small_dogo.encoder("small")
    learner = Learner(encoder, NAMES, ema=0.9)
    features = embed(encoder, IMAGES)
    probe = fit_classifier(features, LABELS, 3)
    learner.start_head(features, probe)
    expected = probe.logits(embed(encoder, FRESH))
    np.testing.assert_allclose(learner(FRESH.astype(np.float32)), expected, atol=1e-3)
    for classifier in learner.encoders.values():
        np.testing.assert_allclose(classifier(FRESH), expected, atol=1e-3)


def test_a_classifier_is_fine_tuned_again_as_its_encoder(tuned):
    again = Learner(tuned.learners[0].encoders["small"], ("a", "b"))
    assert again.encoder.output_shape == (None, 6) and again.class_names == ("a", "b")


def test_batch_normalisation_may_keep_the_statistics_of_pre_training():
    def moved(**how):
        made = small_finetune.model(**how)
        before = [v.numpy() for v in made.learners[0].encoder.non_trainable_variables]
        made.fit(IMAGES, LABELS, batch_size=16, verbose=0)
        after = made.learners[0].encoder.non_trainable_variables
        return max(np.abs(a - b.numpy()).max() for a, b in zip(before, after, strict=True))

    assert moved(batch_statistics=False) == 0 and moved() > 0.01


def test_a_step_depends_on_the_number_of_the_example_and_the_seed_alone():
    def weights(seed, parts):
        made = small_finetune.model(seed=seed)
        for part in parts:
            made.fit(IMAGES[part], LABELS[part], batch_size=16, shuffle=False, verbose=0)
        return np.concatenate([w.numpy().ravel() for w in made.trainable_variables])

    whole = weights(0, [slice(0, 48)])
    np.testing.assert_array_equal(weights(0, [slice(0, 16), slice(16, 48)]), whole)
    assert np.abs(weights(1, [slice(0, 48)]) - whole).max() > 1e-4


def test_a_batch_that_cannot_be_read_changes_nothing():
    def read(number):
        if number == 1:
            raise OSError("the disk is gone")
        return IMAGES[:8]

    def trained(batches):
        made = small_finetune.model(optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.1), ema=0.9)
        data = tf.data.Dataset.range(batches).map(lambda number: tf.numpy_function(read, [number], tf.uint8))
        data = data.map(lambda batch: (tf.ensure_shape(batch, [8, 8, 8, 3]), tf.constant(LABELS[:8])))
        if batches == 1:
            made.fit(data, verbose=0)
        else:
            with pytest.raises(tf.errors.OpError, match="the disk is gone"):
                made.fit(data, steps_per_epoch=2, verbose=0)
        return [*made.variables, *made.peer_optimizers[0].variables]

    for cut, whole in zip(trained(2), trained(1), strict=True):
        np.testing.assert_array_equal(cut.numpy(), whole.numpy(), err_msg=cut.name)


@pytest.mark.slow
def test_two_teach_each_other_and_agree_more_than_two_that_do_not():
    def disagreement(weight):
        made = small_finetune.model("small", "other", teach_weight=weight)
        made.fit(IMAGES, (LABELS + np.arange(48) // 24) % 3, batch_size=16, epochs=8, verbose=0)
        ours, theirs = (tf.nn.softmax(logits).numpy() for logits in made(FRESH.astype(np.float32)))
        return np.abs(ours - theirs).mean()

    assert disagreement(5.0) < 0.7 * disagreement(0.0)


@pytest.mark.slow
def test_a_finished_classifier_teaches_images_without_labels(tuned):
    """The labels that come beside them are wrong, and count for nothing."""
    teacher = FrozenTeacher(tuned.learners[0].encoders["small"], "big")
    before = [w.numpy() for w in teacher.encoder.weights]
    made = small_finetune.model("student", teachers=[teacher], label_weight=0.0)
    pairs = tf.data.Dataset.from_tensor_slices((IMAGES[:16], (LABELS[:16] + 1) % 3)).repeat().batch(8)
    others = tf.data.Dataset.from_tensor_slices(IMAGES).repeat().batch(24)
    both = tf.data.Dataset.zip((pairs, others)).map(lambda p, u: ({"labelled": p[0], "unlabelled": u}, p[1]))
    history = made.fit(both, steps_per_epoch=10, epochs=12, verbose=0).history
    assert history["student/taught"][-1] < 0.5 * history["student/taught"][0]
    assert int(made.examples_seen.numpy()) == 960 and int(made.unlabelled_seen.numpy()) == 2880
    assert made.evaluate(FRESH, FRESH_LABELS, verbose=0, return_dict=True)["student/accuracy"] > 0.9
    for weight, was in zip(teacher.encoder.weights, before, strict=True):
        np.testing.assert_array_equal(weight, was)


def test_by_the_robust_loss_wrong_labels_do_less_harm():
    wrong = np.where(np.arange(48) % 5 < 2, (LABELS + 1) % 3, LABELS)

    def trust_in_the_truth(loss):
        made = small_finetune.model(loss=loss)
        made.fit(IMAGES, wrong, batch_size=16, epochs=20, verbose=0)
        return np.mean(tf.nn.softmax(made(FRESH.astype(np.float32))[0]).numpy()[np.arange(60), FRESH_LABELS])

    assert trust_in_the_truth("generalised_cross_entropy") > trust_in_the_truth("cross_entropy") + 0.1


def subclassed():
    return small_dogo.called(small_dogo.subclassed(), IMAGES)


@pytest.mark.parametrize(
    "refused, message",
    [
        (
            lambda: dogo_tf.FineTune(small_dogo.encoder("a"), ["cat"]),
            "classes: expected at least two, with different names",
        ),
        (
            lambda: dogo_tf.FineTune(small_dogo.encoder("a"), ["cat", "cat"]),
            "classes: .* different names; got cat, cat",
        ),
        (lambda: dogo_tf.FineTune([], 3), "encoder: expected a keras.Model or several, got an empty list"),
        (lambda: dogo_tf.FineTune([small_dogo.encoder("a")] * 2, 3), r"different names; got \['a', 'a'\]"),
        (
            lambda: dogo_tf.FineTune(subclassed(), 3),
            "expected a functional or sequential keras.Model, got the subclass Mine",
        ),
        (
            lambda: dogo_tf.FineTune(small_dogo.encoder("a"), 3, loss="mae"),
            "unknown loss 'mae'; known: cross_entropy, gen",
        ),
        (
            lambda: dogo_tf.FineTune(
                small_dogo.encoder("a"), 3, teachers=[FrozenTeacher(small_dogo.encoder("t"), "t")]
            ),
            "teachers: t: expected logits of 3 classes, as a classifier of dogo-finetune gives them; got 6 numbers",
        ),
        (lambda: small_finetune.model().compile(loss="mse"), "loss: leave it out; FineTune"),
        (lambda: small_finetune.model().save("x.keras"), "save: Keras cannot load a FineTune from a file"),
        (lambda: small_finetune.model().fit(IMAGES), "y: expected whole-number labels .* beside the images; got none"),
        (lambda: small_finetune.model().fit(IMAGES, LABELS / 2), r"y: expected whole-number labels \[B\], got float64"),
        (lambda: small_finetune.model().fit(IMAGES / 255, LABELS), "x: expected uint8 images in 0..255; got float64"),
        (lambda: small_finetune.model().fit(IMAGES[:, :4], LABELS), r"x: expected images of shape \[B, 8, 8, 3\]"),
        (
            lambda: small_finetune.model().fit({"labelled": IMAGES, "more": IMAGES}, LABELS),
            r"x: expected images, or {'labelled': images, 'unlabelled': images}; got \['labelled', 'more'\]",
        ),
    ],
)
def test_what_cannot_work_is_refused(refused, message):
    with pytest.raises(InputError, match=message):
        refused()


def test_a_teacher_of_other_classes_is_refused(tuned):
    teacher = FrozenTeacher(tuned.learners[0].encoders["small"], "big")
    with pytest.raises(
        InputError, match="teachers: big: expected the 3 classes of the labels, got 3; only one of them has"
    ):
        dogo_tf.FineTune(small_dogo.encoder("a"), ("red", "green", "cyan"), teachers=[teacher])
    with pytest.raises(InputError, match="got 3; they come in another order"):
        dogo_tf.FineTune(small_dogo.encoder("a"), NAMES[::-1], teachers=[teacher])


def test_in_half_precision_with_a_loss_scale():
    with_policy = keras.mixed_precision.Policy("mixed_float16")
    keras.mixed_precision.set_global_policy(with_policy)
    try:
        made = small_finetune.model(ema=0.9)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    made.fit(IMAGES, LABELS, batch_size=16, epochs=12, verbose=0)
    assert isinstance(made.peer_optimizers[0], keras.mixed_precision.LossScaleOptimizer)
    assert made.evaluate(FRESH, FRESH_LABELS, verbose=0, return_dict=True)["small/accuracy"] > 0.9
