"""How estimators of several families read images."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._image_units import (
    find_unit,
    join_units,
    refuse_other_unit,
    warn_of_binary_bytes,
)
from sklearn_replearn._images import (
    fault_of,
    flatten_images,
    refuse_other_images,
    resolve_image_shape,
)


def read_images(estimator, X, validate, *, reset):
    """Images in each of the forms that `flatten_images` knows, as rows.

    In `fit` the estimator gets `image_shape_`: (height, width, channels), or (length,
    1) of signals.

    Parameters
    ----------
    estimator : estimator with `image_shape`
    X : array-like
    validate : callable
        Validates rows; called with them and the keyword `reset`.
    reset : bool

    Returns
    -------
    rows : ndarray of shape (n_samples, n_features)
    """
    rows, shape = flatten_images(X)
    if not reset:
        refuse_other_images(_whole(rows, shape), estimator.image_shape_)
    dtype = rows.dtype if isinstance(rows, np.ndarray) else np.dtype(float)
    try:
        rows = validate(rows, reset=reset)
    except (TypeError, ValueError):
        fault = fault_of(X)
        if fault is None:
            raise
        raise ValueError(fault) from None
    if reset:
        estimator.image_shape_ = resolve_image_shape(
            estimator.image_shape, shape, rows.shape[1], len(rows)
        )
        estimator._unit = _find_unit(estimator, rows, dtype)
    elif estimator._unit is not None:
        refuse_other_unit(rows, estimator._unit, dtype)
    return rows


def image_scale(rows, image_shape):
    """Factor of rows: bytes of images stand for [0, 1]."""
    return 1 / 255 if rows.dtype == np.uint8 and len(image_shape) == 3 else 1.0


def channels_first_shape(image_shape):
    """Shape of an image, or of a signal, as layers have it."""
    *sides, n_channels = image_shape
    return [n_channels, *sides]


class ImageInput:
    """Mixin of estimators with `image_shape`, before a class that validates rows."""

    _parameter_constraints = {"image_shape": [tuple, list, None]}

    def _validate(self, X, *, reset=False):
        if not reset:
            check_is_fitted(self)
        return read_images(self, X, super()._validate, reset=reset)

    def _scale(self, X):
        """Factor of X: bytes of images stand for [0, 1]."""
        return image_scale(X, self.image_shape_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _find_unit(estimator, X, dtype):
    """The unit of the images of `fit`; None of signals.

    Raises if a network that was trained before, and goes on, was in another one.
    """
    if len(estimator.image_shape_) != 3:
        return None
    unit = find_unit(X)
    before = getattr(estimator, "_unit", None)
    if before is not None and getattr(estimator, "warm_start", False):
        refuse_other_unit(X, before, dtype)
        return join_units(before, unit)
    warn_of_binary_bytes(unit)
    return unit


def _whole(rows, shape):
    return (len(rows), *shape) if shape else tuple(rows.shape)
