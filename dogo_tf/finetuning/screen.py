"""What a fine-tuning shows: on the screen before it begins and when it has ended, and a picture of its views."""

import numpy as np

from dogo_tf.distribution.devices import described
from dogo_tf.finetuning import batches
from dogo_tf.platform.keras_compat import tf
from dogo_tf.pretraining.view_grid import SHOWN, write_view_grid
from dogo_tf.reporting.table import percent, text_table
from dogo_tf.training.progress_note import shortened

NAME_WIDTH = 20


def header(settings, images, model) -> str:
    """Data, classifiers, steps and devices, in lines of at most 80 letters. images: labelled.Images. model: FineTune."""
    labelled, unlabelled = images.labelled, images.unlabelled
    side = labelled.images.shape[1]
    classes = len(labelled.class_names)
    lines = [shortened(f"{labelled.name}: {len(labelled):,} images of {classes} classes, {side} x {side} pixels", 80)]
    if unlabelled is not None:
        lines.append(shortened(f"{unlabelled.name}: {len(unlabelled):,} images, without their labels", 80))
    for learner in model.learners:
        parameters = f"{learner.encoder.count_params() / 1e6:.2f} M parameters"
        lines.append(f"  {shortened(learner.name, NAME_WIDTH):<{NAME_WIDTH}} {parameters}")
    lines += [f"  {shortened(teacher.name, NAME_WIDTH):<{NAME_WIDTH}} teacher" for teacher in model.teachers]
    count = f"{settings.batch_size}" + (f" and {settings.unlabelled_batch} without labels" if unlabelled else "")
    lines.append(f"{settings.steps:,} steps of {count} images, {settings.loss.replace('_', ' ')}")
    lines.append(shortened(f"{settings.optimizer} at {settings.learning_rate:g}, {settings.schedule}", 80))
    lines.append(shortened(f"{described(model.distribute_strategy)}, {settings.precision}", 80))
    return "\n".join(lines)


def accuracies(found: dict, test) -> str:
    """A table of accuracies on the test images: {classifier: {"accuracy", "low", "high"}}, each in 0..1."""
    rows = [
        [name, percent(values["accuracy"]), f"{percent(values['low'])} to {percent(values['high'])}"]
        for name, values in found.items()
    ]
    title = f"{test.name}: {len(test):,} images, intervals of 95 % over them"
    return f"{title}\n{text_table(['classifier', 'accuracy %', 'interval'], rows)}"


def log_views(model, images, folder) -> None:
    """Writes the view that images drawn at random would get first to views.png and to TensorBoard, at step 0."""
    chosen = np.sort(np.random.default_rng(model.seed).permutation(len(images))[:SHOWN])
    shown = images[chosen]
    start = tf.constant(0, tf.int64)
    views = batches.views_of(batches.Batch(tf.constant(shown), None), model.view_recipe, model.seed, start, start)
    write_view_grid(folder, shown, [np.asarray(views)], [("all", "view")])
