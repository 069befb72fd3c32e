"""The pictures of a report: what the peers saw, and which test images the small encoder finds similar."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from dogo_tf.data.image_set import ImageSet
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.knn import nearest
from dogo_tf.reporting.page import data_uri
from dogo_tf.runs.folder import RunFolder

QUERIES, NEIGHBOURS = 6, 5
SIDE = 96  # pixels at most


class Picture(NamedTuple):
    """source: a data URI. label: the class, or "". file: where it came from, or "". cosine: to the query. same: its class."""

    source: str
    label: str
    file: str
    cosine: float = 1.0
    same: bool = True


class Neighbourhood(NamedTuple):
    """A query, and its nearest test images by each encoder."""

    query: Picture
    alone: list[Picture]
    with_peer: list[Picture]


class Pictures(NamedTuple):
    """views: a data URI, or None. neighbourhoods: may be empty."""

    views: str | None
    neighbourhoods: list[Neighbourhood]


def queries(count: int, labels, seed: int = 0) -> np.ndarray:
    """Numbers of QUERIES random images of `count`, of as many classes as there are."""
    order = np.random.default_rng(seed).permutation(count)
    if labels is not None:
        # The first of every class, then the second, ...
        seen, turns = {}, []
        for number in order:
            turns.append(seen.get(labels[number], 0))
            seen[labels[number]] = turns[-1] + 1
        order = order[np.argsort(turns, kind="stable")]
    return order[:QUERIES]


def nearest_rows(features: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and numbers [Q, NEIGHBOURS] of the images nearest to the images `asked`, these themselves left out."""
    count = min(NEIGHBOURS + 1, len(features))
    cosines, rows = nearest(features[asked], features, count)
    others = rows != asked[:, None]
    others[others.all(axis=1), -1] = False  # among many copies an image may be absent from its own list
    return tuple(column[others].reshape(len(asked), -1) for column in (cosines, rows))


def neighbourhoods(images: ImageSet, alone: np.ndarray, with_peer: np.ndarray) -> list[Neighbourhood]:
    """Random test images with their nearest ones.

    Args:
        images: the test set. alone, with_peer: features [N, d] of it by the small encoder, trained in either way.
    """
    asked = queries(len(images.images), images.labels)
    found = [nearest_rows(features, asked) for features in (alone, with_peer)]

    def picture(number, cosine=1.0, query=None) -> Picture:
        label = "" if images.labels is None else images.class_names[images.labels[number]]
        same = query is None or images.labels is None or images.labels[number] == images.labels[query]
        file = images.files[number] if images.files else f"test image {number}"
        return Picture(_thumbnail(images.images[number]), label, str(file), float(cosine), bool(same))

    return [
        Neighbourhood(
            picture(query),
            *([picture(n, c, query) for c, n in zip(cosines[k], rows[k], strict=True)] for cosines, rows in found),
        )
        for k, query in enumerate(asked)
    ]


def pictures_of(alone: RunFolder, with_peer: RunFolder, peer: str, test: ImageSet, cache: FeatureCache) -> Pictures:
    """Of two finished runs that trained the small encoder, called `peer` in both."""
    features = [cache.embed(folder.load_encoder(peer), test.images) for folder in (alone, with_peer)]
    views = data_uri(with_peer.views.read_bytes(), "image/png") if with_peer.views.is_file() else None
    return Pictures(views, neighbourhoods(test, *features))


def _thumbnail(image: np.ndarray) -> str:
    shown = Image.fromarray(image)
    shown.thumbnail((SIDE, SIDE))
    content = io.BytesIO()
    if max(shown.size) > 48:
        shown.save(content, "JPEG", quality=85)
        return data_uri(content.getvalue(), "image/jpeg")
    shown.save(content, "PNG")
    return data_uri(content.getvalue(), "image/png")
