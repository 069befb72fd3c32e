import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dogo_tf.reporting import provenance


def test_a_record_says_where_its_numbers_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/dogo-probe", "--seed=1"])
    provenance.record(tmp_path / "results" / "x.json", {"accuracy": 0.5})
    written = json.loads((tmp_path / "results" / "x.json").read_text())
    assert written["accuracy"] == 0.5 and written["command"] == "dogo-probe --seed=1"
    assert written["hardware"]["cores"] >= 1 and written["versions"]["tensorflow"]
    assert re.fullmatch(r"[0-9a-f]{12}(\+changes)?|release .*", written["commit"])


def test_somebody_elses_checkout_is_not_ours(tmp_path, monkeypatch):
    copy = tmp_path / "provenance.py"
    shutil.copy(provenance.__file__, copy)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setattr(provenance, "__file__", str(copy))
    assert provenance.provenance()["commit"].startswith("release ")
    assert Path(copy).exists()
