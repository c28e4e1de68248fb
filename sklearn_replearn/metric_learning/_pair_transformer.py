"""The base of the estimators that learn an embedding from rows or from pairs."""

from math import prod

import numpy as np
from sklearn.metrics import roc_auc_score

from sklearn_replearn._deep.objectives.tuple_losses import (
    ContrastiveLoss,
    PairContrastiveLoss,
)
from sklearn_replearn._images import shape_of
from sklearn_replearn._sklearn import StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.metric_learning._metric_transformer import (
    BaseMetricTransformer,
)
from sklearn_replearn.metric_learning._pairs import (
    read_pairs,
    read_same,
    training_pairs,
)


class BasePairTransformer(BaseMetricTransformer):
    """Base of the estimators that also learn from pairs."""

    _parameter_constraints = {
        **BaseMetricTransformer._parameter_constraints,
        "preprocessor": ["array-like", None],
        "input": [StrOptions({"rows", "pairs"})],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite numbers; with ``input="pairs"`` an array of shape (n_pairs, 2,
            n_features), or indices of rows of `preprocessor` of shape (n_pairs, 2).
        y : array-like of shape (n_samples,) or (n_pairs,)
            Classes, at least two, of which one at least has two rows. Numbers or
            strings. Of pairs, 1 for the same and 0 or -1 for not the same.
        X_val : array-like, default=None
            Validation data, rows or pairs as X, in place of those held out
            (:ref:`guide <early_stopping>`).
        y_val : array-like, default=None
            Classes of the rows of `X_val`, as y; they may be others than those of y. Or
            labels of its pairs.

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

    def fit_transform(self, X, y=None, X_val=None, y_val=None):
        """Train the network, and embed the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes.
        X_val, y_val : array-likes, default=None
            Validation data, as in :meth:`fit`.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)

        Raises
        ------
        ValueError
            If ``input="pairs"``: a pair has no embedding.
        """
        if self.input == "pairs":
            raise ValueError(
                f"{type(self).__name__} with input='pairs' learns from pairs, but "
                "embeds rows: call fit(pairs, y), then transform(rows)."
            )
        return self.fit(X, y, X_val, y_val).transform(X)

    def score(self, X, y):
        """How well the distances of the embeddings tell what belongs together.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or pairs as in :meth:`fit`
        y : array-like of shape (n_samples,)
            Classes, or labels of the pairs.

        Returns
        -------
        score : float
            Of rows the mean average precision at R, of
            :func:`~sklearn_replearn.metrics.mean_average_precision_at_r`; with
            ``input="pairs"`` the area under the ROC curve of minus the distances of
            the pairs. Both are in [0, 1].
        """
        if self.input == "rows":
            return self._score_rows(X, y)
        rows, pairs = read_pairs(X, self.preprocessor)
        is_same = read_same(self, pairs, y)
        Z = self._apply("encode", self._samples(rows))
        distances = np.linalg.norm(Z[pairs[:, 0]] - Z[pairs[:, 1]], axis=1)
        return float(roc_auc_score(is_same, -distances))

    def _read(self, X, y, *, reset):
        if self.input == "pairs" and (reset or y is not None):
            return training_pairs(self, X, y, reset=reset)
        if not reset:
            self._refuse_pairs_to_embed(X)
        elif self.preprocessor is not None:
            warn(
                "preprocessor is not used with input='rows': it is a table that pairs "
                "of indices point into; set input='pairs', or preprocessor=None.",
            )
        return self._read_rows(X, y, reset=reset)

    def _refuse_pairs_to_embed(self, X):
        shape = shape_of(X)
        is_pairs = len(shape) > 2 and shape[1] == 2
        if is_pairs and prod(shape[2:]) == self.n_features_in_:
            raise ValueError(
                f"X has shape {shape}, as pairs have, but it is rows that are "
                f"embedded: pass X.reshape({(-1, *shape[2:])}), and take every two "
                "embeddings together."
            )

    def _contrastive_loss(self, margin):
        """The loss by the parameter `loss`, of a batch of rows or of pairs."""
        make = PairContrastiveLoss if self.input == "pairs" else ContrastiveLoss
        return make(self.loss, margin)
