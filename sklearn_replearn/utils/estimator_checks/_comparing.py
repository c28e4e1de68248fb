"""How the checks fit, and tell whether two results are the same."""

from collections import OrderedDict
from importlib.util import find_spec

import joblib
import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone


def fit_clone(estimator, data):
    """A fitted clone."""
    return clone(estimator).fit(data.X, data.y)


#: Fitted estimators that several checks read, the last used at the end.
_KEPT = OrderedDict()
N_KEPT = 16


def fitted_once(estimator, data):
    """A fitted clone that checks share: they call its methods, and change nothing."""
    try:
        parameters = joblib.hash(estimator.get_params(deep=False))
    except Exception:  # what cannot be hashed cannot be recognized
        return fit_clone(estimator, data)
    key = type(estimator), parameters, id(data)
    if key not in _KEPT:
        # The data are kept too, so that no others get their id.
        _KEPT[key] = fit_clone(estimator, data), data
    _KEPT.move_to_end(key)
    while len(_KEPT) > N_KEPT:
        _KEPT.popitem(last=False)
    return _KEPT[key][0]


def dense(Z):
    """Output as an ndarray, from any container."""
    if sparse.issparse(Z):
        return Z.toarray()
    if hasattr(Z, "to_numpy"):
        return Z.to_numpy()
    return np.asarray(Z)


def assert_same(actual, expected, message):
    """Of one dtype, equal to 1e-12 (float32: 1e-5) of the largest absolute value."""
    actual, expected = dense(actual), dense(expected)
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


def differ(a, b):
    """Whether two results differ by more than rounding."""
    try:
        assert_same(a, b, "")
    except AssertionError:
        return True
    return False


def fingerprint(value):
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


def installed(*libraries):
    return [library for library in libraries if find_spec(library)]
