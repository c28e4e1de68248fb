"""`fit` depends on its arguments alone, and changes nothing else."""

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    fingerprint,
    fit_clone,
)
from sklearn_replearn.utils.estimator_checks._data import length


def check_unfitted(estimator, data):
    """`transform` before `fit` raises NotFittedError."""
    if not get_tags(estimator).requires_fit:
        return
    for method in ("transform", "inverse_transform", "score", "predict"):
        if not hasattr(estimator, method):
            continue
        labels = (data.y[: length(data.rows)],) if method == "score" else ()
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
    alone = fit_clone(estimator, data).transform(data.rows)
    first = fit_clone(estimator, data)
    second = clone(estimator).fit(*data.other_fit())
    other = second.transform(data.rows) if data.kind != "graph" else None
    assert_same(first.transform(data.rows), alone, "Fitting one clone changed another")
    if other is not None:
        third = clone(first).fit(*data.other_fit())
        assert_same(
            third.transform(data.rows), other, "A clone remembers an earlier fit"
        )


def check_fit_returns_self(estimator, data):
    """`fit` returns the estimator, and sets no parameter."""
    fresh = clone(estimator)
    before = {k: fingerprint(v) for k, v in fresh.get_params(deep=False).items()}
    assert fresh.fit(data.X, data.y) is fresh, "fit does not return self."
    fresh.transform(data.rows)
    after = {k: fingerprint(v) for k, v in fresh.get_params(deep=False).items()}
    changed = sorted(name for name in before if before[name] != after[name])
    assert not changed, (
        f"fit or transform changed the values of the parameters {changed}; work on "
        "copies (clone an estimator, deep-copy a module)."
    )


def check_refit_is_identical(estimator, data):
    """Fitting again gives the same result, whatever was fitted in between."""
    fitted = fit_clone(estimator, data)
    first = fitted.transform(data.rows)
    second = fitted.fit(data.X, data.y).transform(data.rows)
    assert_same(second, first, "A second fit on the same data differs")
    if not getattr(estimator, "warm_start", False):
        fitted.fit(*data.other_fit())
        third = fitted.fit(data.X, data.y).transform(data.rows)
        assert_same(third, first, "fit depends on what was fitted before")
