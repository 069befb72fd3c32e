"""Small crops through the peer's own encoder, at their own size: what it learns from them and what they leave alone."""

import dataclasses

import numpy as np
import pytest
from equality import SIZE, deviation, encoder, small

import dogo_tf
from dogo_tf import encoders
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.precision import policy
from dogo_tf.step import inputs
from dogo_tf.step.flops import multiply_accumulates, training_operations
from dogo_tf.views import BYOL_UNEQUAL, SIMCLR, make_view

HALF, COUNT, BATCH = SIZE // 2, 3, 6


def images(count=BATCH, size=SIZE):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def peer(objective="simclr", name="peer", local_views=COUNT, width=4, **kwargs):
    keras.utils.set_random_seed(0)
    return dogo_tf.Peer(encoder(name, width, "relu"), small(objective), local_views=local_views, **kwargs)


def views(count=BATCH, local=COUNT):
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0, 255, (2, count, SIZE, SIZE, 3)).astype(np.float32)
    return dogo_tf.Views(a, b, tuple(rng.uniform(0, 255, (local, count, HALF, HALF, 3)).astype(np.float32)))


def values(variables):
    return [variable.numpy() for variable in variables]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("objective", ["simclr", "simsiam", "byol"])
def test_both_views_become_the_same_with_and_without_local_ones(objective, training):
    with_local, without = peer(objective), peer(objective, local_views=0)
    ours, theirs = with_local.embed(views(), training), without.embed(views(local=0), training)
    for view in "ab":
        for x, y in zip(getattr(ours, view), getattr(theirs, view), strict=True):
            np.testing.assert_array_equal(x, y) if x is not None else None
    assert len(ours.local) == COUNT and theirs.local == ()
    assert all(x.h.shape == (BATCH, 4) and x.target is None for x in ours.local)
    for x, y in zip(values(with_local.variables), values(without.variables), strict=True):
        np.testing.assert_array_equal(x, y)  # the moving averages, too


def test_layers_ask_for_the_same_with_and_without_local_ones():
    def asked(local):
        keras.utils.set_random_seed(1)
        pixels = keras.Input((SIZE, SIZE, 3))
        x = keras.layers.Conv2D(4, 3, kernel_regularizer="l2", activity_regularizer="l2")(pixels)
        network = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x), name="asking")
        made = dogo_tf.Peer(network, small("byol"), local_views=local, ema=0.9)
        made.embed(views(local=local), training=True)
        return sorted(float(penalty) for penalty in made.penalties)

    assert asked(COUNT) == pytest.approx(asked(0), rel=1e-5) and len(asked(0)) == 2  # not those of target and average


def test_local_views_go_through_the_same_weights_at_their_own_size():
    made = peer()
    fresh = dogo_tf.Peer(keras.models.clone_model(made.encoder, keras.Input((HALF, HALF, 3))), small("simclr"))
    fresh.encoder.set_weights(made.encoder.get_weights())
    fresh.projector.set_weights(made.projector.get_weights())
    for training in (False, True):
        whole = fresh(np.concatenate(views().local), training=training)
        for k, of_view in enumerate(made.embed(views(), training).local):
            np.testing.assert_allclose(of_view.z, whole.z[k * BATCH : (k + 1) * BATCH], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(of_view.h, whole.h[k * BATCH : (k + 1) * BATCH], rtol=1e-4, atol=1e-5)


def test_every_weight_learns_from_local_views_alone():
    made = peer("simsiam")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(made.objective.local_loss(made.embed(views(), training=True)))
    assert all(np.any(gradient) for gradient in tape.gradient(loss, made.trainable_variables))


def drawn(peers, sharing="independent", recipe=SIMCLR, first=40):
    numbers = tf.constant(first, tf.int64)
    return inputs.views_of_each_peer(images(), peers, [recipe] * len(peers), sharing, 7, numbers)


def test_they_are_views_with_numbers_and_a_crop_area_of_their_own():
    made = peer()
    (found,) = drawn([made])
    recipe = SIMCLR.for_local_views(0.5)
    assert recipe.crop_area == (0.05, 0.3) and recipe.blur_from_size == 112
    numbers = 40 + np.arange(BATCH)
    for k, view in enumerate(found.local):
        np.testing.assert_array_equal(view, make_view(images(), recipe, 7, numbers, made.stream, 2 + k, HALF))
    plain = drawn([peer(local_views=0)])[0]
    np.testing.assert_array_equal(found.a, plain.a), np.testing.assert_array_equal(found.b, plain.b)
    assert len(found.local) == COUNT and plain.local == ()


def test_both_views_follow_their_own_half_of_an_unequal_recipe():
    made, recipe = peer(), dataclasses.replace(BYOL_UNEQUAL, solarize_probability=(0.0, 1.0))
    (found,) = drawn([made], recipe=recipe)
    for k, view in enumerate((found.a, found.b)):
        expected = make_view(images(), recipe.of_view(k), 7, 40 + np.arange(BATCH), made.stream, k, SIZE)
        np.testing.assert_array_equal(view, expected)
    assert np.max(found.b) < 128.5 <= np.max(found.a)


def test_peers_draw_their_own_or_share_as_many_as_each_wants():
    peers = [peer(name=f"peer_{k}", local_views=k) for k in range(3)]
    apart, shared = drawn(peers), drawn(peers, "shared")
    assert [len(found.local) for found in apart] == [len(found.local) for found in shared] == [0, 1, 2]
    assert np.any(apart[1].local[0] != apart[2].local[0])
    np.testing.assert_array_equal(shared[1].local[0], shared[2].local[0])


def after(steps, parts=1, objectives=("simclr", "simsiam"), make_encoder=None, ready_made=None, **compile_options):
    keras.utils.set_random_seed(0)
    make_encoder = make_encoder or (lambda name: encoder(name, 4, "relu"))
    peers = [
        dogo_tf.Peer(make_encoder(f"peer_{k}"), small(objective), local_views=k + 1)
        for k, objective in enumerate(objectives)
    ]
    made = dogo_tf.DoGo(peers, distill_weight=1.0, micro_batches=parts)
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), **compile_options)
    if ready_made is None:
        made.fit(images(4 * steps), batch_size=4, shuffle=False, verbose=0)
    else:
        made.fit(tf.data.Dataset.from_tensors(ready_made).repeat(steps), verbose=0)
    return values(v for peer in peers for v in peer.variables)


