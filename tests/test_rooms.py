"""The rooms of the package (BUILD.md, "A map of the rooms"): each says what it is for, and imports point downwards only."""

import ast
import re
from pathlib import Path

import pytest

import dogo_tf

ROOT = Path(dogo_tf.__file__).parent
# From the front door down. A room may import what stands below it, never what stands above or beside it.
ORDER = (
    "comparison",
    "finetuning",
    "pretraining",
    "training",
    "dogo",
    "peer",
    "step",
    "teacher",
    "exploration",
    "selection",
    "assessment",
    "evaluate",
    "foreign",
    "distill",
    "objectives",
    "runs",
    "data",
    "sources",
    "optimizers",
    "distribution",
    "encoders",
    "class_head",
    "reporting",
    "views",
    "numerics",
    "platform",
    "types",
    "errors",
)
# On top of them the binaries and the exporters; runtime.py is the device's one file, and imports nothing of the package.
ON_TOP = ("experiments", "export")
LEAF = "export.runtime"
MOST_FILES = 20
MOST_LINES = 250


def room(module: str) -> str:
    """ "dogo_tf.evaluate.knn" -> "evaluate"."""
    return module.removeprefix("dogo_tf.").split(".")[0]


def rooms() -> set[str]:
    return {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} - {
        "__init__"
    }


def imported(path: Path) -> set[str]:
    """What a file imports of this package, with `dogo_tf.` in front."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dogo_tf":
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name.startswith("dogo_tf.")}
    return found


def files(name: str) -> list[Path]:
    file = ROOT / f"{name}.py"
    return [file] if file.is_file() else sorted((ROOT / name).rglob("*.py"))


def test_every_file_has_a_room():
    assert rooms() == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_imports_point_downwards(name):
    below = ORDER[ORDER.index(name) :]
    for path in files(name):
        for target in imported(path):
            if not target.startswith(f"dogo_tf.{LEAF}"):
                assert room(target) in below, f"{path.relative_to(ROOT)} imports {target}, which stands above it"


@pytest.mark.parametrize("name", ORDER)
def test_a_room_says_what_it_is_for_and_is_not_crowded(name):
    first = ROOT / name / "__init__.py" if (ROOT / name).is_dir() else ROOT / f"{name}.py"
    assert ast.get_docstring(ast.parse(first.read_text())), f"{name}: one sentence in its docstring"
    assert len(files(name)) <= MOST_FILES, name
    for path in files(name):
        assert len(path.read_text().splitlines()) <= MOST_LINES, path.relative_to(ROOT)


def test_the_front_door_imports_the_rooms_and_nothing_on_top():
    assert not {room(target) for target in imported(ROOT / "__init__.py")} & set(ON_TOP)


def test_the_map_in_build_md_shows_the_rooms_in_this_order():
    build = (Path(__file__).parent.parent / "BUILD.md").read_text()
    drawn = build.split("```text\n")[1].split("```")[0]
    assert re.findall(r"^   (\w+)(?:/|\.py) ", drawn, re.MULTILINE) == list(ORDER)
