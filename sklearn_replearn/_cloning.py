"""Clones that share large parameters."""

from copy import copy

from sklearn.base import BaseEstimator


def clone_sharing(estimator, *names):
    """A clone of an estimator with the values of some parameters, and not copies.

    For parameters that are large and that nothing changes.
    """
    bare = copy(estimator)
    for name in names:
        setattr(bare, name, None)
    twin = BaseEstimator.__sklearn_clone__(bare)
    for name in names:
        setattr(twin, name, getattr(estimator, name))
    return twin
