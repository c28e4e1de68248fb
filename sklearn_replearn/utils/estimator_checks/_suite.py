"""Which checks apply to an estimator, and running them."""

import re
from functools import partial

from sklearn.base import is_classifier

from sklearn_replearn._warnings import warn
from sklearn_replearn.utils.estimator_checks import (
    _composition,
    _data,
    _fitting,
    _ids,
    _input,
    _invariance,
    _parameters,
    _randomness,
    _saving,
)

_ANY_INPUT = (
    _parameters.check_init_only_assigns,
    _parameters.check_clone,
    _fitting.check_unfitted,
    _fitting.check_clones_share_nothing,
    _invariance.check_output,
    _fitting.check_fit_returns_self,
    _fitting.check_refit_is_identical,
    _invariance.check_transform_is_repeatable,
    _invariance.check_subset_invariance,
    _invariance.check_order_invariance,
    _invariance.check_chunk_invariance,
    _input.check_input_unchanged,
    _randomness.check_random_state,
    _randomness.check_global_random_state_untouched,
    _parameters.check_invalid_parameters,
    _parameters.check_parameters_are_read,
    _parameters.check_n_components,
    _parameters.check_more_components_than_possible,
    _composition.check_feature_names,
    _composition.check_set_output,
    _input.check_empty_input,
    _input.check_unknown_input,
    _saving.check_fresh_process,
)


_ARRAYS = (
    _input.check_memory_mapped_input,
    _input.check_float_precision,
    _input.check_invalid_numbers,
    _input.check_width_mismatch,
)


# Labelled pairs go into fit, rows into transform: nothing that passes on one X fits.
_SAME_INPUT_IN_TRANSFORM = (
    _invariance.check_fit_transform_equals_transform,
    _composition.check_pipeline_and_grid_search,
    _composition.check_own_score,
)


_CHECKS_OF_KIND = {
    "table": (
        *_ARRAYS,
        *_SAME_INPUT_IN_TRANSFORM,
        _input.check_integer_input,
        _input.check_dataframe_input,
        _composition.check_column_transformer_and_union,
        _composition.check_inverse_transform,
    ),
    "text": (
        *_SAME_INPUT_IN_TRANSFORM,
        _input.check_documents,
        _input.check_dataframe_input,
        _composition.check_column_transformer_and_union,
    ),
    "image": (
        *_ARRAYS,
        *_SAME_INPUT_IN_TRANSFORM,
        _composition.check_inverse_transform,
    ),
    "graph": (*_ARRAYS, *_SAME_INPUT_IN_TRANSFORM),
    "ids": (
        *_SAME_INPUT_IN_TRANSFORM,
        _input.check_width_mismatch,
        _input.check_dataframe_input,
        _composition.check_column_transformer_and_union,
        _ids.check_each_column_counts,
        _ids.check_containers_of_ids,
        _ids.check_handle_unknown,
        _ids.check_graph_is_shared,
    ),
    "pairs": _ARRAYS,
}


def checks_of(estimator, data, parameter_effects):
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
        partial(
            _parameters.check_parameters_have_effects,
            data=data,
            effects=parameter_effects,
        ),
    )
    for name, effects in parameter_effects.items():
        for i, effect in enumerate(() if isinstance(effects, str) else effects):
            number = f"[{i}]" if len(effects) > 1 else ""
            yield (
                f"check_parameter_effect:{name}{number}",
                partial(
                    _parameters.check_parameter_effect,
                    data=data,
                    name=name,
                    effect=effect,
                ),
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
    parameter_effects : dict of str to list of Effect or str, default=None
        For each parameter (but those of `EXEMPT_PARAMETERS`) the settings that must
        change the result. A parameter that is missing, or that changes nothing, fails.
        A str says where else the parameter is tested, such as for another estimator
        that shares its code. ``None`` leaves all of this out.
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
    estimator = _randomness.seeded(estimator)
    data = _data.make_check_data(estimator) if data is None else data
    results = []
    for name, check in checks_of(estimator, data, parameter_effects):
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
            warn(f"{name} failed for {estimator!r}: {exception}")
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
    for estimator in map(_randomness.seeded, estimators):
        input_data = of(data, estimator) or _data.make_check_data(estimator)
        expected = of(expected_failed_checks, estimator) or {}
        checks = dict(
            checks_of(estimator, input_data, of(parameter_effects, estimator))
        )
        _refuse_unknown(expected, checks)
        label = re.sub(r" at 0x[0-9a-f]+", "", repr(estimator))  # alike in each process
        label = " ".join(label.split())
        for name, check in checks.items():
            marks = ()
            if name in expected:
                marks = pytest.mark.xfail(reason=expected[name], strict=True)
            cases.append(
                pytest.param(estimator, check, id=f"{label}-{name}", marks=marks)
            )
    return pytest.mark.parametrize(("estimator", "check"), cases)
