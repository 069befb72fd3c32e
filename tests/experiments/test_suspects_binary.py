"""dogo-suspects from the command line to the files."""

import csv
import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dogo_tf.encoders import build
from dogo_tf.experiments import suspects
from dogo_tf.platform.keras_compat import keras
from dogo_tf.runs.folder import RunFolder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Dark and light images, two of them in the wrong folder; and a folder without labels."""
    path, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)

    def save(colour, file):
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(rng.normal(colour, 20, (8, 8, 3)), 0, 255).astype(np.uint8)).save(file)

    for label, colour in (("dark", 60), ("light", 190)):
        for i in range(30):
            save(colour, path / "labelled" / label / f"{i:02}.png")
            save(colour, path / "unlabelled" / f"{label}_{i}.png")
    save(190, path / "labelled" / "dark" / "wrong.png")
    save(60, path / "labelled" / "light" / "wrong.png")
    return path


@pytest.fixture(scope="module")
def run_dir(pictures, tmp_path_factory):
    """A run folder as dogo-pretrain leaves it, with an encoder that tells dark from light."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "pair")
    config = {
        "settings": {"dataset": str(pictures / "labelled"), "data_dir": None},
        "data": {"image_size": 8},
        "peers": [{"name": name} for name in ("small_conv", "small_conv_2")],
        "provenance": {},
    }
    folder.start(config, resume=False, overwrite=False)

    keras.utils.set_random_seed(0)

    encoder = build("small_conv", 8)
    folder.save_encoders([SimpleNamespace(encoders={"small_conv": encoder, "small_conv_2": encoder})])
    return folder.path


def command(run_dir, *more):
    return ["dogo-suspects", f"--run_dir={run_dir}", "--peer=small_conv", "--k=10", *more]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_misfiled_images_are_named_and_pictured(run_dir, pictures, capsys):
    assert suspects.run(command(run_dir)) == 0
    shown = capsys.readouterr().out
    assert "2 of 62 labels are suspicious (3.2 %)" in shown
    assert "1 x dark -> light" in shown and "1 x light -> dark" in shown and "self-test" not in shown
    listed = {row["file"]: row for row in rows(run_dir / "suspects" / "small_conv" / "suspects.csv")}
    assert set(listed) == {str(pictures / "labelled" / label / "wrong.png") for label in ("dark", "light")}
    row = listed[str(pictures / "labelled" / "dark" / "wrong.png")]
    assert (row["image"], row["label"], row["suggested"]) == ("30", "dark", "light")
    assert float(row["suggested_share"]) > 0.8 > 0.2 > float(row["label_share"])
    difference = float(row["suggested_share"]) - float(row["label_share"])
    assert float(row["suspicion"]) == pytest.approx(difference, abs=2e-4)
    with Image.open(run_dir / "suspects" / "small_conv" / "suspects.png") as picture:
        assert picture.size[0] > 2 * 144 and picture.size[1] > 144


def test_noise_on_purpose_measures_precision_and_recall(run_dir, tmp_path, capsys):
    assert suspects.run(command(run_dir, "--inject_noise=0.2", f"--out={tmp_path / 'test'}")) == 0
    shown = capsys.readouterr().out
    assert "self-test: 12 labels were flipped on purpose; precision" in shown
    table = rows(tmp_path / "test" / "suspects.csv")
    assert len(table) >= 10
    found = sum(row["flipped_on_purpose"] == "yes" for row in table)
    assert f"precision {100 * found / len(table):.1f} %" in shown and f"recall {100 * found / 12:.1f} %" in shown
    assert found >= 9
    counts = json.loads((tmp_path / "test" / "suspects.json").read_text())
    assert (counts["flipped"], counts["listed"], counts["precision"]) == (12, len(table), found / len(table))


def test_noise_so_small_that_no_label_is_flipped_has_no_recall(run_dir, tmp_path, capsys):
    assert suspects.run(command(run_dir, "--inject_noise=0.001", f"--out={tmp_path / 'test'}")) == 0
    shown = capsys.readouterr().out
    assert "self-test: 0 labels were flipped" in shown and "recall none (flipped ones" in shown and "nan" not in shown


