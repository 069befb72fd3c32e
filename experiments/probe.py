"""Probes encoders: weighted kNN, linear probes and fine-tuning with all, 10 % and 1 % of the labels.

  dogo-probe --run_dir=runs/pair
  dogo-probe --run_dir=runs/pair --peer=wrn_10_2 --dataset=path/to/labelled/images --fractions=1,0.1
  dogo-probe --encoder=encoder.keras --dataset=cifar10 --protocols=knn,linear,linear_adam,fine_tune
  dogo-probe --encoder=model.tflite --dataset=cifar10 --noise=symmetric:0.4 --imbalance=authors --corruptions=jpeg,fog

An encoder is a peer of a run, or a file: .keras, .tflite, .onnx (as dino.onnx:pixels=imagenet), or a SavedModel folder from
uint8 images to features. Protocols:
  knn          cosine, k = 200, temperature 0.1, all labels
  linear       logistic regression on standardised features, its regularisation chosen on held-out training images
  linear_adam  the DoGo authors' linear classifier: Adam, 100 epochs, the best epoch on held-out training images
  fine_tune    all weights go on learning next to a linear head, with flips and shifts; needs a Keras encoder, and time
Features are taken without augmentation; the test images are used once for each number. With --noise, --imbalance or
--corruptions linear probes are made harder besides: by wrong labels, rare classes, damaged test images. Results: tables with
95 % intervals over the test images, a JSON file, and beside it a .npz with the labels that each of those probes was given.
"""

import json
import os
import statistics
from pathlib import Path

from absl import flags

from dogo_tf import data
from dogo_tf.data.image_set import warn_of_shared_images
from dogo_tf.data.imbalance import PROFILES
from dogo_tf.data.pixels import MAX_PIXELS
from dogo_tf.errors import InputError
from dogo_tf.evaluate import fine_tune
from dogo_tf.evaluate.best_epoch import check_epochs
from dogo_tf.evaluate.corruptions import CORRUPTIONS
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.intervals import Interval, accuracy_interval, check_enough_images
from dogo_tf.evaluate.knn import check_vote
from dogo_tf.evaluate.probe import FRACTIONS, PROTOCOLS, Probe, check_protocols, probe
from dogo_tf.evaluate.sources import image_side, load_encoder
from dogo_tf.evaluate.studies import StudyPlan, run_studies, save_label_sets
from dogo_tf.experiments import app
from dogo_tf.foreign import onnx_place
from dogo_tf.platform.files import expanded, write_atomically
from dogo_tf.reporting.provenance import provenance
from dogo_tf.reporting.table import percent, text_table
from dogo_tf.runs.folder import RunFolder

