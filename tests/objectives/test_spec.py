"""Objectives with settings of their own, as text."""

import pytest
from run_states import small_run

import dogo_tf
from dogo_tf import objectives
from dogo_tf.errors import InputError
from dogo_tf.platform import plugins, ranges
from dogo_tf.pretraining.build_model import build_model

REFUSED = {
    "byol:momentum=2": "objective 'byol': momentum: expected a number from 0 to 1, got 2.0",
    "byol:warmth=1": "unknown setting of byol 'warmth'; known: momentum, predictor_width, widths",
    "byol:momentum": "objective 'byol': expected :setting=value, got 'momentum'; settings: momentum=0.99, "
    "widths=2048-256, predictor_width=2048",
    "byol:momentum=high": "objective 'byol': momentum: expected a number, e.g. 0.99; got 'high'",
    "simclr:temperature=nan": "objective 'simclr': temperature: expected a number from 0.001 to 1000, got nan",
    "moco:queue_size=0.5": "objective 'moco': queue_size: expected a number, e.g. 4096; got '0.5'",
    "simclr:widths=12-0": "objective 'simclr': widths: expected a whole number from 1 to 32768, got 0",
    "simclr:widths=1000000000-8": "objective 'simclr': widths: expected a whole number from 1 to 32768, got 1000000000",
    "moco:queue_size=99999999999": "objective 'moco': queue_size: expected a whole number from 1 to 1048576, "
    "got 99999999999",
    "simclr:widths=-3": "objective 'simclr': widths: expected whole numbers joined by -, e.g. 512-128; got '-3'",
    "moco:queue_size=4:queue_size=5": "objective 'moco': queue_size comes twice in 'moco:queue_size=4:queue_size=5'",
    "byol2:momentum=1": "unknown objective 'byol2'; known: barlow_twins, byol, moco, simclr, simsiam, vicreg",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_mistake_is_answered_with_what_there_is(text, tmp_path):
    with pytest.raises(InputError) as error:
        objectives.build(text)
    assert str(error.value) == REFUSED[text]
    with pytest.raises(InputError) as error:  # before anything is read or made
        small_run("nowhere", tmp_path, peers=(f"small_conv:{text}",))
    assert str(error.value) == REFUSED[text]


def test_the_settings_are_those_of_the_text_and_the_others_stay():
    made = objectives.build("vicreg:variance=0.5:widths=64-32-16")
    assert (made.variance, made.widths) == (0.5, (64, 32, 16))
    assert (made.invariance, made.covariance) == (1.0, 1 / 25)
    assert dogo_tf.Peer("small_conv", "simclr:widths=24-12", image_size=8).width_z == 12


@pytest.mark.parametrize("name", plugins.names("dogo_tf.objectives"))
def test_every_setting_of_every_objective_has_a_range_and_can_be_given_as_it_is(name):
    default = vars(objectives.build(name))
    assert default.keys() <= ranges.RANGES.keys()
    words = (f"{s}={'-'.join(map(str, v)) if isinstance(v, tuple) else v}" for s, v in default.items())
    assert vars(objectives.build(":".join([name, *words]))) == default


def test_they_reach_the_peers_of_a_run_and_its_files(tmp_path):
    peers = ("small=small_conv:moco:temperature=0.1:queue_size=64:widths=24-12", "small_conv:simclr:temperature=0.5")
    made = small_run("nowhere", tmp_path, peers=peers)
    model = build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert (model.peers[0].name, model.peers[0].objective.temperature, model.peers[0].width_z) == ("small", 0.1, 12)
    assert model.peers[0].queue.rows.shape == (64, 12)
    assert f"--peers={','.join(peers)}\n" in made.as_flags()
