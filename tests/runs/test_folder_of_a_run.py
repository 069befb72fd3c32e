import json
import os

import pytest

from dogo_tf.errors import InputError
from dogo_tf.platform.files import write_atomically
from dogo_tf.runs.folder import RunFolder, check_peer_name

SETTINGS = {"dataset": "cifar10", "data_dir": None, "epochs": 3, "seed": 0}
DATA = {"images": 50, "image_size": 32, "digest": "abc"}
CONFIG = {"settings": SETTINGS, "peers": [], "data": DATA, "provenance": {}}


def with_peer(name):
    return {**CONFIG, "peers": [{"name": name}]}


def test_a_new_folder_keeps_its_configuration(tmp_path):
    folder = RunFolder(tmp_path / "a" / "run")
    folder.start(CONFIG, resume=False, overwrite=False)
    assert folder.config() == CONFIG and folder.peer_names() == []


def test_overwrite_replaces_a_run(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start(CONFIG, resume=False, overwrite=False)
    (tmp_path / "metrics.jsonl").write_text("old")
    folder.start({**CONFIG, "new": 1}, resume=False, overwrite=True)
    assert folder.config()["new"] == 1 and not folder.metrics.exists()


def refused(folder, message, **how):
    with pytest.raises(InputError, match=message):
        folder.start({**CONFIG, "settings": {**SETTINGS, "epochs": 4}}, **{"resume": False, "overwrite": False, **how})


def test_what_lies_in_the_folder_is_not_lost(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    refused(RunFolder(tmp_path), "is not empty; continue its run with --resume, replace it with --overwrite")
    refused(RunFolder(tmp_path), r"holds files but no run \(config.json\); it is not deleted", overwrite=True)
    refused(RunFolder(tmp_path / "thesis.tex"), "is a file; expected a folder")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_resume_needs_the_same_settings_and_names_each_difference(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start(CONFIG, resume=False, overwrite=False)
    refused(
        folder,
        "has other settings:\n  epochs: 3 before, 4 now\nGive them as they were before, or begin a new run in ano",
        resume=True,
    )
    refused(folder, "exclude each other", resume=True, overwrite=True)
    folder.start(CONFIG, resume=True, overwrite=False)


def test_a_run_from_before_there_was_a_setting_goes_on(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start(CONFIG, resume=False, overwrite=False)
    folder.start({**CONFIG, "settings": {**SETTINGS, "micro_batches": 1}}, resume=True, overwrite=False)


def test_a_damaged_or_missing_configuration_is_named(tmp_path):
    refused(RunFolder(tmp_path), "holds no run: config.json cannot be read", resume=True)
    (tmp_path / "config.json").write_text("{")
    refused(RunFolder(tmp_path), "config.json is damaged: Expecting", resume=True)


@pytest.mark.parametrize("name", ["../../etc/x", "/tmp/x", "a/b", "", "..", "a\0"])
def test_a_path_in_a_configuration_does_not_lead_out_of_the_folder(tmp_path, name):
    folder = RunFolder(tmp_path)
    folder.start(with_peer(name), resume=False, overwrite=False)
    with pytest.raises(InputError, match="peer: expected a name of letters, digits and _"):
        folder.peer_names()


def test_an_overwrite_that_was_cut_off_can_be_repeated(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.start(CONFIG, resume=False, overwrite=False)
    (tmp_path / "checkpoints").mkdir()
    with monkeypatch.context() as patched, pytest.raises(InputError, match="cannot write the folder"):
        patched.setattr("shutil.rmtree", lambda path: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        folder.start(CONFIG, resume=False, overwrite=True)
    folder.start({**CONFIG, "new": 1}, resume=False, overwrite=True)
    assert folder.config()["new"] == 1 and not folder.checkpoints.exists()


def test_an_encoder_that_is_missing_or_damaged_is_named(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start(with_peer("small"), resume=False, overwrite=False)
    with pytest.raises(InputError, match="no encoder of a peer 'small'; the run has not saved any yet"):
        folder.load_encoder("small")
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "small.keras").write_bytes(b"not a model")
    with pytest.raises(InputError, match="no encoder of a peer 'big'; it has: small"):
        folder.load_encoder("big")
    with pytest.raises(InputError, match="small.keras cannot be loaded"):
        folder.load_encoder("small")


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    write_atomically(tmp_path / "a.json", json.dumps(1).encode())
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "a.json", "text is not bytes")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"] and (tmp_path / "a.json").read_text() == "1"


def test_a_resumed_run_forgets_the_lines_that_it_will_write_again(tmp_path):
    folder = RunFolder(tmp_path)
    folder.drop_metrics_after(0)
    assert folder.metrics_lines() == []
    lines = [{"step": step, "loss": 1.5, "images_per_second": 3.0} for step in (2, 4)]
    folder.metrics.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"step": 6, "lo')  # killed there
    folder.drop_metrics_after(2)
    assert folder.metrics_lines() == lines[:1]


def test_resume_needs_the_same_images_in_the_same_order(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start(CONFIG, resume=False, overwrite=False)
    other_order = {**DATA, "digest": "def"}
    with pytest.raises(InputError, match="has other data: the images are not the same, or come in another order"):
        folder.start({**CONFIG, "data": other_order}, resume=True, overwrite=False)
    with pytest.raises(
        InputError, match="has other data:\n  images: 50 before, 51 now\nGive them as they were before, or"
    ):
        folder.start({**CONFIG, "data": {**other_order, "images": 51}}, resume=True, overwrite=False)


def test_a_run_from_before_there_was_a_digest_is_resumed(tmp_path):
    folder = RunFolder(tmp_path)
    old = {name: value for name, value in DATA.items() if name != "digest"}
    folder.start({**CONFIG, "data": old}, resume=False, overwrite=False)
    folder.start(CONFIG, resume=True, overwrite=False)


DAMAGED_CONFIGURATIONS = {
    "{}": "settings is missing",
    "[1]": r"the whole: expected a dictionary, got \[1\]",
    "7": "the whole: expected a dictionary, got 7",
    '{"settings": {}}': "settings.dataset is missing",
    '{"settings": 3}': "settings: expected a dictionary, got 3",
    '{"settings": {"dataset": 3}}': "settings.dataset: expected text, got 3",
    '{"settings": {"dataset": "x", "data_dir": ["/"]}}': r"settings.data_dir: expected text or null, got \[\"/\"\]",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": {"a": 1}}': "peers: expected a list, got {",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": ["a"]}': r"peers\[0\]: expected a dictionary, got \"a\"",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": [{"name": 1}]}': r"peers\[0\].name: expected text, got 1",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": []}': "data is missing",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": [], "data": {}}': "data.image_size is missing",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": [], "data": {"image_size": true}}': "a whole number, got true",
    '{"settings": {"dataset": "x", "data_dir": null}, "peers": [], "data": {"image_size": 8}}': "provenance is missing",
    "[" * 100_000: "it is nested too deeply",
    "\udcff": "codec can't decode",
}


@pytest.mark.parametrize("content", DAMAGED_CONFIGURATIONS)
def test_a_damaged_configuration_is_named_with_the_place(tmp_path, content):
    (tmp_path / "config.json").write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match=f"run_dir: .*config.json is damaged: .*{DAMAGED_CONFIGURATIONS[content]}"):
        RunFolder(tmp_path).config()


@pytest.mark.parametrize("line", ("{", "[]", '{"step": "3"}', '{"step": 3}', "\udcff", "[" * 100_000))
def test_a_damaged_line_of_a_log_is_named(tmp_path, line):
    folder = RunFolder(tmp_path)
    good = '{"step": 2, "images_per_second": 3.0}'
    folder.metrics.write_text(f"{good}\n{line}\n{good}\n", errors="surrogateescape")
    with pytest.raises(InputError, match=r"metrics.jsonl is damaged in line 2 \(.*\); delete this line"):
        folder.metrics_lines()


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "probes.jsonl"])
def test_a_pipe_among_the_files_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    folder = RunFolder(tmp_path)
    read = {"config.json": folder.config, "metrics.jsonl": folder.metrics_lines, "probes.jsonl": folder.probe_lines}[
        name
    ]
    with pytest.raises(InputError, match="not a regular file"):
        read()


def test_a_name_too_long_for_a_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="peer: expected a name .* at most 200 bytes"):
        check_peer_name("a" * 201)
    check_peer_name("a" * 200)


def test_the_folder_of_a_run_may_be_below_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    RunFolder("~/runs/pair").start(CONFIG, resume=False, overwrite=False)
    assert os.listdir() == ["runs"] and (tmp_path / "runs" / "pair" / "config.json").is_file()
