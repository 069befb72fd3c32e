"""Which trainings a comparison consists of."""

import dataclasses

import pytest

from dogo_tf import encoders
from dogo_tf.comparison.arms import arms
from dogo_tf.comparison.costs import training_gflop, whole_gflop
from dogo_tf.comparison.settings import ArmSettings, ComparisonSettings
from dogo_tf.errors import InputError
from dogo_tf.evaluate.studies import StudyPlan
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.step.flops import teaching_operations

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


def test_a_teacher_that_is_there_may_teach_by_a_scheme_and_weight_of_its_own(by_name):
    pair = dataclasses.replace(PAIR, teachers=("there=big.npz",), distill_temperature=0.1)
    given = {arm.name: arm.training for arm in arms(pair, 16, ArmSettings(at_hand_scheme="seed", at_hand_weight=2.0))}
    expected = {"scheme": "seed", "distill_weight": (2.0,), "distill_temperature": None}
    assert {name: getattr(given["at_hand"], name) for name in expected} == expected
    assert given["at_hand"].teachers == ("there=big.npz",)
    assert given["dogo"] == dataclasses.replace(pair, teachers=())
    with pytest.raises(
        InputError,
        match="at_hand_scheme: expected one of compress, seed, similarity_kl, similarity_kl_others, simreg; got 'sead'",
    ):
        ArmSettings(at_hand_scheme="sead")


def test_arms_with_another_teacher_are_taught_as_the_pair_is():
    to_small, to_big = ":weight=4:temperature=0.3:scheme=seed", ":weight=0.1"
    pair = dataclasses.replace(PAIR, teach=f"wrn_16_2>wrn_10_1{to_small}, wrn_10_1>wrn_16_2{to_big}")
    found = {arm.name: arm for arm in arms(pair, 16, ArmSettings(siblings=("wrn_10_2",)))}
    assert found["one_way"].training.teach == f"wrn_16_2>wrn_10_1{to_small}"
    assert found["self"].training.teach == f"wrn_10_1_ema>wrn_10_1{to_small}"
    assert found["frozen"].edge == found["cached"].edge == to_small
    family = [f"wrn_16_2>{student}{to_small},{student}>wrn_16_2{to_big}" for student in ("wrn_10_1", "wrn_10_2")]
    assert found["family"].training.teach == ",".join(family)
    assert found["solo"].training.teach == "all" and found["frozen_seed"].edge == ""  # as it was published


def test_so_are_they_where_the_average_of_the_peer_teaches():
    pair = dataclasses.replace(PAIR, teach="wrn_16_2_ema>wrn_10_1:weight=4", ema=0.99)
    found = {arm.name: arm for arm in arms(pair, 16)}
    assert found["one_way"].training.teach == "wrn_16_2_ema>wrn_10_1:weight=4"
    assert found["self"].training.teach == "wrn_10_1_ema>wrn_10_1:weight=4" and found["frozen"].edge == ":weight=4"


def test_a_smaller_peer_teaches_as_the_bigger_one_does():
    teach = "wrn_16_2>wrn_10_2:weight=4,wrn_10_2>wrn_16_2"
    pair = dataclasses.replace(PAIR, peers=("wrn_10_2", "wrn_16_2"), teach=teach)
    found = {arm.name: arm for arm in arms(pair, 16, ArmSettings(smaller_peer="wrn_10_1"))}
    assert found["smaller"].training.teach == "wrn_10_1>wrn_10_2:weight=4,wrn_10_2>wrn_10_1"


ONE_WAY, AVERAGE, OWN_AVERAGE = "big>small", "big_ema>small:weight=4", "small_ema > small, small>big, big_ema>big"


@pytest.mark.parametrize(
    ("teach", "smaller", "family"),
    [
        (ONE_WAY, "third>small", "big>small,big>other"),
        (f"{ONE_WAY}:weight=4", "third>small:weight=4", "big>small:weight=4,big>other:weight=4"),
        (AVERAGE, "third_ema>small:weight=4", "big_ema>small:weight=4,big_ema>other:weight=4"),
        (
            OWN_AVERAGE,
            "small_ema>small,small>third,third_ema>third",
            "small_ema>small,small>big,big_ema>big,other_ema>other,other>big",
        ),
        ("small>big,big>small", "all", "big>small,small>big,big>other,other>big"),
    ],
)
def test_peers_in_place_of_those_of_the_pair_teach_as_these_do(teach, smaller, family):
    pair = dataclasses.replace(PAIR, peers=("small=wrn_10_2", "big=wrn_16_2"), teach=teach, ema=0.99)
    own = ArmSettings(smaller_peer="third=wrn_10_1", siblings=("other=wrn_10_1",))
    found = {arm.name: arm.training.teach for arm in arms(pair, 16, own)}
    assert (found["smaller"], found["family"]) == (smaller, family)


