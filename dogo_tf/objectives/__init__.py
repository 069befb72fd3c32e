"""Objectives: what one peer minimises on its own, without labels. One file each: pure loss functions, then the heads.

A module holds a class `Objective` (see _objective.Objective for what it has to bring) that can be made without arguments: with
the settings of its authors, or where these are for other sizes, with those that the class explains.
"""

from dogo_tf import plugins


def build(name: str):
    """The objective of that name with its authors' settings; an unknown name raises InputError with the known ones."""
    return plugins.load(__name__, name, "objective").Objective()


plugins.import_all(__name__)
