"""From the settings of a run to its compiled model: peers, teachers, views, optimisers."""

import dataclasses
import math
import zlib

from dogo_tf import distill, optimizers, views
from dogo_tf.distill import graph
from dogo_tf.dogo import DoGo
from dogo_tf.encoders import NATURAL_MEAN, NATURAL_STD
from dogo_tf.peer import Peer
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs, place_specs
from dogo_tf.teacher import FrozenTeacher


def build_model(
    settings: PretrainSettings,
    image_size: int,
    mean,
    std,
    steps_per_epoch: int,
    cached=(),
    trust: bool = False,
    resume: bool = False,
) -> DoGo:
    """The compiled model of `settings`.

    Args:
        mean, std: the data set's, in units of 0..255.
        cached: the CachedTeachers of the run; its other teachers are loaded, with `trust` as in `pretrain`.
        resume: of a run that goes on: temperatures of edges that their schemes do not use, which earlier versions took, are
            left out, not refused.
    """
    peers = build_peers(settings, image_size, mean, std)
    known = {teacher.name: teacher for teacher in cached}
    teachers = [
        known.get(name) or FrozenTeacher(path, name, peer, trust)
        for name, path, peer in place_specs("teachers", settings.teachers)
    ]
    epoch, total = steps_per_epoch * settings.batch_size, settings.epochs * steps_per_epoch
    every = [int(k) for k in settings.per_peer("train_every")]
    shares = settings.per_peer("train_share")
    names = [peer.name for peer in peers], [teacher.name for teacher in teachers]
    edges = graph.parse(settings.teach, *names, examples_per_epoch=epoch)
    if resume:
        edges = distill.without_unused_temperatures(edges, settings.scheme)
    keras.utils.set_random_seed(settings.seed)  # heads and queues of schemes do not depend on which peers there are
    model = DoGo(
        peers,
        views=settings.views,
        view_recipe=_recipes(settings, peers),
        teach=edges,
        teachers=teachers,
        scheme=settings.scheme,
        distill_weight=settings.per_peer("distill_weight"),
        distill_temperature=settings.distill_temperature,
        distill_warmup=round(settings.distill_warmup_epochs * steps_per_epoch) * settings.batch_size,
        ssl_weight=settings.per_peer("ssl_weight"),
        planned_examples=settings.epochs * epoch,
        sync_batch_norm=settings.sync_batch_norm,
        micro_batches=settings.micro_batches,
        train_every=every,
        stop_after=[None if share == 1 else math.ceil(share * total) for share in shares],
        seed=settings.seed,
    )
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    names, rates, decays = (settings.per_peer(name) for name in ("optimizer", "learning_rate", "weight_decay"))
    model.compile(
        [
            optimizers.build(name, _schedule(settings, rate, total, warmup, k), decay)
            for name, rate, decay, k in zip(names, rates, decays, every, strict=True)
        ],
        steps_per_execution=settings.steps_per_execution,
    )
    return model


def build_peers(settings: PretrainSettings, image_size: int, mean=NATURAL_MEAN, std=NATURAL_STD) -> list[Peer]:
    """The peers with random weights.

    Raises:
        InputError: what Peer refuses, e.g. a local size that the encoder cannot take.
    """
    peers = []
    for (name, encoder, objective), local in zip(
        peer_specs(settings.peers), settings.per_peer("local_views"), strict=True
    ):
        # By name, so that a peer starts from the same weights alone and next to others.
        keras.utils.set_random_seed((settings.seed + zlib.crc32(name.encode())) % 2**32)
        peers.append(Peer(encoder, objective, image_size, mean, std, name, settings.ema, local, settings.local_size))
    return peers


def _schedule(settings, rate: float, total: int, warmup: int, every: int):
    """The learning rate by a peer's own steps, of which it makes one in `every` steps of the run."""
    return optimizers.schedule(
        settings.schedule, rate, math.ceil(total / every), round(warmup / every), settings.cooldown
    )


def _recipes(settings, peers):
    """Each objective's own recipe, or the one that is named, with what the settings change about it."""
    named = getattr(views, settings.view_recipe.upper()) if settings.view_recipe else None
    recipes = [(named or peer.objective.view_recipe).scaled_jitter(settings.jitter_strength) for peer in peers]
    if settings.min_crop_area is not None:
        recipes = [dataclasses.replace(r, crop_area=(settings.min_crop_area, r.crop_area[1])) for r in recipes]
    return [dataclasses.replace(r, local_crop_area=settings.local_crop_area) for r in recipes]