FLAGS = flags.FlagValues()
flags.DEFINE_string("run_dir", None, "Folder of a dogo-pretrain run.", flag_values=FLAGS)
flags.DEFINE_list("peer", None, "Peers to probe, separated by commas; all if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "encoder",
    None,
    "In place of a run: a .keras, .tflite or .onnx file, a SavedModel folder, or a folder of dogo-export.",
    flag_values=FLAGS,
)
app.trust_flag(FLAGS)
flags.DEFINE_string("dataset", None, "Labelled data set or folder; the run's own if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "data_dir", None, "Where TFDS keeps prepared data sets; the run's own if not given.", flag_values=FLAGS
)
app.source_flags(FLAGS)
flags.DEFINE_string("train_split", "train", "Split that gives the labels.", flag_values=FLAGS)
flags.DEFINE_string("test_split", "test", "Split that is tested on; for a folder often val.", flag_values=FLAGS)
flags.DEFINE_list("protocols", "knn,linear", f"What to do, of {', '.join(PROTOCOLS)}.", flag_values=FLAGS)
flags.DEFINE_list("fractions", ",".join(map(str, FRACTIONS)), "Shares of the labels, 0..1.", flag_values=FLAGS)
flags.DEFINE_list(
    "noise", "", "Wrong labels, kind:share with kinds symmetric and pairwise and shares 0..0.8.", flag_values=FLAGS
)
flags.DEFINE_list(
    "imbalance", "", f"Profiles of unequal class sizes: {', '.join(sorted(PROFILES))}.", flag_values=FLAGS
)
flags.DEFINE_list("corruptions", "", f"Damages of the test images: {', '.join(CORRUPTIONS)}.", flag_values=FLAGS)
flags.DEFINE_integer("draws", 3, "Repetitions of what depends on which labels are drawn.", flag_values=FLAGS)
flags.DEFINE_integer("k", 200, "Neighbours that vote in kNN.", flag_values=FLAGS)
flags.DEFINE_float("temperature", 0.1, "Of kNN's votes; smaller gives near neighbours more weight.", flag_values=FLAGS)
flags.DEFINE_integer("fine_tune_epochs", fine_tune.EPOCHS, "Passes over the labelled images.", flag_values=FLAGS)
flags.DEFINE_string(
    "cache", None, "Folder that keeps features; <run_dir>/features, or none with --encoder.", flag_values=FLAGS
)
flags.DEFINE_string(
    "out",
    None,
    "JSON file for the numbers; if not given, <run_dir>/probe_<data set>.json or <encoder>.probe_<data set>.json, with --peer "
    "and --protocols in its name where they are given.",
    flag_values=FLAGS,
)
flags.DEFINE_float("max_bad_images", 0.01, "Largest share (0..1) of unreadable files in a folder.", flag_values=FLAGS)
flags.DEFINE_float("max_pixels", MAX_PIXELS, app.MAX_PIXELS_HELP, flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed of the label subsets and of all else that is drawn.", flag_values=FLAGS)


def main() -> None:
    fractions, plan = _checked_fractions(), _plan()
    if FLAGS.encoder:
        path = onnx_place.without_settings(FLAGS.encoder).absolute()
        encoders, source = {path.name: load_encoder(FLAGS.encoder, trust=FLAGS.trust)}, {"encoder": FLAGS.encoder}
        image_size = image_side(encoders[path.name])
        name, data_dir, cache = FLAGS.dataset, FLAGS.data_dir, FLAGS.cache
        out = path.with_name(f"{path.name}.probe_{_file_name(name)}{_asked()}.json")
    else:
        folder = RunFolder(FLAGS.run_dir)
        config = folder.config()
        encoders = {peer: folder.load_encoder(peer) for peer in FLAGS.peer or folder.peer_names()}
        if not encoders:
            raise InputError(f"run_dir: the run in {folder.path} has not saved any encoder yet")
        settings, image_size = config["settings"], config["data"]["image_size"]
        name, data_dir = FLAGS.dataset or settings["dataset"], FLAGS.data_dir or settings["data_dir"]
        source = {"run": config["provenance"] | {"settings": settings, "median_images_per_second": _speed(folder)}}
        cache = FLAGS.cache or folder.features
        out = folder.path / f"probe_{_file_name(name)}{_asked()}.json"
    out = expanded(FLAGS.out) if FLAGS.out else out
    _check_out(out)
    for flag, split in (("train_split", FLAGS.train_split), ("test_split", FLAGS.test_split)):
        data.check_split(name, split, flag)  # before the images of the other are read
    train, test = (
        # A run's config.json may be anybody's: where it says that data sets are kept, none is prepared.
        data.open(
            name,
            split,
            image_size,
            FLAGS.source,
            FLAGS.cache_dir,
            data_dir,
            FLAGS.max_bad_images,
            prepare=data_dir in (None, FLAGS.data_dir),
            max_pixels=FLAGS.max_pixels,
        )
        for split in (FLAGS.train_split, FLAGS.test_split)
    )
    check_enough_images(test)
    warn_of_shared_images(train, test)
    if not FLAGS["k"].using_default_value and FLAGS.k > len(train.images):
        raise InputError(f"--k: expected at most {len(train.images)}, the images that vote; got {FLAGS.k}")
    report = {
        **provenance(),
        **source,
        "train": {"name": train.name, "images": len(train.images)},
        "test": {"name": test.name, "images": len(test.images)},
        "seed": FLAGS.seed,
        "peers": {},
    }
    results, studied = {}, {}
    for peer, encoder in encoders.items():
        print(f"probing {peer} on {test.name} ({len(test.images)} images)", flush=True)
        results[peer] = probe(
            encoder,
            train,
            test,
            fractions,
            FLAGS.seed,
            FLAGS.protocols,
            FLAGS.k,
            FLAGS.temperature,
            FLAGS.fine_tune_epochs,
            FeatureCache(cache),
        )
        report["peers"][peer] = results[peer].as_dict()
        _add_intervals(report["peers"][peer], results[peer], test.labels)
        if plan:
            studied[peer] = _study(encoder, train, test, plan, FeatureCache(cache))
            report["peers"][peer]["studies"] = {study: found._asdict() for study, found in studied[peer].items()}
        _write(out, report)  # after each, so that an interruption loses one encoder's numbers only
    print(table(report["peers"], fractions))
    for line in shares_kept(report["peers"], len(train.images)):
        print(line)
    if plan:
        print(study_table(studied))
        labels = out.with_name(f"{out.stem}_labels.npz")
        save_label_sets(labels, train.labels, len(train.class_names), plan, FLAGS.seed)
        print(f"wrote {labels}")
    print(f"wrote {out}")


def _checked_fractions() -> tuple[float, ...]:
    """The shares of labels; InputError for flags that do not go together."""
    if FLAGS.encoder and (FLAGS.run_dir or FLAGS.peer):
        raise InputError("--encoder: it stands in place of --run_dir and --peer; give one or the other. See --help.")
    if FLAGS.encoder:
        app.required(FLAGS, "dataset")
    elif not FLAGS.run_dir:
        raise InputError("--run_dir or --encoder is needed: what is to be probed? See --help.")
    fractions = app.numbers("fractions", FLAGS.fractions)
    if not fractions or any(not 0 < share <= 1 for share in fractions):
        raise InputError(f"--fractions: expected numbers above 0 and up to 1; got {','.join(FLAGS.fractions)}")
    if FLAGS.train_split == FLAGS.test_split:
        raise InputError(f"--test_split: expected another split than --train_split; both are {FLAGS.test_split!r}")
    check_protocols(FLAGS.protocols)
    check_vote(FLAGS.k, FLAGS.temperature)
    check_epochs(FLAGS.fine_tune_epochs)
    return fractions


def _plan() -> StudyPlan | None:
    """What is to be made harder; None if nothing."""
    noise, imbalance = app.kinds_of_noise(FLAGS.noise), app.names(FLAGS.imbalance)
    plan = StudyPlan((), noise, imbalance, app.names(FLAGS.corruptions), draws=FLAGS.draws)
    return plan if plan.noise or plan.imbalance or plan.corruptions else None


def _study(encoder, train, test, plan, cache) -> dict[str, Interval]:
    """The accuracy in each study of the plan."""
    scores = run_studies(encoder, train, test, plan, FLAGS.seed, cache=cache)
    return {study: accuracy_interval(found) for study, found in scores.items() if study != "knn"}


def _add_intervals(numbers: dict, result: Probe, test_labels) -> None:
    """Adds to every accuracy of a probe's numbers its interval over the test images, "low" and "high"."""
    found = [(numbers["knn"], result.knn)] if result.knn else []
    for protocol in HEADINGS:
        by_share = getattr(result, protocol)
        found += [(numbers[protocol][f"{share:g}"], one) for share, one in by_share.items()]
    for entry, one in found:
        interval = accuracy_interval(one.predictions == test_labels)
        entry |= {"low": interval.low, "high": interval.high}


def _speed(folder: RunFolder) -> float | None:
    speeds = [line["images_per_second"] for line in folder.metrics_lines()]
    return statistics.median(speeds) if speeds else None


def _write(out: Path, report: dict) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, (json.dumps(report, indent=1) + "\n").encode())
    except OSError as error:
        raise InputError(f"--out: cannot write {out}: {error.strerror}") from error


