"""Every module can be imported without a warning: the first thing to ask of another Python or TensorFlow."""

import importlib
import pkgutil

import pytest

PACKAGES = ("dogo_tf", "dogo_tf.experiments", "dogo_tf.export")


def modules():
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        yield from (module.name for module in pkgutil.walk_packages(path, f"{package}."))


@pytest.mark.parametrize("name", sorted(set(modules())))
def test_it_imports(name):
    importlib.import_module(name)
