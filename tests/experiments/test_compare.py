"""dogo-compare from the command line to the report; killed, run again, and asked for something else."""

import json
import shutil
from unittest.mock import Mock

import numpy as np
import pytest
from comparisons import ARMS, FEW, command, names, note_trainings
from pictures import make_folder

from dogo_tf.comparison import folder
from dogo_tf.comparison import runs as comparison_runs
from dogo_tf.encoders import build
from dogo_tf.experiments import compare
from dogo_tf.platform.keras_compat import tf
from dogo_tf.pretraining.precision import Choice


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("pictures"))


class PowerCut(BaseException):
    """Like a kill, it passes everything that handles errors."""


@pytest.fixture(scope="module")
def finished(pictures, tmp_path_factory):
    """A comparison that was cut off in its third arm and then run again, and the trainings of both calls."""
    out = tmp_path_factory.mktemp("runs") / "comparison"
    with pytest.MonkeyPatch.context() as patched:
        began = note_trainings(patched)
        noted = comparison_runs.pretrain

        def cut_off(settings, resume, **how):
            noted(settings, resume=resume, **how)
            if names(began)[-1] == "dogo_seed0" and not resume:
                raise PowerCut

        patched.setattr(comparison_runs, "pretrain", cut_off)
        with pytest.raises(PowerCut):
            compare.run(command(pictures, out, *FEW))
        assert compare.run(command(pictures, out, *FEW)) == 0
    return out, names(began)


def test_every_arm_is_studied_and_reported(finished):
    out, _ = finished
    assert {file.name for file in (out / "scores").glob("*.npz")} == {
        "labels_seed0.npz",
        *(f"{arm}_seed0.npz" for arm in ARMS),
    }
    for name in ("report.html", "summary.json", "summary.csv", "scores/labels_seed0.npz"):
        assert (out / name).stat().st_size > 0
    assert "small_conv" in (out / "report.html").read_text()


def test_a_killed_comparison_repeats_no_finished_training(finished):
    _, trained = finished
    assert trained == ["solo_seed0", "dogo_seed0", "dogo_seed0"]


def test_running_it_again_trains_nothing(finished, pictures, monkeypatch):
    monkeypatch.setattr(comparison_runs, "pretrain", lambda *_, **__: pytest.fail("trained again"))
    assert compare.run(command(pictures, finished[0], *FEW)) == 0


@pytest.mark.slow
def test_scores_of_earlier_probes_are_made_anew_without_training(finished, pictures, monkeypatch, capsys):
    monkeypatch.setattr(comparison_runs, "pretrain", lambda *_, **__: pytest.fail("trained again"))
    scores, cost = (finished[0] / "scores" / f"solo_seed0.{ending}" for ending in ("npz", "json"))
    before, told = dict(np.load(scores)), json.loads(cost.read_text())
    earlier = {name: value for name, value in told.items() if name != "probes"}
    cost.write_text(json.dumps(earlier))
    np.savez(scores, **{study: np.zeros_like(values) for study, values in before.items()})
    assert compare.run(command(pictures, finished[0], *FEW)) == 0
    assert "solo, seed 0" in (shown := capsys.readouterr().out) and "dogo, seed 0" not in shown
    now = dict(np.load(scores))
    assert now.keys() == before.keys()
    for study, values in before.items():
        np.testing.assert_array_equal(now[study], values)
    assert json.loads(cost.read_text()) == told


@pytest.mark.slow
def test_a_later_arm_brings_its_settings_with_it(finished, pictures, monkeypatch, capsys):
    out, _ = finished
    seen = []

    def stop(settings, **_):
        seen.append(settings)
        raise PowerCut

    monkeypatch.setattr(comparison_runs, "pretrain", stop)
    asked = ["--seeds=1", "--arms=solo,head_start"]
    with pytest.raises(PowerCut):
        compare.run(command(pictures, out, *asked, "--head_start_epochs=3"))
    assert seen[0].epochs == 3 and seen[0].peers == ("bigger_conv:simclr:temperature=0.2",)
    assert compare.run(command(pictures, out, *asked, "--head_start_epochs=4")) == 2
    assert "  head_start_epochs: 3 before, 4 now" in capsys.readouterr().err
    monkeypatch.undo()
    assert compare.run(command(pictures, out, *FEW)) == 0


