"""What every binary does with mistakes that none of them looks for."""

from pathlib import Path

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
