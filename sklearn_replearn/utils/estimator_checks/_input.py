"""Containers and precisions of the input, and input that is refused."""

import tempfile
from importlib import import_module
from pathlib import Path

import joblib
import numpy as np
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    dense,
    fitted_once,
    installed,
)
from sklearn_replearn.utils.estimator_checks._data import length, take

SKLEARN_VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))


def check_input_unchanged(estimator, data):
    """Neither `fit` nor `transform` writes into its input; read-only input works."""
    X, rows = _read_only(data.X), _read_only(data.rows)
    before = joblib.hash([_content(part) for part in (X, data.y, rows)])
    fitted = clone(estimator).fit(X, data.y)
    fitted.transform(rows)
    after = joblib.hash([_content(part) for part in (X, data.y, rows)])
    assert after == before, "fit or transform changed X or y."
    assert_same(
        fitted.transform(rows),
        fitted_once(estimator, data).transform(data.rows),
        "Read-only input differs",
    )


def _read_only(X):
    if isinstance(X, np.ndarray):
        X = X.copy()
        X.flags.writeable = False
    elif sparse.issparse(X):
        X = X.copy()
        for part in (X.data, X.indices, X.indptr):
            part.flags.writeable = False
    return X


def _content(X):
    return (X.data, X.indices, X.indptr) if sparse.issparse(X) else X


def check_memory_mapped_input(estimator, data):
    """Memory-mapped arrays work as arrays in memory do."""
    with tempfile.TemporaryDirectory() as folder:
        mapped = []
        for name, X in (("X", data.X), ("rows", data.rows)):
            path = Path(folder) / name
            joblib.dump(X, path)
            mapped.append(joblib.load(path, mmap_mode="r"))
        fitted = clone(estimator).fit(mapped[0], data.y)
        Z = fitted.transform(mapped[1])
        assert_same(
            Z,
            fitted_once(estimator, data).transform(data.rows),
            "Memory-mapped input differs",
        )
        del mapped


def check_float_precision(estimator, data):
    """float32 input gives vectors near those of float64, in float32 if tagged so."""
    preserved = get_tags(estimator).transformer_tags.preserves_dtype
    outputs = {}
    for dtype in (np.float64, np.float32):
        if data.X.dtype == dtype:
            fitted = fitted_once(estimator, data)
        else:
            fitted = clone(estimator).fit(data.X.astype(dtype), data.y)
        Z = outputs[dtype] = dense(fitted.transform(data.rows.astype(dtype)))
        assert Z.dtype == dtype or np.dtype(dtype).name not in preserved, (
            f"{np.dtype(dtype)} rows gave {Z.dtype} vectors."
        )
    difference = np.abs(outputs[np.float32] - outputs[np.float64]).max()
    scale = np.abs(outputs[np.float64]).max()
    assert difference <= 1e-2 * scale, (
        f"float32 and float64 differ by {difference / scale:.1e} of the largest value."
    )


def check_integer_input(estimator, data):
    """Integers are read as the numbers they are, in single or double precision."""
    X, rows = np.rint(3 * data.X).astype(int), np.rint(3 * data.rows).astype(int)
    of_integers = dense(clone(estimator).fit(X, data.y).transform(rows))
    of_floats = clone(estimator).fit(X.astype(float), data.y)
    expected = dense(of_floats.transform(rows.astype(float)))
    dtype = of_integers.dtype if of_integers.dtype.kind == "f" else expected.dtype
    assert_same(
        of_integers.astype(dtype),
        expected.astype(dtype),
        "Integers differ from the same numbers as floats",
    )


def check_dataframe_input(estimator, data):
    """pandas and polars input gives what arrays and lists give, and keeps the index."""
    expected = fitted_once(estimator, data).transform(data.rows)
    for library in installed("pandas", "polars"):
        X, rows = (as_frame(part, library) for part in (data.X, data.rows))
        fitted = clone(estimator).fit(X, data.y)
        assert_same(fitted.transform(rows), expected, f"{library} input differs")
        # Before 1.7 scikit-learn keeps the index of a DataFrame only.
        indexed = library == "pandas" and not sparse.issparse(expected)
        if indexed and (data.kind != "text" or SKLEARN_VERSION >= (1, 7)):
            frame = fitted.set_output(transform="pandas").transform(rows)
            assert list(frame.index) == list(rows.index), (
                "The frame that set_output gives does not have the index of its input."
            )


