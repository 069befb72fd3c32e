"""Runs an exported .tflite over images: features, labels, or the nearest neighbours of one image as a picture.

  dogo-predict --model=small_int8.tflite --images=DIR --out=features.npz
  dogo-predict --model=small_int8.tflite --images=DIR --out=labels.csv --labels
  dogo-predict --model=small_int8.tflite --images=DIR --neighbours=query.jpg --out=nearest.png

features.npz holds `features` float32 [N, d] and `paths` [N]; as .csv, a line an image: path, then d numbers. Labels need a
model that was exported with --head: path, label, confidence 0..1. A picture of neighbours shows the query first, then the
images of the folder with the largest cosine to it. Images are cropped and resized as in training; unreadable ones are left out
and listed.
"""

import io
import sys
from pathlib import Path

import numpy as np
from absl import flags
from PIL import Image

from dogo_tf.errors import InputError
from dogo_tf.experiments import app
from dogo_tf.export.image_files import image_files
from dogo_tf.export.runtime import MAX_PIXELS, Encoder, to_square
from dogo_tf.platform.files import expanded, write_atomically
from dogo_tf.reporting.captioned_grid import captioned_grid
from dogo_tf.reporting.plain_text import csv_bytes, printable
from dogo_tf.reporting.progress import Progress

CELL = 160  # pixels of an image's side in a picture of neighbours
COLUMNS = 6
LISTED = 5  # unreadable files that are named

FLAGS = flags.FlagValues()
flags.DEFINE_string("model", None, "A .tflite file of dogo-export.", flag_values=FLAGS)
flags.DEFINE_string(
    "images",
    None,
    "A folder of any nesting, one image, a pattern like 'photos/**/*.jpg', or a .csv or .parquet list with a column path.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "out", None, "File to write: .npz or .csv; .csv with --labels; .png with --neighbours.", flag_values=FLAGS
)
flags.DEFINE_bool("labels", False, "Write labels and confidences instead of features.", flag_values=FLAGS)
flags.DEFINE_string("neighbours", None, "An image whose nearest neighbours are to be shown.", flag_values=FLAGS)
flags.DEFINE_integer("count", 11, "How many neighbours.", flag_values=FLAGS)
flags.DEFINE_bool("normalise", False, "Scale features to length 1; their products are cosines.", flag_values=FLAGS)
flags.DEFINE_integer("threads", 1, "Threads of the interpreter.", flag_values=FLAGS)
flags.DEFINE_float("max_bad_images", 0.01, "Largest share (0..1) of unreadable files.", flag_values=FLAGS)
flags.DEFINE_float("max_pixels", MAX_PIXELS, app.MAX_PIXELS_HELP, flag_values=FLAGS)
flags.DEFINE_bool("overwrite", False, "Replace the file --out.", flag_values=FLAGS)


def main() -> None:
    app.required(FLAGS, "model", "images", "out")
    out, endings = expanded(FLAGS.out), _endings()
    if out.suffix not in endings:
        raise InputError(f"--out: expected a name ending in {' or '.join(endings)}; got {FLAGS.out!r}")
    if out.exists() and not FLAGS.overwrite:
        raise InputError(f"--out: {out} exists already; choose another name or give --overwrite")
    files = image_files(FLAGS.images)
    query = expanded(FLAGS.neighbours) if FLAGS.neighbours else None
    encoder = _encoder()
    try:
        # At once: a bad query must not cost the time of the whole folder.
        wanted = encoder.features(query, normalise=True)[0] if query else None
    except ValueError as error:
        raise InputError(f"--neighbours: {error}") from error
    if query:
        files = _but_for(query, files)
        paths, features = _over(files, lambda path: encoder.features(path, normalise=True)[0])
        content = _neighbours(query, wanted, np.stack(features), paths)
    elif FLAGS.labels:
        _require_labels(encoder)
        paths, found = _over(files, lambda path: encoder.classify(path)[0])
        rows = ([label, round(confidence, 4)] for label, confidence in found)
        content = _csv(["path", "label", "confidence"], paths, rows)
    else:
        paths, features = _over(files, lambda path: encoder.features(path, FLAGS.normalise)[0])
        content = _features(paths, np.stack(features), out.suffix)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, content)
    except OSError as error:
        raise InputError(f"--out: cannot write {out}: {error.strerror}") from error
    nearest = f"the {min(FLAGS.count, len(paths))} nearest of " if query else ""
    print(f"wrote {out}: {nearest}{len(paths)} images")


