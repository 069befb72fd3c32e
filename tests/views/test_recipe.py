import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment, counter_rng
from dogo_tf.views.recipe import BYOL_UNEQUAL, SIMCLR, SIMSIAM, ViewRecipe
from dogo_tf.views.view import UNIFORMS, ViewParameters, blur_kernel_size, draw, make_view

PROJECT = Path(__file__).resolve().parents[2]
STILL = ViewRecipe(
    crop_area=(1.0, 1.0), crop_aspect=(1.0, 1.0), flip_probability=0, jitter_probability=0, grey_probability=0
)


def images(count=16, size=16):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def view(x, numbers=None, recipe=SIMCLR, seed=0, peer=0, view=0, **kwargs):
    numbers = np.arange(len(x)) if numbers is None else numbers
    return make_view(x, recipe, seed, numbers, peer, view, **kwargs).numpy()


def test_shape_type_and_range():
    out = view(images(64), size=12)
    assert out.shape == (64, 12, 12, 3) and out.dtype == np.float32
    assert out.min() >= 0 and out.max() <= 255 and out.max() > 200


def test_a_recipe_that_does_nothing():
    np.testing.assert_array_equal(view(images(), recipe=STILL), images())


def test_a_view_does_not_depend_on_its_batch():
    x, numbers = images(64), np.arange(1000, 1064)
    whole = view(x, numbers)
    order = np.random.default_rng(1).permutation(64)
    np.testing.assert_array_equal(view(x[order], numbers[order]), whole[order])
    for part in (slice(0, 32), slice(5, 21), slice(63, 64)):
        np.testing.assert_array_equal(view(x[part], numbers[part]), whole[part])


@pytest.mark.parametrize("change", [dict(seed=1), dict(peer=1), dict(view=1), dict(numbers=np.arange(16) + 16)])
def test_all_else_gives_another_view(change):
    x = images()
    np.testing.assert_array_equal(view(x), view(x))
    assert (view(x) != view(x, **change)).any(axis=(1, 2, 3)).all()


def test_peer_and_view_do_not_mix():
    x = images()
    assert (view(x, peer=0, view=1) != view(x, peer=1, view=0)).any(axis=(1, 2, 3)).all()


def test_plain_graph_and_compiled_agree(monkeypatch):
    x = images()
    recipe = dataclasses.replace(SIMCLR, blur_from_size=0)
    compiled = view(x, recipe=recipe)
    monkeypatch.setattr("dogo_tf.views.view._only_cpus", lambda: False)
    np.testing.assert_allclose(view(x, recipe=recipe), compiled, atol=0.01)


def test_inside_a_compiled_function_and_tf_data():
    x, numbers = images(), np.arange(16)
    expected = view(x)
    whole = tf.function(lambda x, n: make_view(x, SIMCLR, 0, n, 0, 0), jit_compile=True, autograph=False)
    np.testing.assert_allclose(whole(tf.constant(x), tf.constant(numbers)), expected, atol=0.01)
    data = tf.data.Dataset.from_tensor_slices((x, numbers)).batch(4)
    data = data.map(lambda x, n: make_view(x, SIMCLR, 0, n, peer=0, view=0))
    np.testing.assert_array_equal(np.concatenate(list(data.as_numpy_iterator())), expected)


TWO_REPLICAS = """
import numpy as np
from dogo_tf.platform.keras_compat import tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from dogo_tf.views import SIMCLR, make_view
x = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
devices = tf.distribute.ReductionToOneDevice()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=devices)

@tf.function
def step():
    def replica():
        rows = tf.range(8, dtype=tf.int64) + 8 * tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int64)
        return make_view(tf.gather(x, rows), SIMCLR, 0, rows, peer=0, view=0)
    return strategy.experimental_local_results(strategy.run(replica))

np.testing.assert_allclose(np.concatenate(step()), make_view(x, SIMCLR, 0, np.arange(16), 0, 0), atol=0.01)
"""


@pytest.mark.slow
def test_two_replicas_draw_what_one_device_draws():
    # In its own process, because logical devices are made before TensorFlow starts.
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr


