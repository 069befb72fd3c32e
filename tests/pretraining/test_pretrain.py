"""A run as a whole: interrupted and resumed, in half precision, on damaged data."""

import dataclasses
import os

import numpy as np
import pytest
from PIL import Image
from run_states import assert_same_state, log, make_pictures, small_run

from dogo_tf import views
from dogo_tf.errors import InputError, TrainingFailure
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining import pretrain as module
from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.runs.folder import RunFolder
from dogo_tf.training.alarm import FailureAlarm


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"))


def settings(pictures, run_dir, **changes):
    values = {"epochs": 2, "log_every": 1, "schedule": "cosine", "warmup_epochs": 0.0}
    return small_run(pictures, run_dir, **{**values, **changes})


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "mixed_float16", "micro_batches": 2},
        {"steps_per_execution": 2, "log_every": 2},
        {"peers": ("small_conv:byol", "small_conv:moco")},
    ],
)
def test_an_interrupted_run_ends_like_one_that_was_not(pictures, tmp_path, monkeypatch, changes):
    """With loss scales, targets and a queue, which are part of the state; test_kills.py has the plain run."""
    whole = pretrain(settings(pictures, tmp_path / "whole", checkpoint_steps=2, **changes))

    class PowerCut(FailureAlarm):
        def __call__(self, step, metrics):
            if step >= 5:  # in the second epoch; the checkpoint is of step 4, or at the end of the execution with it
                raise TrainingFailure("the light went out")

    with monkeypatch.context() as patched, pytest.raises(TrainingFailure):
        patched.setattr(module, "FailureAlarm", PowerCut)
        pretrain(settings(pictures, tmp_path / "cut", checkpoint_steps=2, **changes))
    resumed = pretrain(settings(pictures, tmp_path / "cut", **changes), resume=True)
    assert_same_state(resumed, whole)
    assert log(resumed) == log(whole) and log(whole)[-1]["step"] == 6
    assert len({*map(str, log(whole))}) == len(log(whole))


@pytest.mark.slow
def test_a_line_of_the_log_is_the_mean_over_its_steps_also_across_epochs(pictures, tmp_path):
    each, pairs = (pretrain(settings(pictures, tmp_path / str(n), log_every=n)) for n in (1, 2))
    losses = [line["loss"] for line in each.metrics_lines()]
    expected = [(a + b) / 2 for a, b in zip(losses[::2], losses[1::2], strict=True)]
    assert [line["loss"] for line in pairs.metrics_lines()] == pytest.approx(expected, rel=1e-5)


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """(images, settings) of a finished run."""
    images = make_pictures(tmp_path_factory.mktemp("images"), 20)
    made = settings(images, tmp_path_factory.mktemp("runs") / "run", epochs=1)
    pretrain(made)
    return images, made


@pytest.fixture
def finished(trained_once):
    """The same, with images that may be changed: afterwards they are as before."""
    images, made = trained_once
    before = {path: path.read_bytes() for path in images.iterdir()}
    yield trained_once
    for path in images.iterdir():
        path.unlink()
    for path, content in before.items():
        path.write_bytes(content)


def test_a_finished_run_is_resumed_without_another_step(finished):
    _, made = finished
    before = RunFolder(made.run_dir).metrics.read_text()
    pretrain(made, resume=True)
    assert RunFolder(made.run_dir).metrics.read_text() == before


@pytest.mark.slow
def test_images_that_came_or_went_since_are_named(finished):
    images, made = finished
    (images / "7.png").unlink()
    with pytest.raises(InputError, match="has other data:\n  images: 20 before, 19 now\n  pixel_mean: "):
        pretrain(made, resume=True)


def turned_round(folder):
    for path in folder.iterdir():
        Image.open(path).transpose(Image.Transpose.ROTATE_180).save(path)


def swapped(folder):
    first, second = sorted(folder.iterdir())[:2]
    first.rename(folder / "aside")
    second.rename(first)
    (folder / "aside").rename(second)


