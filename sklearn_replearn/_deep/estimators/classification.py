"""What estimators whose network tells classes apart have in common."""

from numbers import Real

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.metaestimators import available_if

from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._deep.objectives.losses import WeightedCrossEntropy
from sklearn_replearn._labels import first_names, read_classes, read_labels
from sklearn_replearn._sklearn import StrOptions

#: Loss of guessing, in nats, that a network should get below.
LEAST_GUESS = 0.1


def _learns_classes(estimator):
    return estimator._learns_classes()


class DeepClassifierMixin(ClassifierMixin):
    """Mixin, before `BaseDeepTransformer`, of estimators that learn from classes.

    The network has a method `probabilities`.
    """

    _parameter_constraints = {"class_weight": [dict, StrOptions({"balanced"}), None]}

    @available_if(_learns_classes)
    def predict(self, X):
        """The most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    @available_if(_learns_classes)
    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return self._apply("probabilities", self._samples(X))

    @available_if(_learns_classes)
    def score(self, X, y, sample_weight=None):
        """Share of the rows whose class is predicted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The true classes.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts.

        Returns
        -------
        accuracy : float
        """
        return super().score(X, y, sample_weight)

    def _learns_classes(self):
        """Whether there is a head to predict classes with."""
        return True

    # -- fitting ---------------------------------------------------------------

    def _codes(self, X, y, *, reset):
        """Codes of the classes of y; sets `classes_` in `fit`."""
        if not reset:
            return torch.from_numpy(_validation_codes(X, y, self.classes_))
        classes, codes = read_classes(
            self, X, y, "it learns features that tell the classes in y apart"
        )
        if self._continues_training() and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start=True goes on with the classes of the fit before "
                f"({first_names(self.classes_)}), but y has others "
                f"({first_names(classes)}); set warm_start=False."
            )
        self.classes_ = classes
        return torch.from_numpy(codes)

    def _cross_entropy(self, targets, weights=None):
        """Cross-entropy with the weights of the classes, 1 for a row on average."""
        n_classes = len(self.classes_)
        if weights is not None:
            weights = weights.numpy()
        totals = np.bincount(targets.numpy(), weights, minlength=n_classes)
        weight = self.class_weight
        if isinstance(weight, dict):
            known = self.classes_.tolist()
            unknown = [name for name in weight if name not in known]
            if unknown:
                raise ValueError(
                    f"class_weight has a weight for {unknown[0]!r}, but the classes "
                    f"are {first_names(self.classes_)}."
                )
        shares = totals / totals.sum()
        if weight == "balanced":
            weights = 1 / (n_classes * shares)
        else:
            weights = [(weight or {}).get(name, 1.0) for name in self.classes_.tolist()]
            are_numbers = all(isinstance(value, Real) for value in weights)
            weights = np.array(weights if are_numbers else [np.nan] * n_classes)
        mean = weights @ shares
        if not (weights.min() >= 0 and 0 < mean < np.inf):
            raise ValueError(
                "class_weight must have finite weights of at least 0, and one above "
                f"0; got {self.class_weight!r}."
            )
        return WeightedCrossEntropy(weights / mean, shares)

    # -- health ----------------------------------------------------------------

    def _compare_with_guessing(self, by):
        """What is wrong with a loss that guessing has, too, by the shares named."""
        loss, guess = self.loss_curve_[-1], self.net_.criterion_.loss.loss_of_guessing
        # Where one class is nearly all, guessing is hard to be better than.
        is_hard = guess < LEAST_GUESS
        if self.n_iter_ < 10 or loss <= 0.99 * guess or is_hard:
            return []
        return [
            f"the loss is {loss:.3g} after {self.n_iter_} epochs, where guessing by "
            f"{by} has {guess:.3g}: change lr, or train longer"
        ]


def _validation_codes(X, y, classes):
    """Codes of the labels of validation data, by the classes of the training."""
    y = read_labels(y, "y_val")
    check_consistent_length(X, y)
    known = {name: code for code, name in enumerate(classes.tolist())}
    codes = np.array([known.get(label, -1) for label in y.tolist()], dtype=np.int64)
    if len(codes) and codes.min() < 0:
        label = y[codes.argmin()].item()
        raise ValueError(
            f"y_val has the class {label!r}, which y does not have "
            f"({first_names(classes)})."
        )
    return codes


def merge_equal(samples, targets):
    """Samples of which no two are equal, if some are or if there are weights.

    Equal rows of a class become one, with the sum of their weights. The rows are sorted
    by their bytes, so that the same rows with the same weights always come in the same
    order, whether they had been repeated or weighted.

    Parameters
    ----------
    samples : Rows
    targets : tensor of int64, of shape (n_samples,)
        Their classes.

    Returns
    -------
    samples : Rows
    targets : tensor of int64
    """
    codes = targets.tolist()
    first, weights = {}, {}
    given = [1.0] * len(codes) if samples.weights is None else samples.weights.tolist()
    for place, (row, code, weight) in enumerate(
        zip(samples.array, codes, given, strict=True)
    ):
        key = row.tobytes(), code
        first.setdefault(key, place)
        weights[key] = weights.get(key, 0.0) + weight
    if samples.weights is None and len(first) == len(codes):
        return samples, targets
    keys = sorted(first, key=lambda key: (key[0], first[key]))
    index = [first[key] for key in keys]
    merged = Rows(samples.array[index], samples.scale)
    weights = torch.tensor([weights[key] for key in keys], dtype=torch.float64)
    if bool((weights != weights[0]).any()):
        merged.weights = weights
    return merged, targets[index]