def _endings() -> tuple[str, ...]:
    if FLAGS.labels and FLAGS.neighbours:
        raise InputError("--labels and --neighbours exclude each other: a table, or a picture?")
    if FLAGS.neighbours:
        if FLAGS.count < 1:
            raise InputError(f"--count: expected at least 1, got {FLAGS.count}")
        return (".png",)
    return (".csv",) if FLAGS.labels else (".npz", ".csv")


def _encoder() -> Encoder:
    path = expanded(FLAGS.model)
    if path.is_dir():
        there = ", ".join(sorted(file.name for file in path.glob("*.tflite")))
        raise InputError(f"--model: expected a .tflite file, {path} is a folder; it has: {there or 'none'}")
    try:
        return Encoder(path, FLAGS.threads, FLAGS.max_pixels)
    except ValueError as error:
        raise InputError(f"--model: {error}") from error


def _require_labels(encoder: Encoder) -> None:
    if not encoder.labels:
        raise InputError(f"--labels: {FLAGS.model} has none; export it with --head, and keep its .json beside it")


def _but_for(query: Path, files: list[Path]) -> list[Path]:
    """The files without the query itself, which would be its own nearest neighbour."""
    itself = query.resolve()
    others = [path for path in files if path.resolve() != itself]
    if not others:
        raise InputError(f"--images: expected images besides --neighbours={query}; it is the only one")
    return others


def _over(files: list[Path], function) -> tuple[list[Path], list]:
    """(the readable files, what `function` returns for each)."""
    good, answers, bad = [], [], []
    with Progress("encoding images", len(files)) as progress:
        for done, path in enumerate(files, start=1):
            try:
                answers.append(function(path))
                good.append(path)
            except ValueError as error:
                bad.append(str(error))
            progress.update(done)
    if bad:
        listed = "".join(f"\n  {reason}" for reason in bad[:LISTED])
        listed += f"\n  ... and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
        counts = f"{len(bad)} of {len(files)} images"
        if not good or len(bad) > FLAGS.max_bad_images * len(files):
            raise InputError(
                f"--images: {counts} cannot be read:{listed}\nmore than --max_bad_images={FLAGS.max_bad_images:g} allows"
            )
        print(printable(f"left out {counts} that cannot be read:{listed}"), file=sys.stderr)
    return good, answers


def _features(paths, features: np.ndarray, suffix: str) -> bytes:
    if suffix == ".npz":
        content = io.BytesIO()
        np.savez_compressed(content, features=features, paths=np.array([str(path) for path in paths]))
        return content.getvalue()
    head = ["path", *(f"feature_{k}" for k in range(features.shape[1]))]
    return _csv(head, paths, ([float(f"{value:.7g}") for value in row] for row in features))


def _csv(head: list[str], paths, rows) -> bytes:
    return csv_bytes(head, ([str(path), *row] for path, row in zip(paths, rows, strict=True)))


def _neighbours(query: Path, wanted: np.ndarray, features: np.ndarray, paths) -> bytes:
    """The picture, as PNG; the cosines to `wanted`, the query's features, and the paths go to the screen."""
    cosines = features @ wanted
    best = np.argsort(-cosines, kind="stable")[: FLAGS.count]
    for row in best:
        print(f"{cosines[row]:.3f}  {printable(str(paths[row]))}")
    cells = [_cell(path) for path in (query, *(paths[row] for row in best))]
    captions = [("query", printable(query.name))]
    captions += [(f"{cosines[row]:.3f}", printable(Path(paths[row]).name)) for row in best]
    title = "the framed image, and the images of the folder that are most like it, by the cosine of their features"
    content = io.BytesIO()
    captioned_grid(np.stack(cells), captions, COLUMNS, title, framed=0).save(content, "PNG")
    return content.getvalue()


def _cell(path) -> np.ndarray:
    with Image.open(path) as image:
        return to_square(image, CELL, FLAGS.max_pixels)


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
