"""Exports an encoder to SavedModel and TFLite, measures every file against the original, and recommends one.

  dogo-export --run_dir=runs/pair --peer=wrn_10_2
  dogo-export --run_dir=runs/pair --peer=wrn_10_2 --dataset=path/to/labelled --test_split=val --head
  dogo-export --encoder=encoder.keras --dataset=path/to/images --out=exported
  dogo-export --out=exported --report_add=pi.json

Input of every file: uint8 pixel values [B, H, W, 3], RGB; output: features [B, d], and with --head, or of a classifier by
dogo-finetune, logits. Each .tflite has a
JSON file beside it (and the same inside) that states this contract, what was measured and a checksum. report.html shows the
formats side by side. A file that differs too much from the original is not written; the message says by how much, and what may
help. Where the images are labelled, kNN and linear accuracy of every file are measured too; a folder with one sub-folder, or a
class without an image to learn from, is exported without them.

The report also says where else the files run (--targets): ONNX Runtime, TensorFlow Serving, a microcontroller's interpreter,
Arm's Ethos-U accelerators. README.md is a model card. On a device, `python runtime.py small_int8.tflite --benchmark > pi.json`
measures time and memory; --report_add puts them into the report of an earlier export, and exports nothing.
"""

import dataclasses
from pathlib import Path

from absl import flags

from dogo_tf import data
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.pixels import MAX_PIXELS
from dogo_tf.errors import InputError
from dogo_tf.evaluate.sources import image_side, load_network
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.experiments import app
from dogo_tf.export import calibration, device_timing, images, report, report_file, target_report
from dogo_tf.export.accuracy import why_none
from dogo_tf.export.advice import timing_remark
from dogo_tf.export.pipeline import MIN_PARITY_IMAGES, GateFailure, Options, check_folder, export_encoder
from dogo_tf.finetuning.labelled import in_classes_of
from dogo_tf.foreign.onnx_encoder import OnnxEncoder
from dogo_tf.platform.files import expanded
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.progress import say
from dogo_tf.reporting.table import text_table
from dogo_tf.runs.folder import RunFolder