def test_only_the_teacher_at_hand_is_cached_where_that_is_asked_for():
    pair = dataclasses.replace(PAIR, teachers=("there=big.onnx:pixels=imagenet",), cache_teachers=True)
    found = {arm.name: arm for arm in arms(pair, 16)}
    assert [name for name, arm in found.items() if arm.training.cache_teachers] == ["cached", "at_hand"]
    assert found["frozen"].run != found["cached"].run


def test_the_small_one_alone_learns_by_its_own_settings(by_name):
    solo = by_name["solo"].training
    assert solo.peers == PAIR.peers[:1] and solo.learning_rate == (0.1,) and solo.epochs == 10
    big = by_name["big_solo"].training
    assert big.peers == ("wrn_16_2:simsiam",) and big.learning_rate == (0.2,)
    assert by_name["random"].training == solo and not by_name["random"].trained


def test_alone_both_learn_at_rates_of_their_own_where_these_are_given():
    found = {arm.name: arm.training for arm in arms(PAIR, 16, ArmSettings(alone_rates=(0.3, 0.4)))}
    rates = {name: training.learning_rate for name, training in found.items()}
    for name in ("random", "solo", "solo_matched", "solo_as_frozen", "solo_as_self"):
        assert rates[name] == (0.3,), name
    assert rates["big_solo"] == rates["big_longer"] == (0.4,)
    assert rates["self"] == rates["frozen"] == rates["frozen_seed"] == rates["cached"] == (0.1,)
    assert rates["dogo"] == rates["one_way"] == PAIR.learning_rate


def test_both_encoders_of_the_pair_come_from_one_training(by_name):
    assert by_name["dogo"].training == by_name["dogo_big"].training == PAIR
    assert (by_name["dogo"].encoder, by_name["dogo_big"].encoder) == ("wrn_10_1", "wrn_16_2")


def test_a_teacher_that_is_there_teaches_one_arm_and_changes_no_other(by_name):
    given = {arm.name: arm for arm in arms(dataclasses.replace(PAIR, teachers=("there=big.npz",)), 16)}
    at_hand = given.pop("at_hand")
    assert given == by_name
    assert at_hand.training == dataclasses.replace(by_name["solo"].training, teachers=("there=big.npz",))
    assert at_hand.encoder == "wrn_10_1" and training_gflop(at_hand.training, 16) == training_gflop(
        by_name["solo"].training, 16
    )


def test_the_longer_solo_training_costs_what_the_pair_costs(by_name):
    longer = by_name["solo_matched"].training
    pair, alone = (training_gflop(settings, 16) * settings.epochs for settings in (PAIR, longer))
    one_epoch = training_gflop(longer, 16)
    assert abs(pair - alone) <= one_epoch / 2 and longer.epochs > 20


def test_twins_share_one_training_alone():
    twins = {arm.name: arm for arm in arms(PretrainSettings("patterns", "", peers=("wrn_10_1", "wrn_10_1")), 16)}
    assert twins["solo"].training == twins["big_solo"].training
    assert (twins["big_solo"].encoder, twins["dogo_big"].encoder) == ("wrn_10_1", "wrn_10_1_2")


def test_with_averages_these_are_studied(by_name):
    averaged = {arm.name: arm.encoder for arm in arms(dataclasses.replace(PAIR, ema=0.99), 16)}
    assert (averaged["solo"], averaged["dogo_big"]) == ("wrn_10_1_ema", "wrn_16_2_ema")
    assert by_name["solo"].encoder == "wrn_10_1"


def test_a_head_start_is_that_of_its_peer_alone():
    pair = dataclasses.replace(PAIR, peers=("wrn_10_1", "wrn_10_1"), init=("wrn_10_1_2=runs/longer#big",))
    started = {arm.name: arm.training.init for arm in arms(pair, 16)}
    assert started["dogo"] == pair.init and started["solo"] == started["solo_matched"] == ()
    assert started["big_solo"] == ("wrn_10_1=runs/longer#big",)  # by the name that it has alone


def test_an_arm_with_a_head_start_is_the_pair_after_a_longer_run_of_the_big_one(by_name):
    longer, started = by_name["big_longer"], by_name["head_start"]
    assert longer.training == dataclasses.replace(by_name["big_solo"].training, epochs=20)  # twice the pair's
    assert (started.training, started.starts_from, started.needs) == (PAIR, ("wrn_16_2", "big_longer"), "big_longer")
    assert started.run != by_name["dogo"].run
    asked = {arm.name: arm for arm in arms(PAIR, 16, ArmSettings(head_start_epochs=7))}
    assert asked["big_longer"].training.epochs == 7


