"""One seed gives one result; the global generators stay as they were."""

import random
from contextlib import contextmanager
from importlib import import_module

import joblib
import numpy as np
from sklearn.base import clone

from sklearn_replearn.utils.estimator_checks._comparing import (
    assert_same,
    differ,
    fit_clone,
    installed,
)


@contextmanager
def _global_generators():
    """Unlikely states in the global generators, restored afterwards.

    Yields a function that names those that have moved. A state that a seed of an
    earlier fit had left would hide that the next fit sets the same seed again.
    """
    # Imported, since an estimator may do so as late as in fit.
    torch = import_module("torch") if installed("torch") else None
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


def seeded(estimator):
    """The estimator, with random_state=0 in place of None: fits are to be compared."""
    unseeded = estimator.get_params(deep=False).get("random_state", 0) is None
    return clone(estimator).set_params(random_state=0) if unseeded else estimator


def _with_seed(estimator, seed):
    has_seed = "random_state" in estimator.get_params(deep=False)
    return clone(estimator).set_params(**({"random_state": seed} if has_seed else {}))


def check_random_state(estimator, data):
    """A fixed random_state fixes the result; None draws from numpy's generator."""
    if "random_state" not in estimator.get_params(deep=False):
        return

    def result(seed, global_seed):
        np.random.seed(global_seed)
        return fit_clone(_with_seed(estimator, seed), data).transform(data.rows)

    with _global_generators():
        fixed, drawn = result(0, 0), result(None, 0)
        assert_same(result(0, 1), fixed, "With a fixed random_state two fits differ")
        assert_same(
            result(None, 0),
            drawn,
            "random_state=None does not draw from numpy's generator",
        )
        if differ(result(1, 0), fixed):
            assert differ(result(None, 1), drawn), (
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
