"""Trainings that go well raise no alarm: every objective on several encoders with several seeds, at a usual rate."""

import dataclasses

import numpy as np
import pytest

import dogo_tf
from dogo_tf import data, objectives, views
from dogo_tf.objectives import barlow_twins, byol, moco, simclr, simsiam, vicreg
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import keras
from dogo_tf.training.alarm import FailureAlarm
from dogo_tf.training.stuck import LEAST_STEPS_TO_WARN, StuckWatch, Yardstick

pytestmark = pytest.mark.slow

SIZE, BATCH, STEPS, LOG_EVERY = 16, 32, 100, 10
# Heads narrower than the published ones, which would take most of the time.
OBJECTIVES = {
    "simclr": simclr.Objective(),
    "moco": moco.Objective(),
    "simsiam": simsiam.Objective((256, 256, 256), 64),
    "byol": byol.Objective(widths=(256, 64), predictor_width=256),
    "barlow_twins": barlow_twins.Objective(widths=(256, 256, 256)),
    "vicreg": vicreg.Objective(widths=(256, 256, 256)),
}
RATES = {"barlow_twins": 5e-4}


def wide_residual(name):
    return dogo_tf.encoders.build("wrn_10_1", SIZE)


def separable(name):
    """In the manner of MobileNet: depthwise convolutions between pointwise ones."""
    images, x = stem()
    for width, stride in ((32, 2), (64, 1), (64, 2)):
        for convolution in (
            keras.layers.DepthwiseConv2D(3, stride, "same", use_bias=False),
            keras.layers.Conv2D(width, 1, use_bias=False),
        ):
            x = keras.layers.ReLU(6.0)(batch_norm(convolution(x)))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name=name)


def residual(name):
    """In the manner of ResNet: ReLU after the sum. ResNet-18 itself would take many minutes."""
    images, x = stem()
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        y = keras.layers.ReLU()(batch_norm(keras.layers.Conv2D(width, 3, stride, "same", use_bias=False)(x)))
        y = batch_norm(keras.layers.Conv2D(width, 3, 1, "same", use_bias=False)(y))
        shortcut = x if stride == 1 else batch_norm(keras.layers.Conv2D(width, 1, stride, use_bias=False)(x))
        x = keras.layers.ReLU()(keras.layers.Add()([shortcut, y]))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name=name)


def stem():
    images = keras.Input((SIZE, SIZE, 3))
    return images, keras.layers.Conv2D(16, 3, 1, "same", use_bias=False)(keras.layers.Rescaling(1 / 64, -2)(images))


def batch_norm(x):
    return keras.layers.BatchNormalization(momentum=0.9)(x)


def untrained(encoder, seed):
    keras.utils.set_random_seed(seed)
    peers = [dogo_tf.Peer(encoder(name), objective, name=name) for name, objective in OBJECTIVES.items()]
    recipe = dataclasses.replace(views.SIMCLR.scaled_jitter(0.5), crop_area=(0.2, 1.0))  # as dogo-pretrain's
    return dogo_tf.DoGo(peers, views="shared", view_recipe=recipe, teach=())


@pytest.fixture(scope="module", params=(wide_residual, separable, residual))
def trained_with(request):
    """Function of a seed: the lines that a training logs. All objectives train side by side, and one after the other seed by
    the same compiled step."""
    images = data.load("patterns", "train[:2000]", SIZE).images
    model = untrained(request.param, 0)
    model.compile([keras.optimizers.Adam(RATES.get(name, 1e-3)) for name in OBJECTIVES])
    optimizers = [(v, v.numpy()) for o in model.peer_optimizers for v in o.variables]

    def train(seed):
        for ours, theirs in zip(model.variables, untrained(request.param, seed).variables, strict=True):
            ours.assign(theirs)
        for variable, value in optimizers:
            variable.assign(value)
        model.examples_seen.assign(seed * 10**6)
        drawn = np.random.default_rng(seed).permutation(len(images))
        lines, step = [], 0
        while step < STEPS:
            chosen = np.take(images, drawn[np.arange(step * BATCH, (step + LOG_EVERY) * BATCH) % len(drawn)], axis=0)
            history = model.fit(chosen, batch_size=BATCH, shuffle=False, verbose=0).history
            step += LOG_EVERY
            lines.append((step, {name: values[0] for name, values in history.items()}))
        return model, lines

    return train


@pytest.mark.parametrize("seed", range(3))
def test_a_training_that_goes_well_is_left_alone(trained_with, seed, capsys):
    model, lines = trained_with(seed)
    watches = {
        p.name: StuckWatch(Yardstick.of(p, 1.0, BATCH, 1), warmup_steps=0, total_steps=STEPS) for p in model.peers
    }
    alarm = FailureAlarm(watches, lambda: None)
    for step, metrics in lines:
        alarm(step, metrics)
    assert capsys.readouterr().out == "" and step >= 2 * LEAST_STEPS_TO_WARN


def test_no_objective_is_missing():
    assert set(OBJECTIVES) == set(plugins.names(objectives.__name__))
