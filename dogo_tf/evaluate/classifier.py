"""The linear probe as a part to deploy: features -> logits."""

from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate import linear
from dogo_tf.evaluate.features import check_labelled


class LinearClassifier(NamedTuple):
    """logits = features @ weights + bias; weights float32 [d, classes], bias float32 [classes], on features as they come.

    strength: the weight of the L2 term that it was fitted with. converged: whether the fit met its tolerance. Both are None for
    one that was trained otherwise.
    """

    weights: np.ndarray
    bias: np.ndarray
    strength: float | None = None
    converged: bool | None = None

    def logits(self, features) -> np.ndarray:
        return np.asarray(features, np.float32) @ self.weights + self.bias

    def predict(self, features) -> np.ndarray:
        """The label of each row, [N]."""
        return self.logits(features).argmax(axis=1)


def fit_classifier(features, labels, classes: int, strength: float | None = None, seed: int = 0) -> LinearClassifier:
    """The logistic regression of `linear.linear_probe`, with its standardisation folded into the weights.

    Args:
        features: float [N, d]. labels: whole numbers [N] in 0..classes - 1, each of which occurs.
        strength: of the L2 term; chosen on held-out rows, as in the probe, if not given.
        seed: of the held-out rows.
    Raises:
        InputError: shapes that do not fit, or a class without an example.
    """
    features, labels = np.asarray(features), np.asarray(labels)
    check_labelled(features, labels, features, labels)
    missing = np.setdiff1d(np.arange(classes), labels)
    if classes < 2 or len(missing) or labels.max() >= classes or labels.min() < 0:
        raise InputError(
            f"labels: expected an example of each class 0..{classes - 1}, at least two classes"
            + (f"; none of class {', '.join(map(str, missing))}" if len(missing) else "")
        )
    if strength is None:
        splits, _ = linear._splits(labels, seed)
        strength = linear._select(features, labels, splits)[0] if splits else linear.STRENGTH_WITHOUT_VALIDATION
    mean, scale = linear.standardisation(features)
    model = linear._model(linear.FINAL_ITERATIONS)
    converged = linear._fit(model, (features.astype(np.float64) - mean) * scale, labels, strength)
    kernel, bias = model.coef_.T, model.intercept_
    if classes == 2:  # scikit-learn keeps the second class's row only
        kernel, bias = np.concatenate([-kernel, kernel], axis=1) / 2, np.concatenate([-bias, bias]) / 2
    weights = scale[:, np.newaxis] * kernel
    return LinearClassifier(weights.astype(np.float32), (bias - mean @ weights).astype(np.float32), strength, converged)
