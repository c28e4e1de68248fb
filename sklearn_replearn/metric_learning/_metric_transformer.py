"""The base of the estimators that learn an embedding from what belongs together."""

from abc import abstractmethod
from numbers import Integral

from sklearn.utils import column_or_1d

from sklearn_replearn._deep.estimators.base import BaseDeepTransformer
from sklearn_replearn._deep.objectives.health import effective_rank
from sklearn_replearn._sklearn import Interval, _fit_context
from sklearn_replearn.metric_learning._class_batches import ClassBatches
from sklearn_replearn.metrics import mean_average_precision_at_r

#: Epochs after which a loss is expected to be below that of a collapse.
N_PATIENT_EPOCHS = 10

#: How far below that of a collapse the loss has to be then, relative to it.
NEAR = 0.02


class BaseMetricTransformer(ClassBatches, BaseDeepTransformer):
    """Base of the estimators whose network embeds rows, one by one.

    The loss sees the embeddings of a batch, and the classes of its rows.
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        **ClassBatches._parameter_constraints,
        **BaseDeepTransformer._parameter_constraints,
    }

    #: What to change if all rows get one embedding.
    _remedy = "lower lr, take larger batches, or standardise the columns of X"

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
            Validation data, read as X is. All rows of X are trained with, and
            `validation_loss_curve_` is the loss on these rows. Without early stopping
            it is only recorded.
        y_val : array-like of shape (n_validation,), default=None
            Classes of the rows of `X_val`, as y; they may be others than those of y.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the data are not so, if parameters contradict each other, or if the
            training diverges. The estimator is then as it was before.
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
        Z = self._map_rows("encode", X)
        return float(mean_average_precision_at_r(Z, column_or_1d(y)))

    # -- training --------------------------------------------------------------

    @abstractmethod
    def _criterion(self):
        """The loss of the embeddings of a batch and their classes."""

    def _sampler(self, data, batch_size, device, index, *, shuffle=True):
        return self._balanced_batches(data, batch_size, device, index, shuffle=shuffle)

    # -- health ----------------------------------------------------------------

    def _set_fitted(self, X):
        self.n_components_ = self._map_validated("encode", X[:1]).shape[1]
        super()._set_fitted(X)
        names = ("active_share", "mean_norm", "spread", "effective_rank")
        curve = [{name: epoch[name] for name in names} for epoch in self.net_.epochs_]
        self.health_curve_ = getattr(self, "health_curve_", []) + curve

    def _examine(self, X):
        Z = self._map_validated("encode", X)
        self.effective_rank_ = effective_rank(Z)
        findings = self._examine_units(X)
        loss = self.loss_curve_[-1]
        collapsed = self.net_.epochs_[-1]["collapsed_loss"]
        if self.n_iter_ >= N_PATIENT_EPOCHS and loss > (1 - NEAR) * collapsed:
            findings.append(
                "the embeddings are no better than collapsed ones: the loss is "
                f"{loss:.3g} after {self.n_iter_} epochs, and {collapsed:.3g} if all "
                f"rows have one embedding: {self._remedy}"
            )
        elif self.effective_rank_ == 0:
            findings.append(f"all embeddings are the same: {self._remedy}")
        return findings

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
