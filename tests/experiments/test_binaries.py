"""The binaries from the command line to the files, on a few images; and what they say to a mistake."""

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import make_folder
from PIL import Image

from dogo_tf.experiments import pretrain, probe
from dogo_tf.export import load_card, predict
from dogo_tf.export import main as export_main
from dogo_tf.runs.folder import RunFolder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("pictures"))


@pytest.mark.parametrize(
    "data, words",
    [
        ("cifar10", []),
        ("patterns", []),
        ("s3://bucket/photos", []),
        ("{tmp_path}/train test", []),
        ("{tmp_path}/train val", ["--test_split=val"]),
        ("{tmp_path}/train validation other", ["--test_split=validation"]),
        ("{tmp_path}/cat dog", ["--dataset=...", "--test_split=..."]),
        ("{tmp_path}/shards/{{0..3}}.tar", ["--dataset=...", "--test_split=..."]),
    ],
)
def test_the_next_command_names_a_split_to_test_on_where_there_is_no_test(data, words, tmp_path):
    data = data.format(tmp_path=tmp_path)
    first, *others = data.split()
    for name in (Path(first).name, *others) if others else ():
        (tmp_path / name).mkdir()
    assert pretrain._test_on(str(tmp_path) if others else first) == words


def test_the_next_command_after_a_run_on_a_list(tmp_path):
    path = tmp_path / "photos.csv"
    for text, words in (
        ("path,split\na,train\nb,val\n", ["--test_split=val"]),
        ("path,split\na,train\nb,test\n", []),
        ("path\na\nb\n", ["--dataset=...", "--test_split=..."]),
    ):
        path.write_text(text)
        assert pretrain._test_on(str(path)) == words


def command(pictures, run_dir, *more):
    flags = [f"--dataset={pictures}", f"--run_dir={run_dir}", "--peers=small_conv:simclr,small_conv:simclr"]
    return [
        "dogo-pretrain",
        *flags,
        "--batch_size=16",
        "--epochs=2",
        "--log_every=2",
        "--learning_rate=1e-3",
        "--warmup_epochs=0",
        "--precision=float32",
        *more,
    ]


