"""From the settings of a fine-tuning to its compiled model, and to where its heads begin."""

import dataclasses
import zlib

from dogo_tf import data, encoders, optimizers
from dogo_tf.distill import graph
from dogo_tf.encoders._precision import in_precision
from dogo_tf.errors import InputError
from dogo_tf.evaluate import linear
from dogo_tf.evaluate.classifier import fit_classifier
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.sources import image_side, load_classifier, load_encoder
from dogo_tf.finetuning.learner import Learner
from dogo_tf.finetuning.model import FineTune
from dogo_tf.finetuning.rare_classes import class_shares
from dogo_tf.finetuning.recipe import recipe
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.finetuning.specs import encoder_specs
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.specs import place_specs
from dogo_tf.reporting.progress import say
from dogo_tf.teacher import FrozenTeacher


def load_encoders(settings: FinetuneSettings, trust: bool = False) -> dict[str, keras.Model]:
    """{name: encoder} of those that begin with weights from elsewhere, in float32.

    Raises:
        InputError: nothing there, or nothing that can be trained.
    """
    found = {}
    for spec in encoder_specs(settings.encoder):
        if spec.is_path:
            encoder = load_encoder(spec.place, spec.peer, trust)
            if not isinstance(encoder, keras.Model):
                raise InputError(
                    f"encoder: {spec.place} holds no weights that can be trained on; expected a .keras file of an encoder or "
                    "of a classifier, or a run"
                )
            found[spec.name] = encoder
    return found


def image_size_of(settings: FinetuneSettings, loaded: dict) -> int | None:
    """The side that all encoders take; None where nothing says it but the data.

    Raises:
        InputError: sides that differ from each other, or from the settings.
    """
    sides = {name: side for name, encoder in loaded.items() if (side := image_side(encoder)) is not None}
    if settings.image_size is not None:
        sides["image_size"] = settings.image_size
    if len(set(sides.values())) > 1:
        told = ", ".join(f"{name} {side}" for name, side in sides.items())
        raise InputError(f"image_size: expected one side for all encoders, in pixels; got {told}")
    return next(iter(sides.values()), None)


def build_model(settings: FinetuneSettings, loaded: dict, images, image_size: int) -> FineTune:
    """The compiled model. loaded: of load_encoders. images: the labelled ImageSet."""
    learners = []
    for spec in encoder_specs(settings.encoder):
        if spec.name in loaded:
            encoder = in_precision(loaded[spec.name], settings.precision)
            if (
                tf.distribute.get_strategy().num_replicas_in_sync > 1
                and settings.batch_statistics
                and settings.sync_batch_norm
            ):
                encoder = encoders.synchronised(encoder)
        else:
            keras.utils.set_random_seed((settings.seed + zlib.crc32(spec.name.encode())) % 2**32)
            encoder = encoders.build(spec.place, image_size, *data.pixel_statistics(images.images))
        learners.append(Learner(encoder, images.class_names, spec.name, settings.ema))
    teachers = [
        FrozenTeacher(_teacher(name, path, peer), name)
        for name, path, peer in place_specs("teachers", settings.teachers)
    ]
    names = [learner.name for learner in learners], [teacher.name for teacher in teachers]
    edges = graph.parse(settings.teach, *names)
    model = FineTune(
        learners,
        images.class_names,
        settings.loss,
        teachers=teachers,
        # Runs of earlier versions may have what was never used here; new ones were refused before.
        teach=[dataclasses.replace(edge, warmup=None, scheme=None) for edge in edges],
        teach_weight=settings.teach_weight,
        teach_temperature=settings.teach_temperature,
        label_weight=settings.label_weight,
        class_shares=class_shares(images.labels, len(images.class_names)) if settings.logit_adjustment else None,
        view_recipe=recipe(settings.min_crop_area, settings.jitter_strength),
        batch_statistics=settings.batch_statistics,
        sync_batch_norm=settings.sync_batch_norm,
        seed=settings.seed,
    )
    model.compile(
        [
            optimizers.build(
                settings.optimizer,
                optimizers.schedule(settings.schedule, settings.learning_rate, settings.steps, settings.warmup_steps),
                settings.weight_decay,
            )
            for _ in learners
        ],
        steps_per_execution=settings.steps_per_execution,
    )
    return model


def start_heads(model: FineTune, loaded: dict, images, seed: int) -> None:
    """The heads of encoders with weights from elsewhere begin as linear probes of the labels (LP-FT).

    The encoder then is not pulled about by a head that knows nothing (Kumar et al., ICLR 2022, "Fine-tuning can distort
    pretrained features and underperform out-of-distribution"). Encoders with random weights begin with a head of zeros, and
    so do those with too many images x classes for the fit. Where logits are adjusted, the adjusted ones begin as the probe's.
    """
    too_many = len(images) * len(images.class_names) > linear.MAX_LOGITS
    for learner in model.learners:
        if learner.name in loaded:
            features = embed(loaded[learner.name], images.images)
            if too_many:
                say(f"{learner.name}: too many images and classes for a linear start of the head, which begins at zero")
            classifier = (
                None if too_many else fit_classifier(features, images.labels, len(images.class_names), seed=seed)
            )
            if classifier is not None and model.log_shares is not None:
                classifier = classifier._replace(bias=classifier.bias - model.log_shares)
            learner.start_head(features, classifier)


def _teacher(name: str, path: str, peer: str | None) -> keras.Model:
    try:
        return load_classifier(path, peer)
    except InputError as error:
        raise InputError(f"teachers: {name}: {error}") from error
