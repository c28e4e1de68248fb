"""Labels and classes as arrays, checked."""

import warnings

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite

from sklearn_replearn._missing import is_missing


def read_classes(estimator, X, y, purpose, *, many=False):
    """The classes of y, sorted, and the code of each row's.

    Parameters
    ----------
    estimator : estimator
        Named in messages.
    X : array-like
        Must have as many rows as y.
    y : array-like of shape (n_samples,) or None
    purpose : str
        What the estimator needs y for, for the message that there is none.
    many : bool, default=False
        Whether it is usual that there are few rows of a class.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        At least two.
    codes : ndarray of int, of shape (n_samples,)
    """
    name = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{name} requires y to be passed, but the target y is None: {purpose}."
        )
    y = read_labels(y)
    with warnings.catch_warnings():
        if many:  # scikit-learn suspects a regression where classes have few rows
            warnings.filterwarnings(
                "ignore", "The number of unique classes", UserWarning
            )
        check_classification_targets(y)
    check_consistent_length(X, y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs at least two classes to tell apart, but y has 1 class: "
            f"{first_names(classes)}."
        )
    return classes, codes


def read_labels(y, name="y"):
    """Labels as an array of numbers or of strings; raise if one is None or NaN.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    name : str, default="y"
        For messages.
    """
    if not hasattr(y, "dtype"):  # an array of strings would spell a missing one
        y = np.asarray(y, dtype=object)
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name=name)
    if y.dtype != object:
        return y
    for row, label in enumerate(y):
        if is_missing(label):
            raise ValueError(
                f"Row {row} of {name} is missing ({label!r}); leave out the rows "
                "without a label."
            )
    is_text = [isinstance(label, str) for label in y]
    if any(is_text) and not all(is_text):
        raise ValueError(
            f"{name} has labels of several types, such as "
            f"{y[is_text.index(True)]!r} and {y[is_text.index(False)]!r}, which cannot "
            "be compared; use one type for all."
        )
    return np.asarray(y.tolist()) if len(y) else y


def first_names(classes):
    """The first classes, quoted, for a message."""
    names = ", ".join(map(repr, classes[:5].tolist()))
    return names if len(classes) <= 5 else f"{names}, ... {len(classes)} in all"
