"""Accuracy on small tasks with classes that an embedding has not seen."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._class_means import (
    class_means,
    distances_of_directions,
    squared_distances,
)
from sklearn_replearn._containers import take_items
from sklearn_replearn._counts import check_count
from sklearn_replearn._fitted_state import is_fitted
from sklearn_replearn._labels import read_labels
from sklearn_replearn._scaling import scaled, size_of, unit_rows
from sklearn_replearn._seeds import as_seed


class ConfidenceInterval(NamedTuple):
    """The two ends of a confidence interval."""

    low: float
    high: float


class FewShotScore(NamedTuple):
    """Accuracy over episodes; ``float()`` gives the mean alone."""

    mean: float
    confidence_interval: ConfidenceInterval
    scores: np.ndarray

    def __float__(self):
        return self.mean


def few_shot_score(
    estimator,
    X,
    y,
    *,
    n_way=5,
    k_shot=1,
    n_query=15,
    n_episodes=600,
    groups=None,
    metric=None,
    confidence=0.95,
    random_state=None,
):
    r"""Accuracy at telling new classes apart from a few rows of each.

    The protocol of few-shot learning [1]_ [2]_. X holds classes that the estimator has
    **not** seen in `fit`. In each of many episodes `n_way` classes are drawn, and of
    each class `k_shot` rows, the support, with their labels, and up to `n_query` other
    rows, the queries, whose classes are to be found. The score is the mean over
    episodes of the share of queries that are right.

    Parameters
    ----------
    estimator : estimator
        One of these:

        - a **fitted transformer** (anything with `transform`): X is embedded once, and
          each query goes to the nearest prototype of its episode, as
          :class:`~sklearn_replearn.metric_learning.PrototypeClassifier` does it;
        - a **PrototypeClassifier** with a fitted `embedder`, or fitted itself: the
          same, with its own `metric`;
        - a **Pipeline** that ends in a classifier: the steps that are fitted, from the
          first one on, embed X once, as they are; the others are cloned, and fitted on
          the support of each episode, as is the classifier;
        - any other **classifier**: a clone of it is fitted on the support of each
          episode.

        The estimator itself is not changed.
    X : array-like of shape (n_samples, n_features), or what the estimator takes
        Rows of classes that were not seen in `fit`.
    y : array-like of shape (n_samples,)
        The class of each row, of any type.
    n_way : int, default=5
        Number of classes in an episode, at least 2.
    k_shot : int, default=1
        Number of support rows of each class. Every class must have more rows than this.
    n_query : int, default=15
        Number of queries of each class; a class with fewer rows left has all of them as
        queries.
    n_episodes : int, default=600
        Number of episodes, at least 2.
    groups : array-like of shape (n_samples,), default=None
        The classes of an episode are drawn within one group, such as an alphabet, and
        the group at random from all, each as likely as any other. Rows of the same
        label in two groups are two classes. ``None`` draws from all classes.
    metric : {"euclidean", "cosine"} or None, default=None
        What is nearest, of a transformer; ``None`` is "euclidean". A classifier has its
        own way.
    confidence : float, default=0.95
        Confidence level of the interval, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Which classes and rows are drawn. The same int gives all estimators the same
        episodes.

    Returns
    -------
    result : namedtuple of (mean, confidence_interval, scores)
        ``float(result)`` is the mean.

        mean : float
            Mean accuracy over the episodes, in [0, 1]; chance is ``1 / n_way``.
        confidence_interval : namedtuple of (low, high)
            ``mean ± t s / sqrt(n_episodes)`` with the standard deviation s of `scores`
            and the quantile t of Student's distribution of ``n_episodes - 1`` degrees
            of freedom. It is not cut at 0 and 1.
        scores : ndarray of shape (n_episodes,)
            Accuracy in each episode.

    Raises
    ------
    ValueError
        If a parameter is out of range; if a class has no more than `k_shot` rows, or
        there are fewer than `n_way` classes, in all or in any of the groups; if labels
        or groups are missing, or of another length than X; if `metric` is set for a
        classifier. No class or group is left out silently.
    NotFittedError
        If a transformer is not fitted.
    TypeError
        If the estimator is neither a transformer nor a classifier.

    See Also
    --------
    sklearn_replearn.metric_learning.PrototypeClassifier : The classifier of an episode.

    Notes
    -----
    The interval is about the choice of episodes from the classes in X. It says nothing
    of other classes, or of another training run of the estimator.

    A classifier that has `transform`, such as
    :class:`~sklearn_replearn.image.CNNFeatureExtractor`, counts as a transformer: what
    it predicts are the classes of its own training.

    Episodes are embedded before they are drawn, so that with a transformer a thousand
    episodes take hardly longer than one; a classifier is fitted as often as there are
    episodes.

    References
    ----------
    .. [1] O. Vinyals, C. Blundell, T. Lillicrap, K. Kavukcuoglu and D. Wierstra,
       "Matching networks for one shot learning", NeurIPS 2016.
    .. [2] J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot
       learning", NeurIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_replearn.model_selection import few_shot_score
    >>> X, y = load_digits(return_X_y=True)
    >>> embedder = PCA(n_components=30).fit(X[y < 5])
    >>> result = few_shot_score(
    ...     embedder, X[y >= 5], y[y >= 5], n_way=5, k_shot=3, random_state=0
    ... )
    >>> round(result.mean, 2)
    0.86
    >>> result.confidence_interval.high - result.confidence_interval.low < 0.02
    True
    """
    _check_parameters(n_way, k_shot, n_query, n_episodes, metric, confidence)
    classes = _read_classes(X, y, groups)
    classes.refuse_too_few(n_way, k_shot)
    rows, head = _embed(estimator, X, metric)
    check_consistent_length(rows, y)
    rng = np.random.default_rng(as_seed(random_state))
    scores = np.empty(n_episodes)
    accuracy = _accuracy_function(rows, y, head)
    for episode in range(n_episodes):
        support, queries = classes.draw(n_way, k_shot, n_query, rng)
        scores[episode] = accuracy(support, queries)
    return _summary(scores, confidence)


def _summary(scores, confidence):
    mean = float(scores.mean())
    error = scores.std(ddof=1) / np.sqrt(len(scores))
    half = float(error * student.ppf((1 + confidence) / 2, len(scores) - 1))
    return FewShotScore(mean, ConfidenceInterval(mean - half, mean + half), scores)


# ---------------------------------------------------------------------------
# Episodes
# ---------------------------------------------------------------------------


class _Classes:
    """The rows of each class, and the classes of each group.

    Parameters
    ----------
    rows : list of ndarray of int
        The rows of each class.
    names : list of str
        What each class is called in messages.
    pools : dict of str to ndarray of int
        The classes from which those of an episode are drawn, by what a group is called
        in messages.
    """

    def __init__(self, rows, names, pools):
        self._rows = rows
        self._names = names
        self._pools = pools

    def refuse_too_few(self, n_way, k_shot):
        for group, pool in self._pools.items():
            if len(pool) < n_way:
                mend = "lower n_way" + (
                    f", or leave {group} out" if group != "y" else ""
                )
                raise ValueError(
                    f"n_way={n_way} asks for more classes than {group} has, "
                    f"{len(pool)}; {mend}."
                )
        for rows, name in zip(self._rows, self._names, strict=True):
            if len(rows) <= k_shot:
                raise ValueError(
                    f"k_shot={k_shot} leaves no row for a query in {name}, which has "
                    f"{len(rows)}; lower k_shot, or leave the class out."
                )

    def draw(self, n_way, k_shot, n_query, rng):
        """Rows of the support and of the queries of an episode, for each class.

        Returns
        -------
        support : ndarray of int of shape (n_way, k_shot)
        queries : list of n_way ndarrays of at most n_query ints
        """
        pools = list(self._pools.values())
        pool = pools[rng.integers(len(pools))]
        support, queries = [], []
        for one in rng.choice(pool, n_way, replace=False):
            rows = self._rows[one]
            n_drawn = min(k_shot + n_query, len(rows))
            drawn = rows[rng.choice(len(rows), n_drawn, replace=False)]
            support.append(drawn[:k_shot])
            queries.append(drawn[k_shot:])
        return np.array(support), queries


def _read_classes(X, y, groups):
    labels = _read_labels(y, "y")
    check_classification_targets(labels)
    check_consistent_length(X, labels)
    labels, codes = np.unique(labels, return_inverse=True)
    names = [f"the class {label!r}" for label in labels.tolist()]
    if groups is None:
        pools = {"y": np.arange(len(labels))}
        return _Classes(_rows_of(codes), names, pools)
    groups = _read_labels(groups, "groups")
    check_consistent_length(X, groups)
    groups, group_codes = np.unique(groups, return_inverse=True)
    pairs, codes = np.unique(
        np.stack([group_codes, codes]), axis=1, return_inverse=True
    )
    group_names = [f"the group {group!r}" for group in groups.tolist()]
    names = [f"{names[label]} of {group_names[group]}" for group, label in pairs.T]
    pools = dict(zip(group_names, _rows_of(pairs[0]), strict=True))
    return _Classes(_rows_of(codes.ravel()), names, pools)


def _read_labels(labels, name):
    if labels is None:
        raise ValueError(
            f"{name} is None, but few_shot_score needs the class of each row."
        )
    return read_labels(labels, name)


def _rows_of(codes):
    """For each code, from 0, the places where it stands."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes))[:-1])


