"""The conformance suite: what every representation must do, whatever its input is.

scikit-learn's ``check_estimator`` feeds tables of numbers, and gives up on estimators
that take anything else: one that reads text or graphs gets a single check. This suite
feeds each estimator input of its own kind (tables, documents, images, adjacencies, ids
of nodes, pairs, or what the caller supplies) and checks the promises that a user
relies on.

A check is a function ``check_...(estimator, data)`` that raises ``AssertionError`` with
a sentence that says what went wrong. :func:`check_representation_estimator` runs all
that apply; :func:`parametrize_with_representation_checks` makes a pytest case of each.
"""

import inspect
import os
import pickle
import random
import re
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from numbers import Real
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags

from sklearn_replearn.graph import as_adjacency

__all__ = [
    "CheckData",
    "Effect",
    "check_representation_estimator",
    "make_check_data",
    "parametrize_with_representation_checks",
]

SKLEARN_VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))

#: Parameters that change how the work is done or shown, never its result.
EXEMPT_PARAMETERS = ("device", "memory", "n_jobs", "verbose")

#: Ids that no graph has, and missing ones.
UNKNOWN_IDS = np.array(
    [["no node", "nor this"], [None, None], [np.nan, np.nan]], dtype=object
)


@dataclass(frozen=True)
class CheckData:
    """Input of one kind for the checks.

    Attributes
    ----------
    kind : {"table", "text", "image", "graph", "ids", "pairs"} or str
        Decides which checks apply; another name gets those that fit any input.
    X : ndarray, sparse matrix or list
        What `fit` takes.
    y : ndarray of shape (n_samples,)
        Labels of X, at least two classes with ten members each.
    rows : ndarray, sparse matrix or list
        What `transform` takes, other rows than those of X; pairs for classifiers of
        pairs.
    unknown : object, default=None
        Rows in which nothing is known from `fit` (words never seen, a node without
        edges, ids that are no nodes): `transform` must give finite rows or a
        ValueError. ``None`` if there is no such thing.
    other : tuple (X, y), default=None
        Other input for `fit`. ``None`` makes it of X, backwards, without its last
        tenth.
    """

    kind: str
    X: Any
    y: np.ndarray
    rows: Any
    unknown: Any = None
    other: tuple | None = None

    def other_fit(self):
        """Another X and y for `fit`."""
        if self.other is not None:
            return self.other
        order = np.arange(_length(self.X))[::-1][: int(0.9 * _length(self.X))]
        if self.kind == "graph":
            return self.X[order][:, order], self.y[order]
        return take(self.X, order), self.y[order]


@dataclass(frozen=True)
class Effect:
    """A setting of one parameter that must change the result.

    Attributes
    ----------
    value : object
        The parameter's value; it must differ from the one that it replaces.
    given : dict, default={}
        Other parameters, under which the parameter acts.
    data : CheckData, default=None
        Input on which it acts; the estimator's usual check data if ``None``.
    observe : callable(fitted_estimator, data) -> object, default=None
        What must change; the output of `transform` on new rows if ``None``.
    """

    value: Any
    given: dict = field(default_factory=dict)
    data: CheckData | None = None
    observe: Callable | None = None


# ---------------------------------------------------------------------------
# Input
# ---------------------------------------------------------------------------


def make_check_data(estimator, *, n_samples=60, random_state=0):
    """Small input of the kind that an estimator's tags say it takes.

    The tags are read in this order: ``input="pairs"`` among the parameters makes
    labelled pairs; ``input_tags.pairwise`` an adjacency; ``input_tags.categorical``
    with ``string`` ids, those of the nodes of the estimator's `graph` if it has one,
    and without ``two_d_array`` pairs of them with the labels 0 and 1;
    ``input_tags.string`` documents; ``input_tags.three_d_array`` without
    ``two_d_array`` images; else a table.

    Parameters
    ----------
    estimator : estimator
    n_samples : int, default=60
        Number of training samples.
    random_state : int, default=0

    Returns
    -------
    data : CheckData
    """
    tags = get_tags(estimator).input_tags
    rng = np.random.default_rng(random_state)
    if getattr(estimator, "input", "rows") == "pairs":
        return _make_pairs(rng, n_samples, judged=is_classifier(estimator))
    if tags.pairwise:
        return _make_graph(rng, n_samples, dense=not tags.sparse)
    if tags.categorical and tags.string:
        ids = _ids_of_nodes(getattr(estimator, "graph", None))
        if not tags.two_d_array:
            return _make_pairs_of_ids(rng, n_samples, ids)
        return _make_ids(rng, n_samples, ids)
    if tags.string and not tags.two_d_array:
        return _make_text(rng, n_samples)
    if tags.three_d_array and not tags.two_d_array:
        return _make_images(rng, n_samples)
    return _make_table(rng, n_samples)


def _make_table(rng, n_samples, n_features=8):
    y = np.arange(n_samples + 20) % 3
    factors = rng.standard_normal((len(y), 3)) + 2 * np.eye(3)[y]
    X = factors @ rng.standard_normal((3, n_features))
    X += 0.5 * rng.standard_normal(X.shape)
    X = np.abs(X)  # fit for estimators that want positive input, too
    return CheckData("table", X[:-20], y[:-20], X[-20:])


def _make_text(rng, n_samples, n_words=120):
    words = np.array([_spell(i) for i in range(n_words)])
    y = np.arange(n_samples + 20) % 3
    frequencies = 1 / np.arange(1, n_words + 1)
    topics = [frequencies[rng.permutation(n_words)] for _ in range(3)]
    documents = [
        " ".join(
            rng.choice(
                words, size=rng.integers(8, 20), p=topics[topic] / topics[topic].sum()
            )
        )
        for topic in y
    ]
    return CheckData(
        "text", documents[:-20], y[:-20], documents[-20:], unknown=["zzzzz qqqqq", ""]
    )


def _spell(number):
    """A pronounceable word for a number."""
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    word = ""
    for _ in range(3):
        number, consonant = divmod(number, len(consonants))
        number, vowel = divmod(number, len(vowels))
        word += consonants[consonant] + vowels[vowel]
    return word


