"""Lists the images of a labelled data set whose labels are probably wrong: their nearest neighbours carry another one.

  dogo-suspects --run_dir=runs/pair --peer=wrn_10_2
  dogo-suspects --run_dir=runs/pair --peer=wrn_10_2 --dataset=path/to/labelled/images --k=20
  dogo-suspects --run_dir=runs/pair --peer=wrn_10_2 --inject_noise=0.2

Each image's k nearest neighbours in the encoder's feature space vote on its label. It is listed if another label gets more
votes than its own, and at least as large a share as that label usually gets around the images that carry it. The folder
--out then holds suspects.csv, most suspicious first, suspects.png, a picture of the first ones, and the counts in
suspects.json. No label is changed.

How far is the list to be trusted on your data? --inject_noise flips a share of the labels on purpose and says how many of
them are found. Labels that were wrong before count as right there, so the true precision is rather higher.
"""

import json
import math
from pathlib import Path

import numpy as np
from absl import flags

from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.label_noise import KINDS, MAX_SHARE, noisy_labels
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.probe import check_has_labels
from dogo_tf.evaluate.suspects import Suspects, check_k, precision_recall, suspects
from dogo_tf.experiments import app, looking
from dogo_tf.platform.files import expanded, write_atomically
from dogo_tf.reporting.plain_text import csv_bytes, printable
from dogo_tf.reporting.provenance import provenance
from dogo_tf.reporting.table import percent

PICTURED = 48  # suspects in the picture

FLAGS = flags.FlagValues()
looking.define_flags(FLAGS, "Labelled data set or folder; the run's own if not given.")
flags.DEFINE_integer(
    "k", 20, "Neighbours that vote; fewer than twice the images of the smallest class.", flag_values=FLAGS
)
flags.DEFINE_string(
    "out",
    None,
    "Folder for the results; if not given, suspects/<peer> in the run folder, or suspects/<peer>_self_test.",
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "inject_noise", 0.0, f"Share (0..{MAX_SHARE}) of the labels to flip on purpose, as a test.", flag_values=FLAGS
)
flags.DEFINE_string(
    "noise_kind",
    "symmetric",
    f"How labels are flipped: {', '.join(KINDS)} (to the next class; to any other).",
    flag_values=FLAGS,
)
flags.DEFINE_integer("seed", 0, "Seed of the flips.", flag_values=FLAGS)


def main() -> None:
    looking.check_flags(FLAGS)
    if not 0 <= FLAGS.inject_noise <= MAX_SHARE:
        raise InputError(f"--inject_noise: expected a share of the labels in 0..{MAX_SHARE}; got {FLAGS.inject_noise}")
    if FLAGS.noise_kind not in KINDS:
        raise unknown_name("kind of label noise", FLAGS.noise_kind, KINDS)
    looker = looking.Looker.by(FLAGS)
    images = looker.images(FLAGS)
    check_has_labels(images, "whose labels are to be checked")
    check_k(FLAGS.k, len(images.images))
    labels, flipped = images.labels, None
    if FLAGS.inject_noise:
        labels, flipped = noisy_labels(
            labels, FLAGS.inject_noise, FLAGS.noise_kind, len(images.class_names), FLAGS.seed
        )
    found = suspects(embed(looker.encoder, images.images), labels, FLAGS.k)
    print(summary(found, labels, images))
    if flipped is not None:
        print(self_test(found, flipped))
    default = looker.folder / "suspects" / (looker.name if flipped is None else f"{looker.name}_self_test")
    _write(expanded(FLAGS.out or default), images, labels, found, flipped)


def summary(found: Suspects, labels: np.ndarray, images: ImageSet) -> str:
    """How many are listed, and the pairs of classes that most of them are about."""
    count, total = int(found.listed.sum()), len(labels)
    lines = [f"{images.name}: {count} of {total} labels are suspicious ({percent(count / total)} %)"]
    pairs, counts = np.unique(np.stack([labels, found.suggested], axis=1)[found.listed], axis=0, return_counts=True)
    for index in np.argsort(-counts, kind="stable")[:5]:
        label, suggested = (images.class_names[number] for number in pairs[index])
        lines.append(printable(f"  {counts[index]:5} x {label} -> {suggested}"))
    return "\n".join(lines)


def self_test(found: Suspects, flipped: np.ndarray) -> str:
    shares = precision_recall(found.listed, flipped)
    precision, recall = ("none" if math.isnan(share) else f"{percent(share)} %" for share in shares)
    return (
        f"self-test: {flipped.sum()} labels were flipped on purpose; precision {precision} "
        f"(listed ones that were flipped), recall {recall} (flipped ones that are listed)"
    )


def numbers(images: ImageSet, found: Suspects, flipped: np.ndarray | None) -> dict:
    """For suspects.json; shares in 0..1, None where there is nothing to take a share of: JSON has no NaN."""
    counts = {"data": images.name, "images": len(images.images), "k": FLAGS.k, "listed": int(found.listed.sum())}
    if flipped is not None:
        noise = {"flipped": int(flipped.sum()), "noise_kind": FLAGS.noise_kind, "seed": FLAGS.seed}
        shares = precision_recall(found.listed, flipped)._asdict()
        counts |= noise | {name: None if math.isnan(share) else share for name, share in shares.items()}
    return {**provenance(), **counts}


def as_csv(images: ImageSet, labels: np.ndarray, found: Suspects, flipped: np.ndarray | None) -> bytes:
    """A line for each listed image, most suspicious first; shares in 0..1."""
    head = ["image", "file", "label", "suggested", "suspicion", "label_share", "suggested_share"]
    head += [] if flipped is None else ["flipped_on_purpose"]
    rows = []
    for number in found.order:
        scores = (found.suspicion[number], found.label_share[number], found.suggested_share[number])
        line = [number, images.files[number] if images.files else ""]
        line += [images.class_names[labels[number]], images.class_names[found.suggested[number]]]
        line += [round(float(score), 4) for score in scores]
        rows.append(line if flipped is None else [*line, "yes" if flipped[number] else "no"])
    return csv_bytes(head, rows)


def _write(out: Path, images: ImageSet, labels: np.ndarray, found: Suspects, flipped: np.ndarray | None) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "suspects.csv", as_csv(images, labels, found, flipped))
        record = json.dumps(numbers(images, found, flipped), indent=1) + "\n"
        write_atomically(out / "suspects.json", record.encode())
        picture = out / "suspects.png"
        picture.unlink(missing_ok=True)  # of an earlier list, which this one replaces
        if found.listed.any():
            write_atomically(picture, _png(images, labels, found))
    except OSError as error:
        raise InputError(f"--out: cannot write to {out}: {error.strerror}") from error
    print(f"wrote {out / 'suspects.csv'}" + (f" and {picture}" if found.listed.any() else ""))


def _png(images: ImageSet, labels: np.ndarray, found: Suspects) -> bytes:
    shown = found.order[:PICTURED]
    captions = [
        (
            printable(images.class_names[labels[number]]),
            f"→ {printable(images.class_names[found.suggested[number]])}",
            f"{found.label_share[number]:.0%} → {found.suggested_share[number]:.0%}, #{number}",
        )
        for number in shown
    ]
    title = f"{printable(images.name)}: label → what the neighbours say, their shares of the votes, number of the image"
    return looking.picture(images, shown, captions, title, FLAGS.max_pixels)


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)
