"""Every case of the catalogue: one message, and a fitted estimator loses nothing."""

import ast
import traceback
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sklearn
from bad_input import CASES, evaluate, outcome
from registry import INSTANCES
from scipy.sparse import issparse
from sklearn.base import clone

import sklearn_replearn
from sklearn_replearn.utils.estimator_checks import make_check_data

PACKAGES = [Path(package.__file__).parent for package in (sklearn_replearn, sklearn)]
ALL = [
    pytest.param(expression, expected, id=f"{family}: {description}")
    for family, cases in CASES.items()
    for description, expression, expected in cases
]


def refused_calls(*, of_fit):
    """The syntax trees of calls that raise: of a fit, or of a fitted estimator."""
    calls = []
    for case in ALL:
        expression, expected = case.values
        call = ast.parse(expression, mode="eval").body
        if (
            expected is not None
            and not issubclass(expected, Warning)
            and isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and (call.func.attr in ("fit", "fit_transform")) == of_fit
            and (of_fit or isinstance(call.func.value.func, ast.Attribute))
        ):
            calls.append(pytest.param(call, expected, id=case.id))
    return calls


def embed(estimator, X):
    method = getattr(estimator, "transform", None) or estimator.predict
    output = method(X)
    return output.toarray() if issparse(output) else output


@cache
def fitted(name):
    """The fitted instance of the registry, and rows for it."""
    data = make_check_data(INSTANCES[name])
    return clone(INSTANCES[name]).fit(data.X, data.y), data.rows


def refuse(method, call, expected):
    """Call a method with the arguments of a case, which it refuses."""
    call = ast.Call(ast.Name("method"), call.args, call.keywords)
    with pytest.raises(expected):
        evaluate(ast.unparse(call), method=method)


@pytest.mark.parametrize(("expression", "expected"), ALL)
def test_one_message(expression, expected):
    messages, _ = outcome(expression)
    assert len(messages) == (expected is not None)
    for message in messages:
        assert isinstance(message, expected)
        assert str(message).strip()
        if not isinstance(message, Warning):
            # Not by an engine, which knows neither the input's name nor the mend.
            raised_in = Path(traceback.extract_tb(message.__traceback__)[-1].filename)
            assert any(raised_in.is_relative_to(package) for package in PACKAGES)


@pytest.mark.parametrize(("call", "expected"), refused_calls(of_fit=True))
def test_a_refused_fit_leaves_a_fitted_estimator_as_it_was(call, expected):
    configured = evaluate(ast.unparse(call.func.value))
    estimator, rows = deepcopy(fitted(type(configured).__name__))
    parameters = estimator.get_params(deep=False)
    before = embed(estimator, rows)
    estimator.set_params(**configured.get_params(deep=False))
    refuse(getattr(estimator, call.func.attr), call, expected)
    estimator.set_params(**parameters)
    np.testing.assert_array_equal(embed(estimator, rows), before)


@pytest.mark.parametrize(("call", "expected"), refused_calls(of_fit=False))
def test_a_refused_call_leaves_a_fitted_estimator_as_it_was(call, expected):
    fit = call.func.value
    estimator, rows = map(evaluate, map(ast.unparse, (fit, fit.args[0])))
    before = embed(estimator, rows)

    def method(*args, **options):  # `predict` may be missing without classes
        return getattr(estimator, call.func.attr)(*args, **options)

    refuse(method, call, expected)
    np.testing.assert_array_equal(embed(estimator, rows), before)
