"""The TFDS builder of `patterns`: generated, written and read like any TFDS data set, but without a network."""

import contextlib
import io
import os

import tensorflow_datasets as tfds

from dogo_tf.data import patterns
from dogo_tf.errors import unknown_name
from dogo_tf.reporting.progress import Progress

# Images and seed of each split. They and patterns.py define the data: raise VERSION when either changes.
SPLITS = {"train": (10_000, 0), "test": (2_000, 1)}


class Patterns(tfds.core.GeneratorBasedBuilder):
    """10 classes of texture x shape, 32x32 RGB, 10,000 train and 2,000 test images: see dogo_tf.data.patterns."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="default", description="Shapes filled with a texture, on a smooth background."),
        tfds.core.BuilderConfig(name="ood", description="The same classes as line drawings, in another palette."),
    ]
    progress = None  # a Progress over the images of all splits

    def _info(self) -> tfds.core.DatasetInfo:
        side = patterns.IMAGE_SIZE
        return tfds.core.DatasetInfo(
            builder=self,
            description=patterns.__doc__,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(side, side, 3), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=patterns.CLASS_NAMES),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,  # the generator has shuffled the classes, and its order is part of the data
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in SPLITS}

    def _generate_examples(self, split):
        count, seed = SPLITS[split]
        before = sum(SPLITS[other][0] for other in list(SPLITS)[: list(SPLITS).index(split)])
        number = 0
        for images, labels in patterns.generate_chunks(count, seed, self.builder_config.name):
            for image, label in zip(images, labels, strict=True):
                yield number, {"image": image, "label": int(label)}
                number += 1
            if self.progress is not None:
                self.progress.update(before + number)


def prepare(config: str = "default", data_dir: str | os.PathLike | None = None) -> Patterns:
    """The builder of `patterns/<config>` with its data on disk, in `data_dir` (None: TFDS's own default folder).

    What is missing is made, which takes about ten seconds and no network. Several processes may call this at once: TFDS
    writes into a temporary folder and renames that when it is complete, so whoever comes second finds the place taken,
    and keeps the first one's data, which is the same. InputError: an unknown `config`.
    """
    if config not in Patterns.builder_configs:
        raise unknown_name("configuration of patterns", config, Patterns.builder_configs)
    builder = Patterns(config=config, data_dir=data_dir)
    if builder.data_path.exists():
        return builder
    total = sum(count for count, _ in SPLITS.values())
    # TFDS announces a download of unknown size and draws nested bars: neither suits a data set that is computed.
    hidden = io.StringIO()
    try:
        with (
            Progress(f"making patterns/{config}", total) as builder.progress,
            contextlib.redirect_stdout(hidden),
            contextlib.redirect_stderr(hidden),
        ):
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except OSError:
        if not builder.data_path.exists():  # then it was not another process that had been faster
            raise
    return Patterns(config=config, data_dir=data_dir)
