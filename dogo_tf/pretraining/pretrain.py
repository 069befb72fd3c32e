"""A whole pre-training run: settings in, a run folder out."""

import dataclasses

from dogo_tf import data
from dogo_tf.data.stream import HostClock, distributed_stream
from dogo_tf.distribution.devices import Job, check_batch_size, strategy
from dogo_tf.errors import InputError
from dogo_tf.peer import average_name
from dogo_tf.platform.files import sole_owner
from dogo_tf.pretraining import initial_weights, precision, run_images
from dogo_tf.pretraining.at_hand import check_at_hand
from dogo_tf.pretraining.branch import branch_off
from dogo_tf.pretraining.build_model import build_model, build_peers
from dogo_tf.pretraining.cached_teachers import cached_teachers
from dogo_tf.pretraining.probing import Probes, load_probe_data
from dogo_tf.pretraining.projector import write_projector
from dogo_tf.pretraining.screen import header
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs
from dogo_tf.pretraining.view_grid import log_view_grid
from dogo_tf.reporting.progress import say
from dogo_tf.reporting.provenance import provenance
from dogo_tf.runs.checkpoint import RunCheckpoint
from dogo_tf.runs.folder import RunFolder
from dogo_tf.step.crop_plan import crop_plan
from dogo_tf.teacher import CachedTeacher
from dogo_tf.training.alarm import FailureAlarm
from dogo_tf.training.callbacks import crosses, steps_done
from dogo_tf.training.first_steps import FirstSteps
from dogo_tf.training.fitting import Watched, fit_to_the_end, go_on


def pretrain(settings: PretrainSettings, resume=False, overwrite=False, on_speed=None, trust=False) -> RunFolder:
    """Trains the peers of `settings` and fills the run folder; see RunFolder for what lies in it.

    Args:
        resume: go on from the newest checkpoint of the folder, whose settings must be the same.
        overwrite: replace the run in the folder.
        on_speed: function of the seconds that a step takes, and of the steps that were timed (a range, the run's first is 0);
            called once after the first steps.
        trust: load teachers that are SavedModels whatever ops they hold. No setting: a stranger's config.json could set it.
    Raises:
        InputError: settings, data or folder cannot be used. TrainingFailure: NaN or collapse. Interrupted: asked to stop by
            SIGTERM or Ctrl-C, after a checkpoint; or another worker was lost.
    """
    settings.check_that_all_learn(resume)
    devices = strategy(settings.strategy, settings.tpu)  # before any other work of TensorFlow
    check_batch_size(settings.batch_size, devices.num_replicas_in_sync, settings.micro_batches)
    job = Job(devices)
    if settings.probe_every and job.workers > 1:
        raise InputError("probe_every: several workers cannot probe while they train; use 0, and dogo-probe afterwards")
    chiefs = RunFolder(settings.run_dir)
    with job.losses_named(), job.folder_to_write(chiefs.path) as path:
        folder = RunFolder(path)
        if job.is_chief:
            folder.check(resume, overwrite)  # before minutes of loading
            # A run that goes on, or is a branch, has weights of its own.
            begins = not (resume or settings.cooldown_from)
            check_at_hand(settings.optimizer, teachers=settings.teachers, init=settings.init if begins else ())
        with sole_owner(folder.path):
            choice = precision.known(settings, chiefs, resume) if job.is_chief else None
            settings = dataclasses.replace(settings, precision=choice.precision if choice else settings.precision)
            if settings.cooldown_from and job.is_chief:
                resume, overwrite = branch_off(settings, folder, resume, overwrite)
            chosen = run_images.choice(settings, chiefs, resume)
            images = run_images.open_images(settings, chosen)
            crops = run_images.crops_of(images, chosen)
            image_size = settings.image_size or images.images.shape[1]
            choice = precision.agreed(settings, choice, image_size, job)
            settings = dataclasses.replace(settings, precision=choice.precision)
            if settings.cache_teachers:  # what is wrong with the peers is told before the hours that this may take
                initial_weights.start_from(build_peers(settings, image_size), settings.init, trust)
            cached = cached_teachers(settings, images, run_images.open_at_image_size, trust)
            notes = crops, choice.reason
            with precision.policy(settings.precision), devices.scope():
                _train(settings, resume, overwrite, images, notes, cached, job, chiefs, folder, on_speed, trust)
    return chiefs


