"""Checkpoints as files: whole or not there, checked before they are trusted."""

import contextlib
import os
import resource
import shutil

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras
from dogo_tf.runs.checkpoint import RunCheckpoint, damage


def model():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(30, name="dense")])
    made.compile(keras.optimizers.Adam(0.1), loss="mse")
    made.optimizer.build(made.trainable_variables)
    return made


def fill(made, value):
    made.set_weights([np.full_like(weight, value) for weight in made.get_weights()])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saved(tmp_path):
    """A model whose checkpoints of steps 1..3 hold weights of that value, and the two that are kept of them."""
    made = model()
    checkpoint = RunCheckpoint(tmp_path, made)
    for step in (1, 2, 3):
        fill(made, step)
        checkpoint.save(step)
    return made, checkpoint


def value(made):
    (result,) = {float(x) for weight in made.get_weights() for x in weight.ravel()}
    return result


def test_the_newest_two_are_kept_and_the_newest_is_loaded(saved, tmp_path):
    made, checkpoint = saved
    assert names(tmp_path) == ["step_000000002", "step_000000003"]
    fill(made, 9)
    assert checkpoint.restore_newest() == checkpoint.newest() == tmp_path / "step_000000003"
    assert value(made) == 3


def truncated(path):
    path.write_bytes(path.read_bytes()[:-7])


def bit_flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("name", ["state.data-00000-of-00001", "state.index", "checksums.json"])
@pytest.mark.parametrize("harm", [truncated, bit_flipped, emptied, lambda path: path.unlink()])
def test_a_damaged_newest_is_told_and_the_one_before_it_is_used(saved, tmp_path, capsys, name, harm):
    made, checkpoint = saved
    harm(tmp_path / "step_000000003" / name)
    assert checkpoint.restore_newest() == tmp_path / "step_000000002"
    assert value(made) == 2
    message = capsys.readouterr().err
    assert f"the checkpoint {tmp_path / 'step_000000003'} is damaged ({name} " in message or name == "checksums.json"
    assert message.count("trying the one before it") == 1


def test_a_resumed_run_replaces_the_damaged_one(saved, tmp_path):
    made, checkpoint = saved
    truncated(tmp_path / "step_000000003" / "state.index")
    (tmp_path / ".77_step_000000004").mkdir()  # a process was killed as it wrote
    checkpoint.restore_newest()
    checkpoint.drop_after(2)
    assert names(tmp_path) == ["step_000000002"]
    fill(made, 3.5)
    checkpoint.save(3)
    checkpoint.restore_newest()
    assert value(made) == 3.5


def test_if_all_are_damaged_the_run_does_not_silently_start_anew(saved, tmp_path):
    for path in tmp_path.iterdir():
        truncated(path / "state.index")
    with pytest.raises(InputError, match="no checkpoint in .* is whole; copy one back, or start anew with --overwrite"):
        saved[1].restore_newest()


def test_no_checkpoint_is_not_an_error(tmp_path):
    checkpoint = RunCheckpoint(tmp_path / "none", model())
    assert checkpoint.restore_newest() is None and checkpoint.newest() is None
    checkpoint.drop_after(0)


def test_a_checkpoint_of_another_model_is_refused(saved, tmp_path):
    bigger = keras.Sequential([keras.Input((4,)), keras.layers.Dense(30), keras.layers.Dense(2)])
    with pytest.raises(InputError, match="step_000000003 is not of the model in config.json"):
        RunCheckpoint(tmp_path, bigger).restore_newest()


@contextlib.contextmanager
def disk_full_after(size):
    """Writing fails beyond `size` bytes a file, as the system itself tells."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_cannot_be_written_leaves_the_others_alone(saved, tmp_path):
    made, checkpoint = saved
    fill(made, 4)
    with disk_full_after(100), pytest.raises(InputError) as error:
        checkpoint.save(4)
    assert f"cannot write the checkpoint {tmp_path / 'step_000000004'}: " in str(error.value)
    assert f"the last good one is {tmp_path / 'step_000000003'}" in str(error.value)
    assert names(tmp_path) == ["step_000000002", "step_000000003"]
    assert checkpoint.restore_newest() and value(made) == 3


def test_older_ones_go_only_after_the_newest_was_read_back(saved, tmp_path, monkeypatch):
    made, checkpoint = saved
    rename = type(tmp_path).rename

    def rename_and_damage(self, target):
        rename(self, target)
        bit_flipped(target / "state.data-00000-of-00001")

    monkeypatch.setattr(type(tmp_path), "rename", rename_and_damage)
    with pytest.raises(InputError, match="was written but state.data-00000-of-00001 is not as it was written"):
        checkpoint.save(4)
    assert names(tmp_path) == ["step_000000002", "step_000000003", "step_000000004"]


def test_means_that_are_under_way_are_kept(tmp_path):
    made = model()
    made.fit(np.ones((8, 4)), np.ones((8, 30)), verbose=0)
    mean = made.metrics[0].result().numpy()
    RunCheckpoint(tmp_path, made).save(1)
    made.reset_metrics()
    RunCheckpoint(tmp_path, made).restore_newest()
    assert made.metrics[0].result().numpy() == mean != 0


@pytest.mark.parametrize("name", ("step_000000003.bak", "step_", "step_x", "step_-1", "step_ 4", "notes.txt"))
def test_other_names_beside_the_checkpoints_do_not_matter(saved, tmp_path, name):
    made, checkpoint = saved
    (tmp_path / name).mkdir()
    (tmp_path / f"{name}_file").write_text("x")
    assert checkpoint.restore_newest() == tmp_path / "step_000000003"
    checkpoint.drop_after(2)
    assert checkpoint.restore_newest() == tmp_path / "step_000000002"
    checkpoint.save(4)
    assert names(tmp_path) == sorted(["step_000000002", "step_000000004", name, f"{name}_file"])


def test_a_checkpoint_can_be_copied_back(saved, tmp_path):
    """What the message about damaged ones advises."""
    made, checkpoint = saved
    newest = tmp_path / "step_000000003"
    shutil.copytree(newest, tmp_path / "step_000000003.bak")
    (newest / "checksums.json").write_text("[" * 100_000)
    (tmp_path / "step_000000002" / "checksums.json").write_text("7")
    with pytest.raises(InputError, match="no checkpoint in .* is whole; copy one back, or start anew with --overwrite"):
        checkpoint.restore_newest()
    shutil.rmtree(newest)
    shutil.copytree(tmp_path / "step_000000003.bak", newest)
    assert checkpoint.restore_newest() == newest and value(made) == 3


def test_a_file_in_the_place_of_a_checkpoint_is_damaged_and_goes(saved, tmp_path, capsys):
    made, checkpoint = saved
    (tmp_path / "step_000000009").write_text("x")
    (tmp_path / ".123_step_000000010").write_text("x")
    assert checkpoint.restore_newest() == tmp_path / "step_000000003"
    assert "step_000000009 is damaged (checksums.json cannot be read: Not a directory)" in capsys.readouterr().err
    checkpoint.drop_after(3)
    assert names(tmp_path) == ["step_000000002", "step_000000003"]


def test_a_pipe_in_a_checkpoint_is_damage(tmp_path):
    os.mkfifo(tmp_path / "checksums.json")
    assert damage(tmp_path) == "checksums.json cannot be read: not a regular file"
