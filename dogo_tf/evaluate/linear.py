"""Linear probe: multinomial logistic regression on frozen features. The test set is looked at once, at the end."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_classes, check_labelled
from dogo_tf.evaluate.hold_out import VALIDATION_SHARE, hold_out
from dogo_tf.reporting.progress import Progress

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# Weights of the L2 term next to the *mean* cross-entropy: a strength keeps its meaning when the number of labels changes.
# From strong to weak, as each fit starts from the one before.
STRENGTHS = (10.0, 1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5)
# With one label per class nothing can be held out; a strong pull leaves the differences of the class means.
STRENGTH_WITHOUT_VALIDATION = 1.0
# 15 % of fewer images would be under 300 (a standard error of 2-3 points): all are held out in turn instead.
SINGLE_SPLIT_FROM = 2000
FOLDS = 5
# Choosing needs less exactness than the final fit.
SELECTION_ITERATIONS, FINAL_ITERATIONS = 200, 2000
# Images x classes. Every iteration goes several times over a float64 matrix of this size: 400 MB each at the limit, and some
# thousands of iterations. ImageNet-100 has 1.3e7; beyond the limit a fit takes many hours, and memory that few machines have.
MAX_LOGITS = 5 * 10**7


@dataclass(frozen=True)
class LinearProbe:
    """What a linear probe found.

    Attributes:
        accuracy: share of test images, 0..1.
        strength: the chosen weight of the L2 term, `|W|^2 / 2`, next to the mean cross-entropy.
        validation_accuracy: of that strength on held-out train images, 0..1; None where nothing could be held out.
        selection: "15 % of train held out", "5-fold cross-validation" or "fixed: ...".
        n_train: labelled images, including those held out during the selection.
        converged: whether the final fit met its tolerance.
        predictions: [N_test] labels, for statistics that pair two encoders image by image.
    """

    accuracy: float
    strength: float
    validation_accuracy: float | None
    selection: str
    n_train: int
    converged: bool
    predictions: np.ndarray = field(compare=False, repr=False)


@dataclass(frozen=True)
class FittedProbe:
    """A linear probe before it has met any test image; the attributes are those of LinearProbe."""

    strength: float
    validation_accuracy: float | None
    selection: str
    n_train: int
    converged: bool
    _standardise: Callable = field(repr=False)
    _model: LogisticRegression = field(repr=False)

    def predict(self, features) -> np.ndarray:
        """Features [N, d] of any images, e.g. damaged ones -> labels [N]."""
        return self._model.predict(self._standardise(np.asarray(features)))

    def probabilities(self, features) -> np.ndarray:
        """Features [N, d] -> float64 [N, C], for each of `classes`; rows add up to 1."""
        return self._model.predict_proba(self._standardise(np.asarray(features)))

    @property
    def classes(self) -> np.ndarray:
        """The C different labels of train, ascending."""
        return self._model.classes_


def linear_probe(train_features, train_labels, test_features, test_labels, seed=0) -> LinearProbe:
    """Fits a probe on train (see fit_linear_probe) and uses the test set once.

    Args:
        train_features, test_features: float [N, d].
        train_labels, test_labels: whole numbers [N].
        seed: of the held-out draws; the result is a function of the arguments alone.
    Raises:
        InputError: shapes that do not fit, NaN features, a test class that train lacks, or a single class.
    """
    test_features, test_labels = np.asarray(test_features), np.asarray(test_labels)
    check_labelled(np.asarray(train_features), np.asarray(train_labels), test_features, test_labels)
    fitted = fit_linear_probe(train_features, train_labels, seed)
    predictions = fitted.predict(test_features)
    accuracy = float(np.mean(predictions == test_labels))
    return LinearProbe(
        accuracy,
        fitted.strength,
        fitted.validation_accuracy,
        fitted.selection,
        fitted.n_train,
        fitted.converged,
        predictions,
    )


def fit_linear_probe(train_features, train_labels, seed=0) -> FittedProbe:
    """Logistic regression (L-BFGS) on features standardised with the mean and standard deviation of train.

    The L2 strength is the one of STRENGTHS with the least cross-entropy on held-out train images: 15 % of each class, or,
    below 2,000 images, 5-fold cross-validation, stratified by class; a class with a single image stays in training. The fit
    is then repeated on all of train.

    Args:
        train_features: float [N, d]. train_labels: whole numbers [N]. seed: of the held-out draws.
    Raises:
        InputError: shapes that do not fit, NaN features, a single class, or more images x classes than `check_size` allows.
    """
    features, labels = np.asarray(train_features), np.asarray(train_labels)
    check_labelled(features, labels, features, labels)
    check_classes(labels)
    check_size(labels)
    splits, selection = _splits(labels, seed)
    strength, validation_accuracy = STRENGTH_WITHOUT_VALIDATION, None
    if splits:
        strength, validation_accuracy = _select(features, labels, splits)
    model, standardise = _model(FINAL_ITERATIONS), _standardiser(features)
    converged = _fit(model, standardise(features), labels, strength)
    return FittedProbe(strength, validation_accuracy, selection, len(labels), converged, standardise, model)


def check_size(labels) -> None:
    """InputError if a fit on so many labels [N] of so many classes would not end in any useful time."""
    images, classes = len(labels), len(np.unique(labels))
    if images * classes > MAX_LOGITS:
        raise InputError(
            f"train_labels: {images:,} images of {classes:,} classes are too many for the linear probe, which takes up to "
            f"{MAX_LOGITS:,} images x classes. Use the kNN probe (dogo-probe --protocols=knn) or the linear probe that is "
            "trained in batches (--protocols=linear_adam), a share of the labels (--fractions), or data with fewer classes"
        )


def _splits(labels, seed):
    """A list of boolean masks [N], the images held out in each round, and the name of the scheme."""
    single = len(labels) >= SINGLE_SPLIT_FROM
    masks = [hold_out(labels, seed)] if single else _folds(labels, seed)
    masks = [mask for mask in masks if mask.any()]
    if not masks:
        return [], "fixed: one label per class leaves nothing to hold out"
    return masks, f"{VALIDATION_SHARE:.0%} of train held out" if single else f"{FOLDS}-fold cross-validation"


def _folds(labels, seed):
    generator = np.random.default_rng(seed)
    fold = np.full(len(labels), -1)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            # Dealt out in turn, from a drawn start, so that small classes do not all land in the first folds.
            fold[members] = (generator.integers(FOLDS) + np.arange(len(members))) % FOLDS
    return [fold == number for number in range(FOLDS)]


def _select(features, labels, splits):
    """The strength with the least cross-entropy over all splits, and its accuracy there.

    Not the one with the best accuracy: of a hundred held-out images that has a standard error of four points, and often chooses
    a strength that is ten times too strong or too weak.
    """
    correct, cross_entropy = np.zeros(len(STRENGTHS), np.int64), np.zeros(len(STRENGTHS))
    fits = [(held_out, number) for held_out in splits for number in range(len(STRENGTHS))]
    with Progress("choosing the linear probe's regularisation", len(fits)) as progress:
        for done, (held_out, number) in enumerate(fits, start=1):
            if number == 0:
                standardise = _standardiser(features[~held_out])
                train, validation = standardise(features[~held_out]), standardise(features[held_out])
                model = _model(SELECTION_ITERATIONS)
            _fit(model, train, labels[~held_out], STRENGTHS[number])
            probabilities = model.predict_proba(validation)
            truth = np.searchsorted(model.classes_, labels[held_out])
            correct[number] += np.sum(probabilities.argmax(axis=1) == truth)
            # The floor is for a probability that has vanished, whose logarithm would warn.
            cross_entropy[number] -= np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-300)).sum()
            progress.update(done)
    best = int(cross_entropy.argmin())
    return STRENGTHS[best], float(correct[best] / sum(held_out.sum() for held_out in splits))


def _standardiser(train) -> Callable:
    """Puts features in units of train's standard deviation around train's mean; what is constant in train becomes 0."""
    mean, scale = standardisation(train)
    return lambda features: (features - mean) * scale


def standardisation(features) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the inverse of the standard deviation of every feature, float64 [d]; 0 where it is constant."""
    features = features.astype(np.float64)
    mean, std = features.mean(axis=0), features.std(axis=0)
    # Rounding leaves a constant feature with a tiny spread, which must not be blown up.
    constant = std <= 1e-6 * np.abs(mean)
    return mean, np.where(constant, 0, 1 / np.where(constant, 1, std))


def _model(iterations):
    from sklearn.linear_model import LogisticRegression  # takes half a second, which a mistyped flag need not wait for

    return LogisticRegression(solver="lbfgs", max_iter=iterations, warm_start=True)


def _fit(model, features, labels, strength) -> bool:
    """Fits in place, from the model's last weights; False if the tolerance was not met."""
    from sklearn.exceptions import ConvergenceWarning

    # scikit-learn minimises C * (summed cross-entropy) + |W|^2 / 2.
    model.set_params(C=1 / (strength * len(labels)))
    # One thread: the products are thin, and BLAS threads that wait for each other on a busy machine cost up to 50 times
    # as much as they save.
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(features, labels)
    return not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
