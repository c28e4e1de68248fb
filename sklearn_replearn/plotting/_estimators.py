"""What the displays ask of fitted estimators and of the data for them."""

from math import prod

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._containers import dense
from sklearn_replearn._fitted_state import thawed


def last_step(estimator):
    """The last transformer of a pipeline; any other estimator itself."""
    estimator = thawed(estimator)
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if hasattr(step, "transform")]
        return steps[-1] if steps else estimator
    return estimator


def last_step_with(estimator, attribute):
    """The last step of a pipeline that has an attribute, the estimator, or None."""
    estimator = thawed(estimator)
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if hasattr(step, attribute)]
        return steps[-1] if steps else None
    return estimator if hasattr(estimator, attribute) else None


def find_step(estimator, attribute, mend):
    """The last step that has a fitted attribute.

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    TypeError
        When it has no such attribute; the message ends with `mend`.
    """
    step = last_step_with(estimator, attribute)
    if step is None:
        check_is_fitted(estimator)
        raise TypeError(f"{type(estimator).__name__} has no {attribute}; {mend}")
    return step


def display_name(estimator, name):
    """The name given, or else the class name of the last transformer."""
    return type(last_step(estimator)).__name__ if name is None else name


def output_names(estimator, n_columns):
    """The transformer's own names, when it has one for each column."""
    try:
        names = [str(name) for name in estimator.get_feature_names_out()]
    except (AttributeError, ValueError):  # a step of a pipeline may have none
        return None
    return names if len(names) == n_columns else None


def input_names(estimator, X=None):
    """Names of the features: the columns of X, or else those seen in fit, or None."""
    names = getattr(X, "columns", None)
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def own_image_shape(estimator):
    """The image shape that the last step with one was given, or None."""
    return getattr(last_step_with(estimator, "image_shape"), "image_shape", None)


def fitted_image_shape(estimator):
    """Height, width and channels of the images that it was fitted on, or None."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    step = last_step_with(estimator, "image_shape_")
    shape = getattr(step, "image_shape_", ())
    is_of_input = len(shape) == 3 and prod(shape) == estimator.n_features_in_
    return shape if is_of_input else None


def require(estimator, *methods):
    """Raise a TypeError when the estimator lacks one of the methods."""
    for method in methods:
        if not hasattr(estimator, method):
            raise TypeError(
                f"{type(estimator).__name__} has no {method}; pass a transformer that "
                "can decode, such as an autoencoder or PCA, or a Pipeline of such steps"
            )


def require_transform(estimator, alternative):
    """Raise a TypeError when the estimator is no transformer."""
    if not hasattr(estimator, "transform"):
        raise TypeError(
            f"{type(estimator).__name__} has no transform; pass a transformer, "
            f"pipeline[:-1], search.best_estimator_, or the vectors to {alternative}"
        )


def encode(estimator, X):
    """Codes of the rows of X as a dense array."""
    return np.asarray(dense(estimator.transform(X)))


def decode(estimator, codes):
    """What codes stand for, as a dense array."""
    return np.asarray(dense(estimator.inverse_transform(codes)))


def reconstruct(estimator, X):
    """X through the code and back, by `reconstruct` where the estimator has it."""
    if hasattr(estimator, "reconstruct"):
        return np.asarray(dense(estimator.reconstruct(X)))
    require(estimator, "transform", "inverse_transform")
    return np.asarray(dense(estimator.inverse_transform(estimator.transform(X))))


def own_seed(random_state):
    """The random state given, or a seed that numpy's global generator knows not of."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    return random_state


def draw_rows(n_rows, n_drawn, random_state):
    """Numbers of rows drawn at random, in order."""
    rng = check_random_state(own_seed(random_state))
    return np.sort(rng.permutation(n_rows)[:n_drawn])
