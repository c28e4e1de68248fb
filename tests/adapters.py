"""Numbers as words or ids, so that scikit-learn's checks can feed any estimator."""

import warnings

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils.validation import check_is_fitted, validate_data


class SpelledRows(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A text estimator behind a table: each row is spelled as a document.

    The number x in column j becomes one word a column and rounded value.
    """

    def __init__(self, embedder):
        self.embedder = embedder

    def fit(self, X, y=None):
        X = validate_data(self, X)
        self.embedder_ = clone(self.embedder).set_output(transform="default")
        self.embedder_.fit(_spell(X), y)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return self.embedder_.transform(_spell(validate_data(self, X, reset=False)))

    @property
    def _n_features_out(self):
        return len(self.embedder_.get_feature_names_out())


class PairedRows(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An estimator of pairs of ids behind a table.

    The first and the last number of a row, rounded, are the ids; the larger half of
    the labels means an edge.
    """

    def __init__(self, encoder):
        self.encoder = encoder

    def fit(self, X, y=None):
        X, y = validate_data(self, X, y, y_numeric=True)
        self.encoder_ = clone(self.encoder).set_output(transform="default")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a few rows make a tiny graph
            self.encoder_.fit(_pair(X), y > (y.min() + y.max()) / 2)
        return self

    def transform(self, X):
        check_is_fitted(self)
        return self.encoder_.transform(_pair(validate_data(self, X, reset=False)))

    @property
    def _n_features_out(self):
        return len(self.encoder_.get_feature_names_out())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _pair(X):
    return np.rint(X[:, [0, -1]]).astype(int)


def _spell(X):
    return [
        " ".join(f"c{j}x{number:.0f}" for j, number in enumerate(row))
        for row in np.asarray(X, dtype=np.float64)
    ]
