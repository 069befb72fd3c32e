"""A whole fine-tuning: settings in, a run folder with classifiers out."""

import json

from dogo_tf.data.stream import HostClock
from dogo_tf.distribution.devices import Job, check_batch_size, strategy
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.intervals import accuracy_interval
from dogo_tf.finetuning import labelled, networks, screen
from dogo_tf.finetuning.cleaning import cleaned
from dogo_tf.finetuning.report import write_reports
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.finetuning.specs import encoder_specs
from dogo_tf.finetuning.stream import finetuning_stream
from dogo_tf.peer import average_name
from dogo_tf.platform.files import sole_owner, write_atomically
from dogo_tf.pretraining import precision
from dogo_tf.pretraining.at_hand import check_at_hand
from dogo_tf.reporting.progress import say
from dogo_tf.reporting.provenance import provenance
from dogo_tf.runs.checkpoint import RunCheckpoint
from dogo_tf.runs.folder import RunFolder
from dogo_tf.training.alarm import FailureAlarm
from dogo_tf.training.first_steps import FirstSteps
from dogo_tf.training.fitting import Watched, fit_to_the_end, go_on

ACCURACY = "accuracy.json"


def finetune(
    settings: FinetuneSettings, resume=False, overwrite=False, trust=False, report=False, learning_curve=True
) -> RunFolder:
    """Trains the classifiers of `settings` and fills the run folder; see RunFolder. With test images, accuracy.json besides.

    Args:
        resume, overwrite, trust: as of pretraining.pretrain.
        report: also write report/<classifier>/; needs test images.
        learning_curve: in it, what more labels would bring: the training again, on parts of the labels, up to nine times.
    Raises:
        As pretraining.pretrain.
    """
    if report and not settings.test_split:
        raise InputError("report: expected test_split, the images that the classifiers are tested on")
    if not resume:
        settings.refuse_what_has_no_effect()
    devices = strategy(settings.strategy, settings.tpu)  # before any other work of TensorFlow
    check_batch_size(settings.batch_size, devices.num_replicas_in_sync)
    if settings.unlabelled:
        check_batch_size(settings.unlabelled_batch, devices.num_replicas_in_sync)
    job = Job(devices)
    chiefs = RunFolder(settings.run_dir)
    with job.losses_named(), job.folder_to_write(chiefs.path) as path:
        folder = RunFolder(path)
        if job.is_chief:
            folder.check(resume, overwrite)  # before minutes of loading
            check_at_hand([settings.optimizer], teachers=settings.teachers)
        with sole_owner(folder.path), precision.policy(settings.precision), devices.scope():
            loaded = networks.load_encoders(settings, trust)
            image_size, sources = networks.image_size_of(settings, loaded), _sources(settings, chiefs, resume)
            images = labelled.open_images(settings, image_size, sources)
            images = images._replace(labelled=cleaned(images.labelled, settings, loaded))
            _train(settings, resume, overwrite, loaded, images, job, chiefs, folder)
            if images.test is not None and job.is_chief:
                _test(images.test, folder)
                if report:
                    write_reports(folder, settings, images, learning_curve, trust)
    return chiefs


def _sources(settings, chiefs: RunFolder, resume: bool) -> tuple[str, str]:
    """Where the labelled and the unlabelled images are kept: a run that goes on keeps what it chose."""
    if not resume or settings.source != "auto":
        return settings.source, settings.source
    kept = chiefs.config()["data"]
    # Runs of before both were kept had one choice for both.
    return kept["source"], kept.get("unlabelled_source") or kept["source"]


def _train(settings, resume, overwrite, loaded, images, job: Job, chiefs, folder: RunFolder) -> None:
    """Reads the `chiefs` folder and writes to `folder`, which is the same one for the chief."""
    source, unlabelled = images.labelled.images, images.unlabelled and images.unlabelled.images
    job.check_same("images", len(source), "every worker must find the same files")
    image_size = source.shape[1]
    model = networks.build_model(settings, loaded, images.labelled, image_size)
    (resume,) = job.any([resume and job.is_chief])
    config = {
        "settings": settings.as_dict(),
        "peers": _classifiers(settings),
        "teachers": {teacher.name: teacher.fingerprint for teacher in model.teachers},
        "data": labelled.described(images, image_size),
        "provenance": provenance(),
    }
    folder.start(config, resume and job.is_chief, overwrite)
    checkpoint = RunCheckpoint(chiefs.checkpoints, model, write_to=folder.checkpoints)
    if not (resume and go_on(checkpoint, model, job, folder)):
        networks.start_heads(model, loaded, images.labelled, settings.seed)
    with folder.written("flags and views"):
        if not folder.flags.exists():
            folder.flags.write_text(settings.as_flags())
        if not folder.views.exists():
            screen.log_views(model, source, folder)
    steps_per_epoch = max(1, len(source) // settings.batch_size)
    alarm = FailureAlarm({learner.name: None for learner in model.learners}, checkpoint.newest)
    if job.is_chief:
        say(screen.header(settings, images, model))

    def stream(seen: int, clock: HostClock):
        return finetuning_stream(
            job.strategy,
            source,
            images.labelled.labels,
            settings.batch_size,
            settings.seed,
            seen,
            unlabelled,
            settings.unlabelled_batch,
            clock,
        )

    sources = (source,) if unlabelled is None else (source, unlabelled)
    watched = Watched(checkpoint, folder, alarm, FirstSteps(settings.steps), sources)
    fit_to_the_end(model, stream, settings, settings.steps, steps_per_epoch, job, watched)


def _classifiers(settings: FinetuneSettings) -> list[dict]:
    return [
        {"name": name, "encoder": spec.place}
        for spec in encoder_specs(settings.encoder)
        for name in (spec.name, *([average_name(spec.name)] if settings.ema else []))
    ]


def _test(test, folder: RunFolder) -> None:
    """Every classifier on every test image, once; to the screen and to accuracy.json."""
    found = {}
    for peer in folder.peer_names():
        right = embed(folder.load_network(peer), test.images).argmax(axis=1) == test.labels
        interval = accuracy_interval(right[None])
        found[peer] = {"accuracy": interval.mean, "low": interval.low, "high": interval.high}
    with folder.written("accuracy"):
        numbers = {"test": test.name, "images": len(test), "classifiers": found}
        write_atomically(folder.path / ACCURACY, (json.dumps(numbers, indent=1) + "\n").encode())
    say(screen.accuracies(found, test))
