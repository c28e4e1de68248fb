"""A fit leaves nothing behind for the next one."""

import numpy as np
import pytest
from registry import EFFECTS, INSTANCES
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from skorch import NeuralNet
from torch import nn

from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.metric_learning import PairClassifier, SupConTransformer
from sklearn_replearn.utils.estimator_checks import make_check_data


def state(estimator):
    """What is not a parameter."""
    parameters = estimator.get_params(deep=False)
    return {
        name: value for name, value in vars(estimator).items() if name not in parameters
    }


def assert_alike(found, expected, name):
    """The same attributes with the same values, up to rounding."""
    assert type(found) is type(expected), name
    if isinstance(expected, NeuralNet):
        found, expected = (net.module_.state_dict() for net in (found, expected))
        found, expected = dict(found), dict(expected)
    elif isinstance(expected, BaseEstimator):
        found, expected = state(found), state(expected)
    if isinstance(expected, dict):
        assert sorted(map(str, found)) == sorted(map(str, expected)), name
        for key, value in expected.items():
            assert_alike(found[key], value, f"{name}.{key}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), name
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other, name)
    elif issparse(expected):
        assert_alike(found.toarray(), expected.toarray(), name)
    elif isinstance(expected, str | bool | int | type(None)):
        assert found == expected, name
    elif isinstance(expected, float) or hasattr(expected, "__array__"):
        found, expected = np.asarray(found), np.asarray(expected)
        assert found.dtype == expected.dtype, name
        assert found.shape == expected.shape, name
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        elif expected.dtype != object:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of parameters beyond the data
@pytest.mark.parametrize("name", INSTANCES)
def test_fits_with_other_parameters_leave_nothing(name):
    estimator, data = INSTANCES[name], make_check_data(INSTANCES[name])
    again = clone(estimator)
    for parameter, effects in EFFECTS[name].items():
        if isinstance(effects, str):  # those of an estimator with the same code
            effects = EFFECTS[effects][parameter]
        for effect in effects:
            other = effect.data or data
            again.set_params(**clone(estimator).get_params(deep=False))
            again.set_params(**{**effect.given, parameter: effect.value})
            again.fit(other.X, other.y)
    again.set_params(**clone(estimator).get_params(deep=False)).fit(data.X, data.y)
    fresh = clone(estimator).fit(data.X, data.y)
    assert_alike(state(again), state(fresh), name)


@pytest.mark.parametrize("name", INSTANCES)
def test_names_of_columns_do_not_stay(name):
    pd = pytest.importorskip("pandas")
    estimator, data = clone(INSTANCES[name]), make_check_data(INSTANCES[name])
    if data.kind != "table":
        pytest.skip("takes no table of numbers")
    columns = [f"x{i}" for i in range(data.X.shape[1])]
    estimator.fit(pd.DataFrame(data.X, columns=columns), data.y)
    assert list(estimator.feature_names_in_) == columns
    assert not hasattr(estimator.fit(data.X, data.y), "feature_names_in_")


# ---------------------------------------------------------------------------
# Networks
# ---------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 6)), np.arange(40) % 2
QUICK = {"max_epochs": 2, "random_state": 0}


def refit(estimator, first, then):
    """An estimator fitted twice, and a fresh one fitted as it was the second time."""
    parameters, args = first
    estimator.set_params(**parameters).fit(*args)
    parameters, args = then
    estimator.set_params(**parameters).fit(*args)
    return estimator, clone(estimator).fit(*args)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_network_that_is_no_longer_tuned_has_no_classes(warm_start):
    extractor = PretrainedFeatureExtractor(nn.Flatten(), warm_start=warm_start, **QUICK)
    head = {"fine_tune": "head"}, (X, Y)
    as_it_is = {"fine_tune": "none"}, (X,)
    found, fresh = refit(extractor, head, as_it_is)
    assert_alike(state(found), state(fresh), "")
    assert not hasattr(found, "classes_")
    found, fresh = refit(extractor, as_it_is, head)
    assert_alike(state(found), state(fresh), "")


@pytest.mark.parametrize(
    ("estimator", "first", "then"),
    [
        (
            Autoencoder(2, hidden_layer_sizes=(4,), **QUICK),
            ({"early_stopping": True}, (X,)),
            ({"early_stopping": False}, (X,)),
        ),
        (Autoencoder(2, **QUICK), ({}, (X, None, X)), ({}, (X,))),
        (
            CNNFeatureExtractor(2, channels=(4,), **QUICK),
            ({"early_stopping": True}, (X, np.arange(40) % 4)),
            ({"early_stopping": False}, (X[:, :5], Y.astype(str))),
        ),
        (
            PairClassifier(2, **QUICK),
            ({"input": "rows"}, (X, np.arange(40) % 4)),
            ({"input": "pairs"}, (X.reshape(20, 2, 6), 2 * Y[:20] - 1)),
        ),
        (
            SupConTransformer(2, **QUICK),
            ({"warm_start": True}, (X, Y)),
            ({"warm_start": False}, (X, Y)),
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_a_refit_is_a_fresh_fit(estimator, first, then):
    found, fresh = refit(clone(estimator), first, then)
    assert_alike(state(found), state(fresh), "")


def test_a_fit_that_fails_takes_nothing_away():
    model = CNNFeatureExtractor(2, channels=(4,), **QUICK).fit(X, Y)
    before = state(model).copy()
    for bad in (
        lambda: model.fit(np.full_like(X, np.nan), Y),
        lambda: model.fit(X, Y, X_val=X, y_val=Y + 5),
        lambda: model.set_params(lr=1e30).fit(1e30 * X, Y),
    ):
        with pytest.raises(ValueError, match=r"NaN|class|diverged"):
            bad()
        assert state(model) == before