def test_a_smaller_peer_learns_by_the_settings_of_the_small_one():
    pair = dataclasses.replace(PAIR, peers=("wrn_10_2", "wrn_16_2"))
    found = {arm.name: arm for arm in arms(pair, 16, ArmSettings(smaller_peer="wrn_10_1:simsiam"))}
    smaller = found["smaller"]
    assert smaller.training == dataclasses.replace(found["solo"].training, peers=("wrn_10_2", "wrn_10_1:simsiam"))
    assert smaller.encoder == "wrn_10_2" and found["solo_as_smaller"].training.epochs > 10


def test_a_smaller_peer_must_be_smaller():
    message = (
        r"smaller_peer: expected an encoder of fewer operations than wrn_10_1, \d+\.\d MFLOP an image; wrn_16_1 has \d"
    )
    with pytest.raises(InputError, match=message):
        arms(PAIR, 16, ArmSettings(smaller_peer="wrn_16_1"))


def test_a_family_learns_next_to_one_peer_and_shares_its_cost():
    found = {arm.name: arm for arm in arms(PAIR, 16, ArmSettings(siblings=("wrn_10_2", "wrn_10_1")))}
    training = found["family"].training
    assert training.peers == (*PAIR.peers, "wrn_10_2:simclr:temperature=0.2", "wrn_10_1:simclr:temperature=0.2")
    assert (training.learning_rate, training.distill_weight) == ((0.1, 0.2, 0.1, 0.1), (1.0, 2.0, 1.0, 1.0))
    assert training.teach == (
        "wrn_16_2>wrn_10_1,wrn_10_1>wrn_16_2,wrn_16_2>wrn_10_2,wrn_10_2>wrn_16_2,wrn_16_2>wrn_10_1_2,wrn_10_1_2>wrn_16_2"
    )
    small, big = (training_gflop(found[name].training, 16) for name in ("solo", "big_solo"))
    share = training_gflop(training, 16, student="wrn_10_1")
    assert share == pytest.approx(small + big / 3)
    longer = found["solo_as_family"].training
    assert abs(whole_gflop(longer, 16) - 10 * share) <= small / 2


def test_in_a_pair_a_student_bears_all_of_it(by_name):
    for name in ("solo", "dogo", "dogo_big", "one_way", "self"):
        training = by_name[name].training
        assert training_gflop(training, 16, student=by_name[name].peer) == pytest.approx(training_gflop(training, 16))


def test_a_student_of_an_average_bears_its_peer_and_both_averages():
    pair = dataclasses.replace(PAIR, ema=0.99, teach="wrn_16_2_ema>wrn_10_1,wrn_10_1_ema>wrn_16_2")
    whole, without = training_gflop(pair, 16), training_gflop(dataclasses.replace(pair, teach="all"), 16)
    assert without < whole == pytest.approx(training_gflop(pair, 16, student="wrn_10_1"))


@pytest.mark.parametrize(
    ("name", "setting", "value", "share"),
    [("stopping", "train_share", (1.0, 0.2), 0.2), ("every_kth", "train_every", (1, 5), 0.2)],
)
def test_a_peer_that_rests_costs_for_the_steps_in_which_it_takes_part(name, setting, value, share):
    found = {arm.name: arm for arm in arms(PAIR, 16, ArmSettings(peer_every=5, peer_share=0.2))}
    training = found[name].training
    assert training == dataclasses.replace(PAIR, **{setting: value})
    small, big = (training_gflop(found[alone].training, 16) for alone in ("solo", "big_solo"))
    assert training_gflop(training, 16) == pytest.approx(small + share * big)
    longer = found[f"solo_as_{name}"].training
    assert abs(whole_gflop(longer, 16) - 10 * (small + share * big)) <= small / 2


def test_a_cached_teacher_is_the_finished_big_one_that_looked_once(by_name):
    cached = by_name["cached"]
    assert (cached.taught_by, cached.encoder) == ("big_solo", "wrn_10_1")
    assert dataclasses.replace(cached.training, cache_teachers=False) == by_name["solo"].training


@pytest.mark.parametrize(("arm", "looks"), [("cached", 1), ("frozen", 2 * 10)])  # at both views in each of 10 epochs
def test_alone_for_the_compute_of_a_teacher_counts_its_training_and_its_looks(arm, looks, by_name):
    small, big = by_name["solo"].training, by_name["big_solo"].training
    spent = (
        whole_gflop(small, 16)
        + whole_gflop(big, 16)
        + teaching_operations(encoders.build("wrn_16_2", 16), looks=looks) / 1e9
    )
    longer = by_name[f"solo_as_{arm}"].training
    assert abs(whole_gflop(longer, 16) - spent) <= training_gflop(longer, 16) / 2


