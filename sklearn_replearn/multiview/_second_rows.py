"""A table or images as the second view."""

import re
from types import SimpleNamespace

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from sklearn_replearn._deep.estimators.base import as_numbers
from sklearn_replearn._deep.input.samples import Rows
from sklearn_replearn._images import image_scale, read_images


def as_columns(y):
    """Numbers as an array; one for each row are a column."""
    if hasattr(y, "columns") or issparse(y):
        return y
    try:
        y = np.asarray(y)
    except ValueError:
        raise ValueError(
            "y has items of several lengths; pass as many numbers for each row, or "
            "texts as strings."
        ) from None
    return y.reshape(-1, 1) if y.ndim == 1 else y


def read_rows(y, state=None):
    """A table, or images, as rows.

    Parameters
    ----------
    y : array-like of shape (n_samples,), (n_samples, n_targets), (n_samples, height, \
            width) or (n_samples, height, width, channels)
        Numbers alone are a column.
    state : dict, default=None
        Of the rows of `fit`, which these must be like.

    Returns
    -------
    rows : Rows
    state : dict
        Of `image_shape_`, the unit of images, and the number of values.
    """
    y = as_columns(y)
    view = SimpleNamespace(image_shape=None, **(state or {}))

    def validate(rows, *, reset):
        rows = as_numbers(check_array(rows, input_name="y"), "y")
        if state is not None and rows.shape[1] != state["n_values"]:
            raise ValueError(
                f"y has {rows.shape[1]} columns, but fit has seen {state['n_values']}."
            )
        return rows

    try:
        array = read_images(view, y, validate, reset=state is None)
    except ValueError as error:
        message = re.sub(r"\bX\b", "y", str(error))  # as those about images have it
        raise ValueError(message) from None
    state = {
        "image_shape_": view.image_shape_,
        "_unit": view._unit,
        "n_values": array.shape[1],
    }
    return Rows(array, image_scale(array, view.image_shape_)), state


def read_transformed(Z, name, n_values=None):
    """What a transformer of the user makes of a second view, as an array.

    Parameters
    ----------
    Z : ndarray
    name : str
        The parameter that holds the transformer.
    n_values : int, default=None
        Number of columns that it gave in `fit`.
    """
    if issparse(Z):
        raise ValueError(
            f"{name} gives a sparse matrix of {Z.shape[1]} columns, which networks do "
            "not take; put a step behind it that makes few dense ones, such as "
            "TruncatedSVD(100)."
        )
    Z = as_numbers(check_array(Z, input_name=f"the output of {name}"))
    if n_values is not None and Z.shape[1] != n_values:
        raise ValueError(
            f"{name} gives {Z.shape[1]} columns, but {n_values} in fit; do not fit it "
            "again without fitting this estimator."
        )
    return Z