def test_numbers_may_be_tensors():
    x = images()
    traced = tf.function(lambda seed, peer: make_view(x, SIMCLR, seed, tf.range(16, dtype=tf.int64), peer, 1))
    np.testing.assert_allclose(traced(tf.constant(3), tf.constant(1)), view(x, seed=3, peer=1, view=1), atol=0.01)


def test_blur_only_from_its_size():
    x = images(4, 32)
    blurred = dataclasses.replace(STILL, blur_probability=1.0, blur_sigma=(1.0, 1.0))
    np.testing.assert_array_equal(view(x, recipe=blurred), x)
    assert view(x, recipe=dataclasses.replace(blurred, blur_from_size=32)).std() < 0.8 * x.std()
    assert [blur_kernel_size(size) for size in (32, 96, 224)] == [3, 9, 23]


def drawn(made, count=20000):
    u = counter_rng.uniform(0, (0, 0), tf.range(count, dtype=tf.int64), UNIFORMS)
    return ViewParameters(*(tensor.numpy() for tensor in draw(made, 224, 224, u)))


@pytest.mark.parametrize("recipe, strength", [(SIMCLR, 0.8), (SIMSIAM, 0.4)])
def test_what_is_drawn(recipe, strength):
    d = drawn(recipe)
    for share, expected in ((d.flip, 0.5), (d.jitter, 0.8), (d.grey, 0.2), (d.blur, 0.5)):
        assert abs(share.mean() - expected) < 4 * 0.5 / np.sqrt(20000)
    for factor in (d.brightness, d.contrast, d.saturation):
        assert abs(factor.mean() - 1) < 0.02 and abs(factor.std() - strength / np.sqrt(3)) < 0.02
        assert 1 - strength <= factor.min() < 1 - 0.99 * strength and 0.99 * strength < factor.max() - 1 <= strength
    assert np.abs(d.hue).max() <= strength / 4 and abs(d.hue.std() - strength / 4 / np.sqrt(3)) < 0.005
    assert d.sigma.min() >= 0.1 and d.sigma.max() <= 2.0
    top, left, h, w = d.boxes.T
    assert (top >= 0).all() and (left >= 0).all() and (top + h <= 224).all() and (left + w <= 224).all()
    # Attempts at large areas are rejected more often: the accepted areas' distribution comes from the loop in test_augment's
    # definition, drawn with NumPy.
    rng = np.random.default_rng(0)
    area, ratio = rng.uniform(0.08, 1, 200000), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3), 200000))
    fits = (area * ratio <= 1) & (area / ratio <= 1)
    got, expected = np.quantile(h * w / 224**2, [0.1, 0.5, 0.9]), np.quantile(area[fits], [0.1, 0.5, 0.9])
    np.testing.assert_allclose(got, expected, atol=0.02)
    assert abs(np.log(w / h).mean()) < 0.01


def test_draws_are_independent():
    d = drawn(SIMCLR)
    columns = [
        d.flip,
        d.jitter,
        d.brightness,
        d.contrast,
        d.saturation,
        d.hue,
        d.grey,
        d.blur,
        d.sigma,
        *d.boxes.T[2:3],
    ]
    correlations = np.corrcoef(np.stack([column.astype(float) for column in columns]))
    assert np.abs(correlations - np.eye(len(columns))).max() < 4.5 / np.sqrt(20000)
    assert len(np.unique(d.turns, axis=0)) == len(augment.TURNS)


def test_strong_jitter_never_inverts():
    assert drawn(ViewRecipe(brightness=1.5)).brightness.min() >= 0


def test_scaled_jitter():
    assert SIMCLR.scaled_jitter(0.5) == SIMSIAM
    assert (SIMSIAM.brightness, SIMSIAM.contrast, SIMSIAM.saturation, SIMSIAM.hue) == (0.4, 0.4, 0.4, 0.1)
    assert SIMSIAM.crop_area == SIMCLR.crop_area == (0.08, 1.0)


