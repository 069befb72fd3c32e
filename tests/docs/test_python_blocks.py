"""The Python of README and docs/ runs as written, page by page, in a folder that holds nothing but some photos."""

import importlib
import sys

import numpy as np
import pytest
from markdown_pages import PAGES, ROOT, blocks
from run_states import make_pictures

import dogo_tf

WITH_PYTHON = [page for page in PAGES if page != "CONTRIBUTING.md" and blocks(page, "python")]
QUICK = {"docs/concepts/objectives.md", "docs/concepts/views.md", "docs/how-to/own-folder.md", "README.md"}


@pytest.mark.parametrize(
    "page", [page if page in QUICK else pytest.param(page, marks=pytest.mark.slow) for page in WITH_PYTHON]
)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    make_pictures(tmp_path / "photos")
    monkeypatch.syspath_prepend(str(ROOT / "export"))  # where the copy of runtime.py would be
    names = {"__name__": "page"}
    for block in blocks(page, "python"):
        code = "\n" * (block.line - 1) + block.code  # so that a traceback names the page's own line
        exec(compile(code, str(ROOT / page), "exec"), names)
    sys.modules.pop("runtime", None)


def test_the_pages_that_promise_python_have_it():
    assert {"README.md", "docs/start.md", "docs/how-to/export-and-device.md"} <= set(WITH_PYTHON)


def files_of_contributing() -> dict[str, str]:
    """{path, which the first line of a block says: code}"""
    parts = [block.code.split("\n", 1) for block in blocks("CONTRIBUTING.md", "python")]
    return {first.removeprefix("# "): code for first, code in parts}


@pytest.mark.parametrize(
    "room, name", [("objectives", "alignment"), ("encoders", "tiny"), ("distill", "similarity_preserving")]
)
@pytest.mark.slow
def test_one_file_and_one_test_are_enough(room, name, tmp_path, monkeypatch):
    """They are put into a folder that is searched after the package's own."""
    package, files = importlib.import_module(f"dogo_tf.{room}"), files_of_contributing()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    (tmp_path / f"{name}.py").write_text(files[f"dogo_tf/{room}/{name}.py"])
    names = {}
    exec(compile(files[f"tests/{room}/test_{name}.py"], f"test_{name}.py", "exec"), names)
    tests = [value for key, value in names.items() if key.startswith("test_")]
    assert tests
    for test in tests:
        test()
    peers = [
        dogo_tf.Peer(
            name if room == "encoders" else "wrn_10_1",
            objective=name if room == "objectives" else "simclr",
            image_size=8,
            name=f"peer_{k}",
        )
        for k in range(2)
    ]
    model = dogo_tf.DoGo(peers, scheme=name if room == "distill" else "similarity_kl")
    model.compile("adam")
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    assert np.isfinite(model.fit(images, batch_size=8, verbose=0).history["loss"]).all()