@pytest.fixture(scope="module")
def run_dir(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "pair"
    assert pretrain.run(command(pictures, path)) == 0
    return path


def test_a_run_leaves_everything_that_the_next_steps_need(run_dir):
    folder = RunFolder(run_dir)
    assert folder.peer_names() == ["small_conv", "small_conv_2"]
    config = folder.config()
    assert config["data"]["images"] == 48 and config["settings"]["epochs"] == 2
    assert config["provenance"]["versions"]["tensorflow"]
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    for name in ("ssl", "distill", "agreement", "std", "effective_rank", "gradient_norm", "learning_rate"):
        assert all(np.isfinite(line[f"small_conv_2/{name}"]) for line in lines), name
    assert all(line["images_per_second"] > 0 for line in lines)
    assert any(folder.tensorboard.iterdir()) and any(folder.checkpoints.iterdir())
    with Image.open(folder.views) as grid:
        assert grid.size[0] > 5 * 96  # the image and both views of both peers


@pytest.mark.slow
def test_the_kept_flags_run_the_same_again(run_dir, tmp_path):
    again = tmp_path / "again"
    assert pretrain.run(["dogo-pretrain", f"--flagfile={run_dir}/flags.txt", f"--run_dir={again}"]) == 0

    def losses(path):
        return [json.loads(line)["loss"] for line in RunFolder(path).metrics.read_text().splitlines()]

    assert losses(again) == losses(run_dir)


def test_probe_prints_a_table_and_keeps_the_numbers(run_dir, capsys):
    assert probe.run(["dogo-probe", f"--run_dir={run_dir}", "--test_split=val", "--fractions=1,0.25"]) == 0
    shown = capsys.readouterr().out
    assert "linear %, 25 % labels" in shown and "small_conv_2" in shown
    (written,) = run_dir.glob("probe_*.json")
    report = json.loads(written.read_text())
    assert report["test"]["images"] == 48
    assert report["peers"]["small_conv"]["linear"]["0.25"]["n_train"] == 12


def test_export_writes_files_that_agree_with_keras_and_can_be_probed(run_dir, pictures, tmp_path, capsys):
    many = make_folder(tmp_path / "many", per_class=200, size=8, splits=("train",))
    words = ["dogo-export", f"--run_dir={run_dir}", "--peer=small_conv", f"--dataset={many}", "--targets=serving"]
    assert export_main.run(words) == 0
    out = run_dir / "export" / "small_conv"
    formats = ("float32", "float16", "dynamic_range", "int8")
    assert {file.name for file in out.iterdir()} == {
        *("saved_model", "serving", "README.md", "report.json", "report.html"),
        *(f"small_conv_{name}.{ending}" for name in formats for ending in ("tflite", "json")),
    }
    shown = capsys.readouterr().out
    assert all(name in shown for name in formats) and "recommended: " in shown and "serving/small_conv/1" in shown
    card = load_card(out)
    assert "recipe: `peers small_conv:simclr" in card.text and card.header["training_data_digest"]
    assert export_main.run(words) == 2
    assert "exists already" in capsys.readouterr().err
    for name in ("float32", "int8"):
        words = ["dogo-probe", f"--encoder={out}/small_conv_{name}.tflite", f"--dataset={pictures}", "--test_split=val"]
        assert probe.run([*words, "--fractions=1", f"--out={tmp_path}/{name}.json"]) == 0
        assert json.loads((tmp_path / f"{name}.json").read_text())["test"]["images"] == 48


@pytest.mark.slow
def test_export_of_a_file_with_a_head_and_images_of_its_own_to_calibrate_on(run_dir, tmp_path, capsys):
    many = make_folder(tmp_path / "many", per_class=130, size=8)
    own = make_folder(tmp_path / "own", per_class=50, size=8, splits=("",))
    out = tmp_path / "out"
    words = ["dogo-export", f"--encoder={RunFolder(run_dir).path}/encoders/small_conv.keras", f"--dataset={many}"]
    words += [f"--out={out}", "--test_split=val", "--formats=int8", "--calibration_images=100", "--parity_images=256"]
    assert export_main.run([*words, "--calibration=nowhere/at/all", "--head"]) == 2
    assert "the folder 'nowhere/at/all' does not exist" in capsys.readouterr().err and not out.exists()
    assert export_main.run([*words, f"--calibration={own}", "--head", "--force"]) == 0
    told = json.loads((out / "small_conv_int8.json").read_text())
    assert told["labels"] == ["dark", "light"] and told["calibration"]["images"] == 100
    assert "head %" in capsys.readouterr().out


EXPORT_MISTAKES = {
    "nothing": ([], "--run_dir or --encoder: expected one of them"),
    "both": (["--run_dir={run}", "--encoder=x.keras"], "--run_dir or --encoder: expected one of them"),
    "no data": (["--encoder=x.keras"], "--dataset is needed"),
    "no file": (["--encoder=x.keras", "--dataset={pictures}", "--out={new}"], "x.keras does not exist"),
    "which peer": (
        ["--run_dir={run}"],
        "--peer: which encoder is to be exported? The run has: small_conv, small_conv_2",
    ),
    "same split": (
        ["--run_dir={run}", "--peer=small_conv", "--out={new}", "--test_split=train"],
        "--test_split: expected another split than --split; both are 'train'",
    ),
    "test set without its split": (
        ["--run_dir={run}", "--peer=small_conv", "--out={new}", "--test_dataset={pictures}"],
        "--test_dataset: expected --test_split, too: which split of it to test on",
    ),
    "few images": (
        ["--run_dir={run}", "--peer=small_conv", "--out={new}"],
        "expected more than 256 images, to set 256 aside; got 48",
    ),
    "format": (
        ["--run_dir={run}", "--peer=small_conv", "--formats=int4"],
        "unknown TFLite format 'int4'; known: dynamic",
    ),
}


@pytest.mark.parametrize("case", EXPORT_MISTAKES)
def test_a_mistaken_export_gets_one_message_and_no_traceback(case, pictures, run_dir, tmp_path, capsys):
    words, message = EXPORT_MISTAKES[case]
    words = [word.format(pictures=pictures, run=run_dir, new=tmp_path / "new") for word in words]
    assert export_main.run(["dogo-export", *words]) == 2
    shown = capsys.readouterr().err
    assert message in shown and "Traceback" not in shown


def test_a_finished_run_can_go_on_only_with_the_same_settings(pictures, run_dir, capsys):
    path = run_dir
    assert pretrain.run(command(pictures, path, "--resume", "--distill_weight=2")) == 2
    assert "distill_weight: [0.390625] before, [2.0] now" in capsys.readouterr().err
    assert pretrain.run(command(pictures, path, "--resume")) == 0
    assert len(RunFolder(path).metrics.read_text().splitlines()) == 3


def test_nan_stops_the_run_and_names_step_peer_and_checkpoint(pictures, tmp_path, capsys):
    words = command(pictures, tmp_path / "run", "--optimizer=sgd", "--learning_rate=1e30,1e-3", "--distill_weight=0")
    assert pretrain.run(words) == 3
    message = capsys.readouterr().err
    assert "training stopped: step 2: peer 'small_conv': a loss that is not finite" in message
    assert "Last good checkpoint: none yet" in message


@pytest.mark.parametrize("binary", [pretrain, probe, export_main, predict])
def test_help_explains_every_flag(binary, capsys):
    assert binary.run(["dogo", "--help"]) == 0
    shown = capsys.readouterr().out
    assert " ".join(shown.split()).startswith(binary.__doc__.strip().splitlines()[0])
    for name in binary.FLAGS:
        assert f"{name}" in shown


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_fits_the_terminal(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert pretrain.run(["dogo", "--help"]) == 0
    shown = capsys.readouterr().out
    commands, explained = [], []
    for line in shown.splitlines():
        (commands if line.startswith("  dogo-") else explained).append(line)
    assert 50 < max(map(len, explained)) <= min(columns, 100)
    assert commands == [line for line in pretrain.__doc__.splitlines() if line.startswith("  dogo-")]
    assert " ".join(pretrain.__doc__.split()) in " ".join(shown.split())


MISTAKES = {
    "no data": ([], "error: --dataset is needed"),
    "unknown flag": (["--epoch=3"], "Unknown command line flag 'epoch'"),
    "no number": (
        ["--dataset=x", "--run_dir=y", "--learning_rate=fast"],
        "--learning_rate: expected numbers or auto, separated by commas; got 'fast'",
    ),
    "left-over word": (["runs/pair"], "expected flags of the form --name=value only; got 'runs/pair'"),
    "precision": (
        ["--dataset=x", "--run_dir=y", "--precision=half"],
        "unknown precision 'half'; known: auto, float32, mixed_b",
    ),
    "too many values": (["--dataset=x", "--run_dir=y", "--distill_weight=1,2,3"], "one for each of the 2 peers; got 3"),
    "both": (
        ["--dataset={pictures}", "--run_dir={run}", "--resume", "--overwrite"],
        "resume and overwrite exclude each other",
    ),
    "not empty": (
        ["--dataset={pictures}", "--run_dir={run}", "--peers=small_conv", "--batch_size=16"],
        "is not empty; continue its run",
    ),
    "batch": (["--dataset={pictures}", "--run_dir={new}", "--batch_size=64"], "batch_size: 64 is larger than the data"),
    "objective": (
        ["--dataset={pictures}", "--run_dir={new}", "--peers=small_conv:byol2", "--batch_size=16"],
        "unknown objective 'byol2'; known: barlow_twins, byol, moco, simclr, simsiam, vicreg",
    ),
    "no run": (["--dataset={pictures}", "--run_dir={new}", "--resume"], "holds no run: config.json cannot be read"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_no_traceback(case, pictures, run_dir, tmp_path, capsys):
    words, message = MISTAKES[case]
    places = {"pictures": pictures, "run": run_dir, "new": tmp_path / "new"}
    assert pretrain.run(["dogo-pretrain", *(word.format(**places) for word in words)]) == 2
    shown = capsys.readouterr().err
    assert message in shown and "Traceback" not in shown


def test_probe_and_export_name_the_peers_of_the_run(run_dir, pictures, capsys):
    assert probe.run(["dogo-probe", f"--run_dir={run_dir}", "--peer=resnet"]) == 2
    assert "no encoder of a peer 'resnet'; it has: small_conv, small_conv_2" in capsys.readouterr().err
    assert export_main.run(["dogo-export", f"--run_dir={run_dir}"]) == 2
    assert "which encoder is to be exported? The run has: small_conv, small_conv_2" in capsys.readouterr().err


def test_probing_on_the_images_that_gave_the_labels_is_refused(run_dir, capsys):
    assert probe.run(["dogo-probe", f"--run_dir={run_dir}", "--train_split=val", "--test_split=val"]) == 2
    assert "--test_split: expected another split than --train_split; both are 'val'" in capsys.readouterr().err


def test_probing_unlabelled_images_says_what_a_label_is(run_dir, tmp_path, capsys):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        for i in range(3):
            Image.new("RGB", (16, 16), (i, i, i)).save(tmp_path / split / f"{i}.png")
    assert probe.run(["dogo-probe", f"--run_dir={run_dir}", f"--dataset={tmp_path}"]) == 2
    assert (
        "expected labelled images to probe with; in a folder, the first-level folders are the classes"
        in capsys.readouterr().err
    )
