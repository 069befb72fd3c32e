"""Which trainings a comparison consists of."""

import pytest

from dogo_tf.comparison.arms import arms, training_gflop
from dogo_tf.errors import InputError
from dogo_tf.settings import PretrainSettings

PAIR = PretrainSettings(
    "patterns",
    "",
    peers=("wrn_10_1", "wrn_16_2:simsiam"),
    distill_weight=(1.0, 2.0),
    learning_rate=(0.1, 0.2),
    epochs=10,
)


@pytest.fixture(scope="module")
def by_name():
    return {arm.name: arm for arm in arms(PAIR, 16)}


def test_the_small_one_alone_learns_by_its_own_settings(by_name):
    solo = by_name["solo"].training
    assert solo.peers == ("wrn_10_1",) and solo.learning_rate == (0.1,) and solo.epochs == 10
    big = by_name["big_solo"].training
    assert big.peers == ("wrn_16_2:simsiam",) and big.learning_rate == (0.2,)
    assert by_name["random"].training == solo and not by_name["random"].trained


def test_both_encoders_of_the_pair_come_from_one_training(by_name):
    assert by_name["dogo"].training == by_name["dogo_big"].training == PAIR
    assert (by_name["dogo"].peer, by_name["dogo_big"].peer) == ("wrn_10_1", "wrn_16_2")


def test_the_longer_solo_training_costs_what_the_pair_costs(by_name):
    longer = by_name["solo_matched"].training
    pair, alone = (training_gflop(settings, 16) * settings.epochs for settings in (PAIR, longer))
    one_epoch = training_gflop(longer, 16)
    assert abs(pair - alone) <= one_epoch / 2 and longer.epochs > 20


def test_twins_share_one_training_alone():
    twins = {arm.name: arm for arm in arms(PretrainSettings("patterns", "", peers=("wrn_10_1", "wrn_10_1")), 16)}
    assert twins["solo"].training == twins["big_solo"].training
    assert (twins["big_solo"].peer, twins["dogo_big"].peer) == ("wrn_10_1", "wrn_10_1_2")


@pytest.mark.parametrize("peers", [("wrn_10_1",), ("wrn_10_1", "wrn_16_1", "wrn_16_2")])
def test_a_comparison_is_between_one_and_two(peers):
    with pytest.raises(InputError, match=f"peers: expected two, the small one and its bigger peer; got {len(peers)}"):
        arms(PretrainSettings("patterns", "", peers=peers), 16)
