"""Networks out of fitted estimators, as far as they have gradients."""

from copy import copy

import numpy as np
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._containers import dense
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.inspection._gradients import (
    BothClasses,
    Projection,
    Scaling,
    connect,
    output_shape,
)
from sklearn_replearn.metric_learning import PairClassifier, PairVerifier

_SCALERS = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)
_PROJECTIONS = (
    PCA,
    IncrementalPCA,
    TruncatedSVD,
    ScaledPCA,
    LinearDiscriminantAnalysis,
)
_OF_PAIRS = (PairClassifier, PairVerifier)
_ACCEPTED = (
    "networks (estimators with as_module, such as CNNFeatureExtractor or "
    "Autoencoder), scalers, PCA, ScaledPCA, TruncatedSVD, "
    "LinearDiscriminantAnalysis, and at the end a linear classifier"
)


def fitted_steps(estimator):
    """The steps of a fitted estimator: those of a Pipeline, or itself alone.

    A search stands for the best estimator that it has found, and a FrozenEstimator for
    the one that it freezes.

    Raises
    ------
    TypeError
        If a step takes pairs of rows.
    """
    if isinstance(estimator, FrozenEstimator):
        return fitted_steps(estimator.estimator)
    if hasattr(estimator, "best_estimator_"):
        return fitted_steps(estimator.best_estimator_)
    check_is_fitted(estimator)
    if isinstance(estimator, _OF_PAIRS):
        raise TypeError(
            f"{type(estimator).__name__} judges pairs, but inspection takes rows; "
            "inspect the transformer of rows instead, or compute gradients of a "
            "PairClassifier with its as_module()."
        )
    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
    return [part for step in steps for part in fitted_steps(step)]


def code_network(estimator, layer=None):
    """A module from rows to an estimator's code, or to what a layer gives.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
    layer : str, default=None
        A layer of the last step that is a network. ``None`` is for the output of the
        last step: the code of a transformer, or one column for each class of a linear
        classifier.

    Returns
    -------
    module : torch module

    Raises
    ------
    TypeError
        If a step has no gradients.
    ValueError
        If there is no such layer, or if its output has no gradients.
    """
    steps = fitted_steps(estimator)
    if layer is None:
        last = steps[-1]
        code = _as_module if hasattr(last, "transform") else _classifier_module
        modules = [*map(_as_module, steps[:-1]), code(last)]
        return _connected(modules, steps)
    networks = [i for i, step in enumerate(steps) if hasattr(step, "as_module")]
    if not networks:
        raise TypeError(
            f"{type(steps[-1]).__name__} has no layers (no as_module); leave "
            "layer=None."
        )
    steps = steps[: networks[-1] + 1]
    parts = [_as_module(step) for step in steps[:-1]]
    return _connected([*parts, steps[-1].as_module(layer)], steps, layer)


def class_network(estimator):
    """A module from rows to one column for each class, and the classes.

    Returns
    -------
    module : torch module
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    TypeError
        If the estimator tells no classes apart, or if a step has no gradients.
    """
    steps = fitted_steps(estimator)
    *before, last = steps
    if hasattr(last, "as_module") and hasattr(last, "classes_"):
        head = last.as_module("head")
    elif hasattr(last, "classes_"):
        head = _classifier_module(last)
    else:
        raise TypeError(
            f"{type(last).__name__} tells no classes apart; pass a classifier, such as "
            "CNNFeatureExtractor, or a Pipeline with a linear classifier at the end."
        )
    module = _connected([*map(_as_module, before), head], steps)
    return module, np.asarray(last.classes_)


def has_classes(estimator):
    """Whether an estimator tells classes apart."""
    return hasattr(fitted_steps(estimator)[-1], "classes_")


def n_values_of(estimator):
    """The number of values of a row, or None where the estimator does not tell."""
    return getattr(fitted_steps(estimator)[0], "n_features_in_", None)


def _connected(modules, steps, layer=None):
    module = connect(modules)
    _, has_gradients = output_shape(module, steps[0].n_features_in_)
    if not has_gradients:
        what = "codes" if layer is None else f"outputs of the layer {layer!r}"
        raise ValueError(
            f"The {what} of {type(steps[-1]).__name__} have no gradient (they may be "
            "whole numbers); take another layer before them."
        )
    return module


def _as_module(step):
    """A module that computes what the `transform` of a step computes."""
    if hasattr(step, "as_module"):
        return step.as_module()
    clips = isinstance(step, MinMaxScaler) and step.clip
    if isinstance(step, _SCALERS) and not clips:
        width = step.n_features_in_
        offset, one = _transform(step, np.stack([np.zeros(width), np.ones(width)]))
        return Scaling(-offset / (one - offset), one - offset)
    if isinstance(step, _PROJECTIONS):
        width = step.n_features_in_
        offset, *images = _transform(step, np.eye(width + 1, width, -1))
        return Projection(np.array(images) - offset, offset)
    raise _no_gradients(step)


def _transform(step, rows):
    """What a transformer makes of rows, by a twin that expects no column names."""
    twin = copy(step)
    vars(twin).pop("feature_names_in_", None)
    return np.asarray(twin.transform(rows), dtype=np.float64)


def _is_linear_classifier(step):
    """Whether its decision is ``X @ coef_.T + intercept_``, a column for each class.

    Of two classes, one column; support vector machines have one for each pair.
    """
    if not (hasattr(step, "classes_") and hasattr(step, "coef_")):
        return False
    n_classes = len(step.classes_)
    by_pairs = hasattr(step, "dual_coef_") and n_classes > 2
    n_columns = 1 if n_classes == 2 else n_classes
    n_rows = 1 if step.coef_.ndim == 1 else step.coef_.shape[0]
    return not by_pairs and n_rows == n_columns


def _classifier_module(step):
    """A module that gives one column for each class of a linear classifier."""
    if not _is_linear_classifier(step):
        raise _no_gradients(step)
    coef = dense(step.coef_)
    coef = np.atleast_2d(coef)
    linear = Projection(coef.T, np.broadcast_to(step.intercept_, len(coef)))
    return connect([linear, BothClasses()]) if len(coef) == 1 else linear


def _no_gradients(step):
    return TypeError(
        f"{type(step).__name__} has no gradient here; what has one are {_ACCEPTED}."
    )