@pytest.mark.slow
def test_a_precision_is_chosen_once_for_all_arms(finished, pictures, tmp_path, monkeypatch):
    out, _ = finished
    seen, timed = [], []

    def stop(settings, **_):
        seen.append(settings.precision)
        raise PowerCut

    def fastest(*_):
        timed.append(1)
        return Choice("mixed_bfloat16", "it won")

    monkeypatch.setattr(comparison_runs, "pretrain", stop)
    monkeypatch.setattr(comparison_runs.precision, "fastest", fastest)
    for _ in range(2):
        with pytest.raises(PowerCut):
            compare.run(command(pictures, tmp_path / "new", *FEW[:1], "--arms=solo", "--precision=auto"))
    assert seen == ["mixed_bfloat16"] * 2 and len(timed) == 1
    # A comparison that has one keeps it.
    assert compare.run(command(pictures, out, *FEW, "--precision=auto")) == 0
    assert len(timed) == 1 and '"precision": "float32"' in (out / "comparison.json").read_text()


def test_arms_of_one_seed_start_from_the_same_weights_and_data(finished):
    out, _ = finished
    configs = [json.loads((out / "runs" / f"{name}_seed0/config.json").read_text()) for name in ("solo", "dogo")]
    assert [config["settings"]["seed"] for config in configs] == [0, 0]
    assert configs[0]["data"] == configs[1]["data"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--epochs=2"],
            "holds a comparison with other settings; give those of before, choose another folder, or delete it with "
            "--overwrite:\n  epochs: 1",
        ),
        (["--draws=3"], "  draws: 2 before, 3 now"),
        (["--test_split=train"], "expected another split of"),
        (["--noise=symmetric"], "--noise: expected kind:share, e.g. symmetric:0.4; got 'symmetric'"),
        (["--noise=symmetric:much"], "--noise: expected numbers, separated by commas; got 'much'"),
        (["--transfer=cifar10"], "--transfer: expected dataset:train split:test split"),
        (["--corruptions=rain"], "unknown corruption 'rain'; known: "),
        (["--peers=small_conv"], "expected two, the small one and its bigger peer; got 1"),
        (["--arms=solo,duo"], "unknown arm 'duo'; known: at_hand, big_longer"),
        (["--arms=solo,at_hand"], "teachers: the arm at_hand needs it: a network that is there, e.g. big=dinov2.npz"),
        (["--at_hand_scheme=sead"], "at_hand_scheme: expected one of compress, seed, similarity_kl"),
        (["--at_hand_weight=-1"], "at_hand_weight: expected a number of at least 0, got -1.0"),
        (["--teachers=big=x.npz"], "arms: teachers are for the arm at_hand; add it, got "),
        (
            ["--arms=at_hand", "--teachers=there=x.npz", "--teach=there>small_conv"],
            "teach: in a comparison teachers are for the arm at_hand alone; leave out there>small_conv",
        ),
        (
            ["--arms=solo,smaller"],
            "smaller_peer: the arm smaller needs it: a network smaller than the first of the peers",
        ),
        (
            ["--arms=solo_as_family"],
            "siblings: the arm solo_as_family needs it: further students of the bigger peer, e.g.",
        ),
        (["--ema=1"], "--ema: expected "),
        (["--head_start_epochs=0"], "--head_start_epochs: expected a whole number of at least 1, got 0"),
        (["--seeds=0"], "--seeds: expected a whole number from 1 to 1000, got 0"),
        (["--labelled=elsewhere"], "--train_split: which split of --labelled gives the labels?"),
    ],
)
def test_a_mistake_gets_one_message_and_touches_nothing(words, message, finished, pictures, capsys):
    out, _ = finished
    before = sorted((path, path.stat().st_mtime_ns) for path in out.rglob("*"))
    assert compare.run(command(pictures, out, "--seeds=1", *words)) == 2
    shown = capsys.readouterr().err
    assert message in shown and "Traceback" not in shown
    assert sorted((path, path.stat().st_mtime_ns) for path in out.rglob("*")) == before


