"""One cheap instance of every public estimator, and what each parameter changes.

A new estimator gets an entry in both, and with it all the checks of `test_common.py`.
"""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.text import LSA
from sklearn_replearn.utils.estimator_checks import CheckData, Effect, make_check_data

#: By class name, a configuration that fits in well under a second.
INSTANCES = {
    "LSA": LSA(n_components=3, random_state=0),
    "ScaledPCA": ScaledPCA(),
}


def _large_table():
    """A table on which a randomised solver is not exact."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((220, 100))
    return CheckData("table", X[:200], np.arange(200) % 2, X[200:])


def _steep_table():
    """A table whose singular values fall from 1 to 1e-12."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 7)) * 10.0 ** -np.arange(0, 14, 2)
    X = X @ rng.standard_normal((7, 7))
    return CheckData("table", X[:60], np.arange(60) % 2, X[60:])


LARGE_TABLE = _large_table()
STEEP_TABLE = _steep_table()
ONE_COORDINATE = {"n_components": 1, "normalize": False}
LARGE_CORPUS = make_check_data(LSA(), n_samples=150)

#: By class name, for each parameter the settings that must change the result.
EFFECTS = {
    "LSA": {
        "n_components": [Effect(2)],
        "vectorizer": [Effect(TfidfVectorizer(sublinear_tf=True))],
        "n_iter": [Effect(1, given=ONE_COORDINATE, data=LARGE_CORPUS)],
        "tol": [Effect(0.0, given=ONE_COORDINATE, data=LARGE_CORPUS)],
        "normalize": [Effect(False)],
        "random_state": [Effect(1, given=ONE_COORDINATE, data=LARGE_CORPUS)],
    },
    "ScaledPCA": {
        "n_components": [Effect(2), Effect(0.5)],
        "with_mean": [Effect(False)],
        "with_std": [Effect(False)],
        "whiten": [Effect(True)],
        "svd_solver": [
            Effect(
                "full",
                given={"n_components": 1, "svd_solver": "randomized"},
                data=LARGE_TABLE,
            ),
            Effect("randomized", given={"n_components": 1}, data=LARGE_TABLE),
            # Squaring loses the small singular values.
            Effect(
                "covariance_eigh",
                given={"with_std": False, "svd_solver": "full"},
                data=STEEP_TABLE,
                observe=lambda fitted, data: fitted.singular_values_,
            ),
        ],
        "random_state": [
            Effect(
                1,
                given={"n_components": 1, "svd_solver": "randomized"},
                data=LARGE_TABLE,
            )
        ],
    },
}
