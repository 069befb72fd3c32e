"""Chooses which images of an unlabelled folder to label next, by what an encoder sees in them.

  dogo-select --run_dir=runs/pair --peer=wrn_10_2 --dataset=photos --budget=100 --out=round_1
  dogo-select --run_dir=runs/pair --peer=wrn_10_2 --dataset=photos --budget=100 --out=round_2 \\
      --labelled=round_1/select.csv

Methods:
  max_herding  the image that brings most others closer to a chosen one
  typiclust    the most typical image of each cluster, of ever finer clusters
  prob_cover   the image with the most images around it that no chosen one covers yet
  k_centre     the image farthest from all chosen ones; finds outliers
  uncertainty  the image on which a linear probe of the labelled ones hesitates; needs --labelled
  random       a fair sample, for an estimate of accuracy or of the shares of the classes
The folder --out then holds select.csv, with the columns path, label (empty), order and why, select.png, a picture of the first
images, and select.json. Fill in the column label: the file is then what --labelled takes for the next round, and --dataset of
the other commands to train and to probe with (of a TFDS set, whose images have numbers in place of paths: --labelled alone).

The choice depends on the images, the encoder and the flags alone; a smaller --budget gives the beginning of a larger one's.
"""

import json
from pathlib import Path

import numpy as np
from absl import flags

from dogo_tf import selection
from dogo_tf.data.choose import default_cache_dir
from dogo_tf.data.file_set import FileSet
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.open_files import open_files
from dogo_tf.errors import InputError
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.experiments import app, looking
from dogo_tf.platform.files import expanded, write_atomically
from dogo_tf.reporting.plain_text import csv_bytes, printable
from dogo_tf.reporting.provenance import provenance
from dogo_tf.selection._label_list import LabelList, check_has_labels, has_labels, read_labels
from dogo_tf.sources.files import full_name

PICTURED = 120  # images in the picture

FLAGS = flags.FlagValues()
looking.define_flags(
    FLAGS, "Folder, list or data set to choose from, whose own labels are not looked at; the run's own if not given."
)
flags.DEFINE_integer("budget", 100, "Images to choose.", flag_values=FLAGS)
flags.DEFINE_list(
    "labelled",
    "",
    "What is labelled already, in --dataset or elsewhere: a .csv or .parquet with path,label (image,label where images have no "
    "files), or several, separated by commas. Lines without a label do not count.",
    flag_values=FLAGS,
)
flags.DEFINE_string("method", selection.DEFAULT, f"One of {', '.join(selection.methods())}.", flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed of all that is drawn.", flag_values=FLAGS)
flags.DEFINE_string(
    "out", None, "Folder for the results; if not given, select/<peer> beside the encoder.", flag_values=FLAGS
)
flags.DEFINE_string(
    "cache", None, "Folder that keeps features; <run_dir>/features, or none with --encoder.", flag_values=FLAGS
)


def main() -> None:
    looking.check_flags(FLAGS)
    lists = [expanded(path) for path in app.names(FLAGS.labelled)]
    selection.check_method(FLAGS.method, bool(lists))
    with app.told_of("labelled"):
        for path in lists:
            check_has_labels(path)
    looker = looking.Looker.by(FLAGS)
    out = expanded(FLAGS.out or looker.folder / "select" / looker.name)
    _check_no_labels_are_lost(out / "select.csv")
    images = looker.images(FLAGS)
    with app.told_of("labelled"):
        labelled = read_labels(lists, images, FLAGS.cache_dir)
    selection.check_budget(FLAGS.budget, len(images) - len(labelled.rows))
    features, rows = _features(looker, images, labelled)
    chosen = selection.select(
        features,
        FLAGS.budget,
        FLAGS.method,
        rows,
        labelled.labels if lists else None,
        labelled.class_names,
        FLAGS.seed,
    )
    print(
        printable(
            f"{FLAGS.method}: {FLAGS.budget} of {len(features) - len(rows)} images of {images.name} without a label"
        )
    )
    if lists:
        print(f"labelled already: {len(labelled.rows)} of its images and {len(labelled.files)} others")
    _write(out, images, chosen, len(rows))


def _features(looker, images: ImageSet, labelled: LabelList) -> tuple[np.ndarray, np.ndarray]:
    """Those of the images, then of labelled files elsewhere; and which of all these rows are labelled, as labelled.labels."""
    cache = FeatureCache(FLAGS.cache or looker.cache)
    features = cache.embed(looker.encoder, images.images)
    if labelled.files:
        found = FileSet("labelled images", Path(FLAGS.labelled[0]), labelled.files)
        # None may be left out: labels would be lost, and no longer be those of the rows.
        others = open_files(found, images.images.shape[1], 0, FLAGS.max_pixels, "memory", default_cache_dir())
        features = np.concatenate([features, cache.embed(looker.encoder, others.images)])
    return features, np.concatenate([labelled.rows, np.arange(len(images), len(features))])


def _check_no_labels_are_lost(path: Path) -> None:
    if path.exists() and has_labels(path):
        raise InputError(f"--out: {path} holds labels, and would be overwritten; choose another folder")


def as_csv(images: ImageSet, chosen: selection.Selection) -> bytes:
    """A line for each chosen image, the first to label first; images without files by their number in the set."""
    rows = []
    for order, (row, why) in enumerate(zip(chosen.rows.tolist(), chosen.why, strict=True), start=1):
        rows.append([full_name(images.files[row]) if images.files else row, "", order, why])
    return csv_bytes(["path" if images.files else "image", "label", "order", "why"], rows)


def _write(out: Path, images: ImageSet, chosen: selection.Selection, labelled: int) -> None:
    numbers = {
        "data": images.name,
        "images": len(images),
        "labelled": labelled,
        "budget": FLAGS.budget,
        "method": FLAGS.method,
        "seed": FLAGS.seed,
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "select.csv", as_csv(images, chosen))
        write_atomically(out / "select.json", (json.dumps(provenance() | numbers, indent=1) + "\n").encode())
        write_atomically(out / "select.png", _png(images, chosen))
    except OSError as error:
        raise InputError(f"--out: cannot write to {out}: {error.strerror}") from error
    print(f"wrote {out / 'select.csv'} and {out / 'select.png'}")


def _png(images: ImageSet, chosen: selection.Selection) -> bytes:
    shown = chosen.rows[:PICTURED]
    captions = []
    for order, (row, why) in enumerate(zip(shown.tolist(), chosen.why[:PICTURED], strict=True), start=1):
        name = Path(images.files[row]).name if images.files else f"#{row}"
        captions.append((f"{order}. {printable(name)}", printable(why)))
    title = f"{printable(images.name)}: what to label next, by {FLAGS.method}"
    return looking.picture(images, shown, captions, title, FLAGS.max_pixels)


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
