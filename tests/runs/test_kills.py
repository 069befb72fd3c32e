"""Runs that are ended by SIGKILL, in processes of their own, and resumed: they end as if nothing had happened."""

import os
import random
import re
import signal
import subprocess
import sys
import tarfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from run_states import assert_same_state, log, make_pictures, tensorboard
from s3_server import bucket_of
from web_server import WebServer

from dogo_tf.data.listing import list_images
from dogo_tf.experiments import pretrain
from dogo_tf.runs.folder import RunFolder

PROGRAM = str(Path(__file__).resolve().parents[2] / "benchmarks" / "killed_run.py")
STEPS = 9


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


def flags(pictures, run_dir, *more):
    peers = "--peers=wrn_10_1:simclr,wrn_10_1:simclr"
    often = ["--batch_size=16", "--epochs=3", "--log_every=2", "--checkpoint_steps=3", "--schedule=cosine"]
    return [
        f"--dataset={pictures}",
        f"--run_dir={run_dir}",
        peers,
        *often,
        "--learning_rate=1e-3",
        "--precision=float32",
        *more,
    ]


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    assert pretrain.run(["dogo-pretrain", *flags(pictures, path)]) == 0
    return RunFolder(path)


def killed(point, pictures, run_dir, *more):
    """Starts a run that dies at the point; returns what is left of it."""
    command = [sys.executable, PROGRAM, point, *flags(pictures, run_dir, *more)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if point == "none":
        while process.poll() is None and len(RunFolder(run_dir).metrics_lines()) < 2:
            time.sleep(0.01)
        process.kill()
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors[-2000:]
    return RunFolder(run_dir)


def found(folder):
    return sorted(path.name for path in folder.checkpoints.glob("step_*"))


@pytest.mark.parametrize(
    "point, checkpoints",
    [
        (f"step:{random.Random(20).randint(4, 5)}", ["step_000000003"]),  # in the middle of an epoch
        pytest.param("write:2", ["step_000000003"], marks=pytest.mark.slow),
        pytest.param("unverified:2", ["step_000000003", "step_000000006"], marks=pytest.mark.slow),
        pytest.param("encoders:3", ["step_000000003", "step_000000006"], marks=pytest.mark.slow),
        pytest.param("none", None, marks=pytest.mark.slow),  # whatever the process is doing after four steps
    ],
)
def test_a_killed_run_ends_like_one_that_was_not(point, checkpoints, pictures, whole, tmp_path):
    folder = killed(point, pictures, tmp_path / "run")
    if checkpoints is not None:
        assert found(folder) == checkpoints
    assert pretrain.run(["dogo-pretrain", *flags(pictures, folder.path, "--resume")]) == 0
    assert_same_state(folder, whole)
    assert log(folder) == log(whole) and [line["step"] for line in log(folder)] == [2, 4, 6, 8, STEPS]
    assert tensorboard(folder) == tensorboard(whole)
    assert found(folder) == ["step_000000006", "step_000000009"]
    assert not list(folder.path.rglob(".[0-9]*"))


def listed(pictures, tmp_path):
    lines = [str(path) for path in list_images(pictures).files]
    (tmp_path / "list.csv").write_text("\n".join(["path", *lines]) + "\n")
    return tmp_path / "list.csv"


def packed(pictures, tmp_path):
    """In two archives."""
    for k, files in enumerate(np.array_split(list_images(pictures).files, 2)):
        with tarfile.open(tmp_path / f"{k}.tar", "w") as archive:
            for path in files:
                archive.add(path, path.name)
    return tmp_path / "{0..1}.tar"


def served(pictures, tmp_path):
    """A list behind a URL."""
    names = [path.name for path in list_images(pictures).files]
    (pictures / "list.csv").write_text("\n".join(["path", *names]) + "\n")
    return f"{WebServer(pictures).url}/list.csv"


class DogoKillsSet(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    pictures = None

    def _info(self):
        image = tfds.features.Image(shape=(16, 16, 3), encoding_format="png")
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict({"image": image}), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield from enumerate({"image": str(path)} for path in list_images(self.pictures).files)


def recorded(pictures, tmp_path, file_format):
    """A TFDS data set."""
    DogoKillsSet.pictures = pictures
    DogoKillsSet(data_dir=tmp_path / "tfds", file_format=file_format).download_and_prepare()
    return "dogo_kills_set"


KINDS = {
    "folder": lambda folder, _: folder,
    "list": listed,
    "archives": packed,
    "url": served,
    "array_record": partial(recorded, file_format="array_record"),
    "tfrecord": partial(recorded, file_format="tfrecord"),
}


@pytest.fixture(scope="module")
def bucket(pictures):
    with bucket_of(pictures) as url:
        yield url


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore")
@pytest.mark.parametrize(
    ("source", "kind"),
    [(s, k) for s in ("cache", "stream") for k in (*KINDS, "s3") if (s, k) != ("stream", "tfrecord")],
)
def test_a_killed_run_whose_images_are_not_in_memory_ends_like_one_from_memory(
    source, kind, pictures, whole, tmp_path, request
):
    data = request.getfixturevalue("bucket") if kind == "s3" else KINDS[kind](pictures, tmp_path)
    more = (f"--source={source}", f"--cache_dir={tmp_path / 'cache'}", f"--data_dir={tmp_path / 'tfds'}")
    folder = killed(f"step:{random.Random(f'{source} {kind}').randint(4, 8)}", data, tmp_path / "run", *more)
    assert pretrain.run(["dogo-pretrain", *flags(data, folder.path, "--resume", *more)]) == 0
    assert_same_state(folder, whole)
    assert log(folder) == log(whole)


@pytest.mark.slow
def test_a_killed_run_on_two_replicas_ends_like_one_that_was_not(pictures, tmp_path):
    def run(point, name, *more):
        command = [sys.executable, PROGRAM, point, *flags(pictures, tmp_path / name, "--strategy=mirrored", *more)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LOGICAL_CPUS": "2"})
        return done.returncode, done.stderr[-2000:]

    assert run("none", "whole")[0] == 0
    assert run("step:5", "cut")[0] == -signal.SIGKILL
    code, errors = run("none", "cut", "--resume")
    assert code == 0, errors
    whole, cut = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    assert_same_state(cut, whole)
    # Only the steps: means that were under way are shared out anew among the replicas, which may round them otherwise.
    assert [line["step"] for line in log(cut)] == [line["step"] for line in log(whole)]
    encoder = cut.load_encoder("wrn_10_1")
    assert encoder(np.zeros((1, 16, 16, 3))).shape == (1, 64)


@pytest.mark.slow
def test_sigterm_saves_and_exits_with_its_own_code(pictures, whole, tmp_path, capsys, monkeypatch):
    from dogo_tf.training import callbacks

    original = callbacks.StepLog.on_step

    def pre_empted(self, step, previous, logs):
        if step == 5:
            signal.raise_signal(signal.SIGTERM)
        original(self, step, previous, logs)

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.StepLog, "on_step", pre_empted)
        assert pretrain.run(["dogo-pretrain", *flags(pictures, tmp_path)]) == 75
    assert found(RunFolder(tmp_path)) == ["step_000000003", "step_000000005"]
    message = "SIGTERM: stopped after step 5 of 9, which is saved in .*step_000000005; go on with --resume"
    assert re.search(message, capsys.readouterr().err)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert pretrain.run(["dogo-pretrain", *flags(pictures, tmp_path, "--resume")]) == 0
    assert_same_state(RunFolder(tmp_path), whole)
    assert log(RunFolder(tmp_path)) == log(whole)
