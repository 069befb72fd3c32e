"""The notebooks run as they are, in a kernel of this environment."""

import json
import re

import nbformat
import pytest
from markdown_pages import ROOT
from nbclient import NotebookClient

NOTEBOOKS = sorted(path.stem for path in (ROOT / "examples").glob("*.ipynb"))
EXPORTED = {"quickstart": "float16", "own_folder": "float16", "few_labels": "int8"}


def texts(notebook) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output["text"] for output in outputs if output.get("name") == "stdout")


def pictures(notebook) -> int:
    return json.dumps(notebook).count('"image/png"')


def check_accuracies(text: str) -> None:
    """Both classifiers of 50 labels, chosen or not, know far more than chance, which is 10 %."""
    rows = re.findall(r"^(random|chosen) +([\d.]+) % +([\d.]+) % \(", text, re.MULTILINE)
    assert [name for name, *_ in rows] == ["random", "chosen"]
    assert min(float(value) for _, *values in rows for value in values) > 30


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(name, tmp_path):
    kept = nbformat.read(ROOT / f"examples/{name}.ipynb", as_version=4)
    notebook = nbformat.from_dict(kept)
    for cell in notebook.cells:
        cell.pop("outputs", None)
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert EXPORTED[name] in texts(notebook)
    assert pictures(notebook) > 0
    if name == "few_labels":
        check_accuracies(texts(notebook))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_with_its_outputs(name):
    notebook = nbformat.read(ROOT / f"examples/{name}.ipynb", as_version=4)
    assert pictures(notebook) > 0
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert "/tmp" not in texts(notebook)
