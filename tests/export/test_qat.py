"""Quantisation-aware training, without labels."""

from dataclasses import replace

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import parity, qat
from dogo_tf.export.int8.graph_file import Grid, Int8File
from dogo_tf.export.int8.network import Network

SETTINGS = qat.Settings(steps=60, batch_size=32, learning_rate=1e-3)


@pytest.fixture(scope="module")
def features(gated, calibration_images):
    return TFLiteEncoder(gated["float32"])(calibration_images)


@pytest.fixture(scope="module")
def narrow(gated):
    """The int8 file with ranges that cut the extremes of every tensor off but the last two: something to learn from."""
    file = Int8File(gated["int8"], gated["float32"])
    last = {number for operation in file.operations[-2:] for number in operation.outputs}
    grids = {number: file.grids[number] for group in file.groups for number in group if number not in last}
    return file.written({}, {n: Grid.over(0.7 * grid.low, 0.7 * grid.high) for n, grid in grids.items()})


@pytest.fixture(scope="module")
def held_out(gated, images):
    """Images that nothing learns from, to choose the moment by, and the original's features of them."""
    return images[:20], TFLiteEncoder(gated["float32"])(images[:20])


@pytest.fixture(scope="module")
def trained(narrow, gated, calibration_images, features, held_out):
    return qat.train(narrow, gated["float32"], calibration_images, features, *held_out, SETTINGS)


def test_the_trained_file_is_nearer_to_the_original_on_other_images(trained, narrow, gated, images):
    images = images[20:]
    expected = TFLiteEncoder(gated["float32"])(images)
    before, after = (TFLiteEncoder(content)(images) for content in (narrow, trained.content))
    assert parity.compare(expected, after).error_ratio < 0.7 * parity.compare(expected, before).error_ratio
    # In length, too, which cosines do not see.
    assert np.abs(after - expected).mean() < 0.7 * np.abs(before - expected).mean()
    assert trained.losses[-1] < 0.7 * trained.losses[0] and len(trained.losses) == 60
    assert trained.agreement >= 0.999 and trained.as_dict()["images"] == 100


def test_the_file_is_the_network_that_was_trained_to_one_step(gated, calibration_images, features, images):
    network = Network(Int8File(gated["int8"], gated["float32"]))
    settings = replace(SETTINGS, steps=5)
    order = qat._order(100, settings, seed=0)
    qat.learn(network, calibration_images, features, parity.unlikeness(features), settings, order)
    content = network.written()
    assert content != gated["int8"]
    assert qat.agreement_within_a_step(network, content, images) >= 0.999
    assert qat.agreement_within_a_step(network, gated["int8"], images) < 0.9  # the untrained file is another one


def test_the_weights_with_the_smallest_held_out_error_are_kept(trained, narrow, gated, held_out):
    assert list(trained.errors) == [0, 8, 15, 22, 30, 38, 45, 52, 60]
    told = trained.as_dict()
    assert trained.errors[told["kept_step"]] == min(trained.errors.values()) < trained.errors[0]
    for content, step in ((narrow, 0), (trained.content, told["kept_step"])):
        error = parity.compare(held_out[1], TFLiteEncoder(content)(held_out[0])).error_ratio
        assert trained.errors[step] == pytest.approx(error, rel=0.05)


@pytest.mark.slow
def test_a_training_that_only_does_harm_leaves_the_file_as_it_was(
    gated, calibration_images, features, held_out, images
):
    harmful = replace(SETTINGS, steps=8, learning_rate=0.3)
    found = qat.train(gated["int8"], gated["float32"], calibration_images, features, *held_out, harmful)
    assert found.as_dict()["kept_step"] == 0 and min(list(found.errors.values())[1:]) > 2 * found.errors[0]
    np.testing.assert_array_equal(TFLiteEncoder(found.content)(images), TFLiteEncoder(gated["int8"])(images))


def test_images_that_are_not_among_the_rows_are_not_learned_from(gated, calibration_images, features, held_out):
    rows = np.arange(0, 100, 2)
    unknown = features.copy()
    unknown[1::2] = np.nan
    found = qat.train(
        gated["int8"], gated["float32"], calibration_images, unknown, *held_out, replace(SETTINGS, steps=4), rows=rows
    )
    assert np.isfinite(found.losses).all() and found.images == 50


def test_the_loss_of_directions_is_e(features, images):
    """However alike the features of all images are, so that the terms of the loss keep their proportion."""
    other = features + np.random.default_rng(0).normal(0, 0.02, features.shape).astype(np.float32)
    other *= np.linalg.norm(features, axis=1, keepdims=True) / np.linalg.norm(other, axis=1, keepdims=True)
    found = qat._loss(other, features, parity.unlikeness(features), temperature=1e6)
    assert float(found) == pytest.approx(parity.compare(features, other).error_ratio, rel=1e-3)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_file(gated, calibration_images, features, held_out):
    short = replace(SETTINGS, steps=3)
    files = gated["int8"], gated["float32"]
    learned = [qat.train(*files, calibration_images, features, *held_out, short, seed).losses for seed in (0, 0, 1)]
    assert learned[0] == learned[1] != learned[2]


def test_every_image_comes_once_before_any_comes_again():
    rows = list(qat._order(70, replace(SETTINGS, steps=4, batch_size=32), seed=0))
    assert len(rows) == 4 and all(len(step) == 32 for step in rows)
    assert len(set(np.concatenate(rows[:2]))) == 64 == len(set(np.concatenate(rows[2:])))


def test_fewer_images_than_a_batch_are_refused(gated, calibration_images, features):
    with pytest.raises(InputError, match="int8_qat: expected at least 32 images to learn from, a batch; there are 31"):
        qat.train(
            gated["int8"], gated["float32"], calibration_images, features, None, None, SETTINGS, rows=np.arange(31)
        )


def test_an_encoder_that_cannot_be_followed_is_refused_by_its_operation(unknown, calibration_images):
    with pytest.raises(InputError, match="rounding is not known: TANH"):
        qat.train(unknown["int8"], unknown["float32"], calibration_images, None, None, None, SETTINGS)