def test_runs_that_an_earlier_version_trained_otherwise_are_not_mixed_with_new_ones(
    finished, pictures, tmp_path, capsys
):
    shutil.copytree(finished[0], out := tmp_path / "earlier")
    config = out / "runs" / "dogo_seed0" / "config.json"
    told = json.loads(config.read_text())
    told["settings"]["epochs"] = 2
    config.write_text(json.dumps(told))
    assert compare.run(command(pictures, out, *FEW)) == 2
    shown = capsys.readouterr().err
    assert f"{out}/runs/dogo_seed0 was trained with other settings, by an earlier version of dogo_tf" in shown
    assert "  epochs: 2 before, 1 now" in shown and "Traceback" not in shown
    assert compare.run(command(pictures, out, "--seeds=1", "--arms=random,solo")) == 0  # the others are as they were


def test_a_comparison_that_began_with_a_flag_without_effect_goes_on(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparison_runs, "described", Mock(side_effect=PowerCut))
    asked = command(pictures, tmp_path, "--cooldown=0.3")
    (tmp_path / "comparison.json").touch()
    with pytest.raises(PowerCut):  # the flag was taken
        compare.run(asked)
    for anew in ([*asked, "--overwrite"], command(pictures, tmp_path / "new", "--cooldown=0.3")):
        assert compare.run(anew) == 2
        assert "--cooldown: has no effect as things are" in capsys.readouterr().err


def test_after_an_overwrite_the_advice_is_not_to_overwrite_again(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(comparison_runs, "pretrain", Mock(side_effect=KeyboardInterrupt))
    assert compare.run(command(pictures, tmp_path, "--seeds=1", "--arms=solo", "--overwrite")) == 130
    assert "Run the same command, without --overwrite, again to go on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "place", ["dogo_tf.comparison.folder.remove", "dogo_tf.comparison.runs.Comparison._check_files"]
)
def test_before_the_earlier_comparison_is_deleted_the_advice_is_to_overwrite_again(
    place, pictures, tmp_path, monkeypatch, capsys
):
    (tmp_path / "scores").mkdir()
    (tmp_path / "comparison.json").touch()
    monkeypatch.setattr(place, Mock(side_effect=KeyboardInterrupt))
    assert compare.run(command(pictures, tmp_path, "--seeds=1", "--arms=solo", "--overwrite")) == 130
    assert "Run the same command again to go on" in capsys.readouterr().err


def test_an_overwrite_that_is_cut_off_can_be_repeated(pictures, tmp_path, monkeypatch):
    removed = []

    def cut_off(entry):
        removed.append(entry.name)
        if len(removed) == 2:
            raise PowerCut

    monkeypatch.setattr(folder, "remove", cut_off)
    for name in ("runs", "comparison.json", "scores"):
        (tmp_path / name).touch()
    with pytest.raises(PowerCut):
        folder.keep(tmp_path, {}, overwrite=True)
    assert sorted(removed) == ["runs", "scores"]


