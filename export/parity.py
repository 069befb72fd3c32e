"""Does an exported encoder still say the same? Its features next to the original's on the same images."""

from dataclasses import dataclass

import numpy as np

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.knn import nearest

NEIGHBOURS = 5


@dataclass(frozen=True)
class Parity:
    """How far an exported encoder's features are from the reference's.

    Attributes:
        max_abs_difference: over all images and features.
        relative_difference: the same, divided by the largest absolute reference feature.
        cosine_mean, cosine_min: between an image's two feature rows.
        error_ratio: (1 - cosine_mean) / (1 - mean cosine of two different images). Different images often have cosines of
            0.7 and more, so the cosine alone would accept a badly calibrated model.
        neighbour_overlap: share of the 5 nearest other images that are the same, 0..1.
        images: how many were compared.
    """

    max_abs_difference: float
    relative_difference: float
    cosine_mean: float
    cosine_min: float
    error_ratio: float
    neighbour_overlap: float
    images: int


_INT8 = (
    ("error_ratio", "at most", 0.02),
    ("neighbour_overlap", "at least", 0.80),
    ("cosine_min", "at least", 0.95),
)
# Format -> (measure, "at most" or "at least", limit). Measured on six trained networks of 0.3-11 M parameters, on x86; the
# healthy ones stay clear of these limits by a factor of two and more.
LIMITS = {
    "saved_model": (("relative_difference", "at most", 1e-5),),
    "float32": (("relative_difference", "at most", 1e-4), ("cosine_min", "at least", 0.99999)),
    "float16": (("cosine_mean", "at least", 0.9999), ("cosine_min", "at least", 0.999)),
    "dynamic_range": (
        ("cosine_mean", "at least", 0.999),
        ("cosine_min", "at least", 0.998),
        ("error_ratio", "at most", 0.005),
    ),
    "int8": _INT8,
    "int8_qat": _INT8,
}


def compare(reference_features, features) -> Parity:
    """Both [N, d], N > 5, of the same images in the same order; 256 images or more give steady numbers.

    A row that is zero in both has cosine 1, in one of them 0. Raises InputError for shapes that do not fit.
    """
    reference, features = np.asarray(reference_features, np.float64), np.asarray(features, np.float64)
    if reference.ndim != 2 or reference.shape != features.shape or len(reference) <= NEIGHBOURS:
        raise InputError(
            f"reference_features and features: expected the same shape [N, d] with N > {NEIGHBOURS}, "
            f"got {list(reference.shape)} and {list(features.shape)}"
        )
    difference = float(np.abs(features - reference).max())
    rows, other_rows = _unit_rows(reference), _unit_rows(features)
    cosines = (rows * other_rows).sum(axis=1)
    cosines[~rows.any(axis=1) & ~other_rows.any(axis=1)] = 1.0
    return Parity(
        max_abs_difference=difference,
        relative_difference=_ratio(difference, float(np.abs(reference).max())),
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        error_ratio=_ratio(float(1 - cosines.mean()), unlikeness(reference)),
        neighbour_overlap=_neighbour_overlap(reference, features),
        images=len(rows),
    )


def unlikeness(features) -> float:
    """1 - mean cosine of two different images, 0..2; features [N, d], N > 1."""
    rows = _unit_rows(np.asarray(features, np.float64))
    count = len(rows)
    # The sum over all pairs i != j of cos(i, j), without the matrix.
    between = (np.square(rows.sum(axis=0)).sum() - np.square(rows).sum()) / (count * (count - 1))
    return float(1 - between)


def violations(parity: Parity, export_format: str) -> list[str]:
    """What is outside the limits of `export_format`, each with its numbers; an empty list if all is well."""
    if export_format not in LIMITS:
        raise unknown_name("export format", export_format, LIMITS)
    found = []
    for measure, side, limit in LIMITS[export_format]:
        value = getattr(parity, measure)
        # Written so that NaN is outside.
        inside = value <= limit if side == "at most" else value >= limit
        if not inside:
            found.append(f"{export_format}: {measure} is {value:.6g}, expected {side} {limit:g}")
    return found


def _ratio(part, whole):
    """0 for no error even of nothing; infinite for an error next to a reference that tells no two images apart."""
    if whole <= 0:
        return 0.0 if part <= 0 else float("inf")
    return max(part, 0.0) / whole


def _unit_rows(features):
    """At float64, where 1 - cosine is still exact; a zero row stays zero."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(lengths > 0, lengths, 1)


def _neighbour_overlap(reference, features):
    same = [
        len(set(expected) & set(found)) / NEIGHBOURS
        for expected, found in zip(_neighbours(reference), _neighbours(features), strict=True)
    ]
    return float(np.mean(same))


def _neighbours(features):
    """Each image's nearest other images. It is mostly, but not always (equal images, zero rows), the first of its own list."""
    _, found = nearest(features, features, NEIGHBOURS + 1)
    return [[other for other in row if other != image][:NEIGHBOURS] for image, row in enumerate(found.tolist())]