@pytest.mark.parametrize(
    "setting, message",
    [
        (
            dict(crop_area=(0.0, 1.0)),
            r"crop_area: expected \(smallest, largest\), above 0 and at most 1; got \(0.0, 1.0\)",
        ),
        (dict(crop_area=(0.5, 0.2)), "crop_area: expected"),
        (dict(crop_area=0.5), "crop_area: expected"),
        (dict(crop_aspect=(0, 1)), r"crop_aspect: expected \(smallest, largest\), above 0; got \(0, 1\)"),
        (dict(blur_sigma=(0.0, 2.0)), "blur_sigma: expected"),
        (dict(flip_probability=1.5), "flip_probability: expected a probability, 0..1; got 1.5"),
        (dict(grey_probability=-0.1), "grey_probability: expected a probability"),
        (dict(contrast=-1), "contrast: expected a strength of at least 0; got -1"),
        (dict(hue=0.6), "hue: expected at most half a turn of the colour wheel, 0..0.5; got 0.6"),
    ],
)
def test_a_recipe_that_cannot_be(setting, message):
    with pytest.raises(InputError, match=message):
        ViewRecipe(**setting)


@pytest.mark.parametrize(
    "x, size, message",
    [
        (np.zeros([2, 8, 8, 3], np.float32), None, "images: expected uint8 in 0..255, got float32"),
        (
            np.zeros([8, 8, 3], np.uint8),
            None,
            r"images: expected shape \[B, H, W, 3\] with H and W known, got \(8, 8, 3\)",
        ),
        (np.zeros([2, 8, 8, 1], np.uint8), None, "images: expected shape"),
        (
            np.zeros([2, 8, 9, 3], np.uint8),
            None,
            "size: expected the side of the views, because the images are not square",
        ),
        (np.zeros([2, 8, 8, 3], np.uint8), 0, "size: expected at least 1 pixel, got 0"),
    ],
)
def test_images_that_cannot_be(x, size, message):
    with pytest.raises(InputError, match=message):
        view(x, size=size)


def test_byols_two_views_differ_in_blur_and_solarisation():
    a, b = (drawn(BYOL_UNEQUAL.of_view(k)) for k in (0, 1))
    shares = [(d.blur.mean(), d.solarize.mean()) for d in (a, b)]
    np.testing.assert_allclose(shares, [(1.0, 0.0), (0.1, 0.2)], atol=0.01)
    assert not drawn(SIMCLR).solarize.any()


def test_what_is_drawn_besides_stays_as_it_was():
    ours, before = drawn(dataclasses.replace(SIMCLR, solarize_probability=0.5), 100), drawn(SIMCLR, 100)
    for name in set(before._fields) - {"solarize"}:
        np.testing.assert_array_equal(getattr(ours, name), getattr(before, name))


def test_a_view_is_solarised_after_all_else():
    x = images(4, 32)
    solarised = dataclasses.replace(STILL, solarize_probability=1.0)
    np.testing.assert_array_equal(view(x, recipe=solarised), np.where(x >= 128, 255 - x.astype(float), x))
    grey = dataclasses.replace(solarised, grey_probability=1.0)
    plain = view(x, recipe=dataclasses.replace(STILL, grey_probability=1.0))
    np.testing.assert_allclose(view(x, recipe=grey), np.where(plain >= 128, 255 - plain, plain), atol=0.01)


def test_local_views_are_blurred_as_both_on_average_and_not_solarised():
    small = BYOL_UNEQUAL.for_local_views(0.5)
    assert (small.blur_probability, small.solarize_probability, small.blur_from_size) == (0.55, 0.0, 112)


def test_a_recipe_of_two_different_views_is_not_one_of_a_view():
    with pytest.raises(InputError, match="recipe: view a and view b differ in it; expected recipe.of_view"):
        view(images(), recipe=BYOL_UNEQUAL)
    with pytest.raises(
        InputError, match=r"solarize_probability: expected a probability, 0..1, or one for .* got \(0.1, 2\)"
    ):
        ViewRecipe(solarize_probability=(0.1, 2))
