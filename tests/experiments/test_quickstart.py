"""The README's first command, whole."""

import json

import pytest

from dogo_tf.experiments import quickstart


def test_the_run_of_other_images_is_not_replaced_unasked(tmp_path, monkeypatch, capsys):
    config = {
        "settings": {"dataset": "photos", "data_dir": None, "peers": ["wrn_10_2"]},
        "peers": [{"name": "wrn_10_2"}],
        "data": {"image_size": 32},
        "provenance": {},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
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
