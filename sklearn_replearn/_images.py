"""Images: how estimators read them, as rows and as arrays, and refuse other forms."""

from collections.abc import Mapping, Set
from math import prod
from numbers import Integral
from os import PathLike

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._image_units import (
    find_unit,
    join_units,
    refuse_other_unit,
    warn_of_binary_bytes,
)
from sklearn_replearn._warnings import warn


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
        whole = (len(rows), *shape) if shape else tuple(rows.shape)
        refuse_other_images(whole, estimator.image_shape_)
    dtype = rows.dtype if isinstance(rows, np.ndarray) else np.dtype(float)
    try:
        rows = validate(rows, reset=reset)
    except (TypeError, ValueError):
        fault = fault_of(X)
        if fault is None:
            raise
        raise ValueError(fault) from None
    if reset and shape is None and estimator.image_shape is None:  # rows of a table
        estimator.image_shape_, estimator._unit = (rows.shape[1], 1), None
    elif reset:
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


def shape_of(X):
    """Shape of anything array-like."""
    return tuple(as_array(X).shape)


def as_array(X):
    """X itself if it has a shape, else an array of it; raise if there is none."""
    if hasattr(X, "shape"):
        return X
    try:
        return np.asarray(X)
    except (TypeError, ValueError) as error:
        raise ValueError(fault_of(X) or str(error)) from None


def flatten_images(X):
    """Images as rows, and the shape that each has in X.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
            (n_samples, height, width, channels)

    Returns
    -------
    rows : array-like of shape (n_samples, n_values)
        A view of X where its memory allows. X as an array if it has fewer than three
        dimensions, which the checks of tables then refuse.
    shape : tuple or None
        ``X.shape[1:]``; ``None`` if X has rows.
    """
    X = as_array(X)
    shape = tuple(X.shape)
    if len(shape) < 3:
        return X, None
    if len(shape) > 4:
        raise ValueError(
            f"X has shape {shape}, but images are rows, or an array of shape "
            "(n_samples, height, width) or (n_samples, height, width, channels)."
        )
    return np.asarray(X).reshape(shape[0], prod(shape[1:])), shape[1:]


def resolve_image_shape(image_shape, shape, n_values, n_samples=None):
    """The sides of an image, then its number of channels.

    Parameters
    ----------
    image_shape : tuple or None
        The parameter of an estimator: (height, width), (height, width, channels), or
        ``None`` for what X has.
    shape : tuple or None
        As `flatten_images` gives it.
    n_values : int
        Length of a row.
    n_samples : int, default=None
        Number of rows, by which a single image is told.

    Returns
    -------
    resolved : tuple of int
        (height, width, channels), or (length, 1) of a signal: rows without an
        `image_shape`.
    """
    if image_shape is None:
        if shape is None:
            return n_values, 1
        _refuse_channels_first(shape)
        _warn_of_a_single_image(shape, n_samples)
        return with_channels(shape)
    sizes = tuple(image_shape)
    if len(sizes) not in (2, 3) or not all(
        isinstance(size, Integral) and size >= 1 for size in sizes
    ):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels), whole "
            f"numbers of at least 1; got {image_shape!r}."
        )
    resolved = with_channels(tuple(map(int, sizes)))
    if n_values != prod(resolved) or (shape and with_channels(shape) != resolved):
        whole = (n_samples, *(shape or (n_values,)))
        _refuse_known_forms(whole, resolved, f"image_shape={image_shape}")
    if shape is not None and with_channels(shape) != resolved:
        raise ValueError(
            f"X has images of shape {shape}, but image_shape={image_shape}; "
            "image_shape=None takes the shape from X."
        )
    if prod(resolved) != n_values:
        raise ValueError(
            f"X has rows of {n_values} values, but image_shape={image_shape} makes "
            f"{prod(resolved)}."
        )
    return resolved


def sizes_by_side(given, n_sides):
    """A whole number for each side of an image, or of a signal, from one for all.

    ``None`` if there are not as many, or if they are no whole numbers of at least 1.
    """
    sizes = list(given) if isinstance(given, tuple | list) else [given] * n_sides
    if len(sizes) != n_sides or not all(
        isinstance(size, Integral) and size >= 1 for size in sizes
    ):
        return None
    return [int(size) for size in sizes]


def with_channels(shape):
    """(height, width, channels) of an image that may be without the last."""
    return (*shape, 1)[:3]


# ---------------------------------------------------------------------------
# What is no image, or no array of images
# ---------------------------------------------------------------------------


