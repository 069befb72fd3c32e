"""Makes one page of an encoder and a folder, to look at the images and to label them.

  dogo-explore --run_dir=runs/pair --peer=wrn_10_2 --dataset=photos --out=photos.html
  dogo-explore --run_dir=runs/pair --peer=wrn_10_2 --dataset=photos --lists=round_1/select.csv --out=photos.html
  dogo-explore --run_dir=runs/pair --peer=wrn_10_2 --other_peer=wrn_16_2 --dataset=photos --out=photos.html

The page is one file that works in a browser without a server and without a network. It shows a map on which images that the
encoder takes for alike lie side by side, the nearest neighbours of each, and colours by label, cluster, suspicion (see
dogo-suspects) or, with --other_peer, by how few neighbours the two encoders have in common. Labels are given by keys and kept
by the browser; "Download labels" writes a list that --dataset=labels.csv of the other commands takes (of a TFDS set:
--labelled alone).

It shows up to --max_images images: of more, all that are in --lists and --labelled, and a fair sample of the others, the same
each time.
"""

from pathlib import Path

import numpy as np
from absl import flags

from dogo_tf import exploration
from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.experiments import app, looking
from dogo_tf.exploration.lists import ReadingList, read_reading_list
from dogo_tf.exploration.maps import check_method
from dogo_tf.platform.files import expanded
from dogo_tf.reporting.plain_text import printable
from dogo_tf.selection._label_list import LabelList, check_has_labels, read_labels
from dogo_tf.sources.files import full_name

FLAGS = flags.FlagValues()
looking.define_flags(FLAGS, "Folder, list or data set to look at, with labels or without; the run's own if not given.")
flags.DEFINE_string(
    "out", None, "The page, an .html file; if not given, explore/<peer>.html beside the encoder.", flag_values=FLAGS
)
flags.DEFINE_string(
    "other_peer",
    None,
    "Another peer of the run: images can be coloured by how few of their nearest neighbours both see.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "lists",
    "",
    "Lists to go through, separated by commas: select.csv of dogo-select, suspects.csv of dogo-suspects, or any .csv or "
    ".parquet with a column path (image where images have no files).",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "labelled",
    "",
    "Labels that count in place of the data set's: .csv or .parquet files with path,label, as the page downloads them.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "map",
    "tsne",
    "How images get their places: tsne, pca (fast), or umap, if umap-learn is installed.",
    flag_values=FLAGS,
)
flags.DEFINE_integer("max_images", 100_000, "Images on the page at most.", flag_values=FLAGS)
flags.DEFINE_integer("seed", 0, "Seed of map, clusters and sample.", flag_values=FLAGS)
flags.DEFINE_string(
    "cache", None, "Folder that keeps features; <run_dir>/features, or none with --encoder.", flag_values=FLAGS
)


def main() -> None:
    looking.check_flags(FLAGS)
    if FLAGS.other_peer and FLAGS.encoder:
        raise InputError("--other_peer: expected --run_dir, whose peer it is; got --encoder")
    check_method(FLAGS.map)
    with app.told_of("labelled"):
        for path in _paths(FLAGS.labelled):
            check_has_labels(path)
    looker = looking.Looker.by(FLAGS)
    out = expanded(FLAGS.out or looker.folder / "explore" / f"{looker.name}.html")
    if out.is_dir():
        raise InputError(f"--out: expected the name of a page, e.g. {out / 'page.html'}; {out} is a folder")
    images = looker.images(FLAGS)
    with app.told_of("lists"):
        lists = tuple(_read(path, images) for path in _paths(FLAGS.lists))
    with app.told_of("labelled"):
        given = read_labels(_paths(FLAGS.labelled), images, FLAGS.cache_dir) if FLAGS.labelled else None
    if given and given.files:
        counts = f"{len(given.files)} of their {len(given.labels)} labelled images are not in {images.name}"
        if not len(given.rows):
            raise InputError(f"--labelled: {counts}, e.g. {given.files[0]}; it has e.g. {full_name(images.files[0])}")
        print(printable(f"--labelled: {counts}"))
    labels, class_names = _labels(images, given)
    wanted = [each.rows for each in lists] + ([given.rows] if given else [])
    rows = exploration.sampled(len(images), FLAGS.max_images, np.concatenate([[], *wanted]), FLAGS.seed)
    page = _page(looker, images, rows, labels[rows], class_names, lists)
    try:
        size = exploration.write_page(page, out)
    except OSError as error:
        raise InputError(f"--out: cannot write to {out}: {error.strerror}") from error
    sample = "" if len(rows) == len(images) else f", a sample of {len(images):,}"
    print(printable(f"wrote {out}: {len(rows):,} images{sample}, {size / 1e6:.1f} MB"))


def _paths(words) -> list[Path]:
    return [expanded(path) for path in app.names(words)]


def _read(path: Path, images: ImageSet) -> ReadingList:
    found = read_reading_list(path, images)
    if found.missing:
        print(
            printable(
                f"{path}: {found.missing} of its {found.missing + len(found.rows)} images are not in {images.name}"
            )
        )
    return found


def _labels(images: ImageSet, given: LabelList | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """int64 [N], -1 without one, and the names of the classes: those of the data set, then new ones of --labelled."""
    labels = np.full(len(images), -1) if images.labels is None else images.labels.copy()
    names = list(images.class_names)
    if given:
        names += [name for name in given.class_names if name not in names]
        of_given = np.array([names.index(name) for name in given.class_names])
        labels[given.rows] = of_given[given.labels[: len(given.rows)]]
    return labels, tuple(names)


def _page(looker, images: ImageSet, rows, labels, class_names, lists) -> exploration.Page:
    cache = FeatureCache(FLAGS.cache or looker.cache)
    features = cache.embed(looker.encoder, images.images)[rows]
    other = None
    if FLAGS.other_peer:
        other = cache.embed(load_encoder(FLAGS.run_dir, FLAGS.other_peer), images.images)[rows]
    looks = exploration.look(features, labels if (labels >= 0).all() else None, other, FLAGS.seed)
    print(f"placing {len(rows):,} images by {FLAGS.map}", flush=True)
    places = exploration.place(features, FLAGS.map, FLAGS.seed)
    return exploration.Page(
        images, rows, places, looks, labels, class_names, looker.name, FLAGS.map, lists, FLAGS.max_pixels
    )


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
