"""The base of the transformers of images that train no network."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import validate_data

from sklearn_replearn._images import ImageInput


class _RowInput:
    """Rows of float32, float64 or uint8, which are not copied; float64 of all else."""

    def _validate(self, X, *, reset=False):
        X = validate_data(self, X, reset=reset)
        known = (np.float32, np.float64, np.uint8)
        return X if X.dtype in known else X.astype(np.float64)


class BaseImageTransformer(
    ImageInput,
    _RowInput,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Base of the transformers of images that train no network."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
