"""The README's first command, whole."""

import json
from unittest.mock import Mock

import pytest

from dogo_tf.experiments import quickstart


def write_run(folder, dataset, *encoders):
    """What is kept of a run, as before the temperature was spelled out."""
    config = {
        "settings": {"dataset": dataset, "data_dir": None, "peers": [f"{name}:simclr" for name in encoders]},
        "peers": [{"name": name, "encoder": name, "objective": "simclr"} for name in encoders],
        "data": {"image_size": 32},
        "provenance": {},
    }
    (folder / "config.json").write_text(json.dumps(config))


def test_the_quickstart_of_an_earlier_version_is_replaced(tmp_path, monkeypatch):
    class Begun(BaseException):
        pass

    monkeypatch.setattr("dogo_tf.pretraining.pretrain.pretrain", begun := Mock(side_effect=Begun))
    write_run(tmp_path, "patterns", "wrn_16_2", "wrn_10_2")
    with pytest.raises(Begun):
        quickstart.run(["dogo-quickstart", f"--run_dir={tmp_path}"])
    assert begun.call_args.kwargs == {"overwrite": True}


def test_a_run_of_other_networks_on_the_same_images_is_not_replaced_unasked(tmp_path, capsys):
    write_run(tmp_path, "patterns", "wrn_16_2")
    assert quickstart.run(["dogo-quickstart", f"--run_dir={tmp_path}"]) == 2
    assert f"--run_dir: {tmp_path} holds another run, of patterns; " in capsys.readouterr().err


def test_the_run_of_other_images_is_not_replaced_unasked(tmp_path, capsys):
    write_run(tmp_path, "photos", "wrn_16_2", "wrn_10_2")
    assert quickstart.run(["dogo-quickstart", f"--run_dir={tmp_path}"]) == 2
    expected = (
        f"--run_dir: {tmp_path} holds another run, of photos; choose another folder, or replace it by --overwrite"
    )
    assert expected in capsys.readouterr().err
    assert (tmp_path / "config.json").exists()


@pytest.mark.slow
def test_the_small_encoder_learns_without_labels_and_becomes_a_file(tmp_path, capsys):
    run_dir = tmp_path / "run"
    assert quickstart.run(["dogo-quickstart", f"--run_dir={run_dir}", f"--data_dir={tmp_path / 'data'}"]) == 0
    shown = capsys.readouterr().out
    report = json.loads((run_dir / "quickstart.json").read_text())
    few_labels = {name: probe["linear"]["0.01"]["accuracy"] for name, probe in report["probes"].items()}
    assert few_labels["wrn_10_2, pre-trained"] >= few_labels["wrn_10_2, random"] + 0.15
    for name, column in (("wrn_10_2, random", "303,344"), ("wrn_16_2, pre-trained", "692,208")):
        assert any(name in line and column in line for line in shown.splitlines())
    assert report["files"]["float16"]["bytes"] < 0.53 * report["files"]["float32"]["bytes"]
    assert (run_dir / "export" / "wrn_10_2" / "wrn_10_2_float16.tflite").stat().st_size == report["files"]["float16"][
        "bytes"
    ]
