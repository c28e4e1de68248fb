"""What estimators whose network tells classes apart have in common."""

import numpy as np
import torch
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if

from sklearn_replearn._deep.health import effective_rank
from sklearn_replearn._deep.losses import WeightedCrossEntropy
from sklearn_replearn._sklearn import StrOptions
from sklearn_replearn._validation import few, read_classes

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
        return self._map_rows("probabilities", X)

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

    def _validate_targets(self, X, y):
        """Codes of the classes of y; sets `classes_`."""
        classes, codes = read_classes(
            self, X, y, "it learns features that tell the classes in y apart"
        )
        if self._goes_on() and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start=True goes on with the classes of the fit before "
                f"({few(self.classes_)}), but y has others ({few(classes)}); set "
                "warm_start=False."
            )
        self.classes_ = classes
        return torch.from_numpy(codes)

    def _make_criterion(self, targets):
        """Cross-entropy with the weights of the classes, 1 for a row on average."""
        codes = targets.numpy()
        weight = self.class_weight
        if isinstance(weight, dict):
            known = self.classes_.tolist()
            unknown = [name for name in weight if name not in known]
            if unknown:
                raise ValueError(
                    f"class_weight has a weight for {unknown[0]!r}, but the classes "
                    f"are {few(self.classes_)}."
                )
            weight = {known.index(name): value for name, value in weight.items()}
        indices = np.arange(len(self.classes_))
        weights = compute_class_weight(weight, classes=indices, y=codes)
        shares = np.bincount(codes) / len(codes)
        mean = weights @ shares
        if not (weights.min() >= 0 and 0 < mean < np.inf):
            raise ValueError(
                "class_weight must have finite weights of at least 0, and one above "
                f"0; got {self.class_weight!r}."
            )
        return WeightedCrossEntropy(weights / mean, shares)

    # -- health ----------------------------------------------------------------

    def _examine(self, X):
        self.effective_rank_ = effective_rank(self._map_validated("encode", X))
        findings = self._examine_units(X)
        return findings + self._compare_with_guessing("the classes' shares")

    def _compare_with_guessing(self, by):
        """What is wrong with a loss that guessing has, too, by the shares named."""
        loss, guess = self.loss_curve_[-1], self.net_.criterion_.loss_of_guessing
        # Where one class is nearly all, guessing is hard to be better than.
        is_hard = guess < LEAST_GUESS
        if self.n_iter_ < 10 or loss <= 0.99 * guess or is_hard:
            return []
        return [
            f"the loss is {loss:.3g} after {self.n_iter_} epochs, where guessing by "
            f"{by} has {guess:.3g}: change lr, or train longer"
        ]
