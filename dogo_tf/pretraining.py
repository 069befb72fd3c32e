"""A whole pre-training run: settings in, a run folder out."""

import contextlib
import dataclasses
import zlib

import numpy as np

from dogo_tf import data, optimizers
from dogo_tf.callbacks import Checkpoints, FailureAlarm, StepLog, steps_done
from dogo_tf.checkpoint import RunCheckpoint
from dogo_tf.data.stream import training_stream
from dogo_tf.dogo import DoGo
from dogo_tf.errors import InputError
from dogo_tf.keras_compat import keras, tf
from dogo_tf.peer import Peer
from dogo_tf.probing import Probes, load_probe_data
from dogo_tf.projector import write_projector
from dogo_tf.provenance import provenance
from dogo_tf.run_folder import RunFolder
from dogo_tf.settings import PretrainSettings, peer_specs
from dogo_tf.view_grid import log_view_grid


def pretrain(settings: PretrainSettings, resume: bool = False, overwrite: bool = False) -> RunFolder:
    """Trains the peers of `settings` and fills the run folder; see RunFolder for what lies in it.

    Args:
        resume: go on from the newest checkpoint of the folder, whose settings must be the same.
        overwrite: replace the run in the folder.
    Raises:
        InputError: settings, data or folder cannot be used. TrainingFailure: NaN or collapse.
    """
    specs = peer_specs(settings.peers)
    folder = RunFolder(settings.run_dir)
    folder.check(resume, overwrite)  # before minutes of loading
    images = data.load(
        settings.dataset, settings.split, settings.image_size, settings.data_dir, settings.max_bad_images
    )
    if settings.batch_size > len(images.images):
        raise InputError(
            f"batch_size: {settings.batch_size} is larger than the data: {images.name} has {len(images.images)} images"
        )
    probe_data = load_probe_data(settings, images) if settings.probe_every else None
    mean, std = data.pixel_statistics(images.images)
    steps_per_epoch = len(images.images) // settings.batch_size
    with _precision(settings.precision), strategy(settings.strategy).scope():
        model = build_model(settings, images.images.shape[1], mean, std, steps_per_epoch)
        folder.start(_config(settings, specs, images, mean, std), resume, overwrite)
        checkpoint = RunCheckpoint(folder.checkpoints, model)
        if resume:
            found = checkpoint.restore_newest()
            print(f"resuming from {found}" if found else "no checkpoint yet: starting from the first step", flush=True)
            folder.forget_metrics_after(steps_done(model))
        else:
            folder.flags.write_text(settings.as_flags())
            log_view_grid(model, images.images[:8], folder)
        _fit(model, images.images, settings, steps_per_epoch, checkpoint, folder, probe_data)
        if probe_data:
            write_projector(folder.tensorboard, model.peers, probe_data.images)
    return folder


def build_model(settings: PretrainSettings, image_size: int, mean, std, steps_per_epoch: int) -> DoGo:
    """The compiled model of `settings`; mean and std are the data set's, in units of 0..255."""
    peers = []
    for name, encoder, objective in peer_specs(settings.peers):
        # By name, so that a peer starts from the same weights alone and next to others.
        keras.utils.set_random_seed((settings.seed + zlib.crc32(name.encode())) % 2**32)
        peers.append(Peer(encoder, objective, image_size, mean, std, name=name))
    weights = settings.per_peer("distill_weight")
    model = DoGo(
        peers,
        views=settings.views,
        view_recipe=_recipes(settings, peers),
        distill_weight=weights,
        distill_temperature=settings.distill_temperature,
        distill_warmup=round(settings.distill_warmup_epochs * steps_per_epoch) * settings.batch_size,
        seed=settings.seed,
    )
    total, warmup = settings.epochs * steps_per_epoch, round(settings.warmup_epochs * steps_per_epoch)
    names, rates, decays = (settings.per_peer(name) for name in ("optimizer", "learning_rate", "weight_decay"))
    model.compile(
        [
            optimizers.build(name, optimizers.schedule(settings.schedule, rate, total, warmup), decay)
            for name, rate, decay in zip(names, rates, decays, strict=True)
        ],
        steps_per_execution=settings.steps_per_execution,
    )
    return model


def strategy(name: str) -> tf.distribute.Strategy:
    """ "auto": all visible GPUs if there are several, else one device; "none": one device; "mirrored": all GPUs."""
    gpus = tf.config.list_physical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def _recipes(settings, peers):
    """Each objective's own recipe with what the settings change about it."""
    recipes = [peer.objective.view_recipe.scaled_jitter(settings.jitter_strength) for peer in peers]
    if settings.min_crop_area is not None:
        recipes = [dataclasses.replace(r, crop_area=(settings.min_crop_area, r.crop_area[1])) for r in recipes]
    return recipes


@contextlib.contextmanager
def _precision(policy: str):
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def _config(settings, specs, images, mean, std) -> dict:
    return {
        "settings": settings.as_dict(),
        "peers": [{"name": name, "encoder": encoder, "objective": objective} for name, encoder, objective in specs],
        "data": {
            "name": images.name,
            "images": len(images.images),
            "image_size": images.images.shape[1],
            "pixel_mean": mean,
            "pixel_std": std,
            "bad_files": [list(entry) for entry in images.bad_files],
        },
        "provenance": provenance(),
    }


def _fit(
    model: DoGo, images: np.ndarray, settings, steps_per_epoch: int, checkpoint, folder: RunFolder, probe_data
) -> None:
    total = settings.epochs * steps_per_epoch
    alarm = FailureAlarm([peer.name for peer in model.peers], checkpoint.newest)
    callbacks = [
        StepLog(folder, settings.batch_size, total, settings.log_every, on_log=[alarm]),
        Checkpoints(checkpoint, folder),
    ]
    epoch, into_epoch = divmod(steps_done(model), steps_per_epoch)
    if probe_data and probe_data.labelled:
        # After Checkpoints: a probe that fails must not cost the epoch.
        callbacks.append(Probes(model, probe_data, folder, settings.probe_every, settings.epochs))
        if not into_epoch:
            callbacks[-1].probe_if_due(epoch)  # the run may have been interrupted between a checkpoint and its probe
    stream = training_stream(images, settings.batch_size, settings.seed, int(model.examples_seen.numpy()))
    if into_epoch:
        rest = steps_per_epoch - into_epoch
        model.fit(stream, initial_epoch=epoch, epochs=epoch + 1, steps_per_epoch=rest, callbacks=callbacks, verbose=0)
        epoch += 1
        stream = training_stream(images, settings.batch_size, settings.seed, int(model.examples_seen.numpy()))
    if epoch < settings.epochs:
        model.fit(
            stream,
            initial_epoch=epoch,
            epochs=settings.epochs,
            steps_per_epoch=steps_per_epoch,
            callbacks=callbacks,
            verbose=0,
        )
