"""What the classifiers of a run are worth: a report each."""

import dataclasses

import numpy as np

from dogo_tf.assessment import write_report
from dogo_tf.data.image_set import ImageSet
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.finetuning.without_folder import trained_with
from dogo_tf.platform.keras_compat import keras
from dogo_tf.runs.folder import RunFolder
from dogo_tf.sources.selection import selected


def write_reports(folder: RunFolder, settings: FinetuneSettings, images, curve: bool, trust: bool = False) -> None:
    """Writes report/<classifier>/ for each.

    Called where the run was trained: in its precision, on its devices.

    Args:
        images: labelled.Images with test images.
        curve: also train again on parts of the labels, nine times, for what more labels would bring.
    Raises:
        InputError: see assessment.write_report.
    """
    settings = dataclasses.replace(
        settings, drop_suspects=False
    )  # it was done: images.labelled are those that were left
    trained: dict[bytes, dict[str, keras.Model]] = {}  # by rows, for all classifiers of the run

    def retrain(peer: str, rows: np.ndarray) -> keras.Model:
        if rows.tobytes() not in trained:
            trained[rows.tobytes()] = trained_with(settings, _part(images.labelled, rows), images.unlabelled, trust)
        return trained[rows.tobytes()][peer]

    for peer in folder.peer_names():
        again = (lambda rows, peer=peer: retrain(peer, rows)) if curve else None
        place = folder.path / "report" / peer
        write_report(place, folder.load_network(peer), images.labelled, images.test, again, seed=settings.seed)


def _part(images: ImageSet, rows: np.ndarray) -> ImageSet:
    return ImageSet(images.name, selected(images.images, rows), images.labels[rows], images.class_names)