HEADINGS = {"linear": "linear %", "linear_adam": "linear (Adam) %", "fine_tune": "fine-tuned %"}


def table(numbers: dict[str, dict], fractions) -> str:
    """Accuracies in percent with their intervals, a row per encoder."""
    some = next(iter(numbers.values()))
    protocols = [name for name in HEADINGS if name in some]
    head = ["encoder", *(["kNN %"] if "knn" in some else [])]
    head += [f"{HEADINGS[name]}, {100 * share:g} % labels" for name in protocols for share in fractions]
    rows = []
    for encoder, found in numbers.items():
        cells = [found["knn"]] if "knn" in found else []
        cells += [found[name][f"{share:g}"] for name in protocols for share in fractions]
        rows.append([encoder, *(_accuracy(cell["accuracy"], cell["low"], cell["high"]) for cell in cells)])
    return text_table(head, rows)


def shares_kept(numbers: dict[str, dict], count: int) -> list[str]:
    """A line for each share of the labels that small classes make differ by more than a tenth from what its column says.

    count: of the training images.
    """
    some = next(iter(numbers.values()))
    kept = {share: one["n_train"] for name in HEADINGS for share, one in some.get(name, {}).items()}
    return [
        f"{100 * float(share):g} % labels: here {found} of {count} images, {100 * found / count:.2g} %, "
        "at least one of each class"
        for share, found in kept.items()
        if abs(found - float(share) * count) > 0.1 * float(share) * count
    ]


def study_table(studied: dict[str, dict[str, Interval]]) -> str:
    """Linear accuracies in percent with their intervals, a row per study and a column per encoder."""
    studies = next(iter(studied.values()))
    rows = [[study, *(_accuracy(*found[study][:3]) for found in studied.values())] for study in studies]
    return text_table(["linear %", *studied], rows)


def _accuracy(mean: float, low: float, high: float) -> str:
    return f"{percent(mean)} ({percent(low)}-{percent(high)})"


def _check_out(out: Path) -> None:
    """InputError if nothing could be written there, before minutes of probing."""
    if out.is_dir():
        raise InputError(f"--out: {out} is a folder; expected a file, e.g. {out / 'probe.json'}")
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"--out: cannot write {out}: {above} is no folder that may be written to")


def _asked() -> str:
    """What was asked for besides the usual, so that the numbers of one call do not take the place of another's."""
    words = [*(FLAGS.peer or ()), *(() if FLAGS["protocols"].using_default_value else FLAGS.protocols)]
    return "".join(f"_{_file_name(word)}" for word in words)


def _file_name(dataset: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in dataset.strip("./"))


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
