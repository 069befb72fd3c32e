"""What binaries that look at images with a finished encoder share: where both come from, and pictures of what was found."""

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags
from PIL import Image

from dogo_tf import data
from dogo_tf.data.choose import SOURCES
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.pixels import MAX_PIXELS
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.sources import image_side, load_encoder
from dogo_tf.experiments import app
from dogo_tf.export.runtime import to_square
from dogo_tf.foreign import onnx_place
from dogo_tf.reporting.captioned_grid import captioned_grid
from dogo_tf.runs.folder import RunFolder

ORIGINAL_SIDE = 256  # pixels at most that an original gets in a picture


def define_flags(flag_values: flags.FlagValues, dataset: str) -> None:
    """The flags of `Looker.by` and of data. dataset: the help of --dataset."""
    for name, help_text in (
        ("run_dir", "Folder of a dogo-pretrain run."),
        ("peer", "The peer whose encoder looks; not needed if the run has one."),
        ("encoder", "Instead of a run: a .keras, .tflite or .onnx file or a SavedModel of an encoder."),
    ):
        flags.DEFINE_string(name, None, help_text, flag_values=flag_values)
    app.trust_flag(flag_values)
    flags.DEFINE_string("dataset", None, dataset, flag_values=flag_values)
    flags.DEFINE_string(
        "data_dir", None, "Where TFDS keeps prepared data sets; the run's own if not given.", flag_values=flag_values
    )
    app.source_flags(flag_values)
    flags.DEFINE_string("split", "train", "Split to look at; for a folder, its sub-folder.", flag_values=flag_values)
    flags.DEFINE_float(
        "max_bad_images", 0.01, "Largest share (0..1) of unreadable files in a folder.", flag_values=flag_values
    )
    flags.DEFINE_float("max_pixels", MAX_PIXELS, app.MAX_PIXELS_HELP, flag_values=flag_values)


def check_flags(flag_values: flags.FlagValues) -> None:
    """InputError for what can be said before anything is loaded: a run, or an encoder with a data set; a known source."""
    if bool(flag_values.run_dir) == bool(flag_values.encoder):
        raise InputError("expected --run_dir (and --peer) or --encoder, one of them. See --help.")
    if flag_values.encoder and flag_values.peer:
        raise InputError("--encoder: it stands in place of --run_dir and --peer; give one or the other. See --help.")
    if flag_values.encoder:
        app.required(flag_values, "dataset")
    if flag_values.source not in SOURCES:
        raise unknown_name("source", flag_values.source, SOURCES)


class Looker(NamedTuple):
    """encoder: see evaluate.load_encoder. name: of the peer or file. folder: that results belong to.

    cache: where a run keeps features; None without a run. dataset, data_dir: by the flags, else the run's own. prepare: see
    data.load.
    """

    encoder: object
    name: str
    folder: Path
    cache: Path | None
    dataset: str
    data_dir: str | None
    prepare: bool

    @classmethod
    def by(cls, flag_values: flags.FlagValues) -> "Looker":
        """The one that checked flags ask for."""
        if flag_values.encoder:
            path = onnx_place.without_settings(flag_values.encoder)
            encoder = load_encoder(flag_values.encoder, trust=flag_values.trust)
            return cls(encoder, path.stem, path.parent, None, flag_values.dataset, flag_values.data_dir, True)
        run = RunFolder(flag_values.run_dir)
        settings = run.config()["settings"]
        # As a run, which has a config.json: a SavedModel beside it is never loaded in its place.
        encoder = load_encoder(run.path, flag_values.peer or None)
        data_dir = flag_values.data_dir or settings["data_dir"]
        return cls(
            encoder,
            flag_values.peer or run.peer_names()[0],
            run.path,
            run.features,
            flag_values.dataset or settings["dataset"],
            data_dir,
            # A run's config.json may be anybody's: where it says that data sets are kept, none is prepared.
            data_dir in (None, flag_values.data_dir),
        )

    def images(self, flag_values: flags.FlagValues) -> ImageSet:
        """Those that the flags ask for, of the size that the encoder takes."""
        return data.open(
            self.dataset,
            flag_values.split,
            image_side(self.encoder),
            flag_values.source,
            flag_values.cache_dir,
            self.data_dir,
            flag_values.max_bad_images,
            self.prepare,
            flag_values.max_pixels,
        )


def picture(images: ImageSet, rows, captions, title: str, max_pixels: float) -> bytes:
    """A PNG of these images, as `originals` gives them, with a caption each; see reporting.captioned_grid."""
    png = io.BytesIO()
    captioned_grid(originals(images, rows, max_pixels), captions, title=title).save(png, "PNG")
    return png.getvalue()


def originals(images: ImageSet, rows, max_pixels: float) -> np.ndarray:
    """The squares of the files themselves, up to ORIGINAL_SIDE pixels, where there are files; else what was embedded.

    rows: numbers of images [n]. Returns uint8 [n, S, S, 3].
    """
    if not images.files:
        return images[rows]
    try:
        with contextlib.ExitStack() as stack:
            opened = [stack.enter_context(Image.open(images.files[row])) for row in rows]
            side = min(ORIGINAL_SIDE, max(min(image.size) for image in opened))
            return np.stack([to_square(image, side, max_pixels) for image in opened])
    except (OSError, ValueError):  # gone or changed since they were read, or inside of an archive
        return images[rows]
