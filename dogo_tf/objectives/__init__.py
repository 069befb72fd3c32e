"""Objectives: what one peer minimises on its own, without labels. One file each: pure loss functions, then the heads.

A module holds a class `Objective`, a subclass of the one here, which says what it has to bring. It can be made without
arguments: with the settings of its authors, or where these are for other sizes, with those that the class explains. An
objective of your own needs no file here: give a Peer an instance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dogo_tf.platform import lazy, plugins

if TYPE_CHECKING:
    from dogo_tf.objectives._objective import Objective
else:
    own = {"Objective": "dogo_tf.objectives._objective"}
    __getattr__, __dir__ = lazy.attributes(__name__, {**own, **plugins.places(__name__)})

__all__ = ["Objective", "build"]


def build(name: str) -> Objective:
    """The objective of that name with its authors' settings; an unknown name raises InputError with the known ones."""
    return plugins.load(__name__, name, "objective").Objective()
