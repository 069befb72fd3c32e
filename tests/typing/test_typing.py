"""Type checkers see the public names with their types: the package ships py.typed, and mypy finds no fault with it."""

import subprocess
import sys
from pathlib import Path

import dogo_tf

ROOT = Path(__file__).resolve().parents[2]


def mypy(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "mypy", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_public_names_have_the_types_that_users_expect():
    checked = mypy()
    assert checked.returncode == 0, checked.stdout


def test_a_wrong_argument_would_be_noticed(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import dogo_tf\n\ndogo_tf.Edge('big', 'small', weight='heavy')\n")
    assert 'incompatible type "str"; expected "float | None"' in mypy(wrong).stdout


def test_the_package_says_that_it_is_typed():
    assert Path(dogo_tf.__file__).with_name("py.typed").is_file()