@pytest.fixture
def float64():
    keras.backend.set_floatx("float64")
    keras.mixed_precision.set_global_policy("float64")
    yield
    keras.mixed_precision.set_global_policy("float32")
    keras.backend.set_floatx("float32")


def without_batch_norm(name):
    pixels = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 3, 2, activation="tanh")(keras.layers.Rescaling(1 / 127.5, -1)(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x), name=name)


@pytest.mark.slow
def test_micro_batches_give_the_weights_of_the_plain_step(float64):
    whole, parts = (after(3, k, make_encoder=without_batch_norm) for k in (1, 2))
    assert deviation(parts, whole) < 1e-9


@pytest.mark.slow
def test_the_step_compiles_under_xla_to_the_same_weights(float64):
    ready_made = views(
        local=2
    )  # what is drawn in the step is float32, and rounds otherwise when it is compiled with the rest
    assert deviation(after(2, ready_made=ready_made, jit_compile=True), after(2, ready_made=ready_made)) < 1e-9


def test_in_mixed_precision_too_they_leave_the_moving_averages_alone():
    with policy("mixed_bfloat16"):
        with_local, without = peer(), peer(local_views=0)
        before = values(without.variables)
        with_local.embed(views(), True), without.embed(views(local=0), True)
    after_without = values(without.variables)
    assert any(np.any(x != y) for x, y in zip(before, after_without, strict=True))
    for x, y in zip(values(with_local.variables), after_without, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.slow
def test_in_mixed_precision_they_train():
    with policy("mixed_bfloat16"):
        half = after(1)
    whole = after(1)
    assert 0 < deviation(half, whole) < 0.1


def test_local_views_cost_a_quarter_of_the_encoder_and_all_of_the_heads():
    made = dogo_tf.Peer("wrn_10_1", image_size=16, local_views=4)
    whole, quarter = multiply_accumulates(made.encoder), multiply_accumulates(made.local.encoder)
    assert abs(whole / quarter - 4) < 0.01
    heads = 64 * 512 + 512 * 128
    assert training_operations(made) == 2 * 3 * (2 * (whole + heads) + 4 * (quarter + heads))


def test_ready_made_views_must_have_as_many_of_that_size():
    model = dogo_tf.DoGo([peer()])
    model.compile("sgd")
    model.fit(tf.data.Dataset.from_tensors(views()), verbose=0)
    with pytest.raises(
        dogo_tf.InputError, match="x: expected Views with 3 local views, as the peer 'peer' looks at; got 2"
    ):
        model.fit(tf.data.Dataset.from_tensors(views(local=2)), verbose=0)
    other = views()._replace(local=views().local[:2] + (views().a,))
    with pytest.raises(dogo_tf.InputError, match=r"of shape \[B, 4, 4, 3\], as the peers take; got \(6, 8, 8, 3\)"):
        model.fit(tf.data.Dataset.from_tensors(other), verbose=0)


def test_an_encoder_with_a_twin_is_saved_and_loaded_as_without(tmp_path):
    made = peer()
    made.encoder.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(loaded(images()), made.encoder(images()), rtol=1e-5)
    assert len(loaded.layers) == len(made.encoder.layers)


REFUSED = {
    "too small": (
        lambda: dogo_tf.Peer("mobilenet_v2", image_size=32, name="small", local_views=2),
        "local_size: the encoder of peer 'small' cannot take images of 16 pixels: its last feature map has a stride of 32 "
        "pixels; expected another size up to 32, or local_views=0 for this peer",
    ),
    "dense": (
        lambda: dogo_tf.Peer(flat(), local_views=2),
        "local_size: the encoder of peer 'flat' cannot take images of 4 pixels: it has layers that are made for images of 8 "
        "pixels; expected another size up to 8, or local_views=0 for this peer",
    ),
    "larger": (lambda: peer(local_size=16), "local_size: expected at most 8, the side of the other views; got 16"),
    "tiny": (lambda: peer(local_size=2), "local_size: expected a whole number from 4 to 4096, got 2"),
    "negative": (lambda: peer(local_views=-1), "local_views: expected a whole number from 0 to 64, got -1"),
}


def flat():
    pixels = keras.Input((SIZE, SIZE, 3))
    return keras.Model(pixels, keras.layers.Dense(4)(keras.layers.Flatten()(pixels)), name="flat")


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused(case):
    make, message = REFUSED[case]
    with pytest.raises(dogo_tf.InputError) as error:
        make()
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["wrn_10_1", pytest.param("shufflenet_v2", marks=pytest.mark.slow)])
def test_encoders_by_name_compute_at_the_smaller_size_what_a_fresh_one_does(name):
    made = dogo_tf.Peer(name, image_size=16, local_views=1)
    fresh = encoders.build(name, 8)
    fresh.set_weights(made.encoder.get_weights())
    small_images = images(size=8).astype(np.float32)
    np.testing.assert_allclose(made.local.encoder(small_images), fresh(small_images), rtol=1e-4, atol=1e-5)