def test_a_clean_list_is_empty_and_takes_the_place_of_an_older_picture(run_dir, tmp_path, pictures, capsys):
    clean = tmp_path / "clean"
    for label in ("dark", "light"):
        (clean / label).mkdir(parents=True)
        for file in (pictures / "labelled" / label).glob("[0-9]*.png"):
            (clean / label / file.name).symlink_to(file)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "suspects.png").write_bytes(b"old")
    assert suspects.run(command(run_dir, f"--dataset={clean}", f"--out={tmp_path / 'out'}")) == 0
    assert "0 of 60 labels are suspicious (0.0 %)" in capsys.readouterr().out
    assert rows(tmp_path / "out" / "suspects.csv") == [] and not (tmp_path / "out" / "suspects.png").exists()


def test_shares_of_nothing_are_json(run_dir, tmp_path):
    def no_number(word):
        raise AssertionError(f"{word} is no JSON")

    assert suspects.run(command(run_dir, "--inject_noise=0.01", f"--out={tmp_path}")) == 0
    counts = json.loads((tmp_path / "suspects.json").read_text(), parse_constant=no_number)
    assert counts["flipped"] == 0 and counts["recall"] is None and counts["precision"] == 0


MISTAKES = {
    "unlabelled": (["--dataset={pictures}/unlabelled"], "expected labelled images whose labels are to be checked"),
    "k": (["--k=62"], "k: expected 1 to 61, as each of the 62 images has that many others; got 62"),
    "peer": (["--peer=resnet"], "no encoder of a peer 'resnet'; it has: small_conv, small_conv_2"),
    "no peer": (["--peer="], "peer: which encoder of {run}? It has: small_conv, small_conv_2"),
    "both": (["--encoder=x.keras"], "expected --run_dir (and --peer) or --encoder, one of them"),
    "share": (["--inject_noise=0.9"], "--inject_noise: expected"),
    "kind": (
        ["--inject_noise=0.2", "--noise_kind=odd"],
        "unknown kind of label noise 'odd'; known: pairwise, symmetric",
    ),
    "kind without noise": (["--noise_kind=odd"], "unknown kind of label noise 'odd'; known: pairwise, symmetric"),
    "encoder and peer": (
        ["--run_dir=", "--encoder=x.keras", "--dataset={pictures}/labelled"],
        "--encoder: it stands in place of --run_dir and --peer; give one or the other",
    ),
    "out": (["--out={pictures}/labelled/dark/00.png"], "--out: cannot write to"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_no_traceback(case, run_dir, pictures, capsys):
    words, message = MISTAKES[case]
    assert suspects.run(command(run_dir, *(word.format(pictures=pictures) for word in words))) == 2
    shown = capsys.readouterr().err
    assert message.format(run=run_dir) in shown and "Traceback" not in shown


def test_an_encoder_from_a_file_finds_the_same(run_dir, pictures, tmp_path):
    words = ["dogo-suspects", f"--encoder={run_dir}/encoders/small_conv.keras", f"--out={tmp_path}", "--k=8"]
    assert suspects.run([*words, f"--dataset={pictures}/labelled", "--split=train"]) == 0
    assert suspects.run(command(run_dir, "--k=8", f"--out={tmp_path / 'run'}")) == 0
    assert rows(tmp_path / "suspects.csv") == rows(tmp_path / "run" / "suspects.csv") != []


def test_help_explains_every_flag(capsys):
    assert suspects.run(["dogo-suspects", "--help"]) == 0
    shown = capsys.readouterr().out
    assert " ".join(shown.split()).startswith(suspects.__doc__.strip().splitlines()[0])
    names = [name for name in suspects.FLAGS if name not in ("flagfile", "undefok")]
    assert all(f"--{name}" in shown or f"--[no]{name}" in shown for name in names)


def test_hostile_class_names_end_neither_the_work_nor_the_screen(run_dir, pictures, tmp_path, capsys):
    labelled = tmp_path / "labelled"
    names = {"dark": "\x1b[2Jdark", "light": os.fsdecode(b"=l\xefght")}
    for label, name in names.items():
        shutil.copytree(pictures / "labelled" / label, labelled / name)
    assert suspects.run(command(run_dir, f"--dataset={labelled}", f"--out={tmp_path / 'out'}")) == 0
    shown = capsys.readouterr().out
    assert r"1 x \x1b[2Jdark -> =l\xefght" in shown and "\x1b" not in shown
    content = (tmp_path / "out" / "suspects.csv").read_bytes()
    assert b",'=l\xefght," in content and b",=l" not in content


def test_paths_may_begin_with_the_home_folder(run_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run_dir, tmp_path / "pair")
    assert suspects.run(command("~/pair", "--out=~/found")) == 0
    assert (tmp_path / "found" / "suspects.csv").is_file() and not (tmp_path / "~").exists()
