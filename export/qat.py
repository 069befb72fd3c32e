"""int8_qat: an encoder's fake-quantised copy learns from the encoder itself, without labels, before it becomes integers.

The copy is the int8 file, followed in TensorFlow (`int8.network`): batch normalisation is folded, and every value is rounded
where the file rounds it. Its features must become the original's on the user's images: in direction (SimReg's regression), in
length, and in which images they find similar (DoGo's KL). Distillation of this kind is published as SQAKD (AISTATS 2024).

The gradients pass the rounding as if it were not there, so a step may do harm. What is kept are the weights of the moment with
the smallest error on images that are not learned from; the start, before any training, is among these moments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.saved_model_encoder import OUTPUT
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import parity
from dogo_tf.export.int8.graph_file import Int8File
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.progress import Progress

if TYPE_CHECKING:
    from dogo_tf.export.int8.network import Network


LOOKS = 8  # at the held-out images during a training


@dataclass(frozen=True)
class Settings:
    """steps: of batch_size (even) images each. learning_rate: of Adam; falls to 0 along a cosine. temperature: of the KL, where
    two different images have a mean cosine of 0; with others it is smaller, as their cosines differ less."""

    steps: int = 200
    batch_size: int = 64
    learning_rate: float = 1e-5
    temperature: float = 0.1


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    content: the file. losses: of every step. errors: after so many steps -> E (see parity.Parity) on the images that were held
        out; the file has the weights of the smallest.
    agreement: share (0..1) of features in which the file, run by LiteRT, is within one step of the network that was trained.
    seconds: that it took. images: how many there were to learn from.
    """

    content: bytes
    losses: tuple[float, ...]
    errors: dict[int, float]
    agreement: float
    seconds: float
    settings: Settings
    images: int

    def as_dict(self) -> dict:
        tenth = max(1, len(self.losses) // 10)
        return {
            **asdict(self.settings),
            "images": self.images,
            "seconds": self.seconds,
            "agreement": self.agreement,
            "errors": self.errors,
            "kept_step": min(self.errors, key=self.errors.get),
            "loss_at_first": float(np.mean(self.losses[:tenth])),
            "loss_at_last": float(np.mean(self.losses[-tenth:])),
        }


def check_images(count: int, settings: Settings | None = None) -> None:
    """InputError unless there are enough images for a batch."""
    size = (settings or Settings()).batch_size
    if count < size:
        raise InputError(f"int8_qat: expected at least {size} images to learn from, a batch; there are {count}")


def train(
    int8: bytes,
    float32: bytes,
    images,
    features,
    judging,
    reference,
    settings: Settings | None = None,
    seed: int = 0,
    rows: np.ndarray | None = None,
) -> Trained:
    """The int8 file after quantisation-aware training: its weights were trained with its own rounding.

    Args:
        int8, float32: files of tflite.convert of one SavedModel; the ranges of int8 are kept.
        images: uint8 [N, H, W, 3], N at least a batch. features: float32 [N, d], the original's of them.
        judging, reference: the same of images that are held out, to choose the moment by.
        settings: see Settings. seed: of the order of the images.
        rows: int [K] of the images to learn from; all of them if not given.
    Raises:
        InputError: too few images, or operations whose rounding is not known (it names them).
    """
    settings, start = settings or Settings(), time.perf_counter()
    rows = np.arange(len(images)) if rows is None else rows
    check_images(len(rows), settings)
    # It loads TensorFlow, which a mistyped flag of dogo-export need not wait for.
    from dogo_tf.export.int8.network import Network

    network = Network(Int8File(int8, float32))
    best = Best(network, judging, reference)
    order = (rows[step] for step in _order(len(rows), settings, seed))
    apart = parity.unlikeness(features[rows])
    losses = learn(network, images, features, apart, settings, order, best.look)
    best.restore()
    content = network.written()
    agreement = agreement_within_a_step(network, content, judging[: settings.batch_size])
    return Trained(content, losses, best.errors, agreement, time.perf_counter() - start, settings, len(rows))


class Best:
    """The weights with the smallest E on images [M, H, W, 3], whose features in the original are `reference` [M, d]."""

    def __init__(self, network: Network, images, reference):
        self.errors: dict[int, float] = {}
        self._network, self._images, self._reference = network, images, reference
        self._features = tf.function(network.features)
        self._weights = []

    def look(self, step: int) -> None:
        """Measures the network as it is, after `step` steps, and keeps its weights if none before had a smaller error."""
        found = embed(lambda batch: self._features(tf.cast(batch, tf.float32)).numpy(), self._images)
        error = parity.compare(self._reference, found).error_ratio
        if error < min(self.errors.values(), default=np.inf):
            self._weights = [variable.numpy() for variable in self._network.trainable_variables]
        self.errors[step] = error

    def restore(self) -> None:
        for variable, weights in zip(self._network.trainable_variables, self._weights, strict=True):
            variable.assign(weights)


def learn(
    network: Network,
    images,
    features,
    apart: float,
    settings: Settings,
    order: Iterable[np.ndarray],
    look: Callable[[int], None] = lambda step: None,
) -> tuple[float, ...]:
    """Changes the network's weights and biases; returns the loss of every step.

    apart: parity.unlikeness of the features. order: rows of images and features for each step. look: called with the number of
    steps behind it, before the first step and LOOKS times after. The others as in train.
    """
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.steps)
    optimizer = keras.optimizers.Adam(rate)
    variables = list(network.trainable_variables)

    @tf.function
    def step(batch, teacher):
        with tf.GradientTape() as tape:
            loss = _loss(network.features(batch), teacher, apart, settings.temperature)
        pairs = zip(tape.gradient(loss, variables), variables, strict=True)
        optimizer.apply_gradients([(gradient, variable) for gradient, variable in pairs if gradient is not None])
        return loss

    losses = []
    looks = {round(settings.steps * (part + 1) / LOOKS) for part in range(LOOKS)}
    look(0)
    with Progress("int8_qat", settings.steps) as progress:
        for done, rows in enumerate(order, 1):
            losses.append(float(step(tf.cast(images[rows], tf.float32), tf.cast(features[rows], tf.float32))))
            if done in looks:
                look(done)
            progress.update(done)
    return tuple(losses)


