"""Encoder -> SavedModel -> TFLite files, each measured against the original before it is written."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dogo_tf.data.image_set import ImageSet, digest
from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.saved_model_encoder import LOGITS, OUTPUT, SavedModelEncoder
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import (
    accuracy,
    advice,
    calibration,
    card_text,
    graph,
    latency,
    metadata,
    parity,
    qat,
    report_file,
    target_report,
    tflite,
)
from dogo_tf.export import head as classifier_head
from dogo_tf.export.int8 import formats as int8_formats
from dogo_tf.export.report import BASE, Exported, Report
from dogo_tf.export.saved_model import check_encoder, export_saved_model
from dogo_tf.export.targets._work import Work
from dogo_tf.platform.files import folder_atomically
from dogo_tf.platform.keras_compat import keras
from dogo_tf.reporting.progress import say
from dogo_tf.reporting.provenance import provenance
from dogo_tf.sources.selection import selected

MIN_PARITY_IMAGES = 256
FORMATS = (*tflite.FORMATS, int8_formats.QAT)


@dataclass(frozen=True)
class Options:
    """How an encoder is exported.

    Attributes:
        formats: names of FORMATS; int8_qat, which takes a minute or more, only if it is asked for.
        head: add a classifier, trained on train's labels, as a second output.
        force: write files that fail their gates, too.
        overwrite: replace the folder of an earlier export.
        calibration_images: how many of `train` an integer format is calibrated on.
        parity_images: how many of `test` are compared feature by feature; accuracy takes all.
        targets: where else the files are tried, names of target_report.names(); all of them if not given. One whose tool is not
            installed says so in the report.
        arena_kb: memory of the microcontroller for a file's activations, 1000 bytes each; None: any.
        seed: of the calibration draw, the head's held-out images and the timing's order.
    """

    formats: tuple[str, ...] = tuple(tflite.FORMATS)
    head: bool = False
    force: bool = False
    overwrite: bool = False
    calibration_images: int = calibration.DEFAULT
    parity_images: int = 512
    targets: tuple[str, ...] = field(default_factory=target_report.names)
    arena_kb: int | None = None
    seed: int = 0

    def __post_init__(self):
        target_report.check(self.targets)
        if not self.formats:
            raise InputError(f"formats: expected at least one of {', '.join(FORMATS)}, got none")
        for name in self.formats:
            if name not in FORMATS:
                raise unknown_name("TFLite format", name, FORMATS)

    @property
    def integers(self) -> list[str]:
        """The formats that are calibrated, each once."""
        return [name for name in dict.fromkeys(self.formats) if name in int8_formats.FORMATS]


class GateFailure(InputError):
    """Some formats differ too much from the original. `report` has all numbers; what passed has been written."""

    def __init__(self, message: str, report: Report):
        super().__init__(message)
        self.report = report


def export_encoder(
    encoder, folder, train: ImageSet, test: ImageSet, options=None, name=None, calibration_set=None, origin=None
) -> Report:
    """Writes <folder>/saved_model, <folder>/<name>_<format>.tflite, each with its .json, a report and a model card.

    Args:
        encoder: keras.Model [B, H, W, 3] (0..255) -> [B, d], or a SavedModelEncoder; or a classifier of dogo-finetune, whose
            head becomes the second output.
        folder: appears under its name when everything in it is whole.
        train: the user's own images; calibration images are drawn from them and, if they are labelled, kNN, linear probe and
            head learn from them.
        test: at least 256 other images; labelled like train if accuracies are wanted. Where no classifier can be learnt from
            train's labels and tested on test's (see accuracy.why_none), there are none, which is said.
        options: see Options.
        name: what the files are called; the encoder's own name if not given.
        calibration_set: an ImageSet to calibrate on instead of train.
        origin: what is known of the encoder, e.g. its run's settings, ready for JSON; goes into the report as it is.
    Raises:
        InputError: too few images, a folder in the way, --head without labels to learn it from, or a graph that cannot be
            converted.
        GateFailure: after the files that passed have been written, if one did not.
    """
    options, folder = options or Options(), Path(folder)
    name = name or encoder.name
    sets = {"train": train, "test": test, "calibration": calibration_set or train}
    from dogo_tf.class_head import parts  # loads TensorFlow, which a mistyped flag need not wait for

    encoder, own = parts(encoder) if isinstance(encoder, keras.Model) else (encoder, None)
    train = classifier_head.in_order_of(own.class_names, train) if own else train
    test = classifier_head.in_order_of(own.class_names if own else train.class_names, test)
    check_encoder(encoder)
    _check(folder, train, test, options)
    labelled = _labelled(train, test, options.head)
    head = classifier_head.of_classifier(own, options.head, (train, test) if labelled else ())
    class_names = own.class_names if own else train.class_names
    calibrated = None
    integers = options.integers
    if integers:
        calibrated = calibration.choose(sets["calibration"].images, options.calibration_images, options.seed)
    encoder = as_float32(encoder) if isinstance(encoder, keras.Model) else encoder
    original = embed(encoder, test.images)
    learned = embed(encoder, train.images) if labelled or int8_formats.QAT in integers else None
    judge = accuracy.Judge(train, test, learned, original, options.seed, head) if labelled else None
    try:
        with folder_atomically(folder) as stage:
            head = judge.classifier if options.head else head
            temperature = None
            if head and judge:
                head, temperature = classifier_head.calibrated(head, original, test.labels)
            saved_model = export_saved_model(encoder, stage / "saved_model", head=head)
            items = [_check_saved_model(saved_model, folder, original, test, options)]
            # With the base even if it is not asked for: sizes and times are told as ratios to it.
            converted = [name for name in options.formats if name in tflite.FORMATS]
            converted += [int8_formats.CALIBRATED] if integers else []
            files = tflite.convert(saved_model, dict.fromkeys((BASE, *converted)), calibrated and calibrated.images)
            made = int8_formats.Made({}, {}, {})
            if integers:
                reference = embed(encoder, calibrated.judging)
                known = train.images, learned
                rows = None if calibration_set else calibrated.learning
                made = int8_formats.make(integers, files, calibrated, reference, *known, options.seed, rows)
                files = {name: file for name, file in files.items() if name not in made.refused} | made.files
            wanted = [name for name in dict.fromkeys((BASE, *options.formats)) if name not in made.refused]
            times = latency.measure({name: files[name] for name in wanted}, test.images[0], seed=options.seed)
            load = latency.load()
            for variant in (name for name in dict.fromkeys(options.formats) if name in wanted):
                artefact = TFLiteEncoder(files[variant])
                item = _measure(variant, artefact, files[variant], original, judge, train, test, options)
                item = replace(item, latency=times[variant])
                if options.force or not item.problems:
                    description = {
                        "labels": list(class_names) if head else None,
                        "temperature": temperature,
                        "calibration": calibrated.as_dict() if variant in integers else None,
                        "quantisation": made.details.get(variant),
                        "parity_with_original": vars(item.parity),
                        "scores": {score: vars(values) for score, values in item.scores.items()},
                        "problems": list(item.problems),
                    }
                    description = metadata.describe(
                        encoder, name, variant, files[variant], artefact.stated_outputs, **description
                    )
                    path = stage / f"{name}_{variant}.tflite"
                    metadata.write(path, files[variant], description)
                    item = replace(item, path=folder / path.name, size_bytes=path.stat().st_size)
                items.append(item)
            details = {
                "data": {part: _described(data) for part, data in sets.items()},
                "calibration": calibrated and {"data": sets["calibration"].name, **calibrated.as_dict()},
                "temperature": temperature,
                "quantisation": made.details,
                "refused": made.refused,
                "latency": {"batch": 1, "threads": 1, "rounds": latency.ROUNDS, "block": latency.BLOCK, **load},
                "targets": _try_targets(stage, name, items, original, test, options),
                "seed": options.seed,
                "origin": origin,
                **provenance(),
            }
            report = Report(name, tuple(items), judge.reference() if judge else {}, len(files[BASE]), details)
            shapes = {OUTPUT: [None, original.shape[1]]} | ({LOGITS: [None, len(class_names)]} if head else {})
            card_text.write(stage, report, metadata.input_contract(encoder), shapes)
            report_file.write(stage, report)
    except OSError as error:
        raise InputError(f"out: cannot write {folder}: {error.strerror or error}") from error
    if made.refused or (report.problems and not options.force):
        raise GateFailure(advice.failure_message(report, folder), report)
    return report


def _try_targets(stage: Path, name: str, items, original, test: ImageSet, options: Options) -> dict:
    """What target_report.examine found of the files that were written to `stage`."""
    integers = {i.format: stage / i.path.name for i in items if i.path and i.graph and not i.graph.float_operators}
    images = selected(test.images, np.arange(min(options.parity_images, len(test.images))))
    arena = options.arena_kb and 1000 * options.arena_kb
    work = Work(stage, name, stage / "saved_model", integers, images[:], original[: len(images)], arena)
    return target_report.examine(options.targets, work)


def _described(data: ImageSet) -> dict:
    return {"name": data.name, "images": len(data.images), "digest": digest(data.images)}


def _check(folder: Path, train: ImageSet, test: ImageSet, options: Options) -> None:
    if min(len(test.images), options.parity_images) < MIN_PARITY_IMAGES:
        raise InputError(
            f"test images: expected at least {MIN_PARITY_IMAGES} to check parity with; there are {len(test.images)}, of "
            f"which parity_images={options.parity_images} are to be used"
        )
    if int8_formats.QAT in options.formats:
        qat.check_images(len(train.images))
    check_folder(folder, options.overwrite)


def check_folder(folder: Path, overwrite: bool) -> None:
    """InputError for a file, another export that is not to be replaced, or a folder of something else."""
    if folder.is_file():
        raise InputError(f"out: {folder} is a file; expected a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"out: {folder} exists already; choose another folder or give --overwrite")
    if not any((folder / name).exists() for name in (report_file.REPORT, "saved_model")):
        raise InputError(f"out: {folder} holds files but no earlier export ({report_file.REPORT}); it is not replaced")


def _labelled(train: ImageSet, test: ImageSet, head: bool) -> bool:
    """Whether accuracies can be measured. InputError if a head is to be trained and cannot be."""
    if train.labels is None or test.labels is None:
        if head:
            raise InputError(
                f"head: expected labelled images to train it with; {train.name} or {test.name} has no labels"
            )
        return False
    reason = accuracy.why_none(train, test)
    if reason and head:
        raise InputError(f"head: expected images of each class, and two classes or more, to train it with; {reason}")
    if reason:
        say(f"no accuracies: {reason}")
    return not reason


def _check_saved_model(path: Path, folder: Path, original, test: ImageSet, options: Options) -> Exported:
    """It is the same network, so there is nothing to weigh: what is outside its limits is a mistake of the export."""
    images = selected(test.images, np.arange(min(options.parity_images, len(test.images))))
    found = parity.compare(original[: len(images)], embed(SavedModelEncoder(path, trust=True), images))
    problems = parity.violations(found, "saved_model")
    if problems:
        raise InputError("the SavedModel differs from the original, so nothing was written: " + "; ".join(problems))
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Exported("saved_model", folder / path.name, size, found)


def _measure(variant, artefact: TFLiteEncoder, content: bytes, original, judge, train, test, options) -> Exported:
    features, logits = _outputs(artefact, test.images)
    count = min(options.parity_images, len(features))
    found = parity.compare(original[:count], features[:count])
    structure = graph.read(content)
    problems = parity.violations(found, variant)
    if not structure.builtin_only:
        problems.append(f"{variant}: needs operations that plain LiteRT lacks: {', '.join(structure.operators)}")
    if variant in int8_formats.FORMATS and structure.float_operators:
        problems.append(f"{variant}: {structure.float_operators} operations are not integer; expected 0")
    scores = {}
    if judge:
        scores = judge.scores(embed(artefact, train.images), features, logits)
        problems += accuracy.violations(scores, variant)
    return Exported(variant, None, len(content), found, tuple(problems), scores, structure)


def _outputs(artefact: TFLiteEncoder, images):
    """(features, logits) of the images, by one pass; None for the logits of a file without a head."""
    if LOGITS not in artefact.stated_outputs:
        return embed(artefact, images), None
    both = embed(lambda batch: np.concatenate([artefact.outputs(batch)[name] for name in (OUTPUT, LOGITS)], 1), images)
    width = artefact.stated_outputs[OUTPUT]["shape"][1]
    return both[:, :width], both[:, width:]