def test_a_folder_with_other_files_is_left_alone(pictures, tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert compare.run(command(pictures, tmp_path, "--overwrite")) == 2
    assert "holds files but no comparison" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_one_test_image_is_refused_before_the_first_arm_trains(pictures, tmp_path, monkeypatch, capsys):
    (tmp_path / "single" / "test" / "dark").mkdir(parents=True)
    (tmp_path / "single" / "train").symlink_to(pictures / "train")
    (tmp_path / "single" / "test" / "dark" / "0.png").symlink_to(pictures / "val" / "dark" / "0.png")
    monkeypatch.setattr(comparison_runs, "pretrain", lambda *_, **__: pytest.fail("too late"))
    words = [f"--labelled={tmp_path / 'single'}", "--train_split=train", "--test_split=test"]
    assert compare.run(command(pictures, tmp_path / "out", *words)) == 2
    assert "single test: expected at least 2 images to test on, got 1" in capsys.readouterr().err


def test_wrong_weights_teachers_and_local_views_are_told_before_the_first_arm_trains(
    pictures, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(comparison_runs, "pretrain", lambda *_, **__: pytest.fail("trained first"))
    build("bigger_conv", 16).save(tmp_path / "other.keras", save_format="keras")
    np.save(tmp_path / "few.npy", np.ones([3, 4], np.float32))

    def refused(name, *words):
        out = tmp_path / name
        assert compare.run(command(pictures, out, "--seeds=1", *words)) == 2
        assert not list(out.iterdir())  # the right call can still be made
        return capsys.readouterr().err

    shown = refused("init", "--arms=solo,dogo", f"--init=small_conv={tmp_path / 'other.keras'}")
    assert "init: small_conv: " in shown and "is another network, bigger_conv: its array 0 has shape" in shown
    shown = refused("teacher", "--arms=solo,at_hand", f"--teachers=big={tmp_path / 'few.npy'}")
    assert "teachers: big: " in shown and "expected the features of 48 images, got 3" in shown
    assert "has no sub-folder 'tset'; known: train, val" in refused("split", "--test_split=tset")
    shown = refused("local", "--local_views=2", "--local_size=20")
    assert "local_size: expected at most 16, the side of the other views; got 20" in shown


@pytest.mark.parametrize(
    "wrong", [["--arms=solo,at_hand", "--teachers=big=no.npz"], ["--arms=solo,dogo", "--init=small_conv=no.npz"]]
)
def test_what_is_not_there_is_told_before_images_are_read(pictures, tmp_path, monkeypatch, capsys, wrong):
    monkeypatch.setattr(comparison_runs.data, "open", lambda *_, **__: pytest.fail("read first"))
    assert compare.run(command(pictures, tmp_path / "out", *wrong)) == 2
    assert "no.npz" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_earlier_comparison_is_overwritten_only_by_a_call_that_can_begin(finished, pictures, tmp_path, capsys):
    out = shutil.copytree(finished[0], tmp_path / "out")
    before = sorted(out.rglob("*"))
    words = ["--overwrite", "--seeds=1", "--arms=random", "--draws=1"]
    assert compare.run(command(pictures, out, *words, "--test_split=tset")) == 2
    assert sorted(out.rglob("*")) == before
    assert compare.run(command(pictures, out, *words)) == 0
    assert [file.name for file in (out / "scores").glob("*.npz") if "labels" not in file.name] == ["random_seed0.npz"]
    assert not (out / "runs").exists()


def test_a_saved_model_is_trusted_where_that_is_asked_for(pictures, tmp_path, monkeypatch, capsys):
    class Printing(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.uint8)])
        def __call__(self, images):
            tf.print("seen")
            return tf.cast(images[:, 0, 0], tf.float32)

    tf.saved_model.save(module := Printing(), str(tmp_path / "prints"), signatures=module.__call__)
    monkeypatch.setattr(comparison_runs, "pretrain", stopped := Mock(side_effect=PowerCut))
    words = ["--seeds=1", "--arms=solo,at_hand", f"--teachers=big={tmp_path / 'prints'}"]
    assert compare.run(command(pictures, tmp_path / "out", *words)) == 2
    assert "give --trust" in capsys.readouterr().err and not stopped.called
    with pytest.raises(PowerCut):
        compare.run(command(pictures, tmp_path / "out", *words, "--trust"))
    assert stopped.call_args.kwargs["trust"]


@pytest.mark.slow
def test_weights_that_have_gone_are_not_asked_for_by_what_is_trained(pictures, tmp_path):
    build("small_conv", 16).save(tmp_path / "e.keras", save_format="keras")
    asked = command(pictures, tmp_path / "out", "--seeds=1", "--arms=solo", f"--init=small_conv={tmp_path / 'e.keras'}")
    assert compare.run(asked) == 0
    (tmp_path / "e.keras").unlink()
    assert compare.run(asked) == 0


def test_paths_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "photos" / "val").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(comparison_runs, "described", lambda *asked: found.extend(asked) or 1 / 0)
    found = []
    with pytest.raises(ZeroDivisionError):
        compare.run(["dogo-compare", "--dataset=~/photos", "--out=~/comparison"])
    path, settings, _ = found
    assert path == tmp_path / "comparison" and settings.labelled == ("~/photos", "train", "val")