def refuse_other_images(shape, fitted_shape):
    """Raise if images do not have the shape that those of `fit` had.

    Parameters
    ----------
    shape : tuple
        That of X, as `shape_of` gives it: samples first.
    fitted_shape : tuple
        As `resolve_image_shape` gave it.
    """
    if len(shape) < 3 or with_channels(shape[1:]) == fitted_shape:
        refuse_a_single_image(shape, fitted_shape)
        return
    seen = f"images of shape {fitted_shape}"
    if len(fitted_shape) == 2:
        seen = f"signals of {fitted_shape[0]} values"
    else:
        _refuse_known_forms(shape, fitted_shape, f"fit has seen {seen}")
    raise ValueError(f"X has images of shape {shape[1:]}, but fit has seen {seen}.")


def refuse_a_single_image(shape, fitted_shape):
    """Raise if X, in place of rows, is one image like those of `fit`."""
    if len(fitted_shape) == 3 and len(shape) == 2 and shape[1] != prod(fitted_shape):
        seen = f"fit has seen images of shape {fitted_shape}"
        _refuse_known_forms(shape, fitted_shape, seen)


def _refuse_known_forms(shape, wanted, seen):
    """Raise if X is a single image, or has the channels of images first.

    Parameters
    ----------
    shape : tuple
        That of X, samples first.
    wanted : tuple
        (height, width, channels).
    seen : str
        For messages.
    """
    if with_channels(shape) == wanted:
        raise ValueError(
            f"X has shape {shape}, as a single image has ({seen}); pass X[np.newaxis] "
            "for one image."
        )
    height, width, n_channels = wanted
    if shape[1:] == (n_channels, height, width):
        raise ValueError(
            f"X has images of shape {shape[1:]}, with their channels first ({seen}); "
            "here they come last: pass np.moveaxis(X, 1, -1)."
        )


def _refuse_channels_first(shape):
    if len(shape) == 3 and shape[0] in (1, 3, 4) and shape[2] > 4:
        raise ValueError(
            f"X has images of shape {shape}, which seem to have their channels first; "
            "here they come last: pass np.moveaxis(X, 1, -1), or say that "
            f"image_shape={shape} is meant."
        )


def _warn_of_a_single_image(shape, n_samples):
    if len(shape) == 2 and shape[1] in (3, 4) and min(n_samples or 0, shape[0]) > 4:
        warn(
            f"X has shape {(n_samples, *shape)}, which is read as {n_samples} images "
            f"of {shape[0]} x {shape[1]} pixels; if it is one image with channels, "
            f"pass X[np.newaxis], else image_shape={shape}."
        )


def fault_of(X):
    """A sentence if X has paths, or images of several shapes; else None.

    To be called where X is refused: it looks at all of X, for these faults alone.
    """
    if isinstance(X, str | bytes | PathLike):
        return (
            f"X is {_named(X)}, but images are numbers; read the file, and pass a list "
            "of one image."
        )
    if hasattr(X, "__next__"):
        return "X is a generator, but images are read more than once; pass list(X)."
    if isinstance(X, Mapping | Set) and not hasattr(X, "shape"):
        return f"X is a {type(X).__name__}, but images are an array; pass its images."
    items = _items(X)
    for row, item in enumerate(items):
        if isinstance(item, str | bytes | PathLike):
            return (
                f"X[{row}] is {_named(item)}, but images are numbers; read the files "
                "first, such as by X = np.stack([skimage.io.imread(path) for path in "
                "paths])."
            )
    return _fault_of_items(items) if getattr(X, "ndim", 1) == 1 and items else None


def _items(X):
    """Samples as objects; of several columns of objects the first."""
    if hasattr(X, "columns"):
        X = X.to_numpy()
    if not hasattr(X, "shape"):
        return list(X) if isinstance(X, list | tuple) else []
    X = np.asarray(X)
    if X.dtype.kind not in "OSU" or X.ndim not in (1, 2) or not X.size:
        return []
    return list(X if X.ndim == 1 else X[:, 0])


def _named(path):
    if isinstance(path, bytes):
        return "bytes, as files have"
    return f"the path {str(path)!r:.80}"


def _fault_of_items(items):
    """A sentence if samples are no arrays of one shape, or objects; else None."""
    shapes = []
    for row, item in enumerate(items):
        try:
            array = np.asarray(item)
        except (TypeError, ValueError):
            return None  # nested several times: numpy says where
        if array.dtype.kind in "OSU":
            return (
                f"X[{row}] is of type {type(item).__name__}, but images are arrays of "
                "numbers; pass np.asarray(image) of each, if that gives them."
            )
        shapes.append(array.shape)
    other = next((row for row, shape in enumerate(shapes) if shape != shapes[0]), None)
    if other is not None:
        what = "signals" if max(map(len, shapes)) < 2 else "images"
        return (
            f"X[0] has shape {shapes[0]}, but X[{other}] has shape {shapes[other]}; "
            f"{what} of one X must have one shape: resize, crop or pad them first."
        )
    if shapes[0]:
        return (
            f"X is an array of objects, each an array of shape {shapes[0]}; pass "
            "np.stack(X), one array of numbers."
        )
    return None