# ---------------------------------------------------------------------------
# From the estimator to what is embedded once, and what is fitted in each episode
# ---------------------------------------------------------------------------


def _embed(estimator, X, metric):
    """What stays the same in all episodes, and the classifier that is fitted in each.

    Returns
    -------
    rows : array-like
        X, or its embedding.
    head : classifier
    """
    from sklearn_replearn.metric_learning import PrototypeClassifier  # loads torch

    if hasattr(estimator, "transform"):
        _refuse_unfitted(estimator)
        head = PrototypeClassifier(metric=metric or "euclidean")
        return estimator.transform(X), head
    if not hasattr(estimator, "predict") or not is_classifier(estimator):
        raise TypeError(
            f"few_shot_score takes a fitted transformer or a classifier, but "
            f"{type(estimator).__name__} is neither."
        )
    if metric is not None:
        raise ValueError(
            f"metric={metric!r} is for transformers, but {type(estimator).__name__} is "
            "a classifier; leave metric out, and set that of a PrototypeClassifier."
        )
    while True:
        embedder, head = _split(estimator)
        if embedder is None:
            return X, head
        X, estimator = embedder.transform(X), head


def _refuse_unfitted(estimator):
    check_is_fitted(estimator)
    if not is_fitted(estimator):  # a pipeline is taken for fitted by its last step
        raise NotFittedError(
            f"This {type(estimator).__name__} has steps that are not fitted; call fit "
            "before few_shot_score."
        )


