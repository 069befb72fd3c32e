"""A stream of crops: the same whoever asks for them and when, and what the step would have cut out itself."""

import itertools

import numpy as np
import pytest
import small_dogo
from PIL import Image

import dogo_tf
from dogo_tf import data
from dogo_tf.data.decode import read_image
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.step import inputs
from dogo_tf.types import Crops

WIDTH, HEIGHT = 40, 30


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Smooth pictures of one size, no squares."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("photographs")
    for k in range(20):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(folder / f"{k:02}.png")
    return folder


@pytest.fixture(scope="module")
def images(photographs):
    return data.open(photographs, image_size=8, source="stream")


@pytest.fixture(scope="module")
def model():
    return small_dogo.model("simclr", "simsiam", seed=5)


def batches(stream, count):
    return [batch.of for batch in itertools.islice(stream.as_numpy_iterator(), count)]


def test_starting_late_and_sharing_between_replicas_give_the_same_crops(images, model):
    plan = dogo_tf.crop_plan(model)
    assert len(plan.requests) == 4
    whole = batches(data.training_stream(images, 8, seed=7, crops=plan), 5)  # two steps an epoch
    late = batches(data.training_stream(images, 8, seed=7, start_example=24, crops=plan), 2)
    first, second = (
        batches(data.training_stream(images, 8, seed=7, replicas=2, local_replicas=range(r, r + 1), crops=plan), 5)
        for r in (0, 1)
    )
    assert whole[0].keys() == {view.key for view in plan.requests}
    for key in whole[0]:
        for step in range(5):
            shared = np.concatenate([first[step][key], second[step][key]])
            np.testing.assert_array_equal(shared, whole[step][key])
            assert step < 3 or np.array_equal(late[step - 3][key], whole[step][key])


def test_views_are_those_that_a_step_would_cut_out_of_the_whole_pictures(images, model, photographs):
    plan = dogo_tf.crop_plan(model)
    pictures = np.stack([np.asarray(Image.open(path)) for path in sorted(photographs.iterdir())])
    crops = next(iter(data.training_stream(images, 20, seed=7, shuffle=False, crops=plan)))
    assert isinstance(crops, Crops)
    arguments = model.peers, model.view_recipes, "independent", 5, tf.constant(0, tf.int64)
    expected = inputs.views_of_each_peer(tf.constant(pictures), *arguments)
    found = inputs.views_of_each_peer(crops, *arguments)
    for ours, theirs in zip(found, expected, strict=True):
        for view, other in zip(ours[:2], theirs[:2], strict=True):
            assert view.shape == (20, 8, 8, 3)
            assert np.mean(abs(view - other)) < 3  # of 255: edges of crops and rounding


@pytest.mark.parametrize("options", [pytest.param({}, marks=pytest.mark.slow), {"views": "shared"}])
def test_a_training_on_crops(images, options):
    model = small_dogo.model("simclr", "simsiam", **options)
    stream = data.training_stream(images, 8, seed=7, crops=dogo_tf.crop_plan(model))
    logs = model.fit(stream, steps_per_epoch=2, verbose=0)
    assert np.isfinite(logs.history["loss"]).all()
    assert len(stream.element_spec.of) == (4 if not options else 2)


def test_frozen_teachers_and_cached_ones_get_what_is_theirs(images):
    keep = dogo_tf.CachedTeacher(np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32), "cached")
    frozen = dogo_tf.FrozenTeacher(small_dogo.encoder("big"), "frozen")
    model = small_dogo.model("simclr", teachers=[frozen, keep])
    stream = data.training_stream(
        images, 8, seed=7, crops=dogo_tf.crop_plan(model), extra_features={"cached": keep.features}
    )
    crops, beside = next(iter(stream))
    assert len(crops.of) == 4 and beside["cached"].shape == (8, 5)
    assert np.isfinite(model.fit(stream, steps_per_epoch=1, verbose=0).history["loss"][0])


def test_a_bad_file_is_replaced_as_among_squares(photographs, model, tmp_path, capsys):
    for path in photographs.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() if path.name != "03.png" else b"")
    images = data.open(tmp_path, image_size=8, source="stream", max_bad_images=0.1)
    plan = dogo_tf.crop_plan(model)
    uniforms = np.random.default_rng(0).random((2, 4, 22), np.float32)
    found = images.images.crops(np.array([3, 4]), uniforms[[0, 0]], plan.requests)
    for crops in found:
        np.testing.assert_array_equal(crops[0], crops[1])
    assert "03.png: empty file; the next image stands for it" in capsys.readouterr().err


def test_mistakes(images, model, photographs):
    plan = dogo_tf.crop_plan(model)
    squares = np.stack([read_image(path, 8, 1e9) for path in sorted(photographs.iterdir())])
    with pytest.raises(InputError, match="crops: expected images that are decoded on the fly, as data.open"):
        data.training_stream(squares, 8, seed=7, crops=plan)
    other = small_dogo.model("simclr", seed=0)
    other.peers[0]._name = "else"
    with pytest.raises(InputError, match="x: crops for the views of another model"):
        other.fit(data.training_stream(images, 8, seed=7, crops=plan), steps_per_epoch=1, verbose=0)


def test_local_views_are_cut_out_of_the_originals_too(images):
    peer = dogo_tf.Peer(small_dogo.encoder("small"), small_dogo.objective("simclr"), name="small", local_views=2)
    model = dogo_tf.DoGo([peer])
    model.compile("sgd")
    plan = dogo_tf.crop_plan(model)
    assert [(view.number, view.size) for view in plan.requests] == [(0, 8), (1, 8), (2, 4), (3, 4)]
    stream = data.training_stream(images, 8, seed=7, crops=plan)
    assert np.isfinite(model.fit(stream, steps_per_epoch=1, verbose=0).history["loss"][0])
