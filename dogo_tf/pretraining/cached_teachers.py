"""What is known of every image before a training: teachers' features from files, or computed once."""

import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image

from dogo_tf import data
from dogo_tf.data.choose import default_cache_dir
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.pixels import to_square
from dogo_tf.errors import InputError
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.sources import fingerprint, image_side, load_encoder
from dogo_tf.foreign.feature_file import is_feature_file, read_features
from dogo_tf.platform.files import expanded
from dogo_tf.pretraining.settings import PretrainSettings, place_specs
from dogo_tf.sources.resized import Resized
from dogo_tf.sources.selection import selected
from dogo_tf.teacher import CachedTeacher


def cached_teachers(settings: PretrainSettings, images: ImageSet, open_images: Callable, trust: bool):
    """A CachedTeacher for every teacher that is a file of features and, with `cache_teachers`, for every other.

    Before any strategy's scope: every worker computes all features for itself. They are kept in `features` of cache_dir, where
    any run that has the same teacher and images finds them.

    Args:
        images: of the run. open_images: (settings, source) -> ImageSet, of the same data.
        trust: as in load_encoder.
    Raises:
        InputError: no such teacher, or features that are not of these images.
    """
    cache, found = FeatureCache(expanded(settings.cache_dir or default_cache_dir()) / "features"), []
    for name, path, peer in place_specs("teachers", settings.teachers):
        try:
            if is_feature_file(path):
                features = read_features(path, images, lambda: _digest_at_image_size(settings, images, open_images))
                found.append(CachedTeacher(features, name))
            elif settings.cache_teachers:
                encoder = load_encoder(path, peer, trust)
                seen = _at_size(settings, images, image_side(encoder) or settings.image_size, open_images)
                found.append(CachedTeacher(cache.embed(encoder, seen), name, fingerprint(encoder)))
        except InputError as error:
            raise InputError(f"teachers: {name}: {error}") from error
    return found


def _digest_at_image_size(settings, images: ImageSet, open_images: Callable) -> str:
    """A run may keep its images larger than it asks for, which whoever computed the features need not know."""
    kept_so = settings.image_size in (None, images.images.shape[1])
    return data.digest((images if kept_so else open_images(settings, images.source)).images)


def _at_size(settings, images: ImageSet, side: int | None, open_images: Callable):
    """The images as an encoder takes them: files are decoded to that size, others resized from the one they are kept at."""
    if side in (None, images.images.shape[1]):
        return images.images
    if not (names := images.files or images.records):
        return Resized(images.images, data.digest(images.images), side, _resized)
    # Read once, so neither memory nor a cache is spent on them; files that the run has left out are not asked for.
    strict = {} if images.source == "stream" else {"max_bad_images": 0.0}
    whole = open_images(dataclasses.replace(settings, image_size=side, store_size=None, **strict), "stream")
    number = {file: row for row, file in enumerate(whole.files or whole.records)}
    gone = next((file for file in names if file not in number), None)
    if gone:
        raise InputError(f"{gone} has gone since the images were listed; start again when nothing else writes there")
    return selected(whole.images, np.array([number[file] for file in names], np.int64))


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    return to_square(Image.fromarray(image), side)
