"""Every module can be imported without a warning: the first thing to ask of another Python or TensorFlow."""

import importlib
import pkgutil

import pytest


@pytest.mark.parametrize("package", ["dogo_tf", "dogo_tf.experiments", "dogo_tf.export"])
def test_every_module_imports(package):
    failed = {}
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        try:
            importlib.import_module(module.name)
        except Exception as error:  # all are named, not only the first
            failed[module.name] = repr(error)
    assert failed == {}
