"""The commands of README and docs/: their flags exist and take these values; those of the README are also run."""

import importlib
import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from markdown_pages import PAGES, ROOT, blocks
from PIL import Image

from dogo_tf import data

BINARIES = {point.name: point for point in entry_points(group="console_scripts") if point.name.startswith("dogo-")}
# A command and its flags, wherever it stands: in a pipeline, in quotes, after a path.
COMMAND = re.compile(r"(dogo-[a-z]+)((?:\s+--[\w-]+(?:=(?:'[^']*'|[^\s'\"]+))?)*)")


def commands(code: str) -> list[list[str]]:
    return [[name, *shlex.split(flags)] for name, flags in COMMAND.findall(code.replace("\\\n", " "))]


def shell(page: str) -> list[str]:
    return [block.code for block in blocks(page, "sh")]


@pytest.mark.parametrize("page", [page for page in PAGES if shell(page)])
def test_the_shell_of_a_page_is_well_formed(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    for code in shell(page):
        checked = subprocess.run(["bash", "-n"], input=code, text=True, capture_output=True)
        assert checked.returncode == 0, checked.stderr
        for script in re.findall(r"python ((?:benchmarks|docs)/\S+\.py)", code):
            assert Path(script).is_file()
        for command in commands(code):
            check_flags(command)


def test_commands_in_yaml_are_well_formed():
    for block in blocks("docs/how-to/many-devices.md", "yaml"):
        job = yaml.safe_load(block.code)
        script = job["spec"]["template"]["spec"]["containers"][0]["args"][0]
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
        found = commands(script)
        assert found
        for command in found:
            check_flags(command)


@pytest.mark.parametrize("page", PAGES)
def test_flags_in_the_text_exist(page):
    of_others = {"signal", "nodes", "requeue", "help", "version", "durations", "flagfile"}
    named = set(re.findall(r"`--(?:\[no\])?([a-z_]+)", (ROOT / page).read_text()))
    assert named - of_others <= {name for binary in BINARIES for name in flags_of(binary)}


def test_a_wrong_flag_would_be_noticed():
    with pytest.raises(Exception, match="no_such_flag"):
        check_flags(["dogo-pretrain", "--no_such_flag=1"])


def flags_of(binary: str):
    return importlib.import_module(BINARIES[binary].module).FLAGS


# What these cannot do without, by themselves or by a preset.
REQUIRED = {
    "dogo-pretrain": ("dataset", "run_dir"),
    "dogo-compare": ("dataset", "out"),
    "dogo-finetune": ("encoder", "dataset", "run_dir"),
}


def check_flags(command: list[str]) -> None:
    """Through the parser of the binary; a preset that a --flagfile names is read, too."""
    flags = flags_of(command[0])
    try:
        assert len(flags(command)) == 1, command
        missing = [name for name in REQUIRED.get(command[0], ()) if not flags[name].value]
        assert not missing, f"{' '.join(command)} does nothing without --{missing[0]}"
    finally:
        for name in flags:
            flags[name].unparse()


def make_photos(folder: Path) -> None:
    """Images that differ by more than noise, by which int8 must find the same neighbours."""
    for split, source in (("train", "train[:600]"), ("val", "test[:300]")):
        found = data.load("patterns", source)
        for number, (image, label) in enumerate(zip(found.images, found.labels, strict=True)):
            path = folder / split / found.class_names[label] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)


@pytest.mark.slow
def test_the_readmes_way_from_a_folder_to_a_tflite_works(tmp_path):
    make_photos(tmp_path / "photos")
    code = next(code for code in shell("README.md") if "dogo-pretrain" in code)
    shorter = {
        "dogo-pretrain": ["--epochs=2", "--batch_size=64", "--image_size=32"],
        "dogo-probe": ["--fractions=1,0.1"],
    }
    for name, *flags in commands(code):
        binary = Path(sys.executable).parent / name
        done = subprocess.run([binary, *flags, *shorter.get(name, [])], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    assert "zigzags_disc" in (tmp_path / "labels.csv").read_text()
    assert (tmp_path / "features.npz").is_file()
