"""A run as a whole: interrupted and resumed, in half precision, on damaged data."""

import numpy as np
import pytest
from PIL import Image

from dogo_tf import pretraining
from dogo_tf.callbacks import FailureAlarm
from dogo_tf.errors import InputError, TrainingFailure
from dogo_tf.keras_compat import keras
from dogo_tf.pretraining import pretrain
from dogo_tf.settings import PretrainSettings


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(50):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path / f"{i}.png")
    return path


def settings(pictures, run_dir, **changes):
    values = {
        "dataset": str(pictures),
        "run_dir": str(run_dir),
        "peers": ("wrn_10_1:simclr", "wrn_10_1:simclr"),
        "batch_size": 16,
        "epochs": 2,
        "log_every": 1,
        "learning_rate": (1e-3,),
        "schedule": "cosine",
        "warmup_epochs": 0.0,
    }
    return PretrainSettings(**{**values, **changes})


def weights(folder):
    return [weight for peer in folder.peer_names() for weight in folder.load_encoder(peer).get_weights()]


def test_an_interrupted_run_ends_like_one_that_was_not(pictures, tmp_path, monkeypatch):
    whole = pretrain(settings(pictures, tmp_path / "whole"))

    class PowerCut(FailureAlarm):
        def __call__(self, step, metrics):
            if step == 5:  # in the second epoch, after the checkpoint of step 3
                raise TrainingFailure("the light went out")

    with monkeypatch.context() as patched, pytest.raises(TrainingFailure):
        patched.setattr(pretraining, "FailureAlarm", PowerCut)
        pretrain(settings(pictures, tmp_path / "cut"))
    resumed = pretrain(settings(pictures, tmp_path / "cut"), resume=True)

    for ours, theirs in zip(weights(resumed), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    losses = [[(line["step"], line["loss"]) for line in folder.metrics_lines()] for folder in (resumed, whole)]
    assert losses[0] == losses[1] and [step for step, _ in losses[0]] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_encoders_trained_in_half_precision_are_kept_in_float32(pictures, tmp_path, precision):
    folder = pretrain(settings(pictures, tmp_path, precision=precision, epochs=1))
    encoder = folder.load_encoder("wrn_10_1")
    assert {layer.compute_dtype for layer in encoder.layers} == {"float32"}
    assert all(np.isfinite(weight).all() for weight in encoder.get_weights())
    assert keras.mixed_precision.global_policy().name == "float32"


def test_settings_per_peer_reach_their_peer(pictures, tmp_path):
    made = settings(pictures, tmp_path, optimizer=("sgd", "lars"), learning_rate=(0.1, 0.2), distill_weight=(0.0, 3.0))
    model = pretraining.build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert [type(o).__name__ for o in model.peer_optimizers] == ["SGDL2", "LARS"]
    assert [float(o.learning_rate) for o in model.peer_optimizers] == pytest.approx([0.1, 0.2])
    assert [(edge.student, edge.weight) for edge in model.edges] == [(0, 0.0), (1, 3.0)]


def test_a_peer_starts_from_the_same_weights_alone_and_next_to_others(pictures, tmp_path):
    def first_weights(*peers):
        model = pretraining.build_model(settings(pictures, tmp_path, peers=peers), 16, (0, 0, 0), (1, 1, 1), 3)
        return model.peers[-1].get_weights()

    for alone, beside in zip(first_weights("wrn_10_1"), first_weights("wrn_16_1", "wrn_10_1"), strict=True):
        np.testing.assert_array_equal(alone, beside)


def test_the_warmup_of_the_distillation_weight_is_given_in_epochs(pictures, tmp_path):
    made = settings(pictures, tmp_path, distill_warmup_epochs=0.7)
    assert pretraining.build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3).distill_warmup == 2 * 16


def test_crop_and_jitter_settings_change_the_objectives_own_recipes(pictures, tmp_path):
    peers = ("wrn_10_1:simclr", "wrn_10_1:simsiam")
    made = settings(pictures, tmp_path, peers=peers, min_crop_area=0.3, jitter_strength=0.5)
    model = pretraining.build_model(made, 16, (0, 0, 0), (1, 1, 1), steps_per_epoch=3)
    assert [recipe.crop_area for recipe in model.view_recipes] == [(0.3, 1.0)] * 2
    assert [recipe.brightness for recipe in model.view_recipes] == [0.4, 0.2]


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