def agreement_within_a_step(network: Network, content: bytes, images) -> float:
    """Share (0..1) of the images' features that are the same in file and network, to one step of the output's scale."""
    file = TFLiteEncoder(content)
    difference = np.abs(network.features(tf.cast(images, tf.float32)).numpy() - file(images))
    return float((difference < 1.01 * file.stated_outputs[OUTPUT]["scale"]).mean())


def _loss(student, teacher, apart, temperature):
    """Mean over the images, >= 0, whatever the features' scale and however alike all images are (apart: parity.unlikeness).

    For the KL the first half of the batch is compared with the other half.
    """
    # These load TensorFlow, which a mistyped flag of dogo-export need not wait for.
    from dogo_tf.distill.similarity_kl import similarity_kl
    from dogo_tf.distill.simreg import regression

    half = teacher.shape[0] // 2
    lengths = tf.norm(student, axis=1) / tf.maximum(tf.norm(teacher, axis=1), 1e-12)
    similar = similarity_kl(student[:half], student[half:], teacher[:half], teacher[half:], apart * temperature)
    return tf.reduce_mean(regression(student, teacher) + (lengths - 1) ** 2) / (2 * apart) + tf.reduce_mean(similar)


def _order(count, settings, seed):
    """Rows of each step: every image once before any comes again, but for those that do not fill a batch."""
    generator, size = np.random.default_rng(seed), settings.batch_size
    waiting = np.empty(0, np.int64)
    for _ in range(settings.steps):
        if len(waiting) < size:
            waiting = generator.permutation(count)
        yield waiting[:size]
        waiting = waiting[size:]
