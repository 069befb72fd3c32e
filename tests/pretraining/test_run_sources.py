"""A run whose images are in memory, in a cache or decoded on the fly: the same bits, interrupted or not."""

import json
import os

import numpy as np
import pytest
from run_states import assert_same_state, log, make_pictures, small_run

from dogo_tf.data import choose
from dogo_tf.errors import InputError, TrainingFailure
from dogo_tf.pretraining import pretrain as module
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.runs.folder import RunFolder
from dogo_tf.sources import shards
from dogo_tf.training.alarm import FailureAlarm

KEPT = 10  # 1.25 times 8, as the pictures have 12 pixels


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two classes."""
    folder = tmp_path_factory.mktemp("pictures")
    for label in "ab":
        (folder / label).mkdir()
        make_pictures(folder / label, 20, size=12)
    return folder


def settings(pictures, run_dir, **changes):
    """Two epochs of two steps."""
    values = {"peers": ("wrn_10_1:simclr",), "epochs": 2, "log_every": 1, "image_size": 8}
    return small_run(pictures, run_dir, **{**values, "cache_dir": str(run_dir.parent / "cache"), **changes})


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    return pretrain(settings(pictures, tmp_path_factory.mktemp("runs") / "whole", source="memory"))


class PowerCut(FailureAlarm):
    def __call__(self, step, metrics):
        if step == 4:  # in the middle of the second epoch; the checkpoint is of step 3
            raise TrainingFailure("the light went out")


def interrupted_and_resumed(made):
    with pytest.MonkeyPatch.context() as patched, pytest.raises(TrainingFailure):
        patched.setattr(module, "FailureAlarm", PowerCut)
        pretrain(made)
    return pretrain(made, resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("source, store_size", [("cache", None), ("stream", KEPT)])
def test_an_interrupted_run_ends_like_one_from_memory_that_was_not(
    pictures, whole, tmp_path, monkeypatch, source, store_size
):
    monkeypatch.setattr(shards, "SHARD_BYTES", 7 * 3 * KEPT * KEPT)
    made = settings(pictures, tmp_path / "cut", source=source, store_size=store_size, checkpoint_steps=3)
    resumed = interrupted_and_resumed(made)
    assert_same_state(resumed, whole)
    assert log(resumed) == log(whole) and log(whole)[-1]["step"] == 4
    assert resumed.config()["data"]["source"] == source
    assert (tmp_path / "cache").exists() == (source == "cache")


@pytest.mark.slow
def test_views_out_of_the_original_pictures_of_a_stream(pictures, whole, tmp_path, capsys):
    made = settings(pictures, tmp_path / "run", source="stream")
    run = pretrain(made)
    assert "views of 8 x 8 are cut out of the originals (as before: --store_size=8)" in capsys.readouterr().out
    found = run.config()["data"]
    assert (found["source"], found["store_size"], found["crops"]) == ("stream", 8, "originals")
    assert not np.array_equal(first_kernel(run), first_kernel(whole))
    again = interrupted_and_resumed(settings(pictures, tmp_path / "cut", source="stream", checkpoint_steps=3))
    assert_same_state(again, run)
    assert run.views.exists()


def first_kernel(run):
    return run.load_encoder("wrn_10_1").get_weights()[0]


@pytest.mark.slow
def test_images_are_kept_larger_where_there_are_larger_ones_and_runs_from_before_go_on_as_they_were(
    pictures, whole, tmp_path
):
    assert whole.config()["data"]["store_size"] == KEPT and whole.config()["data"]["crops"] == "stored"
    before = settings(pictures, tmp_path / "before", source="memory", store_size=8)
    with pytest.MonkeyPatch.context() as patched, pytest.raises(TrainingFailure):
        patched.setattr(module, "FailureAlarm", PowerCut)
        pretrain(before)
    config = tmp_path / "before" / "config.json"
    said = json.loads(config.read_text())
    said["settings"]["store_size"] = None
    del said["data"]["store_size"], said["data"]["crops"]
    config.write_text(json.dumps(said))
    resumed = pretrain(settings(pictures, tmp_path / "before", source="memory"), resume=True)
    assert_same_state(resumed, pretrain(settings(pictures, tmp_path / "as before", source="memory", store_size=8)))


@pytest.mark.slow
def test_what_auto_took_stays_when_a_run_is_resumed(pictures, whole, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr(choose, "available_memory", lambda: 1000)
        run = pretrain(settings(pictures, tmp_path / "run", epochs=1))
    assert (
        "source=cache: the images take 12 KB, more than 50% of the 1.0 KB of free memory; " in capsys.readouterr().err
    )
    again = pretrain(settings(pictures, tmp_path / "run", epochs=1), resume=True)
    assert "source=" not in capsys.readouterr().err
    assert run.config()["data"]["source"] == again.config()["data"]["source"] == "cache"
    with pytest.raises(InputError, match="has other data:\n  source: 'cache' before, 'memory' now"):
        pretrain(settings(pictures, tmp_path / "run", epochs=1, source="memory"), resume=True)


def copied(pictures, folder):
    for path in sorted(pictures.rglob("*.png")):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("source", ["cache", "stream"])
def test_a_run_is_not_resumed_on_files_that_changed(pictures, tmp_path, source):
    folder = copied(pictures, tmp_path / "images")
    made = settings(folder, tmp_path / "run", epochs=1, source=source)
    with pytest.raises(TrainingFailure), pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "RunCheckpoint", stopped)
        pretrain(made)
    os.utime(folder / "a" / "0.png", ns=(1, 1))
    with pytest.raises(InputError, match="has other data: the images are not the same"):
        pretrain(made, resume=True)


def stopped(*_, **__):
    raise TrainingFailure("before the first step")


def test_a_stream_that_loses_too_many_images_ends_in_the_words_of_the_source(pictures, tmp_path, monkeypatch):
    folder = copied(pictures, tmp_path / "images")
    start = RunFolder.start

    def start_and_lose_images(self, *args):
        for path in sorted(folder.rglob("*.png"))[:3]:
            path.unlink()
        start(self, *args)

    monkeypatch.setattr(RunFolder, "start", start_and_lose_images)
    with pytest.raises(
        InputError, match=r"1 of 40 images cannot be read, more than max_bad_images=0.01 allows:\n.*0.png"
    ):
        pretrain(settings(folder, tmp_path / "run", source="stream"))


@pytest.mark.slow
def test_views_are_cut_out_of_pictures_of_store_size_and_probes_see_image_size(pictures, tmp_path, monkeypatch):
    seen = []
    original = module.load_probe_data

    def recorded(made, images, image_size):
        found = original(made, images, image_size)
        seen.append((images.images.shape, found.images.images.shape))
        return found

    monkeypatch.setattr(module, "load_probe_data", recorded)
    made = settings(pictures, tmp_path / "run", epochs=1, source="cache", store_size=12, probe_every=1)
    run = pretrain(made)
    assert seen == [((40, 12, 12, 3), (40, 8, 8, 3))]
    assert run.config()["data"]["image_size"] == 8 and run.config()["settings"]["store_size"] == 12
    assert run.load_encoder("wrn_10_1").input_shape == (None, 8, 8, 3)
    assert run.views.exists() and run.probe_lines()[-1]["epoch"] == 1
    assert np.isfinite(run.metrics_lines()[-1]["loss"])
    assert len(list((tmp_path / "cache").iterdir())) == 2  # pictures of both sizes