@pytest.mark.parametrize("change", (turned_round, swapped))
def test_a_run_is_not_resumed_on_other_images_of_the_same_statistics(finished, change):
    images, made = finished
    change(images)
    with pytest.raises(InputError, match="has other data: the images are not the same, or come in another order"):
        pretrain(made, resume=True)


@pytest.mark.slow
def test_images_that_go_during_the_run_are_not_missed(tmp_path, monkeypatch):
    """They were decoded into memory before the first step."""
    folder = tmp_path / "images"
    folder.mkdir()
    make_pictures(folder, 20)
    start = RunFolder.start

    def start_and_lose_images(self, *args):
        for path in folder.iterdir():
            path.unlink()
        start(self, *args)

    monkeypatch.setattr(RunFolder, "start", start_and_lose_images)
    run = pretrain(settings(folder, tmp_path / "run", epochs=1))
    assert log(run)[-1]["step"] == 1


def test_a_full_disk_is_named_and_nothing_written_is_lost(pictures, tmp_path, monkeypatch):
    written = RunFolder.start

    def start_on_a_full_disk(self, *args):
        written(self, *args)
        self.metrics.symlink_to("/dev/full")

    monkeypatch.setattr(RunFolder, "start", start_on_a_full_disk)
    with pytest.raises(
        InputError, match="cannot write the metrics in .*: No space left on device. What was written bef"
    ):
        pretrain(settings(pictures, tmp_path, epochs=1))
    assert sorted(os.listdir(tmp_path)) == [
        ".lock",
        "config.json",
        "flags.txt",
        "metrics.jsonl",
        "tensorboard",
        "views.png",
    ]


def test_a_broken_state_is_never_saved(pictures, tmp_path):
    """The first update breaks the weights (the rate is infinite in float32), which the loss of that step cannot show yet."""
    broken = settings(
        pictures, tmp_path, optimizer=("sgd",), learning_rate=(1e308,), schedule="constant", checkpoint_steps=1
    )
    with pytest.raises(
        TrainingFailure, match="step 1: peer 'small_conv': a weight that is not finite. Last good checkpoint: none yet"
    ):
        pretrain(broken)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)])
def test_encoders_trained_in_half_precision_are_kept_in_float32(pictures, tmp_path, precision):
    folder = pretrain(settings(pictures, tmp_path, precision=precision, epochs=1))
    encoder = folder.load_encoder("small_conv")
    assert {layer.compute_dtype for layer in encoder.layers} == {"float32"}
    assert all(np.isfinite(weight).all() for weight in encoder.get_weights())
    assert keras.mixed_precision.global_policy().name == "float32"


def test_settings_per_peer_reach_their_peer(pictures, tmp_path):
    made = settings(pictures, tmp_path, optimizer=("sgd", "lars"), learning_rate=(0.1, 0.2), distill_weight=(0.0, 3.0))
    model = build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert [type(o).__name__ for o in model.peer_optimizers] == ["SGDL2", "LARS"]
    assert [float(o.learning_rate) for o in model.peer_optimizers] == pytest.approx([0.1, 0.2])
    assert [(edge.student, edge.weight) for edge in model.edges] == [("small_conv", 0.0), ("small_conv_2", 3.0)]


def test_a_peer_starts_from_the_same_weights_alone_and_next_to_others(pictures, tmp_path):
    def first_weights(*peers):
        model = build_model(settings(pictures, tmp_path, peers=peers), 16, (0, 0, 0), (1, 1, 1), 3)
        return model.peers[-1].get_weights()

    for alone, beside in zip(first_weights("small_conv"), first_weights("wrn_16_1", "small_conv"), strict=True):
        np.testing.assert_array_equal(alone, beside)


def test_the_warmup_of_the_distillation_weight_is_given_in_epochs(pictures, tmp_path):
    made = settings(pictures, tmp_path, distill_warmup_epochs=0.7)
    model = build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert [edge.warmup for edge in model.edges] == [2 * 16] * 2