def _split(classifier):
    """The fitted embedder in front of a classifier, or None, and what follows it."""
    if isinstance(classifier, Pipeline):
        return _split_pipeline(classifier)
    from sklearn_replearn.metric_learning import PrototypeClassifier

    if isinstance(classifier, PrototypeClassifier):
        embedder = getattr(classifier, "embedder_", classifier.embedder)
        if embedder is not None and is_fitted(embedder):
            return embedder, PrototypeClassifier(metric=classifier.metric)
    return None, classifier


def _split_pipeline(pipeline):
    n_fitted = 0
    for _, step in pipeline.steps[:-1]:
        if step not in (None, "passthrough") and not is_fitted(step):
            break
        n_fitted += 1
    if n_fitted == 0:
        only_step = pipeline.steps[0][1] if len(pipeline.steps) == 1 else pipeline
        return None, only_step
    if n_fitted == len(pipeline.steps) - 1:
        return pipeline[:-1], pipeline.steps[-1][1]
    return pipeline[:n_fitted], pipeline[n_fitted:]


def _accuracy_function(rows, y, head):
    """The function of support and queries that gives the accuracy in an episode."""
    from sklearn_replearn.metric_learning import PrototypeClassifier

    if isinstance(head, PrototypeClassifier) and head.embedder is None:
        return _NearestPrototype(rows, head.metric)
    return _FittedAnew(rows, column_or_1d(y), head)


class _NearestPrototype:
    """What a PrototypeClassifier of the embedding finds, without its checks."""

    def __init__(self, embedding, metric):
        with np.errstate(over="ignore", invalid="ignore"):  # of a sum of large numbers
            Z = check_array(
                embedding,
                accept_sparse="csr",
                dtype=np.float64,
                input_name="the embedding of X",
            )
        self._is_cosine = metric == "cosine"
        self._embedding = unit_rows(Z) if self._is_cosine else scaled(Z, -size_of(Z))

    def __call__(self, support, queries):
        codes = np.repeat(np.arange(len(support)), support.shape[1])
        prototypes = class_means(self._embedding[support.ravel()], codes)
        Z = self._embedding[np.concatenate(queries)]
        if self._is_cosine:
            distances = distances_of_directions(Z, unit_rows(prototypes))
        else:
            distances = squared_distances(Z, prototypes)
        expected = np.repeat(np.arange(len(queries)), list(map(len, queries)))
        return (distances.argmin(axis=1) == expected).mean()


class _FittedAnew:
    """A clone of a classifier, fitted on the support of each episode."""

    def __init__(self, X, y, classifier):
        self._X = X
        self._y = y
        self._classifier = classifier

    def __call__(self, support, queries):
        support, queries = support.ravel(), np.concatenate(queries)
        classifier = clone(self._classifier)
        classifier.fit(take_items(self._X, support), self._y[support])
        predicted = classifier.predict(take_items(self._X, queries))
        return (predicted == self._y[queries]).mean()


# ---------------------------------------------------------------------------
# Parameters
# ---------------------------------------------------------------------------


def _check_parameters(n_way, k_shot, n_query, n_episodes, metric, confidence):
    check_count("n_way", n_way, 2)
    check_count("k_shot", k_shot, 1)
    check_count("n_query", n_query, 1)
    check_count("n_episodes", n_episodes, 2)
    if metric not in (None, "euclidean", "cosine"):
        raise ValueError(
            f"metric must be 'euclidean', 'cosine' or None, got {metric!r}."
        )
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}.")