FLAGS = flags.FlagValues()
flags.DEFINE_string("run_dir", None, "Folder of a dogo-pretrain run.", flag_values=FLAGS)
flags.DEFINE_string("peer", None, "Which peer's encoder; may be left out if the run has one.", flag_values=FLAGS)
flags.DEFINE_string(
    "encoder", None, "Instead of --run_dir: a .keras file, or the folder of a SavedModel.", flag_values=FLAGS
)
app.trust_flag(FLAGS)
flags.DEFINE_string(
    "out", None, "Folder for the files; <run_dir>/export/<peer> if not given. It must be new.", flag_values=FLAGS
)
flags.DEFINE_list(
    "formats",
    ",".join(Options.formats),
    "TFLite formats to write. Besides these: int8_qat, int8 after quantisation-aware training, without labels.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "head", False, "Add a linear classifier, trained on the labels of --split: label and confidence.", flag_values=FLAGS
)
flags.DEFINE_list(
    "targets",
    ",".join(target_report.names()),
    "Where else to try the files. All but serving need pip install 'dogo-tf[devices]'; without it the report says so.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "arena_kb",
    None,
    "Memory of your microcontroller for activations, in kB; a file that needs more is told. Any if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_string("dataset", None, "Your images, labelled or not; the run's data if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "data_dir", None, "Where TFDS keeps prepared data sets; the run's own if not given.", flag_values=FLAGS
)
app.source_flags(FLAGS)
flags.DEFINE_string(
    "split", None, "Split to calibrate on and to learn from; the run's own if not given.", flag_values=FLAGS
)
flags.DEFINE_string(
    "test_split",
    None,
    "Split that the files are measured on; if not given, a fifth of --split, at least 256, is set aside.",
    flag_values=FLAGS,
)
flags.DEFINE_string("test_dataset", None, "Where --test_split is, if not in the same data set.", flag_values=FLAGS)
flags.DEFINE_integer(
    "max_images",
    10_000,
    "Images that are used of each split, drawn by --seed; to test on, 256 at least.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "calibration", None, "A folder of images to calibrate int8 on; those of --split if not given.", flag_values=FLAGS
)
flags.DEFINE_integer(
    "calibration_images",
    calibration.DEFAULT,
    "How many of them, 100 to 200. More are not better: one outlier widens every range.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "parity_images", 512, "How many test images are compared feature by feature, at least 256.", flag_values=FLAGS
)
flags.DEFINE_float("max_bad_images", 0.01, "Largest share (0..1) of unreadable files in a folder.", flag_values=FLAGS)
flags.DEFINE_float("max_pixels", MAX_PIXELS, app.MAX_PIXELS_HELP, flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed of all draws of images.", flag_values=FLAGS)
flags.DEFINE_bool("force", False, "Write files that differ too much from the original, too.", flag_values=FLAGS)
flags.DEFINE_list(
    "report_add",
    [],
    "Files of `runtime.py --benchmark`, for the report of the export in --out, or in --run_dir and --peer.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("overwrite", False, "Replace the whole folder of an earlier export.", flag_values=FLAGS)


def main() -> None:
    if FLAGS.report_add:
        _add_to_report()
        return
    if bool(FLAGS.run_dir) == bool(FLAGS.encoder):
        raise InputError("--run_dir or --encoder: expected one of them, a run's folder or a file. See --help.")
    options = Options(
        formats=app.names(FLAGS.formats),
        head=FLAGS.head,
        force=FLAGS.force,
        overwrite=FLAGS.overwrite,
        calibration_images=FLAGS.calibration_images,
        parity_images=FLAGS.parity_images,
        targets=app.names(FLAGS.targets),
        arena_kb=FLAGS.arena_kb,
        seed=FLAGS.seed,
    )
    encoder, name, out, origin = _from_run() if FLAGS.run_dir else _from_file()
    check_folder(out, options.overwrite)  # before minutes of loading
    size = image_side(encoder)
    train, test = _train_and_test(origin.get("settings", {}), size, bool(options.integers))
    own = None
    if FLAGS.calibration:
        own = _open(FLAGS.calibration, "train", size, None)
    if _of_its_own(origin.get("settings", {})):
        say("no accuracies and no temperature: the classifier has learnt from these images; --test_split names others")
        train, test = (dataclasses.replace(part, labels=None, class_names=()) for part in (train, test))
    print(f"exporting {name}: {len(train.images)} images to learn from, {len(test.images)} to test on", flush=True)
    try:
        made = export_encoder(encoder, out, train, test, options, name, own, origin)
    except GateFailure as failure:
        _show(failure.report)
        raise
    _show(made)
    print(f"recommended: {report.recommendation(made)}")
    print(f"wrote {out}; see {out / report_file.HTML_REPORT}")


def _add_to_report() -> None:
    if FLAGS.encoder or not (FLAGS.out or FLAGS.run_dir):
        raise InputError("--report_add: expected the folder of an earlier export, --out or --run_dir, and no --encoder")
    folder = expanded(FLAGS.out) if FLAGS.out else _out_of_run(RunFolder(FLAGS.run_dir))
    made = device_timing.add(report_file.load(folder), folder, [expanded(path) for path in app.names(FLAGS.report_add)])
    try:
        report_file.write(folder, made)
    except OSError as error:
        raise InputError(f"--report_add: cannot write to {folder}: {error.strerror}") from error
    print(device_timing.table(made))
    print(f"see {folder / report_file.HTML_REPORT}")


def _show(made: report.Report) -> None:
    print(report.table(made))
    head, rows = target_report.table(made.details["targets"])
    if rows:
        print(text_table(head, rows))
    for line in target_report.reasons(made.details["targets"]):
        print(f"  {printable(line)}")
    for line in report.quantisation(made):
        print(line)
    if remark := timing_remark(made):
        print(remark)


def _from_run():
    folder = RunFolder(FLAGS.run_dir)
    config = folder.config()
    peer = FLAGS.peer or _only_peer(folder)
    out = expanded(FLAGS.out) if FLAGS.out else _out_of_run(folder)
    origin = {"run": str(folder.path)} | {part: config[part] for part in ("settings", "data", "provenance")}
    return folder.load_network(peer), peer, out, origin


def _out_of_run(folder: RunFolder) -> Path:
    return folder.path / "export" / (FLAGS.peer or _only_peer(folder))


def _from_file():
    app.required(FLAGS, "dataset", "out")
    path = expanded(FLAGS.encoder)
    encoder = load_network(path, FLAGS.peer, FLAGS.trust)
    if isinstance(encoder, TFLiteEncoder | OnnxEncoder):
        raise InputError(f"--encoder: {path} is exported already; expected a .keras file or a SavedModel")
    if getattr(encoder, "has_logits", False):
        say(f"{path} has a classifier, which is left out: only a .keras file brings its own along")
    return encoder, path.stem if path.suffix == ".keras" else encoder.name, expanded(FLAGS.out), {"file": str(path)}


def _train_and_test(defaults: dict, size: int, calibrated: bool) -> tuple[ImageSet, ImageSet]:
    """calibrated: whether a format needs images to calibrate on."""
    name, data_dir = FLAGS.dataset or defaults["dataset"], FLAGS.data_dir or defaults.get("data_dir")
    split = FLAGS.split or defaults.get("split") or "train"
    if FLAGS.test_dataset and not FLAGS.test_split:
        raise InputError("--test_dataset: expected --test_split, too: which split of it to test on")
    if (FLAGS.test_dataset or name, FLAGS.test_split) == (name, split):
        raise InputError(f"--test_split: expected another split than --split; both are {split!r}")
    if FLAGS.test_split:
        data.check_split(FLAGS.test_dataset or name, FLAGS.test_split, "test_split")
    train = _open(name, split, size, data_dir)
    if _of_its_own(defaults) and not FLAGS.test_split and len(train.images) <= MIN_PARITY_IMAGES:
        raise InputError(
            f"--test_split: expected {MIN_PARITY_IMAGES} images to check the files with, labelled or not; the classifier's own "
            f"are {len(train.images)}, so name others, if need be with --test_dataset"
        )
    if not FLAGS.test_split:
        train, test = images.set_aside(train, MIN_PARITY_IMAGES, FLAGS.seed)
    if calibrated and not FLAGS.calibration:  # before the images to test on are read
        calibration.check_enough(min(len(train.images), FLAGS.max_images), FLAGS.calibration_images)
    if FLAGS.test_split:
        test = _open(FLAGS.test_dataset or name, FLAGS.test_split, size, data_dir)
        if train.labels is not None and test.labels is not None and not why_none(train, test):
            test = in_classes_of(train, test)
    tested = max(FLAGS.max_images, MIN_PARITY_IMAGES)
    return images.at_most(train, FLAGS.max_images, FLAGS.seed, every_class=True), images.at_most(
        test, tested, FLAGS.seed
    )


def _of_its_own(settings: dict) -> bool:
    """Whether a classifier would be tested on images that it has learnt from. settings: of its run."""
    if "encoder" not in settings:
        return False
    name, split = FLAGS.dataset or settings["dataset"], FLAGS.split or settings["split"]
    if FLAGS.test_split:
        name, split = FLAGS.test_dataset or name, FLAGS.test_split
    return images.place(name, split) == images.place(settings["dataset"], settings["split"])


def _open(name: str, split: str, size: int, data_dir: str | None) -> ImageSet:
    kept = FLAGS.source, FLAGS.cache_dir, data_dir
    # A run's config.json may be anybody's: where it says that data sets are kept, none is prepared.
    prepare = data_dir in (None, FLAGS.data_dir)
    return data.open(name, split, size, *kept, FLAGS.max_bad_images, prepare=prepare, max_pixels=FLAGS.max_pixels)


def _only_peer(folder: RunFolder) -> str:
    peers = folder.peer_names()
    if len(peers) != 1:
        raise InputError(f"--peer: which encoder is to be exported? The run has: {', '.join(peers) or 'none yet'}")
    return peers[0]


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
