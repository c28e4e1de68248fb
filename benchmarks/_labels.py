"""How well a logistic regression on vectors of nodes finds the nodes' labels."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from threadpoolctl import threadpool_limits

# Products with a vector are so small that several threads get into each other's way.
one_thread = threadpool_limits.wrap(limits=1)

PERCENT_LABELLED = (10, 50, 90)
AVERAGES = ("Micro", "Macro")


def split(n_nodes: int, percent: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random nodes in two parts, the first of so many percent."""
    order = np.random.default_rng(seed).permutation(n_nodes)
    return np.split(order, [round(n_nodes * percent / 100)])


@one_thread
def f1_scores(E, labels, E_test, labels_test) -> tuple[float, float]:
    """Micro- and Macro-F1 in percent, where the number of labels of nodes is known."""
    seen = labels.any(axis=0)
    scores = np.zeros(labels_test.shape)
    classifier = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    scores[:, seen] = classifier.fit(E, labels[:, seen]).predict_proba(E_test)
    ranks = (-scores).argsort(axis=1).argsort(axis=1)
    predicted = ranks < labels_test.sum(axis=1, keepdims=True)
    micro, macro = (
        100 * f1_score(labels_test, predicted, average=average, zero_division=0)
        for average in map(str.lower, AVERAGES)
    )
    return micro, macro


def f1_of_shuffle(E, labels, percent: int, seed: int) -> tuple[float, float]:
    """Scores with some percent of the nodes labelled."""
    train, test = split(len(E), percent, seed)
    return f1_scores(E[train], labels[train], E[test], labels[test])


def f1_table(E, labels, n_shuffles: int) -> dict[str, float]:
    """Mean scores over the shuffles, by the columns of the table."""
    scores = [
        f1_of_shuffle(E, labels, percent, seed)
        for percent in PERCENT_LABELLED
        for seed in range(n_shuffles)
    ]
    means = np.reshape(scores, (len(PERCENT_LABELLED), -1, 2)).mean(axis=1)
    return f1_columns(dict(zip(AVERAGES, means.T.tolist(), strict=True)))


def f1_columns(scores: dict) -> dict[str, float]:
    """Columns such as "Micro 10 %"."""
    return {
        f"{average} {percent} %": score
        for average, of_average in scores.items()
        for percent, score in zip(PERCENT_LABELLED, of_average, strict=True)
    }


@one_thread
def accuracy_of_shuffle(E, labels, seed: int) -> float:
    """Percent of right classes with a tenth of the nodes labelled."""
    train, test = split(len(E), 10, seed)
    classifier = LogisticRegression(max_iter=1000).fit(E[train], labels[train])
    return 100 * classifier.score(E[test], labels[test])
