"""The same row gives the same vector, whatever is around it."""

import numpy as np
from sklearn.base import clone

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    dense,
    fingerprint,
    fit_clone,
    fitted_once,
)
from sklearn_replearn.utils.estimator_checks._data import length, take


def check_output(estimator, data):
    """`transform` gives a finite float matrix with one row for each input row."""
    Z = dense(fitted_once(estimator, data).transform(data.rows))
    assert Z.ndim == 2, f"The output has {Z.ndim} dimensions instead of 2."
    assert len(Z) == length(data.rows), (
        f"{length(data.rows)} rows went in, {len(Z)} came out."
    )
    assert Z.dtype.kind in "fiu", f"The output's dtype is {Z.dtype}."
    assert np.isfinite(Z).all(), "The output holds NaN or infinity."


def check_fit_transform_equals_transform(estimator, data):
    """`fit_transform(X)` is `fit(X).transform(X)`."""
    together = clone(estimator).fit_transform(data.X, data.y)
    apart = fitted_once(estimator, data).transform(data.X)
    assert_same(together, apart, "fit_transform(X) is not fit(X).transform(X)")


def check_transform_is_repeatable(estimator, data):
    """`transform` changes nothing: not the estimator, not its own next result."""
    fitted = fit_clone(estimator, data)
    before = {name: fingerprint(value) for name, value in vars(fitted).items()}
    first = fitted.transform(data.rows)
    assert_same(fitted.transform(data.rows), first, "A second transform differs")
    after = {name: fingerprint(value) for name, value in vars(fitted).items()}
    changed = [name for name in after if after[name] != before.get(name)]
    assert not changed, f"transform sets the attributes {sorted(changed)}."


def check_subset_invariance(estimator, data):
    """A row's vector does not depend on the rows beside it."""
    fitted = fitted_once(estimator, data)
    whole = dense(fitted.transform(data.rows))
    for rows in ([0], [1, 2, 3], list(range(length(data.rows) // 2))):
        part = fitted.transform(take(data.rows, rows))
        assert_same(part, whole[rows], f"{len(rows)} rows alone differ")


def check_order_invariance(estimator, data):
    """Rows in another order give the same vectors in that order."""
    fitted = fitted_once(estimator, data)
    order = np.random.default_rng(0).permutation(length(data.rows))
    assert_same(
        fitted.transform(take(data.rows, order)),
        dense(fitted.transform(data.rows))[order],
        "The rows in another order differ",
    )


def check_chunk_invariance(estimator, data):
    """Transforming in chunks of any size gives what transforming at once gives."""
    fitted = fitted_once(estimator, data)
    whole = fitted.transform(data.rows)
    for size in (1, 7):
        starts = range(0, length(data.rows), size)
        chunks = [
            take(data.rows, list(range(start, min(start + size, length(data.rows)))))
            for start in starts
        ]
        parts = np.concatenate([dense(fitted.transform(chunk)) for chunk in chunks])
        assert_same(parts, whole, f"Chunks of {size} differ from the whole")
