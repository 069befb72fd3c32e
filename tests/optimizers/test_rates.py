"""--learning_rate=auto: what a run gets, and keeps."""

import dataclasses

import pytest

from dogo_tf.optimizers.rates import automatic_rate
from dogo_tf.pretraining.settings import PretrainSettings


@pytest.mark.parametrize(
    "objective, optimizer, batch, rate",
    [
        ("simclr", "adam", 128, 5e-3),
        ("simclr", "adam", 256, 7.1e-3),  # the root of the batch
        ("simclr", "sgd", 256, 0.6),  # the batch
        ("simclr", "adam", 32, 2.5e-3),
        ("simclr", "adam", 8, 1.3e-3),
        ("simclr", "adam", 2, 1.3e-3),  # not beyond a quarter
        ("simclr", "lars", 65536, 6.0),  # nor beyond twice
        ("moco", "adam", 128, 5e-3),
        ("vicreg", "adam", 32, 2.5e-3),
        ("moco", "sgd", 128, 1e-3),  # not measured
        ("byol", "adam", 128, 1e-3),  # 5e-3 is not clearly better
        ("barlow_twins", "adam", 128, 5e-3),
        ("barlow_twins", "adam", 64, 1e-3),  # which learns nothing with a high rate and small batches
        ("simsiam", "adam", 128, 1e-3),  # 5e-3 is worse
        ("simclr", "lamb", 128, 1e-3),
    ],
)
def test_the_rule(objective, optimizer, batch, rate):
    assert automatic_rate(objective, optimizer, batch, "wrn_10_1") == rate


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_lite_b0", "keras.MobileNetV2", "shufflenet_v2"])
def test_mobile_networks_take_less_with_adam(name):
    assert automatic_rate("simclr", "adam", 128, name) == automatic_rate("simclr", "adamw", 256, name) == 1e-3
    assert automatic_rate("simclr", "sgd", 128, name) == 0.3


def test_vicreg_takes_less_next_to_others():
    alone, pair, taught = (
        settings(batch_size=128, **asked).learning_rate
        for asked in (
            {"peers": ("wrn_10_1:vicreg",)},
            {"peers": ("wrn_10_1:vicreg", "wrn_16_1:simclr")},
            {"peers": ("wrn_10_1:vicreg",), "teachers": ("big=e.keras",)},
        )
    )
    assert (alone, pair, taught) == ((5e-3,), (1e-3, 5e-3), (1e-3,))


def settings(**more):
    return PretrainSettings(dataset="patterns", run_dir="r", **more)


def test_one_rate_for_peers_that_get_the_same():
    assert settings(peers=("wrn_16_1", "wrn_10_1:simclr:temperature=0.2")).learning_rate == (5e-3,)


def test_each_peer_by_its_own_objective_and_optimizer():
    made = settings(peers=("wrn_16_1", "wrn_10_1:simsiam", "wrn_10_2"), optimizer=("adam", "adam", "sgd"))
    assert made.learning_rate == (5e-3, 1e-3, 0.3)


def test_a_mobile_network_next_to_another_has_its_own():
    assert settings(peers=("small=mobilenet_v3_small", "big=wrn_16_2")).learning_rate == (1e-3, 5e-3)


def test_a_rate_that_is_given_stays():
    assert settings(peers=("wrn_16_1", "wrn_10_1"), learning_rate=(2e-3, "auto")).learning_rate == (2e-3, 5e-3)


def test_a_run_keeps_numbers():
    made = settings(peers=("wrn_10_1",))
    assert made.as_dict()["learning_rate"] == [5e-3]
    assert "--learning_rate=0.005\n" in made.as_flags()
    assert dataclasses.replace(made, batch_size=256).learning_rate == (5e-3,)
