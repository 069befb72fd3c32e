"""What every scheme keeps: a scheme is a file in dogo_tf/distill, and this finds it there. And the losses of the newer ones."""

import math

import numpy as np
import oracles
import pytest

import dogo_tf
from dogo_tf import distill
from dogo_tf.distill import compress, seed, simreg
from dogo_tf.errors import InputError
from dogo_tf.objectives import simclr, simsiam
from dogo_tf.platform.keras_compat import keras, tf

SIZE = 8


def encoder(name, width):
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(width, 3, 2, use_bias=False)(keras.layers.Rescaling(1 / 127.5, -1)(images))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(keras.layers.BatchNormalization()(x)))
    return keras.Model(images, x, name=name)


def images(count=16):
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


TO_THE_STUDENT = dogo_tf.Edge("big", "small")


def pair(scheme, edge=TO_THE_STUDENT, **options):
    """A small student with a predictor next to a bigger teacher, of other widths."""
    keras.utils.set_random_seed(0)
    student = dogo_tf.Peer(encoder("small", 5), simsiam.Objective((12, 8), 16))
    teacher = dogo_tf.Peer(encoder("big", 7), simclr.Objective(widths=(12, 6)))
    model = dogo_tf.DoGo([student, teacher], teach=[edge], scheme=scheme, **options)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def views(model):
    return model._inputs_of_each(tf.constant(images()), tf.constant(0, tf.int64))


@pytest.fixture(params=distill.schemes(), scope="module")
def model(request):
    return pair(request.param)


def test_the_known_schemes():
    assert {"compress", "seed", "similarity_kl", "simreg"} <= set(distill.schemes())
    with pytest.raises(
        InputError,
        match="unknown scheme 'sead'; known: compress, seed, similarity_kl, similarity_kl_others, simreg",
    ):
        pair("sead")


def test_a_term_is_a_loss_per_image_that_teaches_the_student_alone(model):
    term = model.distillation_terms[0]
    student, teacher = model.peers
    with tf.GradientTape() as tape:
        embeddings = model.embed(views(model), training=True)
        losses = term.loss(*embeddings, training=True)
        mean = tf.reduce_mean(losses)
    assert losses.shape == [16] and float(tf.reduce_min(losses)) > -1e-6 and float(mean) > 0
    of_head, of_student, of_teacher = tape.gradient(
        mean, [term.trainable_variables, student.encoder.trainable_variables, teacher.trainable_variables]
    )
    assert all(np.any(g) for g in of_student) and all(np.any(g) for g in of_head)
    assert all(g is None for g in of_teacher)


@pytest.fixture(scope="module")
def trained(model):
    """A pair that has learnt from the scheme alone, its history, and the variables of the scheme's head as they were before."""
    alone = pair(scheme_of(model), ssl_weight=0.0, distill_weight=1.0)
    before = [v.numpy() for v in alone.distillation_terms[0].trainable_variables]
    history = alone.fit(images(), batch_size=16, epochs=12, shuffle=False, verbose=0).history
    return alone, history, before


def scheme_of(model):
    return model.distillation_terms[0].name.rsplit("_small", 1)[0]


def test_training_lowers_the_loss_of_the_term_and_moves_its_head(trained):
    alone, history, before = trained
    losses, heads = history["small/distill"], alone.distillation_terms[0].trainable_variables
    assert np.isfinite(losses).all() and np.mean(losses[-3:]) < np.mean(losses[:3])
    assert all(not np.array_equal(v, old) for v, old in zip(heads, before, strict=True))


