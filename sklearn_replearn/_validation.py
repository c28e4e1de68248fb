"""Checks of input and parameters that several families share."""

import numbers
import warnings
from collections.abc import Mapping, Set
from contextlib import contextmanager
from copy import copy
from itertools import chain

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import (
    check_array,
    check_consistent_length,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_is_fitted

from sklearn_replearn._containers import row_count, take_rows
from sklearn_replearn._warnings import warn


def available_components(n_components, limit, reason):
    """The number of components that the data allow, with a warning if it is lower.

    Parameters
    ----------
    n_components : int
        The number asked for.
    limit : int
        The largest possible number.
    reason : str
        What sets the limit, for the message.
    """
    if n_components <= limit:
        return n_components
    warn(
        f"n_components={n_components} is more than the {limit} that the data allow "
        f"({reason}); {limit} are kept.",
    )
    return limit


def as_seed(random_state):
    """An int for engines with generators of their own: `random_state`, or drawn."""
    if isinstance(random_state, numbers.Integral):
        return random_state
    return check_random_state(random_state).randint(np.iinfo(np.int32).max)


@contextmanager
def unchanged_by_errors(estimator):
    """Give an estimator the attributes back that it had, if a fit comes to nothing."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:  # Ctrl-C, too
        estimator.__dict__ = before
        raise


def drop_fitted(estimator):
    """Remove what a former fit has left: the attributes whose names end with "_"."""
    parameters = estimator.get_params(deep=False)
    for name in list(vars(estimator)):
        if name.endswith("_") and name not in parameters:
            delattr(estimator, name)


def is_fitted(estimator):
    """Whether an estimator is fitted, and each step of a pipeline, not only its last.

    A step without a state, such as a Normalizer, counts as fitted.
    """
    if isinstance(estimator, FrozenEstimator):
        return is_fitted(estimator.estimator)
    steps = []
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps]
    elif isinstance(estimator, FeatureUnion):
        steps = [step for _, step in estimator.transformer_list]
    if steps:
        steps = [step for step in steps if step not in (None, "passthrough", "drop")]
        return all(map(is_fitted, steps))
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def take_feature_names(estimator, inner):
    """Let an estimator have the number and names of the features that another has."""
    for name in ("n_features_in_", "feature_names_in_"):
        vars(estimator).pop(name, None)
        if hasattr(inner, name):
            setattr(estimator, name, getattr(inner, name))


def clone_sharing(estimator, *names):
    """A clone of an estimator with the values of some parameters, and not copies.

    For parameters that are large and that nothing changes.
    """
    bare = copy(estimator)
    for name in names:
        setattr(bare, name, None)
    twin = BaseEstimator.__sklearn_clone__(bare)
    for name in names:
        setattr(twin, name, getattr(estimator, name))
    return twin


def check_count(name, value, least=1):
    """Raise a ValueError unless a value is a whole number, and large enough."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ValueError(
            f"{name} must be an integer of at least {least}; got {value!r}."
        )


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
        if many:
            warnings.filterwarnings(
                "ignore", "The number of unique classes", UserWarning
            )
        check_classification_targets(y)
    check_consistent_length(X, y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs at least two classes to tell apart, but y has 1 class: "
            f"{few(classes)}."
        )
    return classes, codes


def codes_of(X, y, classes):
    """Codes of the labels of validation data, by the classes of `read_classes`.

    Parameters
    ----------
    X : array-like
        Must have as many rows as y.
    y : array-like of shape (n_samples,)
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    codes : ndarray of int, of shape (n_samples,)
    """
    y = read_labels(y, "y_val")
    check_consistent_length(X, y)
    known = {name: code for code, name in enumerate(classes.tolist())}
    codes = np.array([known.get(label, -1) for label in y.tolist()], dtype=np.int64)
    if len(codes) and codes.min() < 0:
        label = y[codes.argmin()].item()
        raise ValueError(
            f"y_val has the class {label!r}, which y does not have ({few(classes)})."
        )
    return codes


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


def read_weights(sample_weight, n_samples, name="sample_weight"):
    """Weights of samples as an array, none negative and not all zero.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), or a number for all
    n_samples : int
    name : str, default="sample_weight"
        For messages.

    Returns
    -------
    weights : ndarray of float64, of shape (n_samples,)
        Those given over a power of 2, so that they are at most 1.
    """
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name=name
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            f"{name} has shape {weights.shape}, but there are {n_samples} samples; "
            "pass one weight for each."
        )
    if weights.min() < 0:
        row = int(weights.argmin())
        raise ValueError(
            f"{name} is {weights[row]:g} for row {row}; weights must be at least 0."
        )
    if not weights.any():
        raise ValueError(f"{name} is zero for all samples; give some more weight.")
    return np.ldexp(weights, -np.frexp(weights.max())[1])


