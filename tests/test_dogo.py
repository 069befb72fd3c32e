"""The model and its step: what a user of model.fit relies on."""

import numpy as np
import pytest
from small_dogo import SIZE, called, dataset, encoder, images, model, objective, subclassed

import dogo_tf
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.views.view import make_view


@pytest.mark.parametrize(
    "objectives",
    [
        ("simclr",),
        ("simclr", "simsiam"),
        *(pytest.param((name,) * 3, marks=pytest.mark.slow) for name in ("simclr", "simsiam")),
    ],
)
def test_fit_trains_every_weight_of_every_peer(objectives):
    dogo = model(*objectives)
    before = [weight.numpy() for weight in dogo.trainable_variables]
    history = dogo.fit(dataset(), epochs=2, verbose=0).history
    unchanged = [
        weight.name
        for weight, old in zip(dogo.trainable_variables, before, strict=True)
        if np.array_equal(weight.numpy(), old)
    ]
    assert unchanged == []
    assert np.isfinite(list(history.values())).all()
    assert ("peer_0/distill" in history) == (len(objectives) > 1)


@pytest.fixture(scope="module")
def weights_by_dataset():
    dogo = model("simclr", "simclr")
    dogo.fit(dataset(), verbose=0)
    return dogo.get_weights()


SLOW_FORMS = [pytest.param(form, marks=pytest.mark.slow) for form in ("with labels", "dataset")]


