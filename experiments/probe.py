"""Probes encoders: weighted kNN, linear probes and fine-tuning with all, 10 % and 1 % of the labels.

  dogo-probe --run_dir=runs/pair
  dogo-probe --run_dir=runs/pair --peer=wrn_10_2 --dataset=path/to/labelled/images --fractions=1,0.1
  dogo-probe --encoder=encoder.keras --dataset=cifar10 --protocols=knn,linear,linear_adam,fine_tune

An encoder is a peer of a run, or a file: .keras, .tflite, or a SavedModel folder from uint8 images to features. Protocols:
  knn          cosine, k = 200, temperature 0.1, all labels
  linear       logistic regression on standardised features, its regularisation chosen on held-out training images
  linear_adam  the DoGo authors' linear classifier: Adam, 100 epochs, the best epoch on held-out training images
  fine_tune    all weights go on learning next to a linear head, with flips and shifts; needs a Keras encoder, and time
Features are taken without augmentation; the test images are used once for each number. Results: a table, and a JSON file.
"""

import json
import statistics
from pathlib import Path

from absl import flags

from dogo_tf import data
from dogo_tf.errors import InputError
from dogo_tf.evaluate import fine_tune
from dogo_tf.evaluate.best_epoch import check_epochs
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.knn import check_vote
from dogo_tf.evaluate.probe import FRACTIONS, PROTOCOLS, Probe, check_protocols, probe
from dogo_tf.evaluate.sources import image_side, load_encoder
from dogo_tf.experiments import app
from dogo_tf.files import write_atomically
from dogo_tf.provenance import provenance
from dogo_tf.run_folder import RunFolder
from dogo_tf.table import percent, text_table

FLAGS = flags.FlagValues()
flags.DEFINE_string("run_dir", None, "Folder of a dogo-pretrain run.", flag_values=FLAGS)
flags.DEFINE_list("peer", None, "Peers to probe, separated by commas; all if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "encoder",
    None,
    "In place of a run: a .keras or .tflite file, a SavedModel folder, or a folder of dogo-export.",
    flag_values=FLAGS,
)
flags.DEFINE_string("dataset", None, "Labelled data set or folder; the run's own if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "data_dir", None, "Where TFDS keeps prepared data sets; the run's own if not given.", flag_values=FLAGS
)
flags.DEFINE_string("train_split", "train", "Split that gives the labels.", flag_values=FLAGS)
flags.DEFINE_string("test_split", "test", "Split that is tested on; for a folder often val.", flag_values=FLAGS)
flags.DEFINE_list("protocols", "knn,linear", f"What to do, of {', '.join(PROTOCOLS)}.", flag_values=FLAGS)
flags.DEFINE_list("fractions", ",".join(map(str, FRACTIONS)), "Shares of the labels, 0..1.", flag_values=FLAGS)
flags.DEFINE_integer("k", 200, "Neighbours that vote in kNN.", flag_values=FLAGS)
flags.DEFINE_float("temperature", 0.1, "Of kNN's votes; smaller gives near neighbours more weight.", flag_values=FLAGS)
flags.DEFINE_integer("fine_tune_epochs", fine_tune.EPOCHS, "Passes over the labelled images.", flag_values=FLAGS)
flags.DEFINE_string(
    "cache", None, "Folder that keeps features; <run_dir>/features, or none with --encoder.", flag_values=FLAGS
)
flags.DEFINE_string(
    "out",
    None,
    "JSON file for the numbers; <run_dir>/probe_<data set>.json or <encoder>.probe_<data set>.json if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_float("max_bad_images", 0.01, "Largest share (0..1) of unreadable files in a folder.", flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed of the label subsets and of all else that is drawn.", flag_values=FLAGS)


def main() -> None:
    fractions = _checked_fractions()
    if FLAGS.encoder:
        path = Path(FLAGS.encoder).expanduser().absolute()
        encoders, source = {path.name: load_encoder(path)}, {"encoder": FLAGS.encoder}
        image_size = image_side(encoders[path.name])
        name, data_dir, cache = FLAGS.dataset, FLAGS.data_dir, FLAGS.cache
        out = path.with_name(f"{path.name}.probe_{_file_name(name)}.json")
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
        out = folder.path / f"probe_{_file_name(name)}.json"
    out = Path(FLAGS.out).expanduser() if FLAGS.out else out
    train, test = (
        data.load(name, split, image_size, data_dir, FLAGS.max_bad_images)
        for split in (FLAGS.train_split, FLAGS.test_split)
    )
    report = {
        **provenance(),
        **source,
        "train": {"name": train.name, "images": len(train.images)},
        "test": {"name": test.name, "images": len(test.images)},
        "seed": FLAGS.seed,
        "peers": {},
    }
    results = {}
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
        _write(out, report)  # after each, so that an interruption loses one encoder's numbers only
    print(table(results, fractions))
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


def table(results: dict[str, Probe], fractions) -> str:
    """Accuracies in percent, a row per encoder."""
    some = next(iter(results.values()))
    protocols = [name for name in HEADINGS if getattr(some, name)]
    head = ["encoder", *(["kNN %"] if some.knn else [])]
    head += [f"{HEADINGS[name]}, {100 * share:g} % labels" for name in protocols for share in fractions]
    rows = []
    for name, result in results.items():
        row = [name, *([percent(result.knn.accuracy)] if some.knn else [])]
        row += [percent(getattr(result, name)[share].accuracy) for name in protocols for share in fractions]
        rows.append(row)
    return text_table(head, rows)


def _file_name(dataset: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in dataset.strip("./"))


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
