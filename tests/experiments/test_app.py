"""What every binary does with mistakes that none of them looks for."""

import contextlib
import os
from pathlib import Path

import pytest
from absl import flags

from dogo_tf.experiments import app, pretrain

LOCKED = Path("/locked/photos")


def closed():
    raise PermissionError(13, "Permission denied", LOCKED)


def test_a_path_that_may_not_be_entered_is_one_line(capsys):
    assert app.run(closed, flags.FlagValues(), "Help.", ["dogo"]) == 2
    assert capsys.readouterr().err == "error: /locked/photos: Permission denied\n"


def test_a_flagfile_that_is_no_text_is_one_line(tmp_path, capsys):
    (tmp_path / "flags").write_bytes(b"\xff\xfe\x00")
    assert pretrain.run(["dogo-pretrain", f"--flagfile={tmp_path / 'flags'}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --flagfile: expected a text file, a flag a line; ")


def test_a_flagfile_that_is_not_there_is_named_once(tmp_path, capsys):
    assert pretrain.run(["dogo-pretrain", f"--flagfile={tmp_path / 'none'}"]) == 2
    reason = f"[Errno 2] No such file or directory: '{tmp_path / 'none'}'"
    assert capsys.readouterr().err == f"error: --flagfile: cannot be opened: {reason}; see --help\n"


def test_a_mistake_in_the_folder_where_we_are_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    asked = ["dogo-pretrain", "--dataset=/nowhere", "--peers=wrn_10_1", "--precision=float32"]
    assert pretrain.run([*asked, "--run_dir=."]) == 2
    assert "the folder '/nowhere' does not exist" in capsys.readouterr().err
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())


@contextlib.contextmanager
def output_that_nobody_reads():
    """A stdout like that of `dogo-probe ... | head -1` after its line."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stdout, contextlib.redirect_stdout(stdout):
        yield
        stdout.flush()  # as Python does at its end


def test_help_that_nobody_reads_on_ends_without_a_word(capsys):
    with output_that_nobody_reads():
        assert pretrain.run(["dogo-pretrain", "--help"]) == 141
    assert not capsys.readouterr().err


@pytest.mark.parametrize("words", ["written when it is flushed", "written at once " * 10_000])
def test_a_command_whose_output_nobody_reads_ends_without_a_word(words, capsys):
    with output_that_nobody_reads():
        assert app.run(lambda: print(words), flags.FlagValues(), "Help.", ["dogo"]) == 141
    assert not capsys.readouterr().err


def test_the_end_of_another_pipe_is_not_taken_for_the_output():
    def lost():
        raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        app.run(lost, flags.FlagValues(), "Help.", ["dogo"])