@pytest.mark.parametrize("form", ["array", "dataset with labels", *SLOW_FORMS])
def test_labels_are_ignored_and_forms_of_data_give_the_same_weights(form, weights_by_dataset):
    labels = np.arange(32)
    data = {
        "array": (images(),),
        "with labels": (images(), labels),
        "dataset": (dataset(),),
        "dataset with labels": (
            tf.data.Dataset.zip((dataset(), tf.data.Dataset.from_tensor_slices(labels).batch(16))),
        ),
    }[form]
    batch = {} if form.startswith("dataset") else {"batch_size": 16, "shuffle": False}
    dogo = model("simclr", "simclr")
    dogo.fit(*data, verbose=0, **batch)
    for ours, theirs in zip(dogo.get_weights(), weights_by_dataset, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_seed_gives_the_same_run_and_another_seed_another():
    runs = [model("simsiam", seed=seed) for seed in (3, 3, 4)]
    losses = [run.fit(dataset(), epochs=2, verbose=0).history["loss"] for run in runs]
    assert losses[0] == losses[1] != losses[2]


def test_steps_per_execution_changes_nothing():
    one, two = model("simclr"), model("simclr")
    two.compile(keras.optimizers.SGD(0.1), steps_per_execution=2)
    one.fit(dataset(), epochs=2, verbose=0)
    two.fit(dataset(), epochs=2, verbose=0)
    for ours, theirs in zip(two.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_whole_step_compiles_under_xla_and_gives_the_same_weights():
    plain, compiled = model("simclr", "simsiam"), model("simclr", "simsiam")
    compiled.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    plain.fit(dataset(), verbose=0)
    compiled.fit(dataset(), verbose=0)
    for ours, theirs in zip(compiled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_without_weight_a_peer_trains_as_if_it_were_alone():
    pair, solo = model("simclr", "simclr", distill_weight=0.0), model("simclr")
    solo.peers[0].set_weights(pair.peers[0].get_weights())
    pair.fit(dataset(), verbose=0)
    solo.fit(dataset(), verbose=0)
    for ours, theirs in zip(pair.peers[0].get_weights(), solo.peers[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_peer_draws_the_same_views_alone_and_next_to_others():
    pair, solo = model("simclr", "simclr", distill_weight=0.0), model("simclr")
    second = dogo_tf.DoGo([dogo_tf.Peer(encoder("peer_1", width=7), objective("simclr"), name="peer_1")])
    second.compile(keras.optimizers.SGD(0.1))
    assert len({peer.stream for peer in pair.peers}) == 2
    for alone, peer in ((solo, pair.peers[0]), (second, pair.peers[1])):
        alone.peers[0].set_weights(peer.get_weights())
    pair.fit(dataset(), verbose=0)
    for alone, peer in ((solo, pair.peers[0]), (second, pair.peers[1])):
        alone.fit(dataset(), verbose=0)
        for ours, theirs in zip(peer.get_weights(), alone.peers[0].get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_the_distillation_weight_warms_up_linearly_over_the_examples():
    warm, constant = model("simclr", "simclr", distill_weight=4.0, distill_warmup=64), model("simclr", "simclr")
    shown = constant.peers[0].embed(dogo_tf.Views(*(images()[:16].astype(np.float32),) * 2), training=False)
    other = constant.peers[1].embed(dogo_tf.Views(*(images()[:16].astype(np.float32),) * 2), training=False)
    unit_weight = constant.distill_losses([shown, other])[0] / (100 / 256)
    for seen, factor in ((0, 0.0), (16, 1.0), (48, 3.0), (64, 4.0), (1000, 4.0)):
        warm.examples_seen.assign(seen)
        np.testing.assert_allclose(warm.distill_losses([shown, other])[0], factor * unit_weight, rtol=1e-6)


def test_a_peer_gets_the_gradient_of_its_own_loss_alone():
    """One SGD step of the pair equals, for each peer, a step on its loss with the other's embeddings as constants."""
    dogo = model("simclr", "simsiam", distill_weight=2.0)
    before = [[w.numpy() for w in peer.trainable_variables] for peer in dogo.peers]
    numbers = tf.range(16, dtype=tf.int64)
    views = [
        [make_view(images()[:16], recipe, 0, numbers, peer=peer.stream, view=v) for v in (0, 1)]
        for peer, recipe in zip(dogo.peers, dogo.view_recipes, strict=True)
    ]
    expected = []
    for k in (0, 1):
        with tf.GradientTape() as tape:
            embeddings = [
                peer.embed(dogo_tf.Views(*v), training=True) for peer, v in zip(dogo.peers, views, strict=True)
            ]
            embeddings[1 - k] = tf.nest.map_structure(_constant, embeddings[1 - k])
            loss = dogo.ssl_losses(embeddings)[k] + dogo.distill_losses(embeddings)[k]
        expected.append(tape.gradient(loss, dogo.peers[k].trainable_variables))
    dogo.fit(images()[:16], batch_size=16, shuffle=False, verbose=0)
    for peer, old, gradients in zip(dogo.peers, before, expected, strict=True):
        for weight, start, gradient in zip(peer.trainable_variables, old, gradients, strict=True):
            np.testing.assert_allclose((start - weight.numpy()) / 0.1, gradient, rtol=2e-3, atol=2e-5)


def _constant(x):
    return None if x is None else tf.constant(x.numpy())


def test_shared_views_are_the_same_for_both_peers_and_independent_ones_are_not():
    for sharing, same in (("shared", True), ("independent", False)):
        dogo = model("simclr", "simclr", views=sharing)
        first, second = dogo._inputs_of_each(tf.constant(images(4)), tf.constant(0, tf.int64))
        assert np.array_equal(first.a, second.a) == same
        assert not np.array_equal(first.a, first.b)


def test_ready_made_views_are_used_as_they_are():
    a = images(16).astype(np.float32)
    views = dogo_tf.Views(a, 255 - a)
    of_each = {"peer_0": views, "peer_1": views}
    losses = [
        model("simclr", "simclr").fit(tf.data.Dataset.from_tensors(given), verbose=0).history["loss"]
        for given in (views, of_each)
    ]
    assert losses[0] == losses[1]
    swapped = {"peer_0": views, "peer_1": dogo_tf.Views(views.b, a[::-1])}
    other = model("simclr", "simclr").fit(tf.data.Dataset.from_tensors(swapped), verbose=0).history["loss"]
    assert other != losses[0]


def test_views_of_different_batches_are_refused():
    a = images(16).astype(np.float32)
    of_each = {"peer_0": dogo_tf.Views(a, a), "peer_1": dogo_tf.Views(a[:8], a[:8])}
    with pytest.raises(dogo_tf.InputError, match="z of as many images for every peer; got {'peer_0': 16, 'peer_1': 8}"):
        model("simclr", "simclr").fit(tf.data.Dataset.from_tensors(of_each), verbose=0)


def test_evaluate_leaves_the_weights_alone_and_repeats_itself():
    dogo = model("simclr", "simsiam")
    before = [weight.numpy() for peer in dogo.peers for weight in peer.weights]
    first, second = (dogo.evaluate(dataset(), verbose=0, return_dict=True) for _ in range(2))
    assert first == second and first["loss"] != 0
    for weight, old in zip((w for peer in dogo.peers for w in peer.weights), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_each_peer_has_an_optimiser_of_its_own():
    dogo = model("simclr", "simclr", optimizer=[keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.5)])
    before = [peer.trainable_variables[0].numpy() for peer in dogo.peers]
    dogo.fit(dataset(), verbose=0)
    unmoved = [np.array_equal(p.trainable_variables[0], old) for p, old in zip(dogo.peers, before, strict=True)]
    assert unmoved == [True, False]


def test_learning_rate_callbacks_reach_every_peer():
    dogo = model("simclr", "simclr", "simclr")
    stop = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.0)
    before = [peer.trainable_variables[0].numpy() for peer in dogo.peers]
    dogo.fit(dataset(), callbacks=[stop], verbose=0)
    for peer, old in zip(dogo.peers, before, strict=True):
        np.testing.assert_array_equal(peer.trainable_variables[0], old)


def test_a_learning_rate_callback_that_would_reach_one_peer_only_is_refused():
    dogo = model("simclr", "simclr", optimizer=[keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.5)])
    for callback in (keras.callbacks.LearningRateScheduler(lambda epoch: 0.0), keras.callbacks.ReduceLROnPlateau()):
        with pytest.raises(
            dogo_tf.InputError, match=f"{type(callback).__name__} would set the learning rate of the first"
        ):
            dogo.fit(dataset(), callbacks=[callback], verbose=0)


def test_predict_gives_every_peers_features():
    features = model("simclr", "simclr").predict(images(5), verbose=0)
    assert [f.shape for f in features] == [(5, 6), (5, 7)]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_mixed_precision_has_the_losses_of_full_precision_and_trains_float32_weights(policy):
    full = model("simclr", "simclr").evaluate(dataset(), verbose=0, return_dict=True)["loss"]
    keras.mixed_precision.set_global_policy(policy)
    try:
        dogo = model("simclr", "simclr")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert dogo.evaluate(dataset(), verbose=0, return_dict=True)["loss"] == pytest.approx(full, rel=0.01)
    scaled = [isinstance(o, keras.mixed_precision.LossScaleOptimizer) for o in dogo.peer_optimizers]
    assert scaled == [policy == "mixed_float16"] * 2
    # The first steps under float16 are skipped, until each loss scale has come down to where nothing overflows.
    history = dogo.fit(dataset(), epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.3
    assert 0.1 < history["peer_0/gradient_norm"][-1] < 20  # unscaled
    assert {weight.dtype for weight in dogo.trainable_variables} == {tf.float32}


def test_a_subclassed_model_is_a_peer_once_its_shapes_are_known():
    dogo = dogo_tf.DoGo([dogo_tf.Peer(called(subclassed(), keras.Input((SIZE, SIZE, 3))), objective("simclr"))])
    dogo.compile(keras.optimizers.SGD(0.1))
    assert np.isfinite(dogo.fit(dataset(), verbose=0).history["loss"]).all()
