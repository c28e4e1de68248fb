"""The fitted attributes of an estimator: kept, removed, looked for."""

from contextlib import contextmanager

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted


@contextmanager
def unchanged_by_errors(estimator):
    """Give an estimator the attributes back that it had, if a fit comes to nothing."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:  # Ctrl-C, too
        estimator.__dict__ = before
        raise


def drop_fitted(estimator):
    """Remove what a former fit has left: the attributes whose names end with "_"."""
    parameters = estimator.get_params(deep=False)
    for name in list(vars(estimator)):
        if name.endswith("_") and name not in parameters:
            delattr(estimator, name)


def thawed(estimator):
    """The estimator in a FrozenEstimator; any other itself."""
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    return estimator


def is_fitted(estimator):
    """Whether an estimator is fitted, and each step of a pipeline, not only its last.

    A step without a state, such as a Normalizer, counts as fitted.
    """
    estimator = thawed(estimator)
    steps = []
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps]
    elif isinstance(estimator, FeatureUnion):
        steps = [step for _, step in estimator.transformer_list]
    if steps:
        steps = [step for step in steps if step not in (None, "passthrough", "drop")]
        return all(map(is_fitted, steps))
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
