"""Scorers by retrieval, for grid searches over embeddings."""

from sklearn.pipeline import Pipeline

from sklearn_replearn._counts import check_count
from sklearn_replearn.metrics._retrieval import (
    check_metric,
    mean_average_precision_at_r,
    r_precision,
    recall_at_k,
)


def make_retrieval_scorer(
    score_func="mean_average_precision_at_r", *, k=1, metric="euclidean"
):
    """Scorer by retrieval, to choose the settings of an embedding.

    Parameters
    ----------
    score_func : {"mean_average_precision_at_r", "r_precision", "recall_at_k"} or \
            one of these functions, default="mean_average_precision_at_r"
        The score.
    k : int, default=1
        Number of neighbours of "recall_at_k"; the others do not use it.
    metric : {"euclidean", "cosine"}, default="euclidean"
        Distance between embeddings.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` is the score of ``estimator.transform(X)`` as a
        float, for ``scoring=`` of ``GridSearchCV`` and ``cross_validate``. It can be
        pickled.

    Raises
    ------
    ValueError
        If there is no such score or metric, or if k is no positive integer.

    See Also
    --------
    mean_average_precision_at_r : What each of the scores is.

    Notes
    -----
    Each row of a test fold queries the other rows of the same fold, so scores of folds
    of different sizes, or with different classes, are not comparable. Only for
    classifiers does ``cv=3`` spread each class over all folds; for transformers, say
    ``cv=StratifiedKFold(3)``, or ``GroupKFold`` with the classes as groups, for classes
    that `fit` has not seen. The estimator must have `transform`: of a pipeline that
    ends with a classifier, search over the steps before it, ``pipeline[:-1]``.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import GridSearchCV, StratifiedKFold
    >>> from sklearn_replearn.decomposition import ScaledPCA
    >>> from sklearn_replearn.metrics import make_retrieval_scorer
    >>> scorer = make_retrieval_scorer("recall_at_k", k=3)
    >>> scorer
    make_retrieval_scorer('recall_at_k', k=3, metric='euclidean')
    >>> X, y = load_wine(return_X_y=True)
    >>> search = GridSearchCV(
    ...     ScaledPCA(), {"n_components": [1, 2, 8]}, scoring=make_retrieval_scorer(),
    ...     cv=StratifiedKFold(3),
    ... )
    >>> search.fit(X, y).best_params_
    {'n_components': 2}
    """
    names = [name for name, score in _SCORES.items() if score_func in (name, score)]
    if not names:
        raise ValueError(
            f"score_func must be one of {', '.join(map(repr, _SCORES))}, or that "
            f"function; got {score_func!r}."
        )
    check_count("k", k)
    check_metric(metric)
    return _RetrievalScorer(*names, k, metric)


class _RetrievalScorer:
    def __init__(self, name, k, metric):
        self._name = name
        self._params = {"k": k} if name == "recall_at_k" else {}
        self._params["metric"] = metric

    def __call__(self, estimator, X, y=None):
        if y is None:
            raise ValueError("y is None, but a score by retrieval needs classes.")
        if not hasattr(estimator, "transform"):
            raise TypeError(_no_transform(estimator))
        return _SCORES[self._name](estimator.transform(X), y, **self._params)

    def __repr__(self):
        params = "".join(f", {name}={value!r}" for name, value in self._params.items())
        return f"make_retrieval_scorer({self._name!r}{params})"


def _no_transform(estimator):
    kind, mend = type(estimator).__name__, "pass a transformer"
    if isinstance(estimator, Pipeline):
        kind += f" ending with {type(estimator.steps[-1][1]).__name__}"
        mend = "pass the steps before, pipeline[:-1]"
    return f"{kind} has no transform, and so no embedding to score; {mend}."


_SCORES = {
    score.__name__: score
    for score in (mean_average_precision_at_r, r_precision, recall_at_k)
}
