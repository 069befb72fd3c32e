"""dogo-select from the command line to the files."""

import csv
import json
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.encoders import build
from dogo_tf.experiments import select_images
from dogo_tf.exploration.lists import read_reading_list
from dogo_tf.export import tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras
from dogo_tf.runs.folder import RunFolder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Forty images in one flat folder, of four colours, and two more elsewhere."""
    path, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (path / "pool").mkdir()
    for k in range(42):
        colour = ((200, 40, 40), (40, 200, 40), (40, 40, 200), (120, 120, 120))[k % 4]
        noisy = np.clip(rng.normal(colour, 20, (12, 10, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(path / ("pool" if k < 40 else ".") / f"{k:02}.png")
    return path


@pytest.fixture(scope="module")
def run_dir(pictures, tmp_path_factory):
    """A run folder as dogo-pretrain leaves it."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "pair")
    config = {
        "settings": {"dataset": str(pictures / "pool"), "data_dir": None},
        "data": {"image_size": 8},
        "peers": [{"name": "small_conv"}],
        "provenance": {},
    }
    folder.start(config, resume=False, overwrite=False)
    keras.utils.set_random_seed(0)
    folder.save_encoders([SimpleNamespace(encoders={"small_conv": build("small_conv", 8)})])
    return folder.path


def command(run_dir, *more):
    return ["dogo-select", f"--run_dir={run_dir}", "--budget=8", *more]


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_list_a_picture_and_a_record(run_dir, pictures, capsys):
    assert select_images.run(command(run_dir)) == 0
    out = run_dir / "select" / "small_conv"
    shown = capsys.readouterr().out
    assert f"8 of 40 images of {pictures}/pool train without a label" in shown and f"wrote {out}/select.csv" in shown
    listed = rows(out / "select.csv")
    assert list(listed[0]) == ["path", "label", "order", "why"]
    assert [row["order"] for row in listed] == [str(k) for k in range(1, 9)]
    assert len({row["path"] for row in listed}) == 8 and all(row["why"] and not row["label"] for row in listed)
    assert data.load(out / "select.csv", image_size=8).files == tuple(row["path"] for row in listed)
    record = json.loads((out / "select.json").read_text())
    assert (record["budget"], record["images"], record["labelled"], record["seed"]) == (8, 40, 0, 0)
    with Image.open(out / "select.png") as picture:
        assert picture.size[0] > 6 * 144 and picture.size[1] > 2 * 144
    assert any((run_dir / "features").iterdir())


def test_rounds_go_on_where_labels_were_filled_in(run_dir, pictures, tmp_path, capsys):
    for budget in (4, 8):
        assert select_images.run(command(run_dir, f"--budget={budget}", f"--out={tmp_path / str(budget)}")) == 0
    first = rows(tmp_path / "4" / "select.csv")
    with (tmp_path / "4" / "select.csv").open("w", newline="") as file:
        lines = csv.DictWriter(file, list(first[0]))
        lines.writeheader()
        lines.writerows(row | {"label": "red"} for row in first)
    words = [f"--labelled={tmp_path / '4' / 'select.csv'}", "--budget=4"]
    assert select_images.run(command(run_dir, *words, f"--out={tmp_path / 'next'}")) == 0
    assert "4 of 36 images" in capsys.readouterr().out
    both = rows(tmp_path / "8" / "select.csv")
    assert [row["path"] for row in rows(tmp_path / "next" / "select.csv")] == [row["path"] for row in both[4:]]
    # Over the filled in list it would have written an empty one.
    assert select_images.run(command(run_dir, *words, f"--out={tmp_path / '4'}")) == 2
    assert f"--out: {tmp_path / '4' / 'select.csv'} holds labels, and would be overwritten" in capsys.readouterr().err
    assert rows(tmp_path / "4" / "select.csv")[0]["label"] == "red"


def test_labelled_images_elsewhere_count_and_a_probe_of_them_is_asked(run_dir, pictures, tmp_path, capsys):
    lines = [
        f"{pictures}/40.png,red",
        f"{pictures}/41.png,green",
        f"{pictures}/pool/03.png,grey",
        f"{pictures}/pool/02.png,",
    ]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *lines]))
    words = [
        "--method=uncertainty",
        f"--labelled={tmp_path / 'labels.csv'}",
        f"--out={tmp_path / 'out'}",
        "--budget=39",
    ]
    assert select_images.run(command(run_dir, *words)) == 0
    shown = capsys.readouterr().out
    assert "39 of 39 images" in shown and "labelled already: 1 of its images and 2 others" in shown
    listed = rows(tmp_path / "out" / "select.csv")
    assert f"{pictures}/pool/03.png" not in {row["path"] for row in listed}
    assert all(row["why"].startswith("between ") for row in listed)


