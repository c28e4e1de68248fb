"""The base of the estimators that learn an embedding from what belongs together."""

from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils import column_or_1d

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.estimators.embeddings import (
    diagnose_embeddings,
    record_health,
)
from sklearn_replearn._deep.estimators.encoders import (
    describe_network,
    make_augmentation,
    start_network,
)
from sklearn_replearn._deep.input.samples import as_tensor
from sklearn_replearn._deep.objectives.objective import Supervised
from sklearn_replearn._deep.training.batches import (
    BalancedBatches,
    random_batches,
)
from sklearn_replearn._deep.training.plan import Plan
from sklearn_replearn._deep.training.splits import hold_out, hold_out_couples
from sklearn_replearn._images import shape_of
from sklearn_replearn._labels import first_names, read_classes
from sklearn_replearn._sklearn import Interval, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.metrics import mean_average_precision_at_r

#: What to change if all rows get one embedding.
REMEDY = "lower lr, take larger batches, or standardise the columns of X"


class BaseMetricTransformer(BaseDeepTransformer):
    """Base of the estimators whose network embeds rows, one by one.

    The loss sees the embeddings of a batch, and the classes of its rows.
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "samples_per_class": [Interval(Integral, 2, None, closed="left")],
        **BaseDeepTransformer._parameter_constraints,
    }

    _requires_y = True

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
            Classes, at least two, of which one at least has two rows. Numbers or
            strings.
        X_val : array-like of shape (n_validation, n_features), default=None
            Validation data, read as X is, in place of held-out rows
            (:ref:`guide <early_stopping>`).
        y_val : array-like of shape (n_validation,), default=None
            Classes of the rows of `X_val`, as y; they may be others than those of y.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If data or parameters are wrong, or the training diverges. The estimator is
            then as it was before.
        """
        return self._fit(X, y, X_val, y_val)

    def score(self, X, y):
        """Mean average precision at R of the embeddings.

        Each row queries all others for the R that have its class; see
        :func:`~sklearn_replearn.metrics.mean_average_precision_at_r`. Near is what has
        a small Euclidean distance, whatever the loss compares by: with embeddings off
        the sphere and a loss of cosines, score with
        :func:`~sklearn_replearn.metrics.make_retrieval_scorer`. The classes may be
        others than those of :meth:`fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes, at least two. Rows that are the only ones of their class are left
            out as queries.

        Returns
        -------
        score : float
            In [0, 1].
        """
        return self._score_rows(X, y)

    def _score_rows(self, X, y):
        Z = self._apply("encode", self._samples(X))
        return float(mean_average_precision_at_r(Z, column_or_1d(y)))

    # -- training --------------------------------------------------------------

    def _read(self, X, y, *, reset):
        return self._read_rows(X, y, reset=reset)

    def _read_rows(self, X, y, *, reset):
        """Rows, and the codes of their classes."""
        samples = self._rows(X, reset=reset)
        if reset and hasattr(self, "image_shape"):
            refuse_pairs(self, X, y)
        if y is None and not reset:
            return samples, None
        return samples, class_codes(self, samples.array, y)

    def _embedding_plan(self, loss):
        """The plan of a network with the parameter `encoder` and what belongs to it."""
        batches = self._batches()
        description = describe_network(self)
        augment = make_augmentation(self.augment, description["shape"])
        start = partial(start_network, n_components=self.n_components)
        return Plan(description, Supervised(loss, augment), start=start, **batches)

    def _batches(self):
        """What a plan says of batches and of held-out samples."""
        if getattr(self, "input", "rows") == "pairs":
            return {"sampler": random_batches, "split": hold_out}
        return {"sampler": class_batches(self), "split": hold_out_couples}

    # -- health ----------------------------------------------------------------

    def _diagnose(self, samples):
        remedy = self._remedy()
        record_health(self)
        return diagnose_embeddings(self, samples, remedy)

    def _remedy(self):
        """What to change if all rows get one embedding."""
        return REMEDY


def class_codes(estimator, X, y):
    """Codes of the classes of y, which may be others in validation data."""
    classes, codes = read_classes(
        estimator, X, y, "it learns which rows have the same class", many=True
    )
    codes = as_tensor(codes)
    if codes.bincount().max() < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs two rows of one class at least, but "
            f"each of the classes in y has one row: {first_names(classes)}."
        )
    return codes


def class_batches(estimator, make=BalancedBatches):
    """Batches with a few rows of each class, as `Plan` has its sampler."""

    def sampler(samples, targets, index, batch_size, *, shuffle):
        n_each = min(estimator.samples_per_class, max(2, batch_size // 2))
        asked, least = estimator.batch_size, 2 * estimator.samples_per_class
        if asked != "auto" and asked < least:
            raise ValueError(
                f"batch_size={asked} has no room for two classes with "
                f"samples_per_class={estimator.samples_per_class} rows each; raise it, "
                "or lower samples_per_class."
            )
        return make(index, targets, batch_size, n_each, shuffle=shuffle)

    return sampler


def refuse_pairs(estimator, X, y):
    """Raise if X and y seem to be pairs and whether they are the same."""
    shape = shape_of(X)
    may_be_pairs = estimator.image_shape is None and len(shape) == 3 and shape[1] == 2
    if not may_be_pairs or y is None:
        return
    found = set(np.ravel(y).tolist())
    if found <= {0, 1} or found <= {-1, 1}:
        mend = "it learns from rows and their classes"
        if hasattr(estimator, "input"):
            mend = "set input='pairs'"
        raise ValueError(
            f"X has shape {shape}, as pairs have, and y says of each whether its rows "
            f"are the same: {mend}; pass image_shape={shape[1:]} if these are images."
        )


def check_margin(estimator):
    """Warn of a margin that no distance can reach."""
    if estimator.normalize and estimator.margin > 2:
        warn(
            f"margin={estimator.margin} cannot be met: no distance on the sphere is "
            "larger than 2; lower it, or set normalize=False.",
        )
