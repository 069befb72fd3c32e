"""Training under rounding, without labels."""

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
def trained(narrow, gated, calibration_images, features):
    return qat.train(narrow, gated["float32"], calibration_images, features, SETTINGS)


def test_the_trained_file_is_nearer_to_the_original_on_other_images(trained, narrow, gated, images):
    expected = TFLiteEncoder(gated["float32"])(images)
    before, after = (TFLiteEncoder(content)(images) for content in (narrow, trained.content))
    assert parity.compare(expected, after).error_ratio < 0.7 * parity.compare(expected, before).error_ratio
    # In length, too, which cosines do not see.
    assert np.abs(after - expected).mean() < 0.7 * np.abs(before - expected).mean()
    assert trained.losses[-1] < 0.7 * trained.losses[0] and len(trained.losses) == 60
    assert trained.agreement >= 0.999 and trained.as_dict()["images"] == 100


def test_the_file_is_the_network_that_was_trained_to_one_step(gated, calibration_images, features, images):
    network = Network(Int8File(gated["int8"], gated["float32"]))
    qat.learn(network, calibration_images, features, replace(SETTINGS, steps=5))
    content = network.written()
    assert content != gated["int8"]
    assert qat.agreement_within_a_step(network, content, images) >= 0.999
    assert qat.agreement_within_a_step(network, gated["int8"], images) < 0.9  # the untrained file is another one


def test_the_same_seed_gives_the_same_file(gated, calibration_images, features, trained):
    short = replace(SETTINGS, steps=3)
    first, again = (qat.train(gated["int8"], gated["float32"], calibration_images, features, short) for _ in range(2))
    other = qat.train(gated["int8"], gated["float32"], calibration_images, features, short, seed=1)
    assert first.content == again.content != other.content


def test_every_image_comes_once_before_any_comes_again():
    rows = list(qat._order(70, replace(SETTINGS, steps=4, batch_size=32), seed=0))
    assert len(rows) == 4 and all(len(step) == 32 for step in rows)
    assert len(set(np.concatenate(rows[:2]))) == 64 == len(set(np.concatenate(rows[2:])))


def test_fewer_images_than_a_batch_are_refused(gated, calibration_images, features):
    with pytest.raises(InputError, match="int8_qat: expected at least 32 images to learn from, a batch; there are 31"):
        qat.train(gated["int8"], gated["float32"], calibration_images[:31], features[:31], SETTINGS)


def test_an_encoder_that_cannot_be_followed_is_refused_by_its_operation(unknown, calibration_images):
    with pytest.raises(InputError, match="rounding is not known: TANH"):
        qat.train(unknown["int8"], unknown["float32"], calibration_images, None, SETTINGS)