@pytest.mark.slow
def test_without_a_run_a_tflite_file_looks(run_dir, pictures, tmp_path):
    """Selection needs no weights to train."""
    saved = export_saved_model(RunFolder(run_dir).load_encoder("small_conv"), tmp_path / "saved_model")
    (tmp_path / "encoder.tflite").write_bytes(tflite.convert(saved, ["float32"])["float32"])
    words = ["dogo-select", f"--encoder={tmp_path / 'encoder.tflite'}", f"--dataset={pictures}/pool", "--budget=8"]
    assert select_images.run(words) == 0
    assert select_images.run(command(run_dir, f"--out={tmp_path / 'keras'}")) == 0
    assert rows(tmp_path / "select" / "encoder" / "select.csv") == rows(tmp_path / "keras" / "select.csv")


def test_images_in_an_archive_are_listed_and_pictured(run_dir, pictures, tmp_path):
    with tarfile.open(tmp_path / "pool.tar", "w") as archive:
        archive.add(pictures / "pool", "pool")
    words = [f"--dataset={tmp_path / 'pool.tar'}", f"--cache_dir={tmp_path / 'cache'}", f"--out={tmp_path / 'out'}"]
    assert select_images.run(command(run_dir, *words, "--source=stream")) == 0
    assert rows(tmp_path / "out" / "select.csv")[0]["path"].startswith(f"{tmp_path / 'pool.tar'}/pool/")
    assert (tmp_path / "out" / "select.png").is_file()
    listed = data.open(tmp_path / "out" / "select.csv", image_size=8, cache_dir=tmp_path / "cache")
    assert listed.files == tuple(row["path"] for row in rows(tmp_path / "out" / "select.csv"))


def test_images_behind_urls_keep_their_names_through_all_commands(run_dir, pictures, tmp_path):
    dataset, out = f"--dataset=file://{pictures}/pool", tmp_path / "out"
    words = [dataset, f"--cache_dir={tmp_path / 'cache'}", f"--out={out}", "--method=random"]
    assert select_images.run(command(run_dir, *words, "--budget=3")) == 0
    names = [row["path"] for row in rows(out / "select.csv")]
    assert all(name.startswith(f"file://{pictures}/pool/") for name in names)
    images = data.load(f"file://{pictures}/pool", image_size=8)
    assert [images.files[row] for row in read_reading_list(out / "select.csv", images).rows] == names
    assert data.load(out / "select.csv", image_size=8).files == tuple(names)
    lines = [f"{names[0]},red", f"file://{pictures}/41.png,green"]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *lines]))
    words[2:3] = [f"--labelled={tmp_path / 'labels.csv'}", f"--out={tmp_path / 'next'}"]
    assert select_images.run(command(run_dir, *words, "--budget=39")) == 0
    assert names[0] not in {row["path"] for row in rows(tmp_path / "next" / "select.csv")}


def test_images_without_files_go_by_number(run_dir, tmp_path, capsys):
    words = ["--dataset=patterns", "--split=train[:60]", "--method=random"]
    assert select_images.run(command(run_dir, *words, f"--out={tmp_path / 'first'}", "--budget=59")) == 0
    lines = [f"{row['image']},a" for row in rows(tmp_path / "first" / "select.csv")]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *lines]))
    words += [f"--labelled={tmp_path / 'labels.csv'}", f"--out={tmp_path / 'last'}", "--budget=1"]
    assert select_images.run(command(run_dir, *words)) == 0
    (last,) = rows(tmp_path / "last" / "select.csv")
    assert {int(last["image"]), *(int(line.split(",")[0]) for line in lines)} == set(range(60))


MISTAKES = {
    "budget": (["--budget=41"], "budget: expected 1 to 40, the images without a label; got 41"),
    "no labels": (
        ["--method=uncertainty"],
        "method: uncertainty asks a probe of labelled images; give some, or another m",
    ),
    "one class": (
        ["--method=uncertainty", "--labelled={pictures}/one.csv"],
        "labels: a probe expects at least two classes, got only red",
    ),
    "list": (["--labelled={pictures}/none.csv"], "--labelled: the list '{pictures}/none.csv' does not exist"),
    "gone": (
        ["--labelled={pictures}/gone.csv"],
        "--labelled: {pictures}/gone.csv: 1 of 2 images do not exist:\n  {pictures}/pool/77.png",
    ),
    "broken": (["--labelled={pictures}/broken.csv"], "1 of 1 images cannot be read"),
    "both": (["--encoder=x.keras"], "expected --run_dir (and --peer) or --encoder, one of them"),
    "out": (["--out={pictures}/pool/00.png"], "--out: cannot write to"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_no_traceback(case, run_dir, pictures, tmp_path, capsys):
    (pictures / "one.csv").write_text("path,label\npool/01.png,red\n40.png,red\n")
    (pictures / "gone.csv").write_text("path,label\npool/01.png,red\npool/77.png,red\n")
    (pictures / "broken.csv").write_text("path,label\none.csv,red\n")
    words, message = MISTAKES[case]
    flags = [f"--out={tmp_path}", *(word.format(pictures=pictures) for word in words)]
    assert select_images.run(command(run_dir, *flags)) == 2
    shown = capsys.readouterr().err
    assert message.format(pictures=pictures) in shown and "Traceback" not in shown
    assert not any(tmp_path.iterdir())
