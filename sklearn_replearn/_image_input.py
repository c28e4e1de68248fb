"""How estimators of several families read images."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._validation import (
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
        X, shape = flatten_images(X)
        if not reset:
            refuse_other_images(shape, self.image_shape_)
        X = super()._validate(X, reset=reset)
        if reset:
            self.image_shape_ = resolve_image_shape(self.image_shape, shape, X.shape[1])
            self._largest = None if X.dtype == np.uint8 else float(X.max())
        else:
            _refuse_other_unit(X, self._largest)
        return X

    def _channels_first_shape(self):
        """Shape of an image, or of a signal, as layers have it."""
        *sides, n_channels = self.image_shape_
        return [n_channels, *sides]

    def _scale(self, X):
        """Factor of X: bytes stand for [0, 1]."""
        return 1 / 255 if X.dtype == np.uint8 else 1.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _refuse_other_unit(X, largest):
    """Raise if one of `fit` and X has bytes, and the other numbers far beyond [0, 1].

    Bytes stand for [0, 1], so that numbers up to 255 would be taken for other images.

    Parameters
    ----------
    X : ndarray
    largest : float or None
        The largest number that `fit` has seen; ``None`` for bytes.
    """
    if largest is None and X.dtype != np.uint8:
        most = X.max()
        if 2 < most < np.inf:
            raise ValueError(
                f"X has values up to {most:.4g}, but fit has seen bytes, which stand "
                "for [0, 1]; pass bytes as uint8, or X / 255."
            )
    elif largest is not None and largest > 2 and X.dtype == np.uint8:
        raise ValueError(
            "X has bytes, which stand for [0, 1], but fit has seen values up to "
            f"{largest:.4g}; pass X.astype(np.float32), or bytes to fit, too."
        )
