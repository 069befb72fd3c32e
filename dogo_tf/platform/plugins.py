"""Plug-ins are modules found by name: one file in a package, nothing to register."""

import importlib
import pkgutil
from types import ModuleType

from dogo_tf.errors import unknown_name


def names(package: str) -> list[str]:
    """The plug-in modules in `package` (e.g. "dogo_tf.objectives"), sorted; a leading underscore marks a helper."""
    path = importlib.import_module(package).__path__
    return sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))


def load(package: str, name: str, kind: str, known: list[str] | None = None) -> ModuleType:
    """The plug-in module `name` of `package`; an unknown name is answered with the known ones. `kind`: e.g. "objective"."""
    known = names(package) if known is None else known
    if name not in known:
        raise unknown_name(kind, name, known)
    return importlib.import_module(f"{package}.{name}")


def places(package: str) -> dict[str, str]:
    """For lazy.attributes: makes `dogo_tf.objectives.simclr` load at its first use, without an import of its own."""
    return {name: f"{package}.{name}" for name in names(package)}
