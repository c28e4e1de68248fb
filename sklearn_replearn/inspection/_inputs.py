"""What the functions of this family take: images, rows, labels, units."""

from math import prod
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array

from sklearn_replearn._containers import take_rows
from sklearn_replearn._images import (
    flatten_images,
    refuse_other_images,
    resolve_image_shape,
)
from sklearn_replearn.inspection._networks import fitted_steps, n_values_of


class Inputs(NamedTuple):
    """Rows, and what they are.

    Attributes
    ----------
    rows : ndarray of shape (n_samples, n_values)
        Of float64, float32 or uint8.
    image_shape : tuple of int
        (height, width, channels), or (length, 1).
    scale : float
        What the estimator multiplies the rows by: bytes may stand for [0, 1].
    """

    rows: np.ndarray
    image_shape: tuple
    scale: float

    def as_floats(self):
        """The rows as the estimator's network sees them; bytes become float32."""
        if self.rows.dtype != np.uint8:
            return self.rows
        return np.multiply(self.rows, self.scale, dtype=np.float32)

    def as_maps(self, values):
        """One number for each place of an image, from one for each value: the largest.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_values)

        Returns
        -------
        maps : ndarray of shape (n_samples, height, width) or (n_samples, length)
        """
        return values.reshape(len(values), *self.image_shape).max(axis=-1)


def read_inputs(estimator, X, image_shape=None):
    """Check X, and find the shape of its images.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
    X : array-like
    image_shape : tuple of int, default=None
        As estimators have it. ``None`` takes the estimator's own, or that of X.

    Returns
    -------
    inputs : Inputs
    """
    rows, shape = flatten_images(X)
    rows = check_array(rows, dtype=[np.float64, np.float32, np.uint8], input_name="X")
    n_values = n_values_of(estimator)
    own = own_image_shape(estimator) if image_shape is None else None
    if own is not None:
        refuse_other_images((len(rows), *(shape or rows.shape[1:])), own)
    if n_values is not None and rows.shape[1] != n_values:
        raise ValueError(
            f"X has {rows.shape[1]} values for each sample, but "
            f"{type(estimator).__name__} was fitted with {n_values}."
        )
    if own is None:
        own = resolve_image_shape(image_shape, shape, rows.shape[1])
    first = fitted_steps(estimator)[0]
    fitted_shape = getattr(first, "image_shape_", None)
    if fitted_shape is not None:
        _let_it_refuse(first, X, rows)
    scaled = rows.dtype == np.uint8 and len(fitted_shape or ()) == 3
    return Inputs(rows, own, 1 / 255 if scaled else 1.0)


def own_image_shape(estimator):
    """The shape of the images that an estimator was fitted with, or None."""
    for step in fitted_steps(estimator):
        shape = getattr(step, "image_shape_", None)
        if shape is not None and prod(shape) == n_values_of(estimator):
            return shape
    return None


def _let_it_refuse(step, X, rows):
    """Give an estimator the sample of the largest value: the unit may be wrong."""
    if hasattr(step, "transform"):
        row = int(rows.max(axis=1).argmax())
        step.transform(take_rows(X, slice(row, row + 1)))


def as_images(rows, image_shape):
    """Rows as images without a single channel, or signals, which estimators take."""
    sides = image_shape[:-1] if image_shape[-1] == 1 else image_shape
    return rows.reshape(len(rows), *sides)


def like(X, values):
    """Numbers in the form of X: a data frame where X is one, else an array."""
    if hasattr(X, "iloc"):
        return type(X)(values.reshape(X.shape), index=X.index, columns=X.columns)
    if hasattr(X, "columns"):
        return type(X)(values.reshape(X.shape), schema=list(X.columns))
    return values.reshape(np.shape(X))


def class_codes(labels, classes, n_samples, what):
    """Positions of labels among the classes, one for each sample.

    Parameters
    ----------
    labels : label, or array-like of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    n_samples : int
    what : str
        Name of the labels, for messages.
    """
    labels = _one_for_each(labels, n_samples, what)
    position = {label: i for i, label in enumerate(classes.tolist())}
    codes = [position.get(label, -1) for label in labels.tolist()]
    if -1 in codes:
        row = codes.index(-1)
        raise ValueError(
            f"{what} holds {labels.tolist()[row]!r}, but the classes that the "
            f"estimator knows are {classes.tolist()}."
        )
    return np.array(codes)


def unit_numbers(units, n_units, what):
    """Units as an array of numbers below `n_units`."""
    numbers = np.atleast_1d(np.asarray(units))
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1 or not len(numbers):
        raise ValueError(
            f"{what} must be a whole number, or a list of them; got {units!r}."
        )
    if numbers.min() < 0 or numbers.max() >= n_units:
        wrong = numbers[(numbers < 0) | (numbers >= n_units)][0]
        raise ValueError(
            f"{what} holds {wrong}, but there are {n_units} units, 0 to {n_units - 1}."
        )
    return numbers


def unit_codes(target, n_units, n_samples):
    """The unit of each sample."""
    target = _one_for_each(target, n_samples, "target")
    return unit_numbers(target, n_units, "target")


def _one_for_each(values, n_samples, what):
    values = np.asarray(values)
    if values.ndim == 0:
        return np.broadcast_to(values, n_samples)
    if values.shape != (n_samples,):
        raise ValueError(
            f"{what} has shape {values.shape}, but X has {n_samples} samples; give one "
            "value for each."
        )
    return values


def value_bounds(bounds, inputs_shape, rows=None):
    """Smallest and largest allowed number of each value, and whether there are any.

    Parameters
    ----------
    bounds : (low, high), "data" or None
        Numbers, or arrays in the shape of a sample. "data" is for the smallest and the
        largest number of the rows.
    inputs_shape : tuple of int
        (height, width, channels), or (length, 1).
    rows : ndarray, default=None

    Returns
    -------
    low, high : ndarray of shape (n_values,)
    """
    n_values = prod(inputs_shape)
    if bounds is None:
        return np.full(n_values, -np.inf), np.full(n_values, np.inf)
    if isinstance(bounds, str) and bounds == "data" and rows is not None:
        bounds = rows.min(), rows.max()
    try:
        low, high = (_bound(bound, inputs_shape) for bound in bounds)
    except (TypeError, ValueError):
        choices = "(low, high), or None"
        if rows is not None:
            choices = "(low, high), 'data' or None"
        raise ValueError(
            f"bounds must be {choices}, with numbers or arrays in the shape of a "
            f"sample; got {bounds!r}."
        ) from None
    if not (low < high).all():
        raise ValueError(f"bounds must have low below high; got {bounds!r}.")
    return low, high


def _bound(bound, shape):
    bound = np.asarray(bound, dtype=np.float64)
    if bound.size == prod(shape):
        return bound.ravel()
    return np.broadcast_to(bound, shape).ravel()