def _make_images(rng, n_samples, side=12):
    y = np.arange(n_samples + 20) % 3
    X = rng.uniform(0, 0.3, size=(len(y), side, side))
    for i, label in enumerate(y):
        start = rng.integers(0, side - 4)
        X[i, start : start + 2 + label, 2:-2] += 0.6
    return CheckData("image", X[:-20], y[:-20], X[-20:])


def _make_graph(rng, n_samples, *, dense):
    y = np.arange(n_samples) % 3
    chances = np.where(y[:, np.newaxis] == y, 0.4, 0.05)
    upper = np.triu(rng.uniform(size=chances.shape) < chances, 1)
    ring = np.eye(n_samples, k=3)  # no node without an edge
    A = sparse.csr_array(np.maximum(upper, ring) + np.maximum(upper, ring).T)
    isolated = sparse.csr_array((2, n_samples))
    if dense:
        A, isolated = A.toarray(), isolated.toarray()
    return CheckData("graph", A, y, A[: n_samples // 3], unknown=isolated)


def _make_pairs(rng, n_samples, *, judged):
    """Pairs for `fit`; other rows, or other pairs where it is pairs that are judged."""
    table = _make_table(rng, 2 * n_samples)
    first, second = table.X[:n_samples], table.X[rng.permutation(n_samples)]
    y = rng.permutation(n_samples) % 2
    second = np.where(y[:, np.newaxis] == 1, first + 0.1, second)
    rows = table.rows
    if judged:
        rows = np.stack([rows, np.roll(rows, 1, axis=0)], axis=1)
    return CheckData("pairs", np.stack([first, second], axis=1), y, rows)


def _ids_of_nodes(graph, n_ids=15):
    """Ids of one type: names of the nodes of a graph, or else words."""
    if graph is None:
        return np.array([_spell(i) for i in range(n_ids)], dtype=object)
    names = as_adjacency(graph)[1]
    for kind in (str, int):
        chosen = [name for name in names if type(name) is kind]
        if len(chosen) > 1:
            return np.array(chosen, dtype=object)
    return names


def _make_ids(rng, n_samples, ids):
    y = np.arange(n_samples + 20) % 3
    X = ids[rng.integers(len(ids), size=(len(y), 2))]
    return CheckData("ids", X[:-20], y[:-20], X[-20:], unknown=UNKNOWN_IDS)


def _make_pairs_of_ids(rng, n_samples, ids):
    """Pairs of ids in two groups, which are edges within a group more often.

    Every id is in some pairs of any third of the rows. No pair is repeated if there are
    enough ids, since an edge that is listed twice is a leak.
    """
    numbers = np.arange(n_samples + 20)
    distance = 1 + numbers // len(ids) % max((len(ids) - 1) // 2, 1)
    first = rng.permutation(len(ids))[numbers % len(ids)]
    second = (first + distance) % len(ids)
    chances = np.where(2 * first // len(ids) == 2 * second // len(ids), 0.9, 0.1)
    y = (rng.uniform(size=len(first)) < chances).astype(int)
    X = np.column_stack([ids[first], ids[second]])
    return CheckData("ids", X[:-20], y[:-20], X[-20:], unknown=UNKNOWN_IDS)


def take(X, rows):
    """The given rows of any input: array, sparse matrix, DataFrame or list."""
    if isinstance(X, list):
        return [X[row] for row in rows]
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows]


def _length(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)


# ---------------------------------------------------------------------------
# Helpers of the checks
# ---------------------------------------------------------------------------


def _fit(estimator, data):
    """A fitted clone."""
    return clone(estimator).fit(data.X, data.y)


def _dense(Z):
    """Output as an ndarray, from any container."""
    if sparse.issparse(Z):
        return Z.toarray()
    if hasattr(Z, "to_numpy"):
        return Z.to_numpy()
    return np.asarray(Z)


def _assert_same(actual, expected, message):
    """Of one dtype, equal to 1e-12 (float32: 1e-5) of the largest absolute value."""
    actual, expected = _dense(actual), _dense(expected)
    assert actual.dtype == expected.dtype, (
        f"{message}: the dtypes are {actual.dtype} and {expected.dtype}."
    )
    assert actual.shape == expected.shape, (
        f"{message}: the shapes are {actual.shape} and {expected.shape}."
    )
    if not actual.size or actual.dtype.kind not in "fc":
        assert np.array_equal(actual, expected), f"{message}."
        return
    tolerance = 1e-5 if actual.dtype == np.float32 else 1e-12
    scale = np.abs(expected).max() or 1.0
    difference = np.abs(actual - expected).max() / scale
    assert difference <= tolerance, (
        f"{message}: the outputs differ by {difference:.1e} of the largest value, more "
        f"than {tolerance:.0e}."
    )


def _fingerprint(value):
    """Something that changes when a parameter's value is changed in place."""
    if hasattr(value, "state_dict") and hasattr(value, "training"):  # a torch module
        state = {k: v.detach().cpu().numpy() for k, v in value.state_dict().items()}
        return joblib.hash((state, value.training))
    if isinstance(value, BaseEstimator):
        value = value.__getstate__()  # without what it keeps to save time
    try:
        return joblib.hash(value)
    except Exception:  # whatever cannot be pickled is told by its identity
        return id(value)


@contextmanager
def _global_generators():
    """Unlikely states in the global generators, restored afterwards.

    Yields a function that names those that have moved. A state that a seed of an
    earlier fit had left would hide that the next fit sets the same seed again.
    """
    # Imported, since an estimator may do so as late as in fit.
    torch = import_module("torch") if _installed("torch") else None
    saved = [random.getstate(), np.random.get_state()]
    saved_torch = torch.get_rng_state() if torch else None

    def states():
        found = {"random": random.getstate(), "numpy": np.random.get_state()}
        if torch:
            found["torch"] = torch.get_rng_state().numpy()
        return {name: joblib.hash(state) for name, state in found.items()}

    random.seed(987654321)
    np.random.seed(987654321)
    if torch:
        torch.manual_seed(987654321)
    before = states()
    try:
        yield lambda: [name for name in before if states()[name] != before[name]]
    finally:
        random.setstate(saved[0])
        np.random.set_state(saved[1])
        if torch:
            torch.set_rng_state(saved_torch)


def _seeded(estimator):
    """The estimator, with random_state=0 in place of None: fits are to be compared."""
    unseeded = estimator.get_params(deep=False).get("random_state", 0) is None
    return clone(estimator).set_params(random_state=0) if unseeded else estimator


def _with_seed(estimator, seed):
    has_seed = "random_state" in estimator.get_params(deep=False)
    return clone(estimator).set_params(**({"random_state": seed} if has_seed else {}))


# ---------------------------------------------------------------------------
# The checks
# ---------------------------------------------------------------------------


def check_init_only_assigns(estimator, data):
    """`__init__` stores its arguments, unchanged, and does nothing else."""
    cls = type(estimator)
    parameters = inspect.signature(cls.__init__).parameters.values()
    kinds = {p.kind for p in parameters}
    assert inspect.Parameter.VAR_KEYWORD not in kinds, (
        f"{cls.__name__}.__init__ takes **kwargs; spell every parameter out."
    )
    given = {
        name: object() for name in estimator.get_params(deep=False)
    }  # nothing can be done with these but to keep them
    try:
        made = cls(**given)
    except Exception as error:
        raise AssertionError(
            f"{cls.__name__}.__init__ does more than assign: it raised {error!r} when "
            "given plain objects."
        ) from error
    assert vars(made).keys() == given.keys(), (
        f"{cls.__name__}.__init__ sets {sorted(vars(made).keys() ^ given.keys())} "
        "beyond its parameters, or leaves them out."
    )
    for name, value in given.items():
        assert getattr(made, name) is value, (
            f"{cls.__name__}.__init__ changes the parameter {name!r}."
        )


def check_clone(estimator, data):
    """A clone has the same parameters, and nothing that was fitted."""
    fitted = _fit(estimator, data)
    copy = clone(fitted)
    original, cloned = (e.get_params(deep=False) for e in (fitted, copy))
    assert original.keys() == cloned.keys()
    for name in original:
        assert _fingerprint(original[name]) == _fingerprint(cloned[name]), (
            f"The clone's parameter {name!r} differs from the original's."
        )
    if not get_tags(estimator).requires_fit:
        return
    try:
        copy.transform(data.rows)
    except NotFittedError:
        return
    raise AssertionError("A clone of a fitted estimator transforms without fitting.")


def check_unfitted(estimator, data):
    """`transform` before `fit` raises NotFittedError."""
    if not get_tags(estimator).requires_fit:
        return
    for method in ("transform", "inverse_transform", "score", "predict"):
        if not hasattr(estimator, method):
            continue
        labels = (data.y[: _length(data.rows)],) if method == "score" else ()
        try:
            getattr(clone(estimator), method)(data.rows, *labels)
        except NotFittedError:
            continue
        except Exception as error:
            raise AssertionError(
                f"{method} of an unfitted estimator raised {error!r} instead of "
                "NotFittedError."
            ) from error
        raise AssertionError(f"{method} of an unfitted estimator did not raise.")


def check_clones_share_nothing(estimator, data):
    """Fitting one clone leaves every other as it was."""
    alone = _fit(estimator, data).transform(data.rows)
    first = _fit(estimator, data)
    second = clone(estimator).fit(*data.other_fit())
    other = second.transform(data.rows) if data.kind != "graph" else None
    _assert_same(first.transform(data.rows), alone, "Fitting one clone changed another")
    if other is not None:
        third = clone(first).fit(*data.other_fit())
        _assert_same(
            third.transform(data.rows), other, "A clone remembers an earlier fit"
        )


def check_output(estimator, data):
    """`transform` gives a finite float matrix with one row for each input row."""
    Z = _dense(_fit(estimator, data).transform(data.rows))
    assert Z.ndim == 2, f"The output has {Z.ndim} dimensions instead of 2."
    assert len(Z) == _length(data.rows), (
        f"{_length(data.rows)} rows went in, {len(Z)} came out."
    )
    assert Z.dtype.kind in "fiu", f"The output's dtype is {Z.dtype}."
    assert np.isfinite(Z).all(), "The output holds NaN or infinity."


def check_fit_returns_self(estimator, data):
    """`fit` returns the estimator, and sets no parameter."""
    fresh = clone(estimator)
    before = {k: _fingerprint(v) for k, v in fresh.get_params(deep=False).items()}
    assert fresh.fit(data.X, data.y) is fresh, "fit does not return self."
    fresh.transform(data.rows)
    after = {k: _fingerprint(v) for k, v in fresh.get_params(deep=False).items()}
    changed = sorted(name for name in before if before[name] != after[name])
    assert not changed, (
        f"fit or transform changed the values of the parameters {changed}; work on "
        "copies (clone an estimator, deep-copy a module)."
    )


def check_fit_transform_equals_transform(estimator, data):
    """`fit_transform(X)` is `fit(X).transform(X)`."""
    together = clone(estimator).fit_transform(data.X, data.y)
    apart = _fit(estimator, data).transform(data.X)
    _assert_same(together, apart, "fit_transform(X) is not fit(X).transform(X)")


def check_refit_is_identical(estimator, data):
    """Fitting again gives the same result, whatever was fitted in between."""
    fitted = _fit(estimator, data)
    first = fitted.transform(data.rows)
    second = fitted.fit(data.X, data.y).transform(data.rows)
    _assert_same(second, first, "A second fit on the same data differs")
    if not getattr(estimator, "warm_start", False):
        fitted.fit(*data.other_fit())
        third = fitted.fit(data.X, data.y).transform(data.rows)
        _assert_same(third, first, "fit depends on what was fitted before")


def check_transform_is_repeatable(estimator, data):
    """`transform` changes nothing: not the estimator, not its own next result."""
    fitted = _fit(estimator, data)
    before = {name: _fingerprint(value) for name, value in vars(fitted).items()}
    first = fitted.transform(data.rows)
    _assert_same(fitted.transform(data.rows), first, "A second transform differs")
    after = {name: _fingerprint(value) for name, value in vars(fitted).items()}
    changed = [name for name in after if after[name] != before.get(name)]
    assert not changed, f"transform sets the attributes {sorted(changed)}."


def check_subset_invariance(estimator, data):
    """A row's vector does not depend on the rows beside it."""
    fitted = _fit(estimator, data)
    whole = _dense(fitted.transform(data.rows))
    for rows in ([0], [1, 2, 3], list(range(_length(data.rows) // 2))):
        part = fitted.transform(take(data.rows, rows))
        _assert_same(part, whole[rows], f"{len(rows)} rows alone differ")


def check_order_invariance(estimator, data):
    """Rows in another order give the same vectors in that order."""
    fitted = _fit(estimator, data)
    order = np.random.default_rng(0).permutation(_length(data.rows))
    _assert_same(
        fitted.transform(take(data.rows, order)),
        _dense(fitted.transform(data.rows))[order],
        "The rows in another order differ",
    )


def check_chunk_invariance(estimator, data):
    """Transforming in chunks of any size gives what transforming at once gives."""
    fitted = _fit(estimator, data)
    whole = fitted.transform(data.rows)
    for size in (1, 7):
        starts = range(0, _length(data.rows), size)
        chunks = [
            take(data.rows, list(range(start, min(start + size, _length(data.rows)))))
            for start in starts
        ]
        parts = np.concatenate([_dense(fitted.transform(chunk)) for chunk in chunks])
        _assert_same(parts, whole, f"Chunks of {size} differ from the whole")


def check_input_unchanged(estimator, data):
    """Neither `fit` nor `transform` writes into its input; read-only input works."""
    X, rows = _read_only(data.X), _read_only(data.rows)
    before = joblib.hash([_content(part) for part in (X, data.y, rows)])
    fitted = clone(estimator).fit(X, data.y)
    fitted.transform(rows)
    after = joblib.hash([_content(part) for part in (X, data.y, rows)])
    assert after == before, "fit or transform changed X or y."
    _assert_same(
        fitted.transform(rows),
        _fit(estimator, data).transform(data.rows),
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
        _assert_same(
            Z, _fit(estimator, data).transform(data.rows), "Memory-mapped input differs"
        )
        del mapped


def check_float_precision(estimator, data):
    """float32 input gives vectors near those of float64, in float32 if tagged so."""
    preserved = get_tags(estimator).transformer_tags.preserves_dtype
    outputs = {}
    for dtype in (np.float64, np.float32):
        fitted = clone(estimator).fit(data.X.astype(dtype), data.y)
        Z = outputs[dtype] = _dense(fitted.transform(data.rows.astype(dtype)))
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
    of_integers = _dense(clone(estimator).fit(X, data.y).transform(rows))
    of_floats = clone(estimator).fit(X.astype(float), data.y)
    expected = _dense(of_floats.transform(rows.astype(float)))
    dtype = of_integers.dtype if of_integers.dtype.kind == "f" else expected.dtype
    _assert_same(
        of_integers.astype(dtype),
        expected.astype(dtype),
        "Integers differ from the same numbers as floats",
    )


def check_random_state(estimator, data):
    """A fixed random_state fixes the result; None draws from numpy's generator."""
    if "random_state" not in estimator.get_params(deep=False):
        return

    def result(seed, global_seed):
        np.random.seed(global_seed)
        return _fit(_with_seed(estimator, seed), data).transform(data.rows)

    with _global_generators():
        _assert_same(
            result(0, 0), result(0, 1), "With a fixed random_state two fits differ"
        )
        _assert_same(
            result(None, 0),
            result(None, 0),
            "random_state=None does not draw from numpy's generator",
        )
        if _differ(result(0, 0), result(1, 0)):
            assert _differ(result(None, 0), result(None, 1)), (
                "random_state=None gives the same result whatever the state of numpy's "
                "generator, like a fixed seed."
            )


def check_global_random_state_untouched(estimator, data):
    """The global random generators of Python, numpy and torch stay as they were."""
    estimator = _with_seed(estimator, 0)
    with _global_generators() as moved:
        estimator.fit(data.X, data.y).transform(data.rows)
        touched = moved()
    assert not touched, (
        "fit or transform moved the global random generator of "
        f"{' and '.join(touched)}."
    )


def check_invalid_parameters(estimator, data):
    """A value of a wrong type raises in `fit`, and the message names the parameter.

    For estimators that declare ``_parameter_constraints``.
    """
    constraints = getattr(estimator, "_parameter_constraints", {})
    for name in sorted(constraints.keys() & estimator.get_params(deep=False).keys()):
        if constraints[name] == "no_validation":
            continue
        wrong = clone(estimator).set_params(**{name: type("Wrong", (), {})()})
        try:
            wrong.fit(data.X, data.y)
        except (ValueError, TypeError) as error:
            assert name in str(error), (
                f"A wrong value of {name!r} raised a message that does not name it: "
                f"{error}"
            )
        except Exception as error:
            raise AssertionError(
                f"A wrong value of {name!r} raised {error!r} instead of a ValueError."
            ) from error
        else:
            raise AssertionError(f"A wrong value of {name!r} was accepted by fit.")


def check_parameters_are_read(estimator, data):
    """Every parameter is read somewhere: in `fit`, or in any method that runs.

    The names that the methods load are looked up in their compiled code, and what they
    read from the estimator while it fits and transforms is watched; a parameter that
    neither finds cannot change anything.
    """
    read = _names_in_methods(type(estimator))
    missing = set(estimator.get_params(deep=False)) - read - set(EXEMPT_PARAMETERS)
    if missing:
        missing -= _names_read_while_running(estimator, data)
    assert not missing, f"The parameters {sorted(missing)} are never read."


def _names_in_methods(cls):
    """Names that occur in the code of a class's methods, as they resolve in it."""
    names = set()
    bases = [base for base in cls.__mro__ if not _is_bookkeeping(base.__module__)]
    for method in set(dir(cls)) - {"__init__"}:
        for base in bases:
            code = getattr(
                inspect.unwrap(_function(vars(base).get(method))), "__code__", 0
            )
            if not code:
                continue
            found = _names_in_code(code)
            names |= found
            if "super" not in found:
                break
    return names


def _function(attribute):
    """The function behind a method, a property or a class method."""
    return getattr(attribute, "fget", None) or getattr(attribute, "__func__", attribute)


def _names_in_code(code):
    nested = [c for c in code.co_consts if inspect.iscode(c)]
    words = [c for c in code.co_consts if isinstance(c, str)]  # getattr(self, "name")
    return set(code.co_names).union(words, *map(_names_in_code, nested))


def _is_bookkeeping(module):
    """Whether scikit-learn handles all parameters alike in this module."""
    return module == "sklearn.base" or module.startswith(("sklearn.utils", "joblib"))


def _names_read_while_running(estimator, data):
    """Attributes read by anything but scikit-learn's handling of parameters."""
    parameters, names = set(estimator.get_params(deep=False)), set()

    class Watched(type(estimator)):
        def __getattribute__(self, name):
            reader = sys._getframe(1)
            if reader.f_code.co_name == "get_params":
                reader = reader.f_back  # who asked for all the parameters
            if not _is_bookkeeping(reader.f_globals.get("__name__", "")):
                names.update(parameters if name == "__dict__" else {name})
            return super().__getattribute__(name)

    watched = clone(estimator)
    watched.__class__ = Watched
    watched.fit(data.X, data.y)
    watched.transform(data.rows)
    return names


def _has_components(estimator, data):
    """Whether `n_components` is the width of the output: classes have another one."""
    judges_pairs = data.kind == "pairs" and is_classifier(estimator)
    return "n_components" in estimator.get_params(deep=False) and not judges_pairs


def check_n_components(estimator, data):
    """`n_components` changes the number of columns."""
    if not _has_components(estimator, data):
        return
    widths = [
        _dense(
            _fit(clone(estimator).set_params(n_components=n), data).transform(data.rows)
        ).shape[1]
        for n in (1, 2)
    ]
    assert widths[0] < widths[1], (
        f"n_components=1 and n_components=2 both give {widths[0]} columns."
    )


def check_more_components_than_possible(estimator, data):
    """Too large an n_components warns and keeps what the data allow, or is refused."""
    if not _has_components(estimator, data):
        return
    asked = 500
    many = clone(estimator).set_params(n_components=asked)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            many.fit(data.X, data.y)
        except ValueError as error:
            assert "n_components" in str(error), (
                f"n_components={asked} raised a message that does not name it: {error}"
            )
            return
        width = _dense(many.transform(data.rows)).shape[1]
    # A component may have several columns, the same number whatever n_components is.
    few = _fit(clone(estimator).set_params(n_components=2), data)
    n_columns = _dense(few.transform(data.rows)).shape[1]
    n_columns //= getattr(few, "n_components_", n_columns)
    kept = getattr(many, "n_components_", width)
    assert kept * n_columns == width, (
        f"n_components_ is {many.n_components_}, but the output has {width} columns"
        + (f" ({n_columns} for each component)." if n_columns > 1 else ".")
    )
    if kept < asked:
        messages = [str(w.message) for w in caught if w.category is UserWarning]
        assert any("n_components" in message for message in messages), (
            f"n_components={asked} gave {width} columns without a UserWarning."
        )
        assert hasattr(many, "n_components_"), (
            "The number of columns kept is not in n_components_."
        )


def check_feature_names(estimator, data):
    """`get_feature_names_out` gives one distinct name for each column."""
    fitted = _fit(estimator, data)
    names = fitted.get_feature_names_out()
    width = _dense(fitted.transform(data.rows)).shape[1]
    assert len(names) == width, f"There are {len(names)} names for {width} columns."
    assert names.dtype == object, "The names are not an array of dtype object."
    assert len(set(names)) == width, "The names repeat."


def check_set_output(estimator, data):
    """`set_output` gives pandas and polars frames with the same numbers and names."""
    fitted = _fit(estimator, data)
    expected = fitted.transform(data.rows)
    if sparse.issparse(expected):  # scikit-learn makes no frames of sparse output
        return
    for library in _installed("pandas", "polars"):
        fitted.set_output(transform=library)
        frames = [fitted.transform(data.rows)]
        if data.kind != "pairs":
            frames.append(clone(fitted).fit_transform(data.X, data.y))
        for frame in frames:
            assert type(frame).__module__.startswith(library), (
                f"set_output(transform={library!r}) gave a {type(frame)}."
            )
            assert list(frame.columns) == list(fitted.get_feature_names_out()), (
                f"The columns of the {library} frame are not get_feature_names_out()."
            )
        _assert_same(
            fitted.transform(data.rows), expected, f"The {library} frame differs"
        )


def _installed(*libraries):
    return [library for library in libraries if find_spec(library)]


def check_dataframe_input(estimator, data):
    """pandas and polars input gives what arrays and lists give, and keeps the index."""
    expected = _fit(estimator, data).transform(data.rows)
    for library in _installed("pandas", "polars"):
        X, rows = (_as_frame(part, library) for part in (data.X, data.rows))
        fitted = clone(estimator).fit(X, data.y)
        _assert_same(fitted.transform(rows), expected, f"{library} input differs")
        # Before 1.7 scikit-learn keeps the index of a DataFrame only.
        indexed = library == "pandas" and not sparse.issparse(expected)
        if indexed and (data.kind != "text" or SKLEARN_VERSION >= (1, 7)):
            frame = fitted.set_output(transform="pandas").transform(rows)
            assert list(frame.index) == list(rows.index), (
                "The frame that set_output gives does not have the index of its input."
            )


def _as_frame(X, library):
    """A table as a DataFrame, documents as a Series; in pandas with an index."""
    module = import_module(library)
    index = {"index": np.arange(_length(X))[::-1]} if library == "pandas" else {}
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
    fitted = _fit(estimator, data)
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
    fitted = _fit(estimator, data)
    try:
        Z = _dense(fitted.transform(data.unknown))
    except ValueError as error:
        assert str(error), "Unknown input raised a ValueError without a message."
        return
    except Exception as error:
        raise AssertionError(
            f"Unknown input raised {error!r} instead of a ValueError or finite rows."
        ) from error
    assert len(Z) == _length(data.unknown), "Unknown rows were dropped."
    assert np.isfinite(Z).all(), "Unknown input gave NaN or infinity."


def check_invalid_numbers(estimator, data):
    """NaN and infinity raise a ValueError that names them."""
    if get_tags(estimator).input_tags.allow_nan:
        return
    fitted = _fit(estimator, data)
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
    fitted = _fit(estimator, data)
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
        Z = _dense(fitted.transform([document.split() for document in data.rows]))
        assert np.isfinite(Z).all(), "Lists of tokens gave NaN or infinity."
        known, nothing = _dense(fitted.transform([tokens[0], []]))
        assert known.any(), "A training document given as tokens has a zero vector."
        assert not nothing.any(), "A document without words has no zero vector."
    empty = _dense(_fit(estimator, data).transform([""]))
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


def check_each_column_counts(estimator, data):
    """Another id in any one column gives another vector."""
    fitted = _fit(estimator, data)
    whole = _dense(fitted.transform(data.rows))
    for column in range(data.rows.shape[1]):
        rows = data.rows.copy()
        rows[:, column] = np.roll(rows[:, column], 1)
        assert _differ(fitted.transform(rows), whole), (
            f"Other ids in column {column} change nothing."
        )


def check_containers_of_ids(estimator, data):
    """Lists of rows, and columns of pandas' categories, give what arrays give."""
    expected = _fit(estimator, data).transform(data.rows)
    forms = {"Lists of rows": np.ndarray.tolist}
    if _installed("pandas"):
        forms["Categories"] = lambda X: _as_frame(X, "pandas").astype("category")
    for what, convert in forms.items():
        fitted = clone(estimator).fit(convert(data.X), data.y)
        found = fitted.transform(convert(data.rows))
        _assert_same(found, expected, f"{what} differ from an array of ids")


def check_handle_unknown(estimator, data):
    """An unknown id raises, or has zeros or the mean, as `handle_unknown` says.

    For estimators with this parameter.
    """
    if "handle_unknown" not in estimator.get_params(deep=False):
        return
    rows = data.rows[:3].copy()
    rows[1] = "no node"
    for option in ("zero", "mean"):
        fitted = _fit(clone(estimator).set_params(handle_unknown=option), data)
        known, Z = (_dense(fitted.transform(part)) for part in (data.rows[:3], rows))
        others = "Other rows differ where there is an unknown id"
        _assert_same(Z[[0, 2]], known[[0, 2]], others)
        assert np.isfinite(Z).all(), "Unknown ids gave NaN or infinity."
        assert option != "zero" or not Z[1].any(), (
            "With handle_unknown='zero' a row of unknown ids is not zero."
        )
    fitted = _fit(clone(estimator).set_params(handle_unknown="error"), data)
    try:
        fitted.transform(rows)
    except ValueError as error:
        assert "no node" in str(error), (
            f"The message does not say which id is unknown: {error}"
        )
    else:
        raise AssertionError("With handle_unknown='error' an unknown id was accepted.")


def check_graph_is_shared(estimator, data):
    """A clone has the same `graph`, not a copy, and `fit` does not change it."""
    graph = getattr(estimator, "graph", None)
    before = _fingerprint(graph)
    cloned = clone(estimator)
    if graph is not None:
        assert cloned.graph is graph, "A clone copies the graph."
    cloned.fit(data.X, data.y)
    assert _fingerprint(graph) == before, "fit changed the graph."


def _joblib_dumps(value):
    buffer = BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def check_fresh_process(estimator, data):
    """Pickle, joblib and cloudpickle give the same vectors in a fresh process."""
    fitted = _fit(estimator, data)
    expected = _dense(fitted.transform(data.rows))
    # A class of a notebook, or of a function, exists in no other process, where only
    # cloudpickle brings it along; its state has to pickle all the same.
    cls = type(fitted)
    by_name = cls.__module__ != "__main__" and "<locals>" not in cls.__qualname__
    dumps = {"pickle": pickle.dumps, "joblib": _joblib_dumps} if by_name else {}
    if _installed("cloudpickle"):
        import cloudpickle

        dumps["cloudpickle"] = cloudpickle.dumps
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        joblib.dump(data.rows, folder / "rows")
        try:
            pickle.dumps(vars(fitted))
            for name, dump in dumps.items():
                (folder / name).write_bytes(dump(fitted))
        except Exception as error:
            raise AssertionError(
                f"The fitted estimator does not pickle: {error}"
            ) from (error)
        program = """
            import pickle, sys
            from pathlib import Path
            import joblib, numpy as np
            folder = Path(sys.argv[1])
            rows = joblib.load(folder / "rows")
            for name in sys.argv[2:]:
                if name == "joblib":
                    estimator = joblib.load(folder / name)
                else:
                    estimator = pickle.loads((folder / name).read_bytes())
                Z = estimator.transform(rows)
                Z = Z.toarray() if hasattr(Z, "toarray") else np.asarray(Z)
                np.save(folder / f"{name}.npy", Z)
        """
        names = list(dumps)
        paths = [*sys.path, os.environ.get("PYTHONPATH", "")]
        outcome = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(folder), *names],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, (
            "The estimator does not load and transform in a fresh process:\n"
            f"{outcome.stderr}"
        )
        for name in names:
            _assert_same(
                np.load(folder / f"{name}.npy"),
                expected,
                f"After {name} into a fresh process the vectors differ",
            )


def check_pipeline_and_grid_search(estimator, data):
    """Works as a step of a Pipeline, under GridSearchCV with two processes."""
    if is_classifier(estimator):
        model, grid = clone(estimator), {}
    else:
        model = Pipeline([("embed", clone(estimator)), ("model", LogisticRegression())])
        grid = {"model__C": [0.1, 1.0]}
        if "n_components" in estimator.get_params(deep=False):
            grid = {"embed__n_components": [1, 2]}
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(data.X, data.y)
    assert len(search.predict(data.rows)) == _length(data.rows)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all(), (
        "A cross-validated score is not finite."
    )


def check_own_score(estimator, data):
    """`score`, where there is one, is a finite float by which a grid can choose."""
    if not hasattr(estimator, "score"):
        return
    score = _fit(estimator, data).score(data.X, data.y)
    assert isinstance(score, Real), f"score gave a {type(score)}."
    grid = {}
    if "n_components" in estimator.get_params(deep=False):
        grid = {"n_components": [1, 2]}
    search = GridSearchCV(clone(estimator), grid, cv=2, error_score="raise")
    search.fit(data.X, data.y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all(), (
        "A cross-validated score is not finite."
    )


def check_column_transformer_and_union(estimator, data):
    """Works on columns in a ColumnTransformer, and in a FeatureUnion."""
    union = FeatureUnion([("a", clone(estimator)), ("b", clone(estimator))])
    single = _dense(_fit(estimator, data).transform(data.rows))
    both = union.fit(data.X, data.y).transform(data.rows)
    if "random_state" not in estimator.get_params(deep=False) or (
        estimator.random_state is not None
    ):
        _assert_same(both, np.hstack([single, single]), "In a FeatureUnion it differs")
    if not _installed("pandas"):
        return
    import pandas as pd

    tables = []
    for part in (data.X, data.rows):
        columns = {"number": np.arange(_length(part), dtype=float)}
        if data.kind == "text":
            columns["text"] = part
        else:
            columns |= {f"f{j}": column for j, column in enumerate(np.asarray(part).T)}
        tables.append(pd.DataFrame(columns))
    chosen = "text" if data.kind == "text" else list(tables[0].columns[1:])
    transformer = ColumnTransformer(
        [("embed", clone(estimator), chosen)],
        remainder="passthrough",
        sparse_threshold=0,
    )
    Z = transformer.fit(tables[0], data.y).transform(tables[1])
    _assert_same(Z[:, :-1], single, "In a ColumnTransformer it differs")


def check_inverse_transform(estimator, data):
    """`inverse_transform` gives finite input of the shape that went in."""
    if not hasattr(estimator, "inverse_transform"):
        return
    fitted = _fit(estimator, data)
    back = _dense(fitted.inverse_transform(fitted.transform(data.rows)))
    assert back.shape == np.shape(data.rows), (
        f"Rows of shape {np.shape(data.rows)} came back with shape {back.shape}."
    )
    assert np.isfinite(back).all(), "inverse_transform gave NaN or infinity."


def check_parameter_effect(estimator, data, *, name, effect):
    """Setting the parameter changes the result of a fresh fit and of a refit."""
    data = effect.data or data
    observe = effect.observe or (lambda fitted, data: fitted.transform(data.rows))
    base = clone(estimator).set_params(**effect.given)
    assert not _equal(getattr(base, name), effect.value), (
        f"The stated effect of {name!r} sets it to the value that it has."
    )
    fitted = _fit(base, data)
    before = observe(fitted, data)
    fresh = _fit(clone(base).set_params(**{name: effect.value}), data)
    fitted.set_params(**{name: effect.value}).fit(data.X, data.y)
    for after, what in (
        (observe(fresh, data), ""),
        (observe(fitted, data), " of an estimator that is fitted again"),
    ):
        assert _differ(before, after), (
            f"Setting {name}={effect.value!r}{what} changes nothing beyond rounding"
            + (f" (given {effect.given})." if effect.given else ".")
        )


def check_parameters_have_effects(estimator, data, *, effects):
    """Every parameter has a stated condition under which it acts."""
    parameters = set(estimator.get_params(deep=False)) - set(EXEMPT_PARAMETERS)
    missing = sorted(parameters - {name for name in effects if effects[name]})
    assert not missing, f"No effect is stated for the parameters {missing}."
    stale = sorted(set(effects) - set(estimator.get_params(deep=False)))
    assert not stale, f"Effects are stated for {stale}, which are no parameters."


def _equal(a, b):
    return _fingerprint(a) == _fingerprint(b)


def _differ(a, b):
    """Whether two results differ by more than rounding."""
    try:
        _assert_same(a, b, "")
    except AssertionError:
        return True
    return False


# ---------------------------------------------------------------------------
# Running the checks
# ---------------------------------------------------------------------------

_ANY_INPUT = (
    check_init_only_assigns,
    check_clone,
    check_unfitted,
    check_clones_share_nothing,
    check_output,
    check_fit_returns_self,
    check_refit_is_identical,
    check_transform_is_repeatable,
    check_subset_invariance,
    check_order_invariance,
    check_chunk_invariance,
    check_input_unchanged,
    check_random_state,
    check_global_random_state_untouched,
    check_invalid_parameters,
    check_parameters_are_read,
    check_n_components,
    check_more_components_than_possible,
    check_feature_names,
    check_set_output,
    check_empty_input,
    check_unknown_input,
    check_fresh_process,
)
_ARRAYS = (
    check_memory_mapped_input,
    check_float_precision,
    check_invalid_numbers,
    check_width_mismatch,
)
# Labelled pairs go into fit, rows into transform: nothing that passes on one X fits.
_SAME_INPUT_IN_TRANSFORM = (
    check_fit_transform_equals_transform,
    check_pipeline_and_grid_search,
    check_own_score,
)

_CHECKS_OF_KIND = {
    "table": (
        *_ARRAYS,
        *_SAME_INPUT_IN_TRANSFORM,
        check_integer_input,
        check_dataframe_input,
        check_column_transformer_and_union,
        check_inverse_transform,
    ),
    "text": (
        *_SAME_INPUT_IN_TRANSFORM,
        check_documents,
        check_dataframe_input,
        check_column_transformer_and_union,
    ),
    "image": (*_ARRAYS, *_SAME_INPUT_IN_TRANSFORM, check_inverse_transform),
    "graph": (*_ARRAYS, *_SAME_INPUT_IN_TRANSFORM),
    "ids": (
        *_SAME_INPUT_IN_TRANSFORM,
        check_width_mismatch,
        check_dataframe_input,
        check_column_transformer_and_union,
        check_each_column_counts,
        check_containers_of_ids,
        check_handle_unknown,
        check_graph_is_shared,
    ),
    "pairs": _ARRAYS,
}


def _checks(estimator, data, parameter_effects):
    """Yield (name, check) for every check that applies."""
    for method in ("fit", "transform"):
        if not hasattr(estimator, method):
            raise TypeError(
                f"{type(estimator).__name__} has no {method}; the checks are for "
                "transformers."
            )
    checks = _CHECKS_OF_KIND.get(data.kind, _SAME_INPUT_IN_TRANSFORM)
    if data.kind == "pairs" and is_classifier(estimator):
        checks += _SAME_INPUT_IN_TRANSFORM
    for check in (*_ANY_INPUT, *checks):
        yield check.__name__, partial(check, data=data)
    if parameter_effects is None:
        return
    yield (
        "check_parameters_have_effects",
        partial(check_parameters_have_effects, data=data, effects=parameter_effects),
    )
    for name, effects in parameter_effects.items():
        for i, effect in enumerate(effects):
            number = f"[{i}]" if len(effects) > 1 else ""
            yield (
                f"check_parameter_effect:{name}{number}",
                partial(check_parameter_effect, data=data, name=name, effect=effect),
            )


def check_representation_estimator(
    estimator,
    *,
    data=None,
    parameter_effects=None,
    expected_failed_checks=None,
    on_fail="raise",
):
    """Check that an estimator keeps its word, whatever kind of input it takes.

    It complements scikit-learn's ``check_estimator``, which covers tables of numbers
    in more detail and nothing else.

    Parameters
    ----------
    estimator : estimator
        With `fit` and `transform`. Give it parameters that make `fit` quick. Its
        ``random_state``, if ``None``, is set to 0.
    data : CheckData, default=None
        Input for the checks; :func:`make_check_data` by default.
    parameter_effects : dict of str to list of Effect, default=None
        For each parameter (but those of `EXEMPT_PARAMETERS`) the settings that must
        change the result. A parameter that is missing, or that changes nothing, fails.
        ``None`` leaves this out.
    expected_failed_checks : dict of str to str, default=None
        Names of checks that are expected to fail, each with the reason. One that
        passes all the same is reported as failed.
    on_fail : {"raise", "warn"} or None, default="raise"
        Whether the first failure raises, each failure warns, or all are only returned.

    Returns
    -------
    results : list of dict
        One for each check: `check_name`, `status` ("passed", "failed" or "xfail"),
        `exception` (or None) and `reason` (of an expected failure).

    Raises
    ------
    AssertionError
        At the first failure, with ``on_fail="raise"``.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator, TransformerMixin
    >>> class Rounder(TransformerMixin, BaseEstimator):
    ...     def __init__(self, decimals="2"):
    ...         self.decimals = int(decimals)
    ...     def fit(self, X, y=None):
    ...         return self
    ...     def transform(self, X):
    ...         return X.round(self.decimals)
    >>> check_representation_estimator(Rounder())
    Traceback (most recent call last):
        ...
    AssertionError: Rounder.__init__ does more than assign: it raised TypeError(...
    """
    if on_fail not in ("raise", "warn", None):
        raise ValueError(f"on_fail must be 'raise', 'warn' or None, got {on_fail!r}.")
    expected = expected_failed_checks or {}
    estimator = _seeded(estimator)
    data = make_check_data(estimator) if data is None else data
    results = []
    for name, check in _checks(estimator, data, parameter_effects):
        status, exception = "passed", None
        try:
            check(estimator)
        except Exception as error:
            status, exception = "failed", error
        if name in expected:
            if status == "failed":
                status = "xfail"
            else:
                status = "failed"
                exception = AssertionError(f"{name} passes, but was expected to fail.")
        if status == "failed" and on_fail == "raise":
            raise exception
        if status == "failed" and on_fail == "warn":
            warnings.warn(f"{name} failed for {estimator!r}: {exception}", stacklevel=2)
        results.append(
            {
                "check_name": name,
                "status": status,
                "exception": exception,
                "reason": expected.get(name),
            }
        )
    _refuse_unknown(expected, [result["check_name"] for result in results])
    return results


def _refuse_unknown(expected_failed_checks, names):
    unknown = sorted(set(expected_failed_checks) - set(names))
    if unknown:
        raise ValueError(f"There are no checks of the names {unknown}.")


def parametrize_with_representation_checks(
    estimators, *, data=None, parameter_effects=None, expected_failed_checks=None
):
    """Decorator that makes one pytest case of each check of each estimator.

    Parameters
    ----------
    estimators : list of estimators
    data : callable(estimator) -> CheckData or None, default=None
        Input for an estimator; ``None``, or a result of ``None``, makes the usual one.
    parameter_effects : callable(estimator) -> dict or None, default=None
    expected_failed_checks : callable(estimator) -> dict or None, default=None
        As in :func:`check_representation_estimator`, for each estimator.

    Returns
    -------
    decorator : pytest.mark.parametrize

    Examples
    --------
    >>> from sklearn_replearn.decomposition import ScaledPCA
    >>> @parametrize_with_representation_checks([ScaledPCA(n_components=2)])
    ... def test_representation(estimator, check):
    ...     check(estimator)
    """
    import pytest

    def of(function, estimator):
        return None if function is None else function(estimator)

    cases = []
    for estimator in map(_seeded, estimators):
        input_data = of(data, estimator) or make_check_data(estimator)
        expected = of(expected_failed_checks, estimator) or {}
        checks = dict(_checks(estimator, input_data, of(parameter_effects, estimator)))
        _refuse_unknown(expected, checks)
        label = re.sub(r" at 0x[0-9a-f]+", "", repr(estimator))  # alike in each process
        for name, check in checks.items():
            marks = ()
            if name in expected:
                marks = pytest.mark.xfail(reason=expected[name], strict=True)
            cases.append(
                pytest.param(estimator, check, id=f"{label}-{name}", marks=marks)
            )
    return pytest.mark.parametrize(("estimator", "check"), cases)
