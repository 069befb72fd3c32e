"""Objectives as text, with settings of their own: "byol:momentum=0.99:widths=512-128"."""

import inspect

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.platform import plugins, ranges

PACKAGE = __name__.rpartition(".")[0]


def parse(text: str) -> tuple[type, dict]:
    """(the objective's class, its settings by name); takes no TensorFlow.

    Args:
        text: the objective's name, and what differs from its defaults as :setting=value; a tuple's numbers are joined by "-".
    Raises:
        InputError: an unknown objective or setting (the message lists the known ones), or a value out of range.
    """
    name, *words = text.split(":")
    made = plugins.load(PACKAGE, name, "objective").Objective
    known = inspect.signature(made).parameters
    settings = {}
    for word in words:
        setting, equals, value = word.partition("=")
        if not equals or not value:
            raise InputError(f"objective {name!r}: expected :setting=value, got {word!r}; settings: {_listed(known)}")
        if setting not in known:
            raise unknown_name(f"setting of {name}", setting, list(known))
        if setting in settings:
            raise InputError(f"objective {name!r}: {setting} comes twice in {text!r}")
        settings[setting] = _value(name, setting, value, known[setting].default)
    return made, settings


def _value(objective: str, setting: str, text: str, default):
    """The value in the default's type, within its range."""
    kind = type(default[0]) if isinstance(default, tuple) else type(default)
    try:
        values = tuple(kind(part) for part in text.split("-")) if isinstance(default, tuple) else kind(text)
    except ValueError:
        form = "whole numbers joined by -" if isinstance(default, tuple) else "a number"
        raise InputError(
            f"objective {objective!r}: {setting}: expected {form}, e.g. {_text(default)}; got {text!r}"
        ) from None
    if setting in ranges.RANGES:  # an added objective may have others
        ranges.check(setting, values, f"objective {objective!r}: ")
    return values


def _listed(known) -> str:
    return ", ".join(f"{name}={_text(parameter.default)}" for name, parameter in known.items())


def _text(value) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