def test_heads_train_with_the_students_optimiser_and_queues_are_kept_in_checkpoints(trained, tmp_path):
    model, *_ = trained
    term = model.distillation_terms[0]
    own = model.variables_of_each()
    assert [len(own[k]) - len(peer.trainable_variables) for k, peer in enumerate(model.peers)] == [
        len(term.trainable_variables),
        0,
    ]
    tf.train.Checkpoint(model=model).write(str(tmp_path / "state"))
    other = pair(scheme_of(model))
    tf.train.Checkpoint(model=other).read(str(tmp_path / "state")).assert_consumed()
    for ours, theirs in zip(other.distillation_terms[0].variables, term.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_temperature_is_the_schemes_own_unless_given():
    temperatures = {name: pair(name).distillation_terms[0].temperature for name in distill.schemes()}
    assert temperatures == {
        "compress": 0.04,
        "seed": 0.2,
        "simreg": None,
        "similarity_kl": 0.1,
        "similarity_kl_others": 0.1,
    }
    assert pair("seed", distill_temperature=0.5).distillation_terms[0].temperature == 0.5


def test_the_weight_of_an_edge_rises_over_its_own_warm_up():
    model = pair("simreg", distill_weight=4.0, distill_warmup=64)
    term = model.distillation_terms[0]
    assert [float(term.weight_at(seen)) for seen in (0, 16, 48, 64, 1000)] == [0.0, 1.0, 3.0, 4.0, 4.0]


def test_a_temperature_where_there_is_none_is_refused():
    with pytest.raises(InputError, match="teach: big>small: temperature: the scheme simreg has none"):
        pair("simreg", dogo_tf.Edge("big", "small", temperature=0.2))


def rows(count, width, seed):
    return np.random.default_rng(seed).normal(size=(count, width))


def test_seed_is_the_divergence_over_the_own_embedding_and_the_queue():
    student, teacher, queue = rows(3, 4, 0), rows(3, 4, 1), rows(5, 4, 2)
    expected = []
    for ours, theirs in zip(student.tolist(), teacher.tolist(), strict=True):
        places = [theirs, *queue.tolist()]
        p = oracles.softmax([oracles.cosine(theirs, place) / 0.01 for place in places])
        q = oracles.softmax([oracles.cosine(ours, place) / 0.2 for place in places])
        expected.append(sum(pj * math.log(pj / qj) for pj, qj in zip(p, q, strict=True) if pj > 0))
    np.testing.assert_allclose(seed.seed(student, teacher, queue), expected, rtol=1e-9)


def test_anchors_are_compared_each_in_its_own_space():
    student, teacher, ours, theirs = rows(3, 4, 0), rows(3, 6, 1), rows(5, 4, 2), rows(5, 6, 3)
    expected = []
    for s, t in zip(student.tolist(), teacher.tolist(), strict=True):
        p = oracles.softmax([oracles.cosine(t, anchor) / 0.04 for anchor in theirs.tolist()])
        q = oracles.softmax([oracles.cosine(s, anchor) / 0.04 for anchor in ours.tolist()])
        expected.append(sum(pj * math.log(pj / qj) for pj, qj in zip(p, q, strict=True)))
    np.testing.assert_allclose(compress.anchor_kl(student, teacher, ours, theirs), expected, rtol=1e-9)
    np.testing.assert_allclose(compress.anchor_kl(student, student, ours, ours), np.zeros(3), atol=1e-14)


def test_regression_is_the_squared_distance_of_unit_rows():
    predicted, features = rows(3, 4, 0), rows(3, 4, 1)
    expected = [2 - 2 * oracles.cosine(p, f) for p, f in zip(predicted.tolist(), features.tolist(), strict=True)]
    np.testing.assert_allclose(simreg.regression(predicted, features), expected, rtol=1e-12)
    np.testing.assert_allclose(simreg.regression(predicted, 3 * predicted), np.zeros(3), atol=1e-14)
    np.testing.assert_allclose(simreg.regression(predicted, -predicted), 4 * np.ones(3), rtol=1e-12)


LOSSES = {
    "seed": (seed.seed, [rows(3, 4, 0), rows(3, 4, 1), rows(5, 4, 2)]),
    "compress": (compress.anchor_kl, [rows(3, 4, 0), rows(3, 6, 1), rows(5, 4, 2), rows(5, 6, 3)]),
    "simreg": (simreg.regression, [rows(3, 4, 0), rows(3, 4, 1)]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences_and_reach_the_student_alone(name):
    function, arrays = LOSSES[name]
    given = [tf.constant(x) for x in arrays]
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = tf.reduce_mean(function(*given))
    of_student, *others = tape.gradient(loss, given)
    expected = oracles.numeric_gradient(lambda x: function(x, *arrays[1:]).numpy().mean(), arrays[0])
    np.testing.assert_allclose(of_student, expected, atol=1e-7)
    assert np.abs(of_student).max() > 1e-3 and others == [None] * len(others)


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_promoted_and_double_stays(name):
    function, arrays = LOSSES[name]
    for given, computed in (("float16", "float32"), ("bfloat16", "float32"), ("float64", "float64")):
        assert function(*(tf.cast(x, given) for x in arrays)).dtype == computed
