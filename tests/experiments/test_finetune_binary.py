"""dogo-finetune from the command line to labels on a device; and what it says to a mistake."""

import csv
import json

import pytest
from pictures import make_folder

from dogo_tf import data
from dogo_tf.encoders import build
from dogo_tf.experiments import finetune
from dogo_tf.export import main as export_main
from dogo_tf.export import predict, tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.platform.keras_compat import keras

QUICK = ("--steps=4", "--warmup_steps=0", "--batch_size=8", "--log_every=2")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("pictures"), per_class=12)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoders") / "small.keras"
    keras.utils.set_random_seed(0)
    build("small_conv", 16).save(path, save_format="keras")
    return path


def test_from_labels_to_a_file_that_names_classes(pictures, encoder, tmp_path, capsys):
    run_dir, many = tmp_path / "run", make_folder(tmp_path / "many", per_class=160, splits=("train", "val"))
    words = [
        "dogo-finetune",
        f"--encoder={encoder}",
        f"--dataset={pictures}",
        "--test_split=val",
        f"--run_dir={run_dir}",
    ]
    assert finetune.run([*words, *QUICK]) == 0
    shown = capsys.readouterr().out
    assert "  small                0.00 M parameters" in shown and "| small " in shown
    assert f"next: dogo-export --run_dir={run_dir} --peer=small --test_split=val --formats=float32,float16\n" in shown
    assert export_main.run(["dogo-export", f"--run_dir={run_dir}"]) == 2
    assert "--test_split: expected 256 images to check the files with" in capsys.readouterr().err

    words = ["dogo-export", f"--run_dir={run_dir}", f"--test_dataset={many}", "--test_split=val", "--targets="]
    assert export_main.run([*words, f"--calibration={many / 'train'}"]) == 0
    folder = run_dir / "export" / "small"
    report = json.loads((folder / "report.json").read_text())
    original = report["original"]["scores"]["head"]["accuracy"]
    assert original > 0.9
    for name in ("float32", "float16", "dynamic_range", "int8"):
        described = json.loads((folder / f"small_{name}.json").read_text())
        assert described["labels"] == ["dark", "light"] and set(described["outputs"]) == {"features", "logits"}
        assert abs(described["scores"]["head"]["lost"]) <= 0.01

    words = ["dogo-predict", f"--model={folder / 'small_int8.tflite'}", f"--images={pictures / 'val'}", "--labels"]
    assert predict.run([*words, f"--out={tmp_path / 'labels.csv'}"]) == 0
    with (tmp_path / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(row["label"] in row["path"] for row in rows) > 0.9 * len(rows) == 0.9 * 24

    words = ["dogo-export", f"--run_dir={run_dir}", f"--dataset={many}", "--head", f"--out={tmp_path / 'x'}"]
    assert export_main.run([*words, "--formats=float32"]) == 2
    assert "head: this classifier has its own, by its fine-tuning; leave --head out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "labelled, others, split, words",
    [
        (128, None, "train", []),
        (127, None, "train", ["--formats=float32,float16"]),
        (50, {"images": 127}, "train", ["--formats=float32,float16"]),
        (50, {"images": 128}, "train", ["--calibration=all"]),
        (50, {"images": 128}, "more", ["--formats=float32,float16"]),
    ],
)
def test_the_next_command_is_one_that_few_labels_are_enough_for(labelled, others, split, words):
    settings = FinetuneSettings(("wrn_10_1",), "photos", "run", unlabelled="all", unlabelled_split=split)
    assert finetune._to_calibrate_on(settings, {"images": labelled, "unlabelled": others}) == words


def one_class(pictures, folder):
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "dark").symlink_to(pictures / "train" / "dark")
    return [f"--dataset={folder}"]


def one_image(pictures, folder):
    make_folder(folder, per_class=8, splits=("train",))
    for k in range(1, 8):
        (folder / "train" / "dark" / f"{k}.png").unlink()
    return [f"--dataset={folder}"]


def a_list(pictures, folder, lines):
    folder.mkdir()
    (folder / "labels.csv").write_text("\n".join(["path,label,split", *lines]) + "\n")
    return [f"--dataset={folder / 'labels.csv'}"]


def lines_of(pictures, label="{label}"):
    return [
        f"{pictures}/train/{name}/{k}.png,{label.format(label=name)},train"
        for name in ("dark", "light")
        for k in range(5)
    ]


def gone(pictures, folder):
    return a_list(pictures, folder, [*lines_of(pictures), f"{pictures}/train/dark/gone.png,dark,train"])


def unknown_class(pictures, folder):
    more = [f"{pictures}/val/dark/0.png,grey,test", f"{pictures}/val/light/0.png,light,test"]
    return [*a_list(pictures, folder, [*lines_of(pictures), *more]), "--test_split=test"]


