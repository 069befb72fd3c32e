"""Probes during training: on held-out training images, when they are due, without a trace in the training."""

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from run_states import small_run

from dogo_tf.data import load
from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError, Interrupted, TrainingFailure
from dogo_tf.evaluate import embed, knn_accuracy, linear, linear_probe
from dogo_tf.platform.keras_compat import tf
from dogo_tf.pretraining import pretrain as module
from dogo_tf.pretraining import probing
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.probing import load_probe_data
from dogo_tf.runs.folder import RunFolder
from dogo_tf.training.alarm import FailureAlarm


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two labelled splits and one without labels."""
    path = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for split, count in (("train", 24), ("test", 5)):
        for label, colour in (("dark", 100), ("light", 150)):
            (path / split / label).mkdir(parents=True)
            for i in range(count):
                pixels = np.clip(rng.normal(colour, 60, (8, 8, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(path / split / label / f"{i}.png")
    (path / "unlabelled").mkdir()
    for i in range(32):
        pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path / "unlabelled" / f"{i}.png")
    return path


def settings(pictures, run_dir, **changes):
    return small_run(pictures, run_dir, **{"epochs": 3, "probe_every": 2, **changes})


@pytest.fixture(scope="module")
def probed(pictures, tmp_path_factory):
    return pretrain(settings(pictures, tmp_path_factory.mktemp("runs") / "probed"))


def weights(folder):
    return [weight for peer in folder.peer_names() for weight in folder.load_encoder(peer).get_weights()]


def test_every_peer_is_probed_before_the_first_step_every_n_epochs_and_at_the_end(probed):
    lines = probed.probe_lines()
    assert [(line["epoch"], line["step"], line["peer"]) for line in lines] == [
        (0, 0, "small_conv"),
        (0, 0, "small_conv_2"),
        (2, 6, "small_conv"),
        (2, 6, "small_conv_2"),
        (3, 9, "small_conv"),
        (3, 9, "small_conv_2"),
    ]
    assert all((line["n_train"], line["n_test"]) == (40, 8) for line in lines)  # 15 % of 24 is 4 of each class


def test_the_last_numbers_are_those_of_the_saved_encoder_on_held_out_training_images(probed, pictures):
    data = load_probe_data(settings(pictures, probed.path), load(pictures), 8)
    images, held_out = data.images, data.held_out
    assert images.name.endswith("train") and len(images.images) == 48 and data.test is None
    for line in probed.probe_lines()[4:]:
        features = embed(probed.load_encoder(line["peer"]), images.images)
        split = (features[~held_out], images.labels[~held_out], features[held_out], images.labels[held_out])
        assert line["knn"] == knn_accuracy(*split).accuracy
        assert line["linear"] == linear_probe(*split).accuracy


def test_tensorboard_gets_the_numbers_and_the_projector(probed):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(probed.tensorboard))
    events.Reload()
    for name in ("knn", "linear"):
        shown = [(t.step, float(tf.make_ndarray(t.tensor_proto))) for t in events.Tensors(f"probe/small_conv/{name}")]
        wanted = [(line["step"], line[name]) for line in probed.probe_lines() if line["peer"] == "small_conv"]
        assert [step for step, _ in shown] == [step for step, _ in wanted]
        np.testing.assert_allclose([value for _, value in shown], [value for _, value in wanted], rtol=1e-6)
    groups = sorted({tag.split("/")[0] for tag in events.Tags()["tensors"] if "/" in tag})
    assert groups == ["loss", "peers", "probe", "speed", "z_internals"]  # in the order in which TensorBoard shows them
    assert "small_conv_2" in (probed.tensorboard / "projector_config.pbtxt").read_text()
    assert len((probed.tensorboard / "projector" / "metadata.tsv").read_text().splitlines()) == 1 + 48


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_probing_leaves_no_trace_in_the_training(pictures, tmp_path, probed, precision):
    changes = (
        {}
        if precision == "float32"
        else {"precision": precision, "peers": ("small_conv",), "epochs": 2, "probe_every": 1}
    )
    plain = pretrain(settings(pictures, tmp_path / "plain", **{**changes, "probe_every": 0}))
    watched = probed if precision == "float32" else pretrain(settings(pictures, tmp_path / "watched", **changes))
    for ours, theirs in zip(weights(watched), weights(plain), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert watched.probe_lines() and not plain.probes.exists()
    assert not (plain.tensorboard / "projector_config.pbtxt").exists()


@pytest.mark.slow
def test_a_probe_is_there_once_however_often_a_run_is_interrupted(pictures, tmp_path, monkeypatch):
    class PowerCut(FailureAlarm):
        def __call__(self, step, metrics):
            if step == 5:  # in the second epoch, after the checkpoint and the probe of step 3
                raise TrainingFailure("the light went out")

    made = settings(
        pictures, tmp_path / "run", epochs=2, probe_every=1, log_every=1, checkpoint_steps=3, peers=("small_conv",)
    )
    with monkeypatch.context() as patched, pytest.raises(TrainingFailure):
        patched.setattr(module, "FailureAlarm", PowerCut)
        pretrain(made)
    run = RunFolder(made.run_dir)
    first = run.probes.read_text().splitlines(keepends=True)
    assert [line["epoch"] for line in run.probe_lines()] == [0, 1]
    # A line of a time after the checkpoint, to be forgotten; the one at the checkpoint, lost, to be made up for.
    run.probes.write_text(f'{first[0]}{{"step": 4, "epoch": 2, "peer": "small_conv", "linear": 0.5}}\n')
    lines = pretrain(made, resume=True).probes.read_text().splitlines(keepends=True)
    assert lines[:2] == first and len(lines) == 3
    assert [(line["epoch"], line["step"]) for line in run.probe_lines()] == [(0, 0), (1, 3), (2, 6)]


def test_a_run_may_go_on_with_other_probes(pictures, tmp_path):
    made = settings(pictures, tmp_path / "run", epochs=1, peers=("small_conv",), probe_every=0)
    pretrain(made)
    run = pretrain(dataclasses.replace(made, probe_every=5, probe_test_split="test"), resume=True)
    (line,) = run.probe_lines()
    assert (line["epoch"], line["n_train"], line["n_test"]) == (1, 48, 10)


def test_without_labels_the_run_says_so_and_shows_the_images_in_the_projector(pictures, tmp_path, capsys):
    made = settings(pictures / "unlabelled", tmp_path / "run", epochs=1, peers=("small_conv",))
    run = pretrain(made)
    assert "has no labels; give labelled images with --probe_dataset" in capsys.readouterr().out
    assert not run.probes.exists()
    assert len((run.tensorboard / "projector" / "metadata.tsv").read_text().splitlines()) == 1 + 32


def test_a_class_is_needed_of_which_one_image_can_be_held_out(pictures, tmp_path):
    labels = np.arange(4)
    images = ImageSet("four", np.zeros((4, 8, 8, 3), np.uint8), labels, tuple("abcd"))
    with pytest.raises(InputError, match="expected at least two images of some class, to hold one out"):
        load_probe_data(settings(pictures, tmp_path), images, 8)


def test_mistakes_are_told_before_the_training(pictures, tmp_path):
    def refused(message, **changes):
        with pytest.raises(InputError, match=message):
            pretrain(settings(pictures, tmp_path / "run", **changes))
        assert not (tmp_path / "run").exists()

    refused("expected labelled images to probe with", probe_dataset=str(pictures / "unlabelled"))
    refused(
        "expected labelled images to probe with",
        split="unlabelled",
        probe_train_split="unlabelled",
        probe_test_split="test",
    )
    refused("probe_test_split: the folder .* has no sub-folder 'val'", probe_test_split="val")
    refused("probe_test_split: expected another split than probe_train_split", probe_test_split="train")
    refused("probe_every: expected a whole number of at least 0, got -1", probe_every=-1)
    one_class = ImageSet("one", np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4, np.int64), ("a",))
    with pytest.raises(InputError, match="one: expected at least two classes to probe with, got one"):
        load_probe_data(settings(pictures, tmp_path), one_class, 8)


@pytest.mark.slow
@pytest.mark.parametrize("epoch, peers_probed_before", [(0, 1), (2, 2), (3, 4)])
def test_a_request_to_stop_breaks_a_probe_off_and_the_resumed_run_makes_up_for_it(
    pictures, probed, tmp_path, monkeypatch, capsys, epoch, peers_probed_before
):
    begun = []

    def pre_empted(self, encoder):
        begun.append(encoder)
        if len(begun) > peers_probed_before:
            signal.raise_signal(signal.SIGTERM)
            pytest.fail("the probe went on")
        return original(self, encoder)

    original = probing.Probes._probe
    with monkeypatch.context() as patched:
        patched.setattr(probing.Probes, "_probe", pre_empted)
        step = 3 * epoch
        saved = f"which is saved in .*step_00000000{step}" if step else "where there is nothing to save"
        message = f"SIGTERM: stopped after step {step} of 9, {saved}; go on with --resume"
        with pytest.raises(Interrupted, match=message):
            pretrain(settings(pictures, tmp_path))
    assert "SIGTERM: breaking off the probe and saving" in capsys.readouterr().err
    assert len(RunFolder(tmp_path).probe_lines()) == (peers_probed_before if epoch else 0)
    resumed = pretrain(settings(pictures, tmp_path), resume=True)
    assert resumed.probe_lines() == probed.probe_lines()
    for one, other in zip(weights(resumed), weights(probed), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_encoder_that_gets_worse_than_untrained_is_warned_of(pictures, tmp_path, monkeypatch, capsys):
    """With a probe that is told what to find."""
    found = iter([0.9, 0.8, 0.1])
    numbers = {"knn": 0.5, "n_train": 40, "n_test": 8}
    monkeypatch.setattr(probing.Probes, "_probe", lambda self, encoder: {**numbers, "linear": next(found)})
    pretrain(settings(pictures, tmp_path, peers=("small_conv",), epochs=2, probe_every=1))
    shown = capsys.readouterr().out
    assert "probe before training (%): small_conv kNN 50.0 linear 90.0" in shown
    assert [line for line in shown.splitlines() if line.startswith("warning")] == [
        "warning: peer 'small_conv': the encoder got worse than untrained: linear accuracy 10.0 % after epoch 2, "
        "90.0 % before the first step. Try a lower --learning_rate or more warm-up; the run goes on."
    ]


def test_too_many_classes_for_the_linear_probe_are_refused_before_the_training(pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(linear, "MAX_LOGITS", 79)  # 40 images of 2 classes train the probe
    with pytest.raises(InputError, match="40 images of 2 classes are too many for the linear probe"):
        pretrain(settings(pictures, tmp_path))
    assert not (tmp_path / "metrics.jsonl").exists()


def test_a_full_disk_during_a_probe_is_told_in_one_line(pictures, tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        return original(Path("/dev/full") if self.name == "probes.jsonl" and "a" in args else self, *args, **kwargs)

    original = Path.open
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(InputError, match="cannot write the probes in .*: No space left on device. What was written"):
        pretrain(settings(pictures, tmp_path, probe_every=1, epochs=1))
