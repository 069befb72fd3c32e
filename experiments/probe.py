"""Probes the frozen encoders of a run: weighted kNN, and a linear probe with all, 10 % and 1 % of the labels.

  dogo-probe --run_dir=runs/pair
  dogo-probe --run_dir=runs/pair --peer=wrn_10_2 --dataset=path/to/labelled/images --fractions=1,0.1

Features are taken without augmentation. kNN: cosine, k = 200, temperature 0.1. Linear: logistic regression on standardised
features, its regularisation chosen on held-out training images; the test images are used once. Results: a table, and
probe_<data set>.json in the run folder.
"""

import json
import statistics

from absl import flags

from dogo_tf import data
from dogo_tf.errors import InputError
from dogo_tf.evaluate.probe import FRACTIONS, Probe, probe
from dogo_tf.experiments import app
from dogo_tf.files import write_atomically
from dogo_tf.provenance import provenance
from dogo_tf.run_folder import RunFolder
from dogo_tf.table import percent, text_table

FLAGS = flags.FlagValues()
flags.DEFINE_string("run_dir", None, "Folder of a dogo-pretrain run.", flag_values=FLAGS)
flags.DEFINE_list("peer", None, "Peers to probe, separated by commas; all if not given.", flag_values=FLAGS)
flags.DEFINE_string("dataset", None, "Labelled data set or folder; the run's own if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "data_dir", None, "Where TFDS keeps prepared data sets; the run's own if not given.", flag_values=FLAGS
)
flags.DEFINE_string("train_split", "train", "Split that gives the labels.", flag_values=FLAGS)
flags.DEFINE_string("test_split", "test", "Split that is tested on; for a folder often val.", flag_values=FLAGS)
flags.DEFINE_list("fractions", ",".join(map(str, FRACTIONS)), "Shares of the labels, 0..1.", flag_values=FLAGS)
flags.DEFINE_float("max_bad_images", 0.01, "Largest share (0..1) of unreadable files in a folder.", flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed of the label subsets and of the held-out images.", flag_values=FLAGS)


def main() -> None:
    app.required(FLAGS, "run_dir")
    folder = RunFolder(FLAGS.run_dir)
    config = folder.config()
    fractions = app.numbers("fractions", FLAGS.fractions)
    if not fractions or any(not 0 < share <= 1 for share in fractions):
        raise InputError(f"--fractions: expected numbers above 0 and up to 1; got {','.join(FLAGS.fractions)}")
    if FLAGS.train_split == FLAGS.test_split:
        raise InputError(f"--test_split: expected another split than --train_split; both are {FLAGS.test_split!r}")
    name = FLAGS.dataset or config["settings"]["dataset"]
    encoders = {peer: folder.load_encoder(peer) for peer in FLAGS.peer or folder.peer_names()}
    if not encoders:
        raise InputError(f"run_dir: the run in {folder.path} has not saved any encoder yet")
    train, test = (
        data.load(
            name,
            split,
            config["data"]["image_size"],
            FLAGS.data_dir or config["settings"]["data_dir"],
            FLAGS.max_bad_images,
            prepare=bool(FLAGS.data_dir) or not config["settings"]["data_dir"],
        )
        for split in (FLAGS.train_split, FLAGS.test_split)
    )
    results = {}
    for peer, encoder in encoders.items():
        print(f"probing {peer} on {test.name} ({len(test.images)} images)", flush=True)
        results[peer] = probe(encoder, train, test, fractions, FLAGS.seed)
    print(table(results, fractions))
    out = folder.path / f"probe_{_file_name(name)}.json"
    report = {
        **provenance(),
        "run": config["provenance"] | {"settings": config["settings"], "median_images_per_second": _speed(folder)},
        "train": {"name": train.name, "images": len(train.images)},
        "test": {"name": test.name, "images": len(test.images)},
        "seed": FLAGS.seed,
        "peers": {peer: result.as_dict() for peer, result in results.items()},
    }
    write_atomically(out, (json.dumps(report, indent=1) + "\n").encode())
    print(f"wrote {out}")


def _speed(folder: RunFolder) -> float | None:
    speeds = [line["images_per_second"] for line in folder.metrics_lines()]
    return statistics.median(speeds) if speeds else None


def table(results: dict[str, Probe], fractions) -> str:
    """Accuracies in percent, a row per encoder."""
    head = ["encoder", "kNN %", *(f"linear %, {100 * share:g} % labels" for share in fractions)]
    rows = [
        [name, percent(result.knn.accuracy), *(percent(result.linear[share].accuracy) for share in fractions)]
        for name, result in results.items()
    ]
    return text_table(head, rows)


def _file_name(dataset: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in dataset.strip("./"))


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