def other_classes(pictures, folder):
    (folder / "test").mkdir(parents=True)
    for name, other in (("dark", "night"), ("light", "day")):
        (folder / "test" / other).symlink_to(pictures / "val" / name)
    return [f"--dataset={pictures}", f"--test_dataset={folder}", "--test_split=test"]


def one_test_image(pictures, folder):
    (folder / "test" / "dark").mkdir(parents=True)
    (folder / "test" / "dark" / "0.png").symlink_to(pictures / "val" / "dark" / "0.png")
    return [f"--dataset={pictures}", f"--test_dataset={folder}", "--test_split=test"]


def no_test_split(pictures, folder):
    return [f"--dataset={pictures}", "--test_split=test"]


def no_unlabelled_split(pictures, folder):
    return [f"--dataset={pictures}", f"--unlabelled={pictures}", "--unlabelled_split=more"]


def no_labels(pictures, folder):
    folder.mkdir()
    for k in range(4):
        (folder / f"{k}.png").symlink_to(pictures / "train" / "dark" / f"{k}.png")
    return [f"--dataset={folder}"]


MISTAKES = {
    one_class: "train: expected images of at least two classes, all are of dark",
    gone: "labels.csv: 1 of 11 images do not exist:\n  {pictures}/train/dark/gone.png",
    unknown_class: "labels.csv train: expected an image of every class; there is none of grey",
    other_classes: "test: labels of classes that {pictures} train has no image of: day, night; known: dark, light",
    one_test_image: "data test: expected at least 2 images to test on, got 1",
    no_test_split: "error: test_split: the folder {pictures} has no sub-folder 'test'; known: train, val (",
    no_unlabelled_split: "error: unlabelled_split: the folder {pictures} has no sub-folder 'more'; known: train, val (",
    no_labels: "expected labelled images to fine-tune with; in a folder, the first-level folders are the classes",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_labels_that_nothing_can_be_learnt_from(mistake, pictures, encoder, tmp_path, capsys):
    words = mistake(pictures, tmp_path / "data")
    assert finetune.run(["dogo-finetune", f"--encoder={encoder}", *words, f"--run_dir={tmp_path / 'run'}", *QUICK]) == 2
    shown = capsys.readouterr().err
    assert MISTAKES[mistake].format(pictures=pictures) in shown and "Traceback" not in shown
    assert "_split: " not in MISTAKES[mistake] or "source=" not in shown  # no image was read before
    assert not (tmp_path / "run" / "config.json").exists()


def test_a_class_with_one_image_is_learnt_with_a_warning(pictures, encoder, tmp_path, capsys):
    words = one_image(pictures, tmp_path / "data")
    assert finetune.run(["dogo-finetune", f"--encoder={encoder}", *words, f"--run_dir={tmp_path / 'run'}", *QUICK]) == 0
    assert "warning: one image alone to learn from of dark; label more of it" in capsys.readouterr().out


@pytest.mark.slow
def test_encoders_that_cannot_be_trained(pictures, encoder, tmp_path, capsys):
    train = data.load(pictures, "train", 16).images
    saved = export_saved_model(build("small_conv", 16), tmp_path / "saved")
    (tmp_path / "small.tflite").write_bytes(tflite.convert(saved, ["float32"], train)["float32"])
    expected = (
        "holds no weights that can be trained on; expected a .keras file of an encoder or of a classifier, or a run"
    )
    for place, message in (
        (tmp_path / "small.tflite", f"encoder: {tmp_path / 'small.tflite'} {expected}"),
        (saved, f"encoder: {saved} {expected}"),
        (tmp_path / "none.keras", f"encoder: {tmp_path / 'none.keras'} does not exist; expected a .keras file"),
        (
            f"{encoder},wrn_10_1 --image_size=8",
            "image_size: expected one side for all encoders, in pixels; got small 16, ima",
        ),
    ):
        words = [f"--encoder={place}".partition(" ")[0], *f"{place}".split()[1:]]
        assert (
            finetune.run(["dogo-finetune", *words, f"--dataset={pictures}", f"--run_dir={tmp_path / 'run'}", *QUICK])
            == 2
        )
        assert message in capsys.readouterr().err


def test_a_teacher_must_be_a_classifier(pictures, encoder, tmp_path, capsys):
    words = [
        f"--encoder={encoder}",
        f"--teachers=big={encoder}",
        f"--dataset={pictures}",
        f"--run_dir={tmp_path / 'run'}",
    ]
    assert finetune.run(["dogo-finetune", *words, *QUICK]) == 2
    assert (
        f"teachers: big: {encoder} holds no classifier of Keras; expected a run of dogo-fine" in capsys.readouterr().err
    )
