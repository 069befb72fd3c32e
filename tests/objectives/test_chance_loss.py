"""What an objective says its loss is for outputs that know nothing of the image, and for perfect ones."""

import math

import numpy as np
import pytest

from dogo_tf import objectives
from dogo_tf.objectives import Objective, moco, simclr, simsiam, vicreg
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings

WIDTH = 40
WITH_CHANCE = ["simclr", "moco", "barlow_twins", "vicreg"]


def loss(objective, z_a, z_b, queue=None):
    a, b = (Embeddings(tf.constant(z), *[tf.constant(z)] * 3) for z in (z_a, z_b))
    return float(tf.reduce_mean(objective.loss(ViewEmbeddings(a, b, None if queue is None else tf.constant(queue)))))


def of_equal_outputs(objective, batch):
    row = np.random.default_rng(0).normal(size=(1, WIDTH))
    everywhere = np.tile(row, (batch, 1))
    return loss(objective, everywhere, everywhere, np.tile(row, (objective.queue_size or 1, 1)))


@pytest.mark.parametrize("batch", [2, 16, 33])
@pytest.mark.parametrize("name", WITH_CHANCE)
def test_it_is_the_loss_of_outputs_that_are_the_same_for_every_image(name, batch):
    objective = objectives.build(name)
    assert of_equal_outputs(objective, batch) == pytest.approx(objective.chance_loss(batch), rel=1e-9)


@pytest.mark.parametrize(
    "objective",
    [
        simclr.Objective(3.0),
        moco.Objective(0.07, queue_size=9),
        vicreg.Objective(2, 3, 5),
    ],
)
def test_it_follows_the_settings(objective):
    assert of_equal_outputs(objective, 8) == pytest.approx(objective.chance_loss(8), rel=1e-9)


def test_its_closed_forms():
    chance = {name: objectives.build(name).chance_loss(64) for name in WITH_CHANCE}
    expected = {"simclr": math.log(127), "moco": math.log(4097), "barlow_twins": 1.0, "vicreg": 1.98}
    assert chance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", WITH_CHANCE)
def test_outputs_that_do_not_depend_on_the_image_are_no_better(name):
    objective = objectives.build(name)
    rng = np.random.default_rng(0)
    z_a, z_b = rng.normal(size=(2, 256, WIDTH))
    value = loss(objective, z_a, z_b, rng.normal(size=(objective.queue_size or 1, WIDTH)))
    assert value > 0.95 * objective.chance_loss(256)


@pytest.mark.parametrize("name", ["simsiam", "byol"])
def test_where_equal_outputs_are_the_minimum_there_is_none(name):
    objective = objectives.build(name)
    assert objective.chance_loss(64) is None
    rng = np.random.default_rng(0)
    others = [
        loss(objective, *(z + noise * rng.normal(size=(2, 64, WIDTH))))
        for z in rng.normal(size=(1, 64, WIDTH))
        for noise in (0, 0.1, 1)
    ]
    assert of_equal_outputs(objective, 64) <= min(others) + 1e-6


@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0, 5.0])
def test_perfect_contrastive_outputs_agree_and_are_orthogonal_to_all_others(temperature):
    rows = np.eye(WIDTH)
    contrastive = simclr.Objective(temperature)
    assert loss(contrastive, rows, rows) == pytest.approx(contrastive.perfect_loss(WIDTH), rel=1e-6)
    with_queue = moco.Objective(temperature, queue_size=WIDTH - 8)
    assert loss(with_queue, rows[:8], rows[:8], rows[8:]) == pytest.approx(with_queue.perfect_loss(8), rel=1e-6)
    assert contrastive.perfect_loss(4096) < contrastive.chance_loss(4096)


def test_perfect_barlow_twins_have_the_identity_for_a_correlation():
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], float)[
        :, 1:
    ]  # columns of Hadamard's
    objective = objectives.build("barlow_twins")
    assert loss(objective, signs, signs) == pytest.approx(objective.perfect_loss(4), abs=1e-6)


def test_an_objective_of_your_own_need_not_say():
    assert Objective().chance_loss(8) is None and simsiam.Objective().chance_loss(8) is None
