"""A trunk at a constant rate, and branches of it that cool down."""

import dataclasses

import pytest
from run_states import assert_same_state, log, make_pictures, small_run

from dogo_tf import optimizers
from dogo_tf.errors import InputError
from dogo_tf.pretraining import precision
from dogo_tf.pretraining.branch import _check_rates
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.folder import RunFolder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))  # 3 steps an epoch


def settings(pictures, run_dir, **changes):
    usual = {"peers": ("small_conv",), "schedule": "wsd", "warmup_epochs": 1.0, "log_every": 1}
    return small_run(pictures, run_dir, **{**usual, **changes})


@pytest.fixture(scope="module")
def trunk(pictures, tmp_path_factory):
    """4 epochs of 3 steps, of which the last cools down."""
    made = settings(pictures, tmp_path_factory.mktemp("runs") / "trunk", epochs=4, cooldown=0.25, checkpoint_steps=3)
    run = pretrain(made)
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step_000000009", "step_000000012"]
    return made


def branch(trunk, run_dir, step=9, **changes):
    usual = {"epochs": 4, "run_dir": str(run_dir), "cooldown_from": f"{trunk.run_dir}@{step}"}
    return dataclasses.replace(trunk, **{**usual, **changes})


def test_a_branch_of_the_same_length_ends_as_its_trunk_bit_by_bit(trunk, tmp_path):
    same = pretrain(branch(trunk, tmp_path / "same"))
    assert_same_state(same, RunFolder(trunk.run_dir))
    assert log(same) == log(RunFolder(trunk.run_dir))


def test_a_longer_branch_goes_on_at_the_trunks_rate_before_it_cools_down(trunk, tmp_path, capsys):
    longer = pretrain(branch(trunk, tmp_path / "longer", epochs=5, cooldown=0.2))
    shown = capsys.readouterr().out
    assert f"beginning as a branch of {trunk.run_dir} at its step 9\n" in shown and "resuming" not in shown
    lines = log(longer)
    assert [line["step"] for line in lines] == [*range(1, 16)]
    assert lines[:9] == log(RunFolder(trunk.run_dir))[:9]
    rates = [
        line["small_conv/learning_rate"] for line in lines[9:]
    ]  # of steps 10 to 15, which is begun at step 9 to 14
    expected = optimizers.schedule("wsd", 1e-3, total_steps=15, warmup_steps=3, cooldown=0.2)
    assert rates == pytest.approx([float(expected(step)) for step in range(9, 15)])
    assert rates[3] == pytest.approx(1e-3) and rates[5] < 0.2e-3
    pretrain(branch(trunk, tmp_path / "longer", epochs=5, cooldown=0.2), resume=True)
    assert f"resuming from {longer.checkpoints / 'step_000000015'}\n" in capsys.readouterr().out
    assert log(longer) == lines


def test_mistakes_are_told_before_anything_is_written(trunk, pictures, tmp_path):
    def refused(message, **changes):
        with pytest.raises(InputError, match=message):
            pretrain(branch(trunk, tmp_path / "run", **changes))
        assert not (tmp_path / "run" / "config.json").exists()

    refused("cooldown_from: expected run_folder@step, e.g. runs/trunk@1560; got 'runs/a'", cooldown_from="runs/a")
    refused("^cooldown_from: .* holds no run: config.json cannot be read", cooldown_from=f"{tmp_path}@9")
    auto = {"cooldown_from": f"{tmp_path}@9", "precision": "auto"}
    refused("^cooldown_from: .* holds no run: config.json cannot be read", **auto)
    refused(r"has no checkpoint of step 7; it has: 9, 12. A trunk with --keep_checkpoints has those of all", step=7)
    refused(
        r"has other settings:\n  seed: 0 before, 1 now\nGive them as the trunk has them; a branch may differ from it in "
        "epochs, schedule, cooldown$",
        seed=1,
    )
    refused("step 12 lies behind step 9, where the trunk's cool-down begins, the last 0.25 of 4 epochs", step=12)
    refused("step 9 lies behind step 6, where the branch's cool-down begins, the last 0.5 of 4 epochs", cooldown=0.5)
    refused("cooldown_from: expected schedule wsd, which has a cool-down; got cosine", schedule="cosine")
    refused("cooldown: expected a number above 0 and up to 1, got 1.5", cooldown=1.5)


def test_a_constant_trunk_without_a_warm_up_is_refused():
    trunk = {"data": {"images": 64}, "settings": {"schedule": "constant", "epochs": 4}}
    alone = PretrainSettings("photos", "", batch_size=16, epochs=4, schedule="wsd", warmup_epochs=0.0)
    with pytest.raises(InputError, match="cooldown_from: expected a trunk with a warm-up, or with the schedule 'wsd'"):
        _check_rates(alone, trunk, 8)
    _check_rates(dataclasses.replace(alone, warmup_epochs=1.0), trunk, 8)


@pytest.mark.slow
def test_a_branch_may_begin_at_any_checkpoint_that_a_finished_trunk_has_kept(pictures, tmp_path):
    usual = {"epochs": 4, "cooldown": 0.25, "checkpoint_steps": 3}
    trunk = settings(pictures, tmp_path / "trunk", **usual, keep_checkpoints=True)
    run = pretrain(trunk)
    kept = [f"step_{step:09}" for step in (3, 6, 9, 12)]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == kept
    early = pretrain(branch(trunk, tmp_path / "early", step=3, epochs=2, cooldown=0.5))
    own = pretrain(settings(pictures, tmp_path / "own", **{**usual, "epochs": 2, "cooldown": 0.5}))
    assert_same_state(early, own)


@pytest.mark.slow
def test_steps_that_come_several_at_a_time_are_kept_where_they_pass_one(pictures, tmp_path):
    made = settings(pictures, tmp_path / "run", epochs=4, checkpoint_steps=4, keep_checkpoints=True)
    run = pretrain(dataclasses.replace(made, steps_per_execution=3))
    assert sorted(int(path.name[5:]) for path in run.checkpoints.iterdir()) == [6, 9, 12]


@pytest.mark.slow
def test_a_peer_that_stops_early_stops_by_the_length_of_its_trunk(pictures, tmp_path):
    peers = {"peers": ("small_conv", "big=small_conv"), "train_share": (1.0, 0.5)}
    trunk = settings(pictures, tmp_path / "trunk", epochs=2, checkpoint_steps=3, cooldown=0.5, **peers)
    pretrain(trunk)
    with pytest.raises(InputError, match="stops after a share of its 2 epochs, so a branch must have as many; got 3"):
        pretrain(branch(trunk, tmp_path / "branch", step=3, epochs=3))


def test_a_branch_computes_as_its_trunk_did(trunk, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "fastest", lambda *_: precision.Choice("mixed_bfloat16"))
    run = pretrain(branch(trunk, tmp_path / "branch", precision="auto"))
    assert run.config()["settings"]["precision"] == trunk.precision == "float32"


def test_kept_checkpoints_are_those_of_so_many_steps(pictures, tmp_path):
    with pytest.raises(InputError, match="keep_checkpoints: expected checkpoint_steps, too, as those stay"):
        settings(pictures, tmp_path / "run", keep_checkpoints=True)
