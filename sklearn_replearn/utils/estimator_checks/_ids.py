"""Ids of nodes: every column counts, and unknown ids are told."""

import numpy as np
from sklearn.base import clone

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    dense,
    differ,
    fingerprint,
    fitted_once,
    installed,
)
from sklearn_replearn.utils.estimator_checks._input import as_frame


def check_each_column_counts(estimator, data):
    """Another id in any one column gives another vector."""
    fitted = fitted_once(estimator, data)
    whole = dense(fitted.transform(data.rows))
    for column in range(data.rows.shape[1]):
        rows = data.rows.copy()
        rows[:, column] = np.roll(rows[:, column], 1)
        assert differ(fitted.transform(rows), whole), (
            f"Other ids in column {column} change nothing."
        )


def check_containers_of_ids(estimator, data):
    """Lists of rows, and columns of pandas' categories, give what arrays give."""
    expected = fitted_once(estimator, data).transform(data.rows)
    forms = {"Lists of rows": np.ndarray.tolist}
    if installed("pandas"):
        forms["Categories"] = lambda X: as_frame(X, "pandas").astype("category")
    for what, convert in forms.items():
        fitted = clone(estimator).fit(convert(data.X), data.y)
        found = fitted.transform(convert(data.rows))
        assert_same(found, expected, f"{what} differ from an array of ids")


def check_handle_unknown(estimator, data):
    """An unknown id raises, or has zeros or the mean, as `handle_unknown` says.

    For estimators with this parameter.
    """
    if "handle_unknown" not in estimator.get_params(deep=False):
        return
    rows = data.rows[:3].copy()
    rows[1] = "no node"
    for option in ("zero", "mean"):
        fitted = fitted_once(clone(estimator).set_params(handle_unknown=option), data)
        known, Z = (dense(fitted.transform(part)) for part in (data.rows[:3], rows))
        others = "Other rows differ where there is an unknown id"
        assert_same(Z[[0, 2]], known[[0, 2]], others)
        assert np.isfinite(Z).all(), "Unknown ids gave NaN or infinity."
        assert option != "zero" or not Z[1].any(), (
            "With handle_unknown='zero' a row of unknown ids is not zero."
        )
    fitted = fitted_once(clone(estimator).set_params(handle_unknown="error"), data)
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
    before = fingerprint(graph)
    cloned = clone(estimator)
    if graph is not None:
        assert cloned.graph is graph, "A clone copies the graph."
    cloned.fit(data.X, data.y)
    assert fingerprint(graph) == before, "fit changed the graph."