@pytest.mark.parametrize(("arm", "parts"), [("self", ["self"]), ("head_start", ["dogo", "big_longer"])])
def test_alone_for_the_compute_of_an_arm_counts_what_was_trained_before(arm, parts, by_name):
    longer = by_name[f"solo_as_{arm}"].training
    spent = sum(whole_gflop(by_name[part].training, 16) for part in parts)
    assert abs(whole_gflop(longer, 16) - spent) <= training_gflop(longer, 16) / 2
    assert dataclasses.replace(longer, epochs=10) == by_name["solo"].training


def test_local_views_go_with_their_peer_and_count(by_name):
    pair = dataclasses.replace(PAIR, local_views=(3, 0))
    with_local = {arm.name: arm.training for arm in arms(pair, 16)}
    assert with_local["solo"].local_views == (3,) and with_local["big_solo"].local_views == (0,)
    assert training_gflop(with_local["solo"], 16) > 1.3 * training_gflop(by_name["solo"].training, 16)
    assert training_gflop(with_local["big_solo"], 16) == training_gflop(by_name["big_solo"].training, 16)


def test_one_way_is_the_pair_of_which_one_learns_alone(by_name):
    one_way = by_name["one_way"]
    assert one_way.training.teach == "wrn_16_2>wrn_10_1" and one_way.encoder == "wrn_10_1"
    assert dataclasses.replace(one_way.training, teach="all") == PAIR


def test_frozen_arms_are_the_small_one_taught_by_the_finished_big_one(by_name):
    assert by_name["frozen"].training == by_name["solo"].training
    for name, scheme in (("frozen_seed", "seed"), ("frozen_compress", "compress"), ("frozen_simreg", "simreg")):
        arm = by_name[name]
        assert (arm.taught_by, arm.encoder, arm.training.scheme) == ("big_solo", "wrn_10_1", scheme)
        assert (arm.training.ssl_weight, arm.training.distill_weight) == ((0.0,), (1.0,))
        assert (arm.training.epochs, arm.training.learning_rate, arm.training.views) == (10, (0.1,), "shared")


def test_the_average_of_its_own_weights_takes_the_place_of_the_peer(by_name):
    itself, solo = by_name["self"], by_name["solo"]
    assert itself.training.teach == "wrn_10_1_ema>wrn_10_1" and itself.training.ema == 0.999
    assert dataclasses.replace(itself.training, teach="all", ema=None) == solo.training
    assert itself.encoder == "wrn_10_1"  # not the average: the other arms have none
    averaged = {arm.name: arm for arm in arms(dataclasses.replace(PAIR, ema=0.99), 16)}["self"]
    assert (averaged.training.ema, averaged.encoder) == (0.99, "wrn_10_1_ema")


def test_an_average_that_teaches_costs_a_forward_pass_of_encoder_and_projector(by_name):
    alone, itself = (training_gflop(by_name[name].training, 16) for name in ("solo", "self"))
    assert itself == pytest.approx(alone * 4 / 3)  # learning takes three passes


def test_a_frozen_teacher_costs_its_forward_passes(by_name):
    small, big = by_name["solo"].training, by_name["big_solo"].training
    alone, taught, teacher = (training_gflop(small, 16), training_gflop(small, 16, big), training_gflop(big, 16))
    assert alone < taught < alone + teacher / 2
    cached = training_gflop(dataclasses.replace(small, cache_teachers=True), 16, big)
    assert cached - alone == pytest.approx(
        (taught - alone) / (2 * small.epochs)
    )  # one look, not two views in every epoch


@pytest.mark.parametrize("peers", [("wrn_10_1",), ("wrn_10_1", "wrn_16_1", "wrn_16_2")])
def test_a_comparison_is_between_one_and_two(peers):
    with pytest.raises(InputError, match=f"peers: expected two, the small one and its bigger peer; got {len(peers)}"):
        arms(PretrainSettings("patterns", "", peers=peers), 16)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("peer", "; did you mean dogo (next to its peer)?"),
        ("headstart", "; did you mean head_start (next to a peer with a head start)?"),
        ("hand", "; did you mean at_hand (taught by a network that was there)?"),
        ("duo", ", stopping"),
        ("", ", stopping"),
    ],
)
def test_an_unknown_arm_is_answered_with_the_one_that_was_meant(asked, meant):
    with pytest.raises(InputError) as error:
        ComparisonSettings(PAIR, StudyPlan(), ("patterns", "train", "test"), arms=(asked,))
    assert str(error.value).startswith(f"unknown arm {asked!r}; known: at_hand, ") and str(error.value).endswith(meant)
