"""The images of a run: from where, at which size, and what its views are cut out of."""

from typing import NamedTuple

from dogo_tf import data
from dogo_tf.data.choose import STORE_RATIO
from dogo_tf.errors import InputError
from dogo_tf.runs.folder import RunFolder
from dogo_tf.sources.decoded import DecodedImages

STORED, ORIGINALS = "stored", "originals"  # what views are cut out of


class Choice(NamedTuple):
    """source: a name of data.choose.SOURCES. store_size: the side at which images are kept; None: by their own sizes."""

    source: str
    store_size: int | None


def choice(settings, run: RunFolder, resume: bool) -> Choice:
    """As the settings say; a run that is resumed keeps what was chosen when it was new."""
    if not resume:
        return Choice(settings.source, settings.store_size)
    kept = run.config()["data"]
    source = kept.get("source", "memory") if settings.source == "auto" else settings.source
    if kept.get("crops") == ORIGINALS:
        return Choice(source, None)
    # Runs from before images were kept larger by default say nothing of it.
    return Choice(source, settings.store_size or kept.get("store_size", settings.image_size))


def open_images(settings, chosen: Choice) -> data.ImageSet:
    """InputError for fewer images than a batch, and what data.open refuses."""
    images = data.open(
        settings.dataset,
        settings.split,
        chosen.store_size or settings.image_size,
        chosen.source,
        settings.cache_dir,
        settings.data_dir,
        settings.max_bad_images,
        max_pixels=settings.max_pixels,
        store_ratio=1.0 if chosen.store_size else STORE_RATIO,
    )
    if settings.batch_size > len(images):
        raise InputError(
            f"batch_size: {settings.batch_size} is larger than the data: {images.name} has {len(images)} images"
        )
    return images


def open_at_image_size(settings, source: str) -> data.ImageSet:
    """The same images as squares of image_size, whatever views are cut out of."""
    return open_images(settings, Choice(source, settings.image_size))


def crops_of(images: data.ImageSet, chosen: Choice) -> str:
    """STORED or ORIGINALS: a stream's files, unless they are squares of the training size, or store_size was asked for."""
    from_files = isinstance(images.images, DecodedImages) and images.images.larger and chosen.store_size is None
    return ORIGINALS if from_files else STORED
