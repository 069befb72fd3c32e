"""TensorFlow Serving: the SavedModel under <name>/<version>/, the layout in which a server looks for models."""

import shutil

from dogo_tf.export.targets._work import Finding, Work

COLUMNS = ("TF Serving",)
MODULES: dict[str, str] = {}
VERSION = 1


def examine(work: Work) -> dict[str, Finding]:
    """A copy, and no link: the folder is to be mounted into a container by itself."""
    place = work.folder / "serving" / work.name / str(VERSION)
    shutil.copytree(work.saved_model, place)
    path = place.relative_to(work.folder).as_posix()
    return {"saved_model": Finding({COLUMNS[0]: path}, {"path": path})}
