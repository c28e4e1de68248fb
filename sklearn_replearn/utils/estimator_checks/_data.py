"""Input of each kind for the checks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.utils import get_tags

from sklearn_replearn.graph import as_adjacency

#: Ids that no graph has, and missing ones.
UNKNOWN_IDS = np.array(
    [["no node", "nor this"], [None, None], [np.nan, np.nan]], dtype=object
)


@dataclass(frozen=True)
class CheckData:
    """Input of one kind for the checks.

    Attributes
    ----------
    kind : {"table", "text", "image", "graph", "ids", "pairs"} or str
        Decides which checks apply; another name gets those that fit any input.
    X : ndarray, sparse matrix or list
        What `fit` takes.
    y : ndarray of shape (n_samples,)
        Labels of X, at least two classes with ten members each.
    rows : ndarray, sparse matrix or list
        What `transform` takes, other rows than those of X; pairs for classifiers of
        pairs.
    unknown : object, default=None
        Rows in which nothing is known from `fit` (words never seen, a node without
        edges, ids that are no nodes): `transform` must give finite rows or a
        ValueError. ``None`` if there is no such thing.
    other : tuple (X, y), default=None
        Other input for `fit`. ``None`` makes it of X, backwards, without its last
        tenth.
    """

    kind: str
    X: Any
    y: np.ndarray
    rows: Any
    unknown: Any = None
    other: tuple | None = None

    def other_fit(self):
        """Another X and y for `fit`."""
        if self.other is not None:
            return self.other
        order = np.arange(length(self.X))[::-1][: int(0.9 * length(self.X))]
        if self.kind == "graph":
            return self.X[order][:, order], self.y[order]
        return take(self.X, order), self.y[order]


def make_check_data(estimator, *, n_samples=60, random_state=0):
    """Small input of the kind that an estimator's tags say it takes.

    The tags are read in this order: ``input="pairs"`` among the parameters makes
    labelled pairs; ``input_tags.pairwise`` an adjacency; ``input_tags.categorical``
    with ``string`` ids, those of the nodes of the estimator's `graph` if it has one,
    and without ``two_d_array`` pairs of them with the labels 0 and 1;
    ``input_tags.string`` documents; ``input_tags.three_d_array`` without
    ``two_d_array`` images; else a table, whose y is another table if
    ``target_tags.two_d_labels`` is set and ``one_d_labels`` is not.

    Parameters
    ----------
    estimator : estimator
    n_samples : int, default=60
        Number of training samples.
    random_state : int, default=0

    Returns
    -------
    data : CheckData
    """
    tags = get_tags(estimator).input_tags
    rng = np.random.default_rng(random_state)
    if getattr(estimator, "input", "rows") == "pairs":
        return _make_pairs(rng, n_samples, judged=is_classifier(estimator))
    if tags.pairwise:
        return _make_graph(rng, n_samples, dense=not tags.sparse)
    if tags.categorical and tags.string:
        ids = _ids_of_nodes(getattr(estimator, "graph", None))
        if not tags.two_d_array:
            return _make_pairs_of_ids(rng, n_samples, ids)
        return _make_ids(rng, n_samples, ids)
    if tags.string and not tags.two_d_array:
        return _make_text(rng, n_samples)
    if tags.three_d_array and not tags.two_d_array:
        return make_images(rng, n_samples)
    targets = get_tags(estimator).target_tags
    return _make_table(
        rng, n_samples, two_views=targets.two_d_labels and not targets.one_d_labels
    )


def _make_table(rng, n_samples, n_features=8, *, two_views=False):
    y = np.arange(n_samples + 20) % 3
    factors = rng.standard_normal((len(y), 3)) + 2 * np.eye(3)[y]
    X = factors @ rng.standard_normal((3, n_features))
    X += 0.5 * rng.standard_normal(X.shape)
    X = np.abs(X)  # fit for estimators that want positive input, too
    if two_views:
        y = factors @ rng.standard_normal((3, 5)) + rng.standard_normal((len(y), 5))
    return CheckData("table", X[:-20], y[:-20], X[-20:])


def _make_text(rng, n_samples, n_words=120):
    words = np.array([_spell(i) for i in range(n_words)])
    y = np.arange(n_samples + 20) % 3
    frequencies = 1 / np.arange(1, n_words + 1)
    topics = [frequencies[rng.permutation(n_words)] for _ in range(3)]
    documents = [
        _as_paragraphs(
            rng.choice(
                words, size=rng.integers(8, 20), p=topics[topic] / topics[topic].sum()
            )
        )
        for topic in y
    ]
    return CheckData(
        "text", documents[:-20], y[:-20], documents[-20:], unknown=["zzzzz qqqqq", ""]
    )


def _as_paragraphs(words, size=4):
    """A text with an empty line between paragraphs, for estimators of sentences."""
    parts = (words[start : start + size] for start in range(0, len(words), size))
    return "\n\n".join(map(" ".join, parts))


def _spell(number):
    """A pronounceable word for a number."""
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    word = ""
    for _ in range(3):
        number, consonant = divmod(number, len(consonants))
        number, vowel = divmod(number, len(vowels))
        word += consonants[consonant] + vowels[vowel]
    return word


def make_images(rng, n_samples, side=12):
    y = np.arange(n_samples + 20) % 3
    X = rng.uniform(0, 0.3, size=(len(y), side, side))
    for i, label in enumerate(y):
        start = rng.integers(0, side - 4)
        X[i, start : start + 2 + label, 2:-2] += 0.6
    return CheckData("image", X[:-20], y[:-20], X[-20:])


def _make_graph(rng, n_samples, *, dense):
    y = np.arange(n_samples) % 3
    chances = np.where(y[:, np.newaxis] == y, 0.4, 0.05)
    upper = np.triu(rng.uniform(size=chances.shape) < chances, 1)
    ring = np.eye(n_samples, k=3)  # no node without an edge
    A = sparse.csr_array(np.maximum(upper, ring) + np.maximum(upper, ring).T)
    isolated = sparse.csr_array((2, n_samples))
    if dense:
        A, isolated = A.toarray(), isolated.toarray()
    return CheckData("graph", A, y, A[: n_samples // 3], unknown=isolated)


def _make_pairs(rng, n_samples, *, judged):
    """Pairs for `fit`; other rows, or other pairs where it is pairs that are judged."""
    table = _make_table(rng, 2 * n_samples)
    first, second = table.X[:n_samples], table.X[rng.permutation(n_samples)]
    y = rng.permutation(n_samples) % 2
    second = np.where(y[:, np.newaxis] == 1, first + 0.1, second)
    rows = table.rows
    if judged:
        rows = np.stack([rows, np.roll(rows, 1, axis=0)], axis=1)
    return CheckData("pairs", np.stack([first, second], axis=1), y, rows)


def _ids_of_nodes(graph, n_ids=15):
    """Ids of one type: names of the nodes of a graph, or else words."""
    if graph is None:
        return np.array([_spell(i) for i in range(n_ids)], dtype=object)
    names = as_adjacency(graph)[1]
    for kind in (str, int):
        chosen = [name for name in names if type(name) is kind]
        if len(chosen) > 1:
            return np.array(chosen, dtype=object)
    return names


def _make_ids(rng, n_samples, ids):
    y = np.arange(n_samples + 20) % 3
    X = ids[rng.integers(len(ids), size=(len(y), 2))]
    return CheckData("ids", X[:-20], y[:-20], X[-20:], unknown=UNKNOWN_IDS)


def _make_pairs_of_ids(rng, n_samples, ids):
    """Pairs of ids in two groups, which are edges within a group more often.

    Every id is in some pairs of any third of the rows. No pair is repeated if there are
    enough ids, since an edge that is listed twice is a leak.
    """
    numbers = np.arange(n_samples + 20)
    distance = 1 + numbers // len(ids) % max((len(ids) - 1) // 2, 1)
    first = rng.permutation(len(ids))[numbers % len(ids)]
    second = (first + distance) % len(ids)
    chances = np.where(2 * first // len(ids) == 2 * second // len(ids), 0.9, 0.1)
    y = (rng.uniform(size=len(first)) < chances).astype(int)
    X = np.column_stack([ids[first], ids[second]])
    return CheckData("ids", X[:-20], y[:-20], X[-20:], unknown=UNKNOWN_IDS)


def take(X, rows):
    """The given rows of any input: array, sparse matrix, DataFrame or list."""
    if isinstance(X, list):
        return [X[row] for row in rows]
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows]


def length(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)