def _train(
    settings, resume, overwrite, images, notes, cached, job: Job, chiefs, folder: RunFolder, on_speed, trust: bool
) -> None:
    """Reads the `chiefs` folder and writes to `folder`, which is the same one for the chief."""
    job.check_same("images", len(images), "every worker must find the same files")
    advice = "start all workers with the same flags, --resume included"
    job.check_same("side of the images in pixels", images.images.shape[1], advice)
    crops = notes[0]
    job.check_same("views out of the original pictures (1: yes)", int(crops == run_images.ORIGINALS), advice)
    image_size = settings.image_size or images.images.shape[1]
    probe_data = load_probe_data(settings, images, image_size) if settings.probe_every else None
    mean, std = data.pixel_statistics(images.images)
    steps_per_epoch = len(images) // settings.batch_size
    (resume,) = job.any([resume and job.is_chief])  # its word counts: jobs may start their workers with different flags
    model = build_model(settings, image_size, mean, std, steps_per_epoch, cached, trust, resume)
    config = _config(settings, images, image_size, crops, mean, std, model.teachers)
    plan = crop_plan(model) if crops == run_images.ORIGINALS else None
    if not resume:
        initial_weights.start_from(model.peers, settings.init, trust)
    folder.start(config, resume and job.is_chief, overwrite)
    checkpoint = RunCheckpoint(chiefs.checkpoints, model, write_to=folder.checkpoints, stays=_stays(settings))
    if resume and not go_on(checkpoint, model, job, folder, settings.cooldown_from):
        initial_weights.start_from(model.peers, settings.init, trust)
    with folder.written("flags and views"):
        if not folder.flags.exists():
            folder.flags.write_text(settings.as_flags())
        if not folder.views.exists():
            log_view_grid(model, images.images, folder, plan)
    first_steps = FirstSteps(settings.epochs * steps_per_epoch, on_speed)
    alarm = FailureAlarm.of(settings, model, steps_per_epoch, checkpoint.newest)
    if resume:
        alarm.recall([line for line in chiefs.metrics_lines() if line["step"] <= steps_done(model)])
    if job.is_chief:
        say(header(settings, images, model, steps_per_epoch, *notes))
    features = {t.name: t.features for t in model.teachers if isinstance(t, CachedTeacher)}

    def stream(seen: int, clock: HostClock):
        more = {"clock": clock, "extra_features": features, "crops": plan}
        return distributed_stream(job.strategy, images.images, settings.batch_size, settings.seed, seen, **more)

    def probes(stop, checkpoints) -> list:
        """After the checkpoints: a probe that fails must not cost the epoch."""
        if not (probe_data and probe_data.labelled):
            return []
        made = Probes(model, probe_data, folder, settings.probe_every, settings.epochs, stop, checkpoints)
        if steps_done(model) % steps_per_epoch == 0:  # the run may have been interrupted just before this probe
            checkpoints.set_model(model)
            checkpoints.saved_step = steps_done(model)
            made.probe_if_due(steps_done(model) // steps_per_epoch)
        return [made]

    total = settings.epochs * steps_per_epoch
    watched = Watched(checkpoint, folder, alarm, first_steps, (images.images,), probes)
    fit_to_the_end(model, stream, settings, total, steps_per_epoch, job, watched)
    if probe_data:
        with folder.written("projector"):
            write_projector(folder.tensorboard, model.peers, probe_data.images)


def _stays(settings: PretrainSettings):
    """Which checkpoints stay besides the newest, by their step: those of checkpoint_steps, where they are to be kept."""
    every, at_a_time = settings.checkpoint_steps, settings.steps_per_execution
    return lambda step: settings.keep_checkpoints and crosses(every, step - at_a_time, step)


def _config(settings, images, image_size: int, crops: str, mean, std, teachers) -> dict:
    specs = peer_specs(settings.peers)
    return {
        "settings": settings.as_dict(),
        "peers": [
            {"name": saved, "encoder": encoder, "objective": objective}
            for name, encoder, objective in specs
            for saved in (name, *([average_name(name)] if settings.ema else []))
        ],
        "teachers": {teacher.name: teacher.fingerprint for teacher in teachers},
        "data": {
            "name": images.name,
            "source": images.source,
            "images": len(images),
            "image_size": image_size,
            "store_size": images.images.shape[1],
            "crops": crops,
            "pixel_mean": mean,
            "pixel_std": std,
            "digest": data.digest(images.images),
            "bad_files": [list(entry) for entry in images.bad_files],
        },
        "provenance": provenance(),
    }
