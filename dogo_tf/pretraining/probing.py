"""Probes during training: what the features are worth so far, measured without touching the test set or the training."""

import json
from dataclasses import dataclass

import numpy as np

from dogo_tf import data
from dogo_tf.data.image_set import ImageSet, warn_of_shared_images
from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.hold_out import hold_out
from dogo_tf.evaluate.knn import knn_accuracy
from dogo_tf.evaluate.linear import check_size, linear_probe
from dogo_tf.evaluate.probe import check_has_labels, check_same_classes
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.untrained import worse_than_untrained
from dogo_tf.reporting.progress import say
from dogo_tf.reporting.table import percent
from dogo_tf.training.alarm import SLOWER
from dogo_tf.training.callbacks import steps_done, tensorboard_tag
from dogo_tf.training.stop_request import BrokenOff

# Not the run's seed: runs with different seeds are compared on the same images.
HELD_OUT_SEED = 0


@dataclass(frozen=True, eq=False)
class ProbeData:
    """images: what is embedded. held_out: bool [N], those of them that are tested on, or None if `test` has its own images.

    Both are None if `images` has no labels: then there is nothing to probe with.
    """

    images: ImageSet
    held_out: np.ndarray | None = None
    test: ImageSet | None = None

    @property
    def labelled(self) -> bool:
        return self.images.labels is not None

    def labelled_features(self, encoder) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Train features [N, d] and labels [N], test features and labels; every image is embedded once."""
        features, labels = embed(encoder, self.images.images), self.images.labels
        if self.test is not None:
            return features, labels, embed(encoder, self.test.images), self.test.labels
        kept = ~self.held_out
        return features[kept], labels[kept], features[self.held_out], labels[self.held_out]


def load_probe_data(settings, run_images: ImageSet, image_size: int) -> ProbeData:
    """The images that `settings.probe_*` name, checked before the training starts.

    Args:
        run_images: of the run, which are probed on unless others are named, or they are larger than what the encoders take.
        image_size: side of what the encoders take.
    Raises:
        InputError: a given probe_dataset without labels, a single class, or classes that differ between the splits.
    """
    name, split = settings.probe_dataset or settings.dataset, settings.probe_train_split
    data.check_split(name, split, "probe_train_split")
    if settings.probe_test_split is not None:
        data.check_split(name, settings.probe_test_split, "probe_test_split")
    if settings.probe_dataset is None and split == settings.split and run_images.images.shape[1] == image_size:
        images = run_images
    else:
        images = _open(settings, name, split, image_size)
    if images.labels is None and settings.probe_dataset is None and settings.probe_test_split is None:
        say(f"no probes: {images.name} has no labels; give labelled images with --probe_dataset")
        return ProbeData(images)
    check_has_labels(images, "to probe with")
    if len(np.unique(images.labels)) < 2:
        raise InputError(f"{images.name}: expected at least two classes to probe with, got one")
    if settings.probe_test_split is None:
        held_out = hold_out(images.labels, HELD_OUT_SEED)
        if not held_out.any():
            raise InputError("probe_train_split: expected at least two images of some class, to hold one out")
        check_size(images.labels[~held_out])
        return ProbeData(images, held_out=held_out)
    test = _open(settings, name, settings.probe_test_split, image_size)
    check_same_classes(images, test)
    warn_of_shared_images(images, test)
    check_size(images.labels)
    return ProbeData(images, test=test)


class Probes(keras.callbacks.Callback):
    """Before the first epoch, every `every` epochs and after the last: kNN and linear accuracy of each peer, with all labels.

    Writes a line for each peer to probes.jsonl and scalars to TensorBoard, and prints one line; warns of an encoder that has
    become worse than it was before the first epoch. A request to stop breaks a
    probe off: the run is saved as it is, and does this probe first when it is resumed.

    Args:
        stop: StopRequest. checkpoints: the callback Checkpoints, which comes before this one.
    """

    _supports_tf_logs = True

    def __init__(self, model, probe_data: ProbeData, folder, every: int, epochs: int, stop, checkpoints):
        super().__init__()
        self.set_model(model)
        self.data = probe_data
        self.folder = folder
        self.every = every
        self.epochs = epochs
        self.stop = stop
        self.checkpoints = checkpoints
        self.writer = tf.summary.create_file_writer(str(folder.tensorboard))

    def on_epoch_end(self, epoch, logs=None):
        self.probe_if_due(epoch + 1, logs)

    def probe_if_due(self, epoch: int, logs=None) -> None:
        """Probes after `epoch` epochs (0: untrained), unless it is not their turn or their numbers are there already."""
        due = epoch % self.every == 0 or epoch == self.epochs
        if not due or any(line["epoch"] == epoch for line in self.folder.probe_lines()):
            return
        step = steps_done(self.model)
        try:
            with self.stop.breaking_off():
                lines = [
                    {"step": step, "epoch": epoch, "peer": name, **self._probe(encoder)}
                    for peer in self.model.peers
                    for name, encoder in peer.encoders.items()
                ]
        except BrokenOff:
            self.checkpoints.save_and_stop(logs)
        with self.folder.written("probes"):
            with self.folder.probes.open("a") as file:
                file.write("".join(json.dumps(line) + "\n" for line in lines))
            with self.writer.as_default(step):
                for line in lines:
                    for kind in ("knn", "linear"):
                        tf.summary.scalar(tensorboard_tag(f"{line['peer']}/{kind}"), line[kind])
            self.writer.flush()
        accuracies = [f"{line['peer']} kNN {percent(line['knn'])} linear {percent(line['linear'])}" for line in lines]
        say(f"probe {f'after epoch {epoch}' if epoch else 'before training'} (%): {',  '.join(accuracies)}")
        for line in lines:
            problem = worse_than_untrained(line, self.folder.probe_lines())
            if problem:
                say(f"warning: peer {line['peer']!r}: {problem}. Try {SLOWER}; the run goes on.")

    def _probe(self, encoder) -> dict:
        """Accuracies in 0..1, of the encoder in float32 as it is saved."""
        train, train_labels, test, test_labels = self.data.labelled_features(as_float32(encoder))
        knn = knn_accuracy(train, train_labels, test, test_labels)
        linear = linear_probe(train, train_labels, test, test_labels)
        return {"knn": knn.accuracy, "linear": linear.accuracy, "n_train": len(train), "n_test": len(test)}


def _open(settings, name: str, split: str, image_size: int) -> ImageSet:
    # What the run was told of its own images need not be possible for others.
    source = settings.source if settings.probe_dataset is None else "auto"
    kept = (source, settings.cache_dir, settings.data_dir)
    return data.open(name, split, image_size, *kept, settings.max_bad_images, max_pixels=settings.max_pixels)
