"""The README says what the code does and what results/ holds."""

import re
from pathlib import Path

import numpy as np
import published
import tables

from dogo_tf.encoders import keras_applications, keras_cv_backbones

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_the_tables_are_those_of_the_results():
    assert tables.filled(README) == README


def test_every_backbone_that_has_a_name_was_built():
    built = published.read("backbones")["encoders"]
    assert {*keras_applications.names(), *keras_cv_backbones.names()} <= built.keys()
    assert not [name for name, found in built.items() if "failed" in found]
    assert f"all {len(built)} were built" in README


def test_the_script_works_as_written():
    script = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    names = {"images": images}
    exec(script, names)
    assert names["encoder"](images).shape == (16, 128)


def test_every_file_and_flag_that_it_names_exists():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
    from dogo_tf.experiments import compare, pretrain, probe, suspects
    from dogo_tf.export import main as export_main
    from dogo_tf.export import predict

    binaries = (pretrain, probe, compare, suspects, export_main, predict)
    known = {name for binary in binaries for name in binary.FLAGS} | {"flagfile", "help"}
    assert {flag for flag in re.findall(r"--([a-z_]+)", README)} <= known
