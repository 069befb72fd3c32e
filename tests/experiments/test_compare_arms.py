"""dogo-compare asked for more arms and seeds when it is finished: it trains only those."""

import json

import numpy as np
import pytest
from comparisons import FEW, command, names, note_trainings
from pictures import make_folder

from dogo_tf import data
from dogo_tf.experiments import compare

pytestmark = pytest.mark.slow

ALL_ARMS = {"random", "solo", "dogo", "solo_matched", "big_solo", "dogo_big"}  # the default


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def with_all_arms(pictures, tmp_path_factory):
    """A finished comparison of few arms, run again with those that it has by default, and the trainings that this added."""
    out = tmp_path_factory.mktemp("runs") / "comparison"
    assert compare.run(command(pictures, out, *FEW)) == 0
    with pytest.MonkeyPatch.context() as patched:
        began = note_trainings(patched)
        assert compare.run(command(pictures, out, "--seeds=1")) == 0
    return out, names(began)


def test_more_arms_train_only_themselves(with_all_arms):
    out, trained = with_all_arms
    assert trained == ["solo_matched_seed0", "big_solo_seed0"]
    arms = {file.name.removesuffix("_seed0.npz") for file in (out / "scores").glob("*.npz")} - {"labels"}
    assert arms == ALL_ARMS


def test_more_seeds_train_only_themselves(with_all_arms, pictures, monkeypatch, capsys):
    out, _ = with_all_arms
    began = note_trainings(monkeypatch)
    before = json.loads((out / "summary.json").read_text())
    assert compare.run(command(pictures, out, "--seeds=2", "--arms=solo,dogo")) == 0
    assert names(began) == ["solo_seed1", "dogo_seed1"] and [settings.seed for settings in began] == [1, 1]
    assert "report.html" in capsys.readouterr().out
    assert json.loads((out / "summary.json").read_text()) != before


def test_online_against_offline_is_added_to_a_finished_comparison(with_all_arms, pictures, monkeypatch, capsys):
    out, _ = with_all_arms
    began = note_trainings(monkeypatch)
    arms = "solo,dogo,one_way,frozen,frozen_seed"
    assert compare.run(command(pictures, out, "--seeds=1", f"--arms={arms}")) == 0
    assert names(began) == ["one_way_seed0", "frozen_seed0", "frozen_seed_seed0"]
    assert began[1].teachers == began[2].teachers == (f"teacher={out}/runs/big_solo_seed0#bigger_conv",)
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["studies"][0]["accuracy"]) == set(arms.split(","))
    assert "dogo - one_way" in summary["studies"][0]["differences"]
    assert "Not finished" not in capsys.readouterr().out


def test_a_teacher_at_hand_is_added_to_a_finished_comparison(with_all_arms, pictures, tmp_path, capsys):
    (out, _), photos = with_all_arms, data.load(pictures, "train", 16)
    features = np.random.default_rng(0).normal(size=(len(photos), 4)).astype(np.float32)
    np.savez(tmp_path / "there.npz", features=features, names=photos.files)
    asked = ["--arms=solo,at_hand", f"--teachers=there={tmp_path / 'there.npz'}", "--at_hand_scheme=seed"]
    assert compare.run(command(pictures, out, "--seeds=1", *asked)) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert "at_hand - solo" in summary["studies"][0]["differences"]
    assert compare.run(command(pictures, out, "--seeds=1", "--arms=solo")) == 0  # the teacher is not needed again
    assert compare.run(command(pictures, out, "--seeds=1", *asked[:2], "--at_hand_scheme=simreg")) == 2
    assert "at_hand_scheme: 'seed' before, 'simreg' now" in capsys.readouterr().err
    # A folder of before the scheme could be chosen.
    kept = json.loads((out / "comparison.json").read_text())
    del kept["settings"]["at_hand_scheme"], kept["settings"]["at_hand_weight"]
    (out / "comparison.json").write_text(json.dumps(kept))
    assert compare.run(command(pictures, out, "--seeds=1", *asked)) == 2
    assert "at_hand_scheme: None before, 'seed' now" in capsys.readouterr().err


def test_a_head_start_is_trained_first_and_its_cost_is_told_apart(with_all_arms, pictures, monkeypatch):
    out, _ = with_all_arms
    began = note_trainings(monkeypatch)
    flags = ["--seeds=1", "--arms=solo,dogo,self,head_start", "--head_start_epochs=3"]
    assert compare.run(command(pictures, out, *flags)) == 0
    itself, longer, started = began
    assert itself.teach == "small_conv_ema>small_conv"
    assert longer.run_dir.endswith("big_longer_seed0") and longer.epochs == 3
    assert started.init == (f"bigger_conv={out}/runs/big_longer_seed0#bigger_conv",)
    costs = json.loads((out / "summary.json").read_text())["costs"]
    big = costs["dogo"]["train_gflop"] - costs["solo"]["train_gflop"]
    assert costs["head_start"]["train_gflop"] == costs["dogo"]["train_gflop"]
    assert costs["head_start"]["before_gflop"] == pytest.approx(3 * big) and costs["dogo"]["before_gflop"] == 0
    assert "with what was trained before" in (out / "report.html").read_text()
    # Its own setting is kept, and only asked for again by the arm that has it.
    assert compare.run(command(pictures, out, "--seeds=1", "--arms=solo")) == 0
    assert compare.run(command(pictures, out, *flags[:2], "--head_start_epochs=4")) == 2


def test_arms_of_peers_that_rest_and_of_teachers_that_look_once_are_trained_studied_and_paid_for(
    with_all_arms, pictures
):
    out, _ = with_all_arms
    arms = ["solo", "dogo", "cached", "frozen", "family", "every_kth", "stopping"]
    own = ["--siblings=third=small_conv", "--peer_every=2", "--peer_share=0.5"]
    assert compare.run(command(pictures, out, "--seeds=1", f"--arms={','.join(arms)}", *own)) == 0
    summary = json.loads((out / "summary.json").read_text())
    for study in summary["studies"]:
        assert study["accuracy"].keys() == set(arms)
    cost = {arm: costs["train_gflop"] for arm, costs in summary["costs"].items()}
    assert cost["solo"] < cost["cached"] < cost["frozen"] < cost["dogo"]
    assert cost["solo"] < cost["every_kth"] < cost["dogo"] and cost["every_kth"] == pytest.approx(cost["stopping"])
    assert cost["solo"] < cost["family"] < cost["dogo"]


def test_a_smaller_peer_is_trained_and_studied(pictures, tmp_path):
    peers = ("--peers=bigger_conv,wrn_10_1", "--smaller_peer=small_conv")
    assert compare.run(command(pictures, tmp_path / "out", "--seeds=1", "--arms=solo,smaller", *peers)) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert "smaller - solo" in summary["studies"][0]["differences"]