def test_a_run_that_began_with_what_is_refused_now_goes_on(trained_once, tmp_path, monkeypatch):
    """An idle teacher, and a temperature that its scheme does not use."""
    _, made = trained_once
    keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten()]).save(tmp_path / "big.keras")
    teach = "small_conv>small_conv_2:temperature=0.2:scheme=simreg"
    made = dataclasses.replace(made, teachers=(f"big={tmp_path / 'big.keras'}",), teach=teach)
    with pytest.raises(InputError, match="teachers: big teaches nobody"):
        pretrain(made, overwrite=True)

    class Built(BaseException):
        pass

    def built(*how):
        raise Built(build_model(*how))

    monkeypatch.setattr(module, "build_model", built)
    with pytest.raises(Built) as reached:
        pretrain(made, resume=True)
    (term,) = reached.value.args[0].distillation_terms
    assert (term.name, term.temperature) == ("simreg_small_conv_2_from_small_conv", None)
    with pytest.raises(InputError, match="temperature: the scheme simreg has none"):
        build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)


def test_crop_and_jitter_settings_change_the_objectives_own_recipes(pictures, tmp_path):
    peers = ("small_conv:simclr", "small_conv:simsiam")
    made = settings(pictures, tmp_path, peers=peers, min_crop_area=0.3, jitter_strength=0.5)
    model = build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert [recipe.crop_area for recipe in model.view_recipes] == [(0.3, 1.0)] * 2
    assert [recipe.brightness for recipe in model.view_recipes] == [0.4, 0.2]


def test_local_views_and_a_named_recipe_reach_their_peers(pictures, tmp_path):
    local = {"local_views": (3, 0), "local_size": 6, "local_crop_area": (0.1, 0.2), "view_recipe": "byol_unequal"}
    made = settings(
        pictures, tmp_path, peers=("a=small_conv", "b=small_conv"), image_size=16, min_crop_area=None, **local
    )
    model = build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert [peer.local.count for peer in model.peers] == [3, 0] and model.peers[0].local.encoder.input_shape[1] == 6
    scaled = views.BYOL_UNEQUAL.scaled_jitter(made.jitter_strength)
    assert list(model.view_recipes) == [dataclasses.replace(scaled, local_crop_area=(0.1, 0.2))] * 2


def test_peers_that_cannot_be_made_are_told_before_features_are_computed(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "cached_teachers", lambda *_: pytest.fail("hours too late"))
    (tmp_path / "big.keras").touch()
    teacher = {"teachers": (f"big={tmp_path}/big.keras",), "cache_teachers": True}
    with pytest.raises(InputError, match="local_size: the encoder of peer 'mobilenet_v2' cannot take images of 16 p"):
        pretrain(
            settings(pictures, tmp_path / "a", peers=("mobilenet_v2",), image_size=32, local_views=(2,), **teacher)
        )
    with pytest.raises(InputError, match="init: small_conv: .*no_file.keras does not exist"):
        init = ("small_conv=no_file.keras",)
        pretrain(settings(pictures, tmp_path / "b", peers=("small_conv",), init=init, **teacher))
    assert not (tmp_path / "a" / "config.json").exists() and not (tmp_path / "b" / "config.json").exists()


def test_damaged_images_are_left_out_counted_and_listed(pictures, tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    for path in pictures.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    whole = (folder / "0.png").read_bytes()
    (folder / "0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="1 of 50 images cannot be read, more than max_bad_images=0.01 allows"):
        pretrain(settings(folder, tmp_path / "strict"))
    run = pretrain(settings(folder, tmp_path / "run", epochs=1, max_bad_images=0.05))
    assert "left out 1 of 50 images" in capsys.readouterr().err
    ((path, reason),) = run.config()["data"]["bad_files"]
    assert path.endswith("0.png") and "truncated" in reason
