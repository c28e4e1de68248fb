"""Same or different? A threshold on the similarity of two embeddings."""

from math import ceil
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._cloning import clone_sharing
from sklearn_replearn._containers import row_count, take_rows
from sklearn_replearn._feature_names import take_feature_names
from sklearn_replearn._fitted_state import is_fitted, unchanged_by_errors
from sklearn_replearn._images import as_array
from sklearn_replearn._labels import read_classes
from sklearn_replearn._sklearn import HasMethods, Interval, StrOptions, _fit_context
from sklearn_replearn._warnings import warn
from sklearn_replearn.metric_learning._class_pairs import form_pairs
from sklearn_replearn.metric_learning._held_out import (
    name_by_content,
    number_by_occurrence,
    split_pairs,
    split_rows,
)
from sklearn_replearn.metric_learning._pair_similarity import pair_similarities
from sklearn_replearn.metric_learning._pairs import (
    read_pairs,
    read_same,
    used_rows,
)
from sklearn_replearn.metric_learning._siamese_transformer import SiameseTransformer
from sklearn_replearn.metrics import equal_error_rate, verification_threshold


class PairVerifier(ClassifierMixin, BaseEstimator):
    r"""Tell whether two rows belong together by how alike their embeddings are.

    The rows :math:`x` and :math:`x'` are the same if the similarity of their embeddings
    is at least a threshold :math:`t`,

    .. math:: s(x, x') \ge t, \qquad s(x, x') = -\lVert f(x) - f(x') \rVert
       \quad \text{or} \quad \cos(f(x), f(x')),

    that is found on pairs which the embedder :math:`f` was not fitted on. It is
    symmetric: (x, x') and (x', x) are judged alike.

    An embedder that is **already fitted**, plain or in a
    :class:`~sklearn.frozen.FrozenEstimator`, is used as it is, and all of X and y find
    the threshold: give other data than it was fitted on. One that is not fitted is
    cloned. A part of X is held out for the threshold, and the clone is fitted on the
    rest:

    - With ``input="pairs"`` on pairs, if it has ``input="pairs"`` itself as
      :class:`SiameseTransformer` and :class:`MahalanobisTransformer` have; else on
      the rows of the pairs, without their labels. No row of the held-out pairs, by
      its content, is in a pair of the rest. Pairs that hang together, by the rows that
      they share, stay together; where nearly all do, rows are held out, and the pairs
      between the two parts are not used, which a warning says.
    - With ``input="rows"`` on rows and classes. Whole classes are held out where there
      are four at least, so that the threshold is right for classes never seen; else a
      share of the rows of each class. Of the held-out rows all pairs of one class, and
      as many of two, find the threshold; more than `n_pairs` are drawn from.

    Parameters
    ----------
    embedder : transformer, default=None
        The embedding. ``None`` is a :class:`SiameseTransformer` for the same `input`.
        It takes tables, images, texts or anything else.
    input : {"pairs", "rows"}, default="pairs"
        What :meth:`fit` is given: pairs and whether they belong together, or rows and
        their classes. All other methods take pairs in any case.
    preprocessor : array-like of shape (n_rows, ...), default=None
        A table of rows, or a list of texts. Pairs are pairs of indices into it, then.
    metric : {"euclidean", "cosine"}, default="euclidean"
        The similarity: minus the Euclidean distance, or the cosine. A zero embedding
        has the cosine 0 with all others.
    criterion : {"accuracy", "f1", "far"}, default="accuracy"
        What the threshold is best at: the share of pairs judged rightly; the F1 score
        of the pairs that are the same; or "far": to accept as many of these as it can
        while at most `max_false_accept_rate` of the different pairs are accepted.
    max_false_accept_rate : float, default=0.01
        Of "far", in [0, 1]. To tell a rate, 1 / rate different pairs are needed.
    validation_fraction : float, default=0.2
        Share of the pairs, classes or rows that is held out, in (0, 1), about.
    n_pairs : int, default=10000
        With ``input="rows"``, the largest number of pairs that the threshold is found
        from, at least 2.
    random_state : int, RandomState instance or None, default=None
        What is held out, the pairs that are drawn, and the default embedder. An
        `embedder` has its own.

    Attributes
    ----------
    threshold_ : float
        The least similarity of rows that belong together; with the Euclidean metric
        minus a distance.
    equal_error_rate_ : float
        On the held-out pairs, or all if the embedder was fitted: the error rate at the
        threshold where both kinds of errors are as frequent.
    false_accept_rate_ : float
        Share of the different pairs among them that are accepted at `threshold_`.
    false_reject_rate_ : float
        Share of the same pairs among them that are not.
    classes_ : ndarray of shape (2,)
        The labels of pairs, as y has them; 0 and 1 with ``input="rows"``. The larger
        one means that the rows belong together.
    embedder_ : transformer
        What embeds: `embedder` itself if it was fitted, else the clone.
    n_features_in_ : int
        Number of features of a row, if the embedder counts them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if the embedder knows them.

    Warns
    -----
    UserWarning
        If pairs are not used (see above), or if `max_false_accept_rate` is too low for
        the number of different pairs.

    See Also
    --------
    PairClassifier : A network that judges pairs, and learns how to compare them.
    sklearn_replearn.metrics.equal_error_rate : Of any scores.
    sklearn_replearn.metrics.verification_threshold : Of any scores.

    Notes
    -----
    The error rates are those of the pairs that the threshold was chosen on, and a
    little too good for that; use :meth:`equal_error_rate` and :meth:`score` on pairs
    never used. With few classes held out, the threshold depends on which these are.

    ``clone`` makes an unfitted copy of a fitted embedder, and cross-validation clones
    what it is given; freeze it to keep what it has learned:
    ``PairVerifier(FrozenEstimator(embedder))``.

    Examples
    --------
    A linear map learned on some digits; a threshold found on other images:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.metric_learning import (
    ...     MahalanobisTransformer,
    ...     PairVerifier,
    ... )
    >>> X, y = load_digits(return_X_y=True)
    >>> embedder = MahalanobisTransformer(16, max_epochs=5, random_state=0)
    >>> embedder = embedder.fit(X[:600], y[:600])
    >>> verifier = PairVerifier(embedder, input="rows", random_state=0)
    >>> verifier = verifier.fit(X[600:1200], y[600:1200])
    >>> verifier.equal_error_rate_ < 0.15
    True
    >>> pairs, digits = X[1200:1600].reshape(-1, 2, 64), y[1200:1600].reshape(-1, 2)
    >>> same = (digits[:, 0] == digits[:, 1]).astype(int)
    >>> verifier.predict(pairs[:3])
    array([1, 0, 0])
    >>> verifier.equal_error_rate(pairs, same) < 0.15
    True
    """

    _parameter_constraints = {
        "preprocessor": ["array-like", None],
        "embedder": [None, HasMethods(["fit", "transform"])],
        "input": [StrOptions({"pairs", "rows"})],
        "metric": [StrOptions({"euclidean", "cosine"})],
        "criterion": [StrOptions({"accuracy", "f1", "far"})],
        "max_false_accept_rate": [Interval(Real, 0, 1, closed="both")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_pairs": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        embedder=None,
        *,
        input="pairs",
        preprocessor=None,
        metric="euclidean",
        criterion="accuracy",
        max_false_accept_rate=0.01,
        validation_fraction=0.2,
        n_pairs=10_000,
        random_state=None,
    ):
        self.embedder = embedder
        self.input = input
        self.preprocessor = preprocessor
        self.metric = metric
        self.criterion = criterion
        self.max_false_accept_rate = max_false_accept_rate
        self.validation_fraction = validation_fraction
        self.n_pairs = n_pairs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit the embedder unless it is fitted, and find the threshold.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, ...)
            Pairs of what the embedder takes; of indices into `preprocessor`, or of
            strings, of shape (n_pairs, 2). With ``input="rows"`` what the embedder
            takes.
        y : array-like of shape (n_pairs,) or (n_samples,)
            For each pair 1 if its rows belong together, and 0 (or -1) if not: some of
            either. Of rows the classes, numbers or strings.

        Returns
        -------
        self : PairVerifier

        Raises
        ------
        ValueError
            If X or y is not so, if there are too few of them to hold some out, if the
            embedder cannot learn from them, or if no threshold meets the criterion.
        """
        with unchanged_by_errors(self):
            rng = check_random_state(self.random_state)
            fit = self._fit_on_pairs if self.input == "pairs" else self._fit_on_rows
            self._calibrate(*fit(X, y, rng))
            take_feature_names(self, self.embedder_)
        return self

    def predict(self, X):
        """Whether the rows of each pair belong together.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, ...), or (n_pairs, 2)
            Pairs as in :meth:`fit`, also where that took rows.

        Returns
        -------
        y : ndarray of shape (n_pairs,)
            Of `classes_`, the larger if the similarity is at least `threshold_`.
        """
        is_same = self.decision_function(X) >= 0
        return self.classes_[is_same.astype(int)]

    def decision_function(self, X):
        """By how much the similarity of each pair is above the threshold.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, ...), or (n_pairs, 2)

        Returns
        -------
        differences : ndarray of shape (n_pairs,)
            ``similarity(X) - threshold_``.
        """
        similarities = self.similarity(X)
        return similarities - self.threshold_

    def similarity(self, X):
        """How alike the embeddings of each pair are.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, ...), or (n_pairs, 2)

        Returns
        -------
        similarities : ndarray of shape (n_pairs,)
            Minus the Euclidean distance, or the cosine.
        """
        check_is_fitted(self)
        return self._compare(*self._read_pairs(X))

    def score(self, X, y, sample_weight=None):
        """Share of the pairs of which it is right whether they belong together.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, ...), or (n_pairs, 2)
        y : array-like of shape (n_pairs,)
            1 if they do, 0 or -1 if not.
        sample_weight : array-like of shape (n_pairs,), default=None
            How much each pair counts.

        Returns
        -------
        accuracy : float
        """
        found = self.decision_function(X) >= 0
        is_same = read_same(self, found, y, both=False)
        return float(accuracy_score(is_same, found, sample_weight=sample_weight))

    def equal_error_rate(self, X, y):
        """Error rate at the threshold where both kinds of errors are as frequent.

        Parameters
        ----------
        X : array-like of shape (n_pairs, 2, ...), or (n_pairs, 2)
        y : array-like of shape (n_pairs,)
            1 for pairs that belong together, 0 or -1 for the others: some of either.

        Returns
        -------
        rate : float
            In [0, 1], see :func:`~sklearn_replearn.metrics.equal_error_rate`.
        """
        similarities = self.similarity(X)
        return equal_error_rate(read_same(self, similarities, y), similarities)

    # -- fitting ---------------------------------------------------------------

    def _fit_on_pairs(self, X, y, rng):
        """Set `classes_` and `embedder_`; similarities and labels to calibrate by."""
        rows, pairs = self._read_pairs(X)
        is_same = read_same(self, pairs, y)
        self.classes_ = np.unique(y)
        embedder = self._choose_embedder(rng)
        if is_fitted(embedder):
            self.embedder_ = embedder
        else:
            pairs = name_by_content(rows)[pairs]
            train, held_out = split_pairs(pairs, is_same, self.validation_fraction, rng)
            some, train_pairs = used_rows(rows, pairs[train])
            self.embedder_ = _fit_to_pairs(embedder, some, train_pairs, is_same[train])
            pairs, is_same = pairs[held_out], is_same[held_out]
        return self._compare(*used_rows(rows, pairs)), is_same

    def _fit_on_rows(self, X, y, rng):
        """The same from rows and their classes."""
        X = self._as_rows(X)
        classes, codes = read_classes(
            self,
            X,
            y,
            "it forms pairs of the same class and of different ones",
            many=True,
        )
        codes, classes = number_by_occurrence(codes, classes)
        self.classes_ = np.array([0, 1])
        embedder = self._choose_embedder(rng)
        if is_fitted(embedder):
            self.embedder_, held_out = embedder, np.arange(len(codes))
        else:
            train, held_out = split_rows(codes, classes, self.validation_fraction, rng)
            if np.bincount(codes[train]).max() < 2 and _needs_labels(embedder):
                raise ValueError(
                    "Only one class of y has two rows: it is held out to find the "
                    "threshold with, and none is left to train with; give other "
                    "classes more rows, or fit the embedder before."
                )
            labels = np.asarray(y)[train]
            self.embedder_ = clone(embedder).fit(take_rows(X, train), labels)
        pairs, is_same = form_pairs(codes[held_out], self.n_pairs, rng)
        return self._compare(*used_rows(X, held_out[pairs])), is_same

    def _choose_embedder(self, rng):
        """The parameter, or what it stands for; raise if it cannot be fitted here."""
        if self.embedder is None:
            seed = rng.randint(np.iinfo(np.int32).max)
            return SiameseTransformer(input=self.input, random_state=seed)
        if not is_fitted(self.embedder):
            self._check_unfitted(self.embedder)
        return self.embedder

    def _check_unfitted(self, embedder):
        name = type(embedder).__name__
        takes = getattr(embedder, "input", None)
        last = embedder[-1] if isinstance(embedder, Pipeline) else None
        if getattr(last, "input", None) == "pairs":
            raise ValueError(
                f"The embedder is a Pipeline that ends with a {type(last).__name__} "
                "with input='pairs', but pairs do not pass the steps before it: "
                "transform the rows first, or take input='rows' in both."
            )
        if takes in ("pairs", "rows"):
            if takes != self.input:
                raise ValueError(
                    f"PairVerifier has input={self.input!r}, but its {name} has "
                    f"input={takes!r}; set both to what X holds."
                )
            if getattr(embedder, "preprocessor", None) is not None:
                raise ValueError(
                    f"The {name} has a preprocessor of its own; give it to "
                    "PairVerifier, which looks the rows up."
                )
        elif self.input == "pairs" and _needs_labels(embedder):
            raise ValueError(
                f"{name} learns from classes, which pairs do not have: fit it before, "
                "on rows and their classes, or take input='rows', or an embedder "
                "that learns from pairs, such as SiameseTransformer(input='pairs')."
            )

    def _calibrate(self, similarities, is_same):
        """Set the threshold and the error rates."""
        self.threshold_ = verification_threshold(
            is_same,
            similarities,
            self.criterion,
            max_false_accept_rate=self.max_false_accept_rate,
        )
        accepted = similarities >= self.threshold_
        if self.criterion == "far":
            self._check_rate(is_same, accepted)
        self.equal_error_rate_ = equal_error_rate(is_same, similarities)
        self.false_accept_rate_ = float(accepted[~is_same].mean())
        self.false_reject_rate_ = float((~accepted[is_same]).mean())

    def _check_rate(self, is_same, accepted):
        rate, n_different = self.max_false_accept_rate, int((~is_same).sum())
        if not accepted[is_same].any():
            raise ValueError(
                f"max_false_accept_rate={rate} cannot be met: of {n_different} "
                "different pairs more than that are as similar as the most similar "
                "pair that is the same; raise it, or train a better embedder."
            )
        if 0 < rate * n_different < 1:
            warn(
                f"max_false_accept_rate={rate} cannot be told from 0 by {n_different} "
                f"different pairs, of which none is accepted now; {ceil(1 / rate)} are "
                "needed.",
            )

    # -- input -----------------------------------------------------------------

    def _takes_text(self):
        if self.embedder is None:
            return False
        tags = get_tags(self.embedder).input_tags
        return tags.string and not tags.two_d_array

    def _as_rows(self, X):
        """Rows that can be counted and taken: lists as arrays."""
        if hasattr(X, "shape"):
            return X
        return _as_column(X) if self._takes_text() else as_array(X)

    def _read_pairs(self, X):
        """Rows, and which two of them each pair has."""
        if self.preprocessor is not None:
            return read_pairs(X, self._as_rows(self.preprocessor))
        if not self._takes_text():
            return read_pairs(X)
        X = np.asarray(X, dtype=object)
        if X.ndim != 2 or X.shape[1] != 2 or not len(X):
            raise ValueError(
                f"X has shape {X.shape}, but pairs of texts have shape (n_pairs, 2), "
                "and there is at least one."
            )
        return X.ravel(), np.arange(X.size).reshape(-1, 2)

    def _compare(self, rows, pairs):
        """Similarities of pairs of rows."""
        Z = self.embedder_.transform(rows)
        with np.errstate(over="ignore", invalid="ignore"):  # of a sum of large numbers
            Z = check_array(
                Z,
                accept_sparse="csr",
                dtype=[np.float64, np.float32],
                input_name="the embedding of X",
            )
        if Z.shape[0] != row_count(rows):
            raise ValueError(
                f"There are {row_count(rows)} rows, but the embedder gives "
                f"{Z.shape[0]}; it must give one for each."
            )
        return pair_similarities(Z, pairs, self.metric)

    def __sklearn_clone__(self):
        return clone_sharing(self, "preprocessor")  # it may be large

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.classifier_tags.multi_class = False
        return tags


def _needs_labels(embedder):
    return get_tags(embedder).target_tags.required


def _fit_to_pairs(embedder, rows, pairs, is_same):
    """A clone, fitted on the pairs if it learns from pairs, else on their rows."""
    embedder = clone(embedder)
    if getattr(embedder, "input", None) != "pairs":
        return embedder.fit(rows)
    embedder.set_params(preprocessor=rows).fit(pairs, is_same.astype(int))
    return embedder.set_params(preprocessor=None)


def _as_column(documents):
    """An array of documents, which may be lists of tokens."""
    documents = list(documents)
    column = np.empty(len(documents), dtype=object)
    column[:] = documents
    return column