def as_frame(X, library):
    """A table as a DataFrame, documents as a Series; in pandas with an index."""
    module = import_module(library)
    index = {"index": np.arange(length(X))[::-1]} if library == "pandas" else {}
    if isinstance(X, list):
        return module.Series(X, **index)
    columns = [f"feature {j}" for j in range(X.shape[1])]
    if X.dtype == object:  # ids: let each column find its type
        ids = dict(zip(columns, X.T.tolist(), strict=True))
        return module.DataFrame(ids, **index)
    if library == "pandas":
        return module.DataFrame(X, columns=columns, **index)
    return module.DataFrame(X, schema=columns)


def check_empty_input(estimator, data):
    """Input without rows raises a ValueError, in `fit` and in `transform`."""
    empty = take(data.X, [])
    fitted = fitted_once(estimator, data)
    for method, argument in (
        (lambda X: clone(estimator).fit(X, data.y[:0]), empty),
        (fitted.transform, take(data.rows, [])),
    ):
        try:
            method(argument)
        except ValueError as error:
            assert str(error), "Empty input raised a ValueError without a message."
        except Exception as error:
            raise AssertionError(
                f"Empty input raised {error!r} instead of a ValueError."
            ) from error
        else:
            raise AssertionError("Empty input was accepted.")


def check_unknown_input(estimator, data):
    """Rows of unknown things give finite vectors, or a ValueError that says which."""
    if data.unknown is None:
        return
    fitted = fitted_once(estimator, data)
    try:
        Z = dense(fitted.transform(data.unknown))
    except ValueError as error:
        assert str(error), "Unknown input raised a ValueError without a message."
        return
    except Exception as error:
        raise AssertionError(
            f"Unknown input raised {error!r} instead of a ValueError or finite rows."
        ) from error
    assert len(Z) == length(data.unknown), "Unknown rows were dropped."
    assert np.isfinite(Z).all(), "Unknown input gave NaN or infinity."


def check_invalid_numbers(estimator, data):
    """NaN and infinity raise a ValueError that names them."""
    if get_tags(estimator).input_tags.allow_nan:
        return
    fitted = fitted_once(estimator, data)
    for value in (np.nan, np.inf):
        X, rows = (_with_value(part, value) for part in (data.X, data.rows))
        for method, argument in (
            (lambda X: clone(estimator).fit(X, data.y), X),
            (fitted.transform, rows),
        ):
            try:
                method(argument)
            except ValueError as error:
                words = ("nan", "inf", "missing", "finite")
                assert any(word in str(error).lower() for word in words), (
                    f"Input with {value} raised a message that does not say so: {error}"
                )
            else:
                raise AssertionError(f"Input with {value} was accepted.")


def _with_value(X, value):
    X = X.copy()
    if sparse.issparse(X):
        X.data = X.data.astype(float)
        X.data[0] = value
    else:
        X[(1,) + (0,) * (X.ndim - 1)] = value
    return X


def check_width_mismatch(estimator, data):
    """Rows of another width than in `fit` raise a ValueError."""
    fitted = fitted_once(estimator, data)
    try:
        fitted.transform(
            data.rows[:, :-1] if sparse.issparse(data.rows) else data.rows[..., :-1]
        )
    except ValueError:
        return
    raise AssertionError("Rows with a column too few were accepted.")


def check_documents(estimator, data):
    """Strings and lists of tokens are told apart, and anything else is refused."""
    tokens = [document.split() for document in data.X]
    try:
        fitted = clone(estimator).fit(tokens, data.y)
    except ValueError as error:  # an estimator may take strings only, and say so
        assert str(error), "Lists of tokens raised a ValueError without a message."
    else:
        Z = dense(fitted.transform([document.split() for document in data.rows]))
        assert np.isfinite(Z).all(), "Lists of tokens gave NaN or infinity."
        known, nothing = dense(fitted.transform([tokens[0], []]))
        assert known.any(), "A training document given as tokens has a zero vector."
        assert not nothing.any(), "A document without words has no zero vector."
    empty = dense(fitted_once(estimator, data).transform([""]))
    assert not empty.any(), "An empty string has no zero vector."
    for wrong, what in (
        (data.X[0], "a bare string"),
        ([*data.X, None], "None among the documents"),
        ([*data.X, 3.5], "a number among the documents"),
        ([*data.X, b"bytes"], "bytes among the documents"),
        ([*data.X, ["token"]], "strings mixed with lists of tokens"),
    ):
        try:
            clone(estimator).fit(wrong, np.r_[data.y, data.y[:1]][: len(wrong)])
        except ValueError:
            continue
        raise AssertionError(f"fit accepted {what}.")
