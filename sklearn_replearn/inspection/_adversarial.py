"""Small changes that mislead a classifier, and how well it withstands them."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_scalar

from sklearn_replearn._seeds import as_seed
from sklearn_replearn.inspection._gradients import EuclideanBall, MaximumBall, attack
from sklearn_replearn.inspection._inputs import (
    class_codes,
    like,
    read_inputs,
    value_bounds,
)
from sklearn_replearn.inspection._networks import class_network

_BALLS = {np.inf: MaximumBall, 2: EuclideanBall}


def adversarial_examples(
    estimator,
    X,
    y,
    *,
    method="fgsm",
    epsilon=8 / 255,
    norm=np.inf,
    n_iter=20,
    step_size=None,
    target=None,
    bounds=(0, 1),
    random_state=None,
):
    r"""Samples, changed so little that one hardly sees it, that mislead a classifier.

    The fast gradient sign method [1]_ takes one step along the sign of the gradient of
    the loss L, the cross-entropy of the class y,

    .. math:: x' = x + \epsilon \, \mathrm{sign} \, \nabla_x L(x, y).

    Projected gradient descent [2]_ takes several smaller ones from a random start and
    goes back, after each, to the nearest point that may be:
    :math:`\lVert x' - x \rVert \le \epsilon`, and within the bounds.

    Parameters
    ----------
    estimator : fitted classifier or Pipeline
        A network that tells classes apart, such as
        :class:`~sklearn_replearn.image.CNNFeatureExtractor`, or a linear classifier
        (with `coef_` and `intercept_`), alone or after networks, scalers, PCA,
        ScaledPCA and TruncatedSVD.
    X : array-like of shape (n_samples, n_values) or (n_samples, height, width, ...)
        Images, signals or rows of a table.
    y : array-like of shape (n_samples,)
        Their classes, which the attack leads away from. With a `target` it may be
        ``None``.
    method : {"fgsm", "pgd"}, default="fgsm"
        One step, or projected gradient descent.
    epsilon : float, default=8/255
        How far a sample may be moved, in the norm and in the unit of X (of [0, 1] for
        bytes).
    norm : {inf, 2}, default=inf
        ``np.inf``: no value changes by more than `epsilon`. 2: the Euclidean length of
        the change is at most `epsilon`, and steps go along the gradient itself.
    n_iter : int, default=20
        Steps of "pgd".
    step_size : float, default=None
        Length of a step of "pgd". ``None`` is ``2.5 * epsilon / n_iter``.
    target : label or array-like of shape (n_samples,), default=None
        The class to lead to, one, or one for each sample. ``None`` leads to any other
        than `y`.
    bounds : (low, high), "data" or None, default=(0, 1)
        Smallest and largest value: numbers, or arrays in the shape of a sample. "data"
        takes the smallest and the largest number of X, ``None`` sets no bounds.
    random_state : int, RandomState instance or None, default=None
        Seed of the random start of "pgd", which is the same for all samples.

    Returns
    -------
    X_adversarial : ndarray or DataFrame
        Of the form of X and its float dtype. For bytes, which networks of images take
        as [0, 1], float32 in [0, 1]: rounded to bytes they would be other examples.
        Distances and bounds are kept to the last bit.

    Raises
    ------
    TypeError
        If the estimator has no gradients, or tells no classes apart.
    ValueError
        If X has values outside the bounds, or if y or the target hold classes that the
        estimator does not know.

    See Also
    --------
    robust_score : Accuracy under attack.

    Notes
    -----
    Gradients are those of the log of the odds against the class, which rises where the
    cross-entropy does: their direction is the same, but they do not vanish where the
    classifier is certain. Of all the points that "pgd" visits, and that of "fgsm", each
    sample gets the one where the best other class leads most, so that it is at least
    as strong.

    References
    ----------
    .. [1] I. J. Goodfellow, J. Shlens and C. Szegedy, "Explaining and harnessing
       adversarial examples", ICLR 2015.
    .. [2] A. Madry, A. Makelov, L. Schmidt, D. Tsipras and A. Vladu, "Towards deep
       learning models resistant to adversarial attacks", ICLR 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_replearn.inspection import adversarial_examples
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X / 16
    >>> classifier = LogisticRegression().fit(X[:1000], y[:1000])
    >>> X_adversarial = adversarial_examples(
    ...     classifier, X[1000:], y[1000:], epsilon=0.1
    ... )
    >>> print(f"{classifier.score(X[1000:], y[1000:]):.2f}")
    0.93
    >>> print(f"{classifier.score(X_adversarial, y[1000:]):.2f}")
    0.61
    """
    module, classes = class_network(estimator)
    _check_attack(method, epsilon, norm, n_iter, step_size)
    inputs = read_inputs(estimator, X)
    rows = inputs.as_floats()
    low, high = value_bounds(bounds, inputs.image_shape, rows)
    _refuse_outside(rows, low, high, bounds)
    if y is None and target is None:
        raise ValueError("y is None; pass the classes to lead away from, or a target.")
    codes = None if y is None else class_codes(y, classes, len(rows), "y")
    if target is not None:
        codes = class_codes(target, classes, len(rows), "target")
    steps = {}
    if method == "pgd":
        steps = {
            "n_iter": n_iter,
            "step_size": 2.5 * epsilon / n_iter if step_size is None else step_size,
            "noise": _noise(norm, epsilon, rows.shape[1], random_state),
        }
    attacked = attack(
        module,
        rows,
        codes,
        towards=target is not None,
        ball=_BALLS[norm],
        epsilon=epsilon,
        low=low,
        high=high,
        **steps,
    )
    keep = _keep_values if norm == np.inf else _keep_lengths
    return like(X, keep(attacked, rows, epsilon, low, high))


def robust_score(
    estimator,
    X,
    y,
    *,
    method="pgd",
    epsilon=8 / 255,
    norm=np.inf,
    n_iter=20,
    step_size=None,
    bounds=(0, 1),
    random_state=None,
):
    """Accuracy under attack.

    The share of samples whose class is predicted both for the sample itself and for
    what :func:`adversarial_examples` makes of it: an upper bound of the share for which
    it is predicted everywhere within `epsilon`.

    Parameters
    ----------
    estimator : fitted classifier or Pipeline
        As :func:`adversarial_examples` takes it.
    X : array-like of shape (n_samples, n_values) or (n_samples, height, width, ...)
        Images, signals or rows of a table.
    y : array-like of shape (n_samples,)
        Their classes.
    method : {"fgsm", "pgd"}, default="pgd"
        One step, or projected gradient descent.
    epsilon : float, default=8/255
        How far a sample may be moved, in the norm and in the unit of X (of [0, 1] for
        bytes).
    norm : {inf, 2}, default=inf
        Largest change of a value, or Euclidean length of the change.
    n_iter : int, default=20
        Steps of "pgd".
    step_size : float, default=None
        Length of a step of "pgd". ``None`` is ``2.5 * epsilon / n_iter``.
    bounds : (low, high), "data" or None, default=(0, 1)
        Smallest and largest value of X.
    random_state : int, RandomState instance or None, default=None
        Seed of the random start of "pgd".

    Returns
    -------
    score : float
        In [0, 1].

    Raises
    ------
    TypeError
        If the estimator has no gradients, or tells no classes apart.
    ValueError
        As :func:`adversarial_examples`.

    See Also
    --------
    adversarial_examples : The samples themselves.

    Notes
    -----
    It has the signature of a scorer: ``scoring=robust_score`` in ``GridSearchCV`` and
    ``cross_validate``, or ``scoring=partial(robust_score, epsilon=0.1)`` with
    ``functools.partial``.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_replearn.inspection import robust_score
    >>> X, y = load_digits(return_X_y=True)
    >>> search = GridSearchCV(
    ...     LogisticRegression(),
    ...     {"C": [0.01, 1.0]},
    ...     scoring=partial(robust_score, epsilon=0.1, method="fgsm"),
    ...     cv=2,
    ... )
    >>> search.fit(X / 16, y).best_params_
    {'C': 0.01}
    """
    X_adversarial = adversarial_examples(
        estimator,
        X,
        y,
        method=method,
        epsilon=epsilon,
        norm=norm,
        n_iter=n_iter,
        step_size=step_size,
        bounds=bounds,
        random_state=random_state,
    )
    y = np.asarray(y)
    right = (estimator.predict(X) == y) & (estimator.predict(X_adversarial) == y)
    return float(right.mean())


def _check_attack(method, epsilon, norm, n_iter, step_size):
    if method not in ("fgsm", "pgd"):
        raise ValueError(f"method must be 'fgsm' or 'pgd'; got {method!r}.")
    if not isinstance(norm, Real) or norm not in _BALLS:
        raise ValueError(f"norm must be np.inf or 2; got {norm!r}.")
    check_scalar(epsilon, "epsilon", Real, min_val=0)
    check_scalar(n_iter, "n_iter", Integral, min_val=1)
    if step_size is not None:
        check_scalar(
            step_size, "step_size", Real, min_val=0, include_boundaries="neither"
        )


def _refuse_outside(rows, low, high, bounds):
    outside = (rows < low) | (rows > high)
    if outside.any():
        raise ValueError(
            f"X has values from {rows.min():.3g} to {rows.max():.3g}, outside "
            f"bounds={bounds}; scale X, or pass its bounds, 'data' or None."
        )


def _noise(norm, epsilon, n_values, random_state):
    """A random place in the ball, the same for every sample."""
    rng = np.random.default_rng(as_seed(random_state))
    if norm == np.inf:
        return rng.uniform(-epsilon, epsilon, n_values)
    direction = rng.normal(size=n_values)
    radius = epsilon * rng.uniform() ** (1 / n_values)
    return radius * direction / np.linalg.norm(direction)


def _keep_values(attacked, rows, epsilon, low, high):
    """Changed rows in the dtype of the rows, no value further away than epsilon."""
    exact = rows.astype(np.float64)
    limits = []
    for limit in (exact - epsilon, exact + epsilon):
        limit = limit.astype(rows.dtype)
        too_far = np.abs(limit.astype(np.float64) - exact) > epsilon
        limits.append(np.where(too_far, np.nextafter(limit, rows), limit))
    return _within(np.clip(attacked, *limits), rows, low, high)


def _keep_lengths(attacked, rows, epsilon, low, high):
    """Changed rows in the dtype of the rows, none moved further than epsilon."""
    exact = rows.astype(np.float64)
    change, shrink = attacked - exact, 0.0
    while True:
        moved = _within(exact + change * (1 - shrink), rows, low, high)
        length = np.linalg.norm(moved - exact, axis=1, keepdims=True)
        if not (too_far := length > epsilon).any():
            return moved
        shrink = np.where(too_far, 2 * shrink + 1e-7, shrink)
        shrink = np.minimum(shrink, 1)


def _within(values, rows, low, high):
    """Values of the dtype of the rows, within the bounds, as the rows are."""
    values = np.clip(values, low, high).astype(rows.dtype)
    too_low = values.astype(np.float64) < low
    too_high = values.astype(np.float64) > high
    return np.where(too_low | too_high, np.nextafter(values, rows), values)
