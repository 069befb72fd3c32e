"""Objectives: what one peer minimises on its own, without labels. One file each: pure loss functions, then the heads.

A module holds a class `Objective`, a subclass of the one here, which says what it has to bring. It can be made without
arguments: with the settings of its authors, or where these are for other sizes, with those that the class explains. An
objective of your own needs no file here: give a Peer an instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dogo_tf.objectives._spec import parse
from dogo_tf.platform import lazy, plugins

if TYPE_CHECKING:
    from dogo_tf.objectives._objective import Objective
else:
    own = {"Objective": "dogo_tf.objectives._objective"}
    __getattr__, __dir__ = lazy.attributes(__name__, {**own, **plugins.places(__name__)})

__all__ = ["Objective", "build"]


def build(text: str) -> Objective:
    """The objective of that name, with its defaults but for what the text says: "moco:temperature=0.1:queue_size=1024".

    Raises:
        InputError: an unknown objective or setting (the message lists the known ones), or a value out of range.
    """
    made, settings = parse(text)
    return made(**settings)
