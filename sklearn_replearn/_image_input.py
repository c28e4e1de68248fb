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


class ImageInput:
    """Mixin of estimators with `image_shape`, before a class that validates rows.

    Images come in each of the forms that `flatten_images` knows, and go on as rows.
    `fit` sets `image_shape_`: (height, width, channels), or (length, 1) of signals.
    """

    _parameter_constraints = {"image_shape": [tuple, list, None]}

    def _validate(self, X, *, reset=False):
        if not reset:
            check_is_fitted(self)
        rows, shape = flatten_images(X)
        if not reset:
            refuse_other_images(_whole(rows, shape), self.image_shape_)
        dtype = rows.dtype if isinstance(rows, np.ndarray) else np.dtype(float)
        try:
            rows = super()._validate(rows, reset=reset)
        except (TypeError, ValueError):
            fault = fault_of(X)
            if fault is None:
                raise
            raise ValueError(fault) from None
        if reset:
            self.image_shape_ = resolve_image_shape(
                self.image_shape, shape, rows.shape[1], len(rows)
            )
            self._unit = self._find_unit(rows, dtype)
        elif self._unit is not None:
            refuse_other_unit(rows, self._unit, dtype)
        return rows

    def _find_unit(self, X, dtype):
        """The unit of the images of `fit`; None of signals.

        Raises if a network that was trained before, and goes on, was in another one.
        """
        if not self._has_images():
            return None
        unit = find_unit(X)
        before = getattr(self, "_unit", None)
        if before is not None and getattr(self, "warm_start", False):
            refuse_other_unit(X, before, dtype)
            return join_units(before, unit)
        warn_of_binary_bytes(unit)
        return unit

    def _has_images(self):
        return len(self.image_shape_) == 3

    def _channels_first_shape(self):
        """Shape of an image, or of a signal, as layers have it."""
        *sides, n_channels = self.image_shape_
        return [n_channels, *sides]

    def _scale(self, X):
        """Factor of X: bytes of images stand for [0, 1]."""
        return 1 / 255 if X.dtype == np.uint8 and self._has_images() else 1.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _whole(rows, shape):
    return (len(rows), *shape) if shape else tuple(rows.shape)