def leave_out_weightless(X, y, sample_weight, name="sample_weight"):
    """X and y without the samples whose weight is 0, and the weights of the others.

    Parameters
    ----------
    X, y : array-likes with n_samples rows
    sample_weight : array-like of shape (n_samples,), or a number for all
    name : str, default="sample_weight"
        For messages.

    Returns
    -------
    X, y : array-likes
    weights : ndarray of float64, or None if all are equal
    """
    X, y = (
        data if data is None or hasattr(data, "__len__") else np.asarray(data)
        for data in (X, y)
    )
    weights = read_weights(sample_weight, row_count(X), name)
    if y is not None:
        check_consistent_length(X, y)
    if not weights.all():
        rows = np.flatnonzero(weights)
        X, weights = take_rows(X, rows), weights[rows]
        y = y if y is None else take_rows(y, rows)
    return X, y, None if weights.min() == weights.max() else weights


def few(classes):
    """The first classes, for a message."""
    names = ", ".join(map(repr, classes[:5].tolist()))
    return names if len(classes) <= 5 else f"{names}, ... {len(classes)} in all"


def check_documents(X):
    """List the documents of X, each a string or each a list of tokens.

    Parameters
    ----------
    X : iterable of str, or of sequences of str

    Returns
    -------
    documents : list
    tokenized : bool
        Whether the documents are lists of tokens.

    Raises
    ------
    ValueError
        If X is one string or a table, is empty, mixes strings and lists, or holds
        anything else; the message names the document.
    """
    documents, tokenized = stream_documents(X)
    return list(documents), tokenized


def stream_documents(X, *, check_tokens=True):
    """The documents of X one by one, and whether they are lists of tokens.

    As :func:`check_documents`, but nothing is kept: each document is checked when its
    turn comes. With ``check_tokens=False`` the caller sees to it that every token is a
    string, and says so by :func:`bad_token`.
    """
    if isinstance(X, str | bytes):
        raise ValueError(
            "X is a single string, but a list of documents is expected; pass [X] for "
            "one document."
        )
    if isinstance(X, Mapping | Set):
        raise ValueError(
            f"X is a {type(X).__name__}, but a list of documents is expected; pass "
            "the texts in it alone, such as X['data']."
        )
    if sparse.issparse(X):
        raise ValueError(
            "X is a matrix of numbers, but raw texts are expected: they are split and "
            "weighed here; leave out the vectorizer before this step."
        )
    if hasattr(X, "columns") or getattr(X, "ndim", 1) != 1:
        raise ValueError(
            f"X has shape {np.shape(X)}, but documents form a single column; pass that "
            "column alone, such as X['text'] (in a ColumnTransformer 'text', not "
            "['text'])."
        )
    try:
        documents = iter(X)
    except TypeError:
        raise ValueError(
            f"X is of type {type(X).__name__}, but a list of documents is expected; "
            "pass strings or lists of tokens."
        ) from None
    try:
        first = next(documents)
    except StopIteration:
        raise ValueError("X holds no documents; at least one is needed.") from None
    tokenized = not isinstance(first, str)
    documents = chain([first], documents)
    return _checked_documents(documents, tokenized, check_tokens), tokenized


def _checked_documents(documents, tokenized, check_tokens):
    needs_no_check = str if not tokenized else None if check_tokens else list
    for position, document in enumerate(documents):
        if type(document) is needs_no_check:
            yield document
            continue
        if isinstance(document, str):
            if tokenized:
                raise ValueError(_mixed_documents(position, "string", "list of tokens"))
            yield document
            continue
        # numpy arrays, and the rows of pandas and polars columns of lists
        tokens = document.tolist() if hasattr(document, "tolist") else document
        tokens = tokens.to_list() if hasattr(tokens, "to_list") else tokens
        if not isinstance(tokens, list | tuple):
            raise ValueError(_not_a_document(position, document))
        if not tokenized:
            raise ValueError(_mixed_documents(position, "list of tokens", "string"))
        if check_tokens and set(map(type, tokens)) - {str}:  # rare: look closer
            for token in tokens:
                if not isinstance(token, str):
                    raise bad_token(position, token)
        yield tokens


def bad_token(position, token):
    """The error that a token of the document at a position is not a string."""
    return ValueError(
        f"Document {position} holds the token {token!r}, which is not a string."
    )


def _mixed_documents(position, kind, first_kind):
    return (
        f"Document {position} is a {kind}, but document 0 is a {first_kind}; all "
        "documents must be strings, or all lists of tokens."
    )


def _not_a_document(position, document):
    what = f"of type {type(document).__name__}"
    mend = "pass strings or lists of tokens"
    if isinstance(document, bytes):
        what, mend = "bytes", "decode it to a string"
    elif is_missing(document):
        what, mend = f"missing ({document!r})", "drop it, or pass '' for a zero row"
    elif isinstance(document, numbers.Number):
        what, mend = f"a number ({document!r})", "pass str(number) if it is a word"
    return f"Document {position} is {what}, but a document is text; {mend}."


def is_missing(value):
    """None, NaN of any float type, and what pandas has for missing values."""
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")
