"""Numbers spelled as words, so that scikit-learn's checks can read a text estimator."""

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


def _spell(X):
    return [
        " ".join(f"c{j}x{number:.0f}" for j, number in enumerate(row))
        for row in np.asarray(X, dtype=np.float64)
    ]
