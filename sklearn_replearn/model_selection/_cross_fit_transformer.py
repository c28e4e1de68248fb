"""Embeddings of the training rows by models that have not seen their labels."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._containers import row_count, take_items
from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._sklearn import HasMethods, StrOptions, _fit_context
from sklearn_replearn._warnings import warn

#: One less the correlation, above which a column is unlike that of all rows.
FAR = 0.5

#: Share of the variance that columns in other coordinates must have together.
CONSIDERABLE = 0.02


def _names_features(estimator):
    transformer = getattr(estimator, "transformer_", estimator.transformer)
    return hasattr(transformer, "get_feature_names_out")


class CrossFitTransformer(TransformerMixin, BaseEstimator):
    r"""Out-of-fold embeddings for training, and the full model for everything else.

    An embedding that learns from labels places its own training rows better than new
    ones. A classifier stacked on it in a pipeline is trained on these flattering
    features, and then meets others: the labels have leaked. Here, as in stacked
    generalization [1]_, :meth:`fit_transform` embeds each row by a transformer that has
    been fitted without it: the rows are split into folds :math:`F_1, \dots, F_k`, and

    .. math::

       z_i = f_{-F(i)}(x_i), \qquad f_{-F} \text{ fitted on all rows but } F ,

    while :meth:`transform` applies the one transformer that is fitted on all rows.
    Within a ``Pipeline`` that is all there is to do: its `fit` calls
    :meth:`fit_transform`, and its `predict` calls :meth:`transform`.

    **So** ``fit_transform(X, y)`` **is not** ``fit(X, y).transform(X)``, on purpose:
    the latter leaks.

    Parameters
    ----------
    transformer : transformer
        The embedding. It is cloned, and not changed.
    cv : int, splitter or iterable, default=5
        How the rows are split. An int is the number of folds, stratified if `y` holds
        classes, and not shuffled; a splitter such as ``StratifiedKFold(5,
        shuffle=True, random_state=0)``, or an iterable of (train, test) rows, is used
        as it is. The test rows of all splits together must be every row once, and no
        split may train on its own test rows.
    align : {"auto", "procrustes"} or None, default="auto"
        Whether the embeddings of the folds are moved into the coordinates of the full
        model. A learned embedding is often as good after a rotation or with other
        signs, so that each fold comes in coordinates of its own; a classifier trained
        on this patchwork is no better than chance on the full model's embedding.

        - "auto": "procrustes" if the embedding of any fold lies in other coordinates
          than that of all rows: columns of it correlate with those of the full model
          by less than 0.5, and much better after the rotation. Otherwise, and for
          sparse embeddings, the same as ``None``.
        - "procrustes": the vectors of each fold are moved by the rotation or reflection
          :math:`Q`, and the shift, that bring its **training** rows closest to where
          the full model has them,

          .. math::

             \min_{Q^\top Q = I} \sum_{j \notin F}
             \big\| (f_{-F}(x_j) - a) Q - (f(x_j) - b) \big\|^2

          with the two means :math:`a` and :math:`b` over these rows [2]_. Distances
          within a fold stay as they are. Right for embeddings that are learned from
          distances, or found by a singular value decomposition, a network or anything
          else with a random start. The lengths of embeddings on a sphere change a
          little.
        - ``None``: the vectors are exactly those of the fold's transformer. Right where
          the columns mean the same in all folds: probabilities of classes, distances
          to given points, features by name. A warning says if they do not.
    n_jobs : int, default=None
        Number of fits at a time, of the full model and those of the folds. ``None`` is
        1, and -1 as many as there are processors.

    Attributes
    ----------
    transformer_ : transformer
        The transformer fitted on all rows. Those of the folds are not kept.
    n_features_in_ : int
        Number of features seen in :meth:`fit`, if the transformer counts them.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names and the transformer keeps them.

    Warns
    -----
    UserWarning
        If ``align=None`` and the embedding of a fold lies in other coordinates than
        that of all rows.

    See Also
    --------
    sklearn.preprocessing.TargetEncoder : Cross-fits its encodings in the same way.
    sklearn.ensemble.StackingClassifier : Stacks predictions instead of embeddings.

    Notes
    -----
    :meth:`fit_transform` fits ``k + 1`` transformers, and :meth:`fit` one.

    The full model, which has seen the labels of a fold, takes part in "procrustes" by
    the embedding of the other folds alone. Each fold is moved as a whole, so that no
    row's label can be read from where it lies among the rows of its fold.

    References
    ----------
    .. [1] D. H. Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    .. [2] P. H. Schönemann, "A generalized solution of the orthogonal Procrustes
       problem", Psychometrika 31, 1966.

    Examples
    --------
    Four measurements of wines as they are, and the other nine, among sixty columns of
    noise, by an embedding that learns from the labels:

    >>> import numpy as np
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_replearn.model_selection import CrossFitTransformer
    >>> X, y = load_wine(return_X_y=True)
    >>> noise = np.random.default_rng(0).standard_normal((len(X), 60))
    >>> X = np.hstack([X, noise])
    >>> lda = LinearDiscriminantAnalysis()
    >>> crossed = CrossFitTransformer(lda)
    >>> for embedder in ("drop", lda, crossed):
    ...     columns = make_column_transformer(
    ...         (embedder, slice(4, None)), remainder=StandardScaler()
    ...     )
    ...     model = make_pipeline(columns, LogisticRegression())
    ...     print(round(cross_val_score(model, X, y).mean(), 2))
    0.82
    0.89
    0.96
    """

    _parameter_constraints = {
        "transformer": [HasMethods(["fit", "transform"])],
        "cv": ["cv_object"],
        "align": [StrOptions({"auto", "procrustes"}), None],
        "n_jobs": [Integral, None],
    }

    def __init__(self, transformer, cv=5, *, align="auto", n_jobs=None):
        self.transformer = transformer
        self.cv = cv
        self.align = align
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, groups=None):
        """Fit the transformer on all rows, for :meth:`transform`.

        The folds have no part in it. For features to train a classifier with, call
        :meth:`fit_transform`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the transformer takes
        y : array-like of shape (n_samples,), default=None
            Passed on to the transformer.
        groups : object, default=None
            Ignored; it is here so that pipelines can pass it on.

        Returns
        -------
        self : CrossFitTransformer
        """
        with unchanged_by_errors(self):
            self.transformer_ = clone(self.transformer).fit(X, y)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None, *, groups=None):
        """Fit on all rows and on each fold's rest; embed each row out of its fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the transformer takes
            Tables, images, lists of documents, data frames: anything whose rows can be
            taken.
        y : array-like of shape (n_samples,), default=None
            Passed on to the transformers, and to `cv`.
        groups : array-like of shape (n_samples,), default=None
            Passed on to `cv`, for splitters such as ``GroupKFold``.

        Returns
        -------
        Z : {ndarray, sparse matrix} of shape (n_samples, n_components)
            Row i is by the transformer that was fitted without row i's fold.

        Raises
        ------
        ValueError
            If the test rows of `cv` are not every row once, or a split trains on its
            own test rows; if the transformers of the folds do not all give as many
            columns as that of all rows; if ``align="procrustes"`` and the embedding is
            sparse; if the transformer refuses its rows.
        """
        X, y, groups = indexable(X, y, groups)
        _refuse_pairwise(self.transformer)
        splits = _partition(self.cv, X, y, groups)
        jobs = [delayed(_fit_full)(self.transformer, X, y)]
        jobs += [delayed(_fit_fold)(self.transformer, X, y, *split) for split in splits]
        with unchanged_by_errors(self):
            (self.transformer_, full), *folds = Parallel(n_jobs=self.n_jobs)(jobs)
            for fold, (Z, _) in enumerate(folds):
                _refuse_other_width(Z, full, fold)
            there = [full[train] for train, _ in splits]
            parts = [Z for Z, _ in folds]
            if self._aligns([Z_train for _, Z_train in folds], there):
                parts = [
                    move(Z, *procrustes(Z_train, target))
                    for (Z, Z_train), target in zip(folds, there, strict=True)
                ]
        order = np.argsort(np.concatenate([test for _, test in splits]))
        if any(map(sparse.issparse, parts)):
            return sparse.vstack(parts, format="csr")[order]
        return np.concatenate(parts)[order]

    def _aligns(self, sources, targets):
        """Whether folds are moved, from their training rows as they and all have them.

        Warns if they lie in other coordinates and stay there.
        """
        if self.align == "procrustes":
            return True
        differ = [
            lie_elsewhere(source, target)
            for source, target in zip(sources, targets, strict=True)
        ]
        if self.align == "auto" or not any(differ):
            return any(differ)
        warn(
            f"The embeddings of {sum(differ)} of the {len(differ)} folds lie in other "
            "coordinates than that of all rows: they are much like it, but rotated, or "
            "with other signs. A classifier trained on them is of no use for what "
            "transform gives; set align='auto' or 'procrustes'.",
        )
        return False

    def transform(self, X):
        """Embed rows by the transformer that was fitted on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or what the transformer takes

        Returns
        -------
        Z : {ndarray, sparse matrix} of shape (n_samples, n_components)
        """
        check_is_fitted(self)
        return _plain(self.transformer_.transform(X))

    @available_if(_names_features)
    def get_feature_names_out(self, input_features=None):
        """Names of the columns, those that the transformer gives them.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Passed on to the transformer.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        return self.transformer_.get_feature_names_out(input_features)

    @property
    def n_features_in_(self):
        return self.transformer_.n_features_in_

    @property
    def feature_names_in_(self):
        return self.transformer_.feature_names_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = self.transformer
        if isinstance(inner, type) or not hasattr(inner, "fit"):
            return tags
        inner = get_tags(inner)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        if inner.transformer_tags is not None:
            tags.transformer_tags = inner.transformer_tags
        return tags


# ---------------------------------------------------------------------------
# Fits
# ---------------------------------------------------------------------------


def _fit_full(transformer, X, y):
    """The transformer fitted on all rows, and what it makes of them."""
    fitted = clone(transformer).fit(X, y)
    return fitted, _plain(fitted.transform(X))


def _fit_fold(transformer, X, y, train, test):
    """What a transformer fitted on some rows makes of the others, and of its own."""
    X_train, X_test = take_items(X, train), take_items(X, test)
    y_train = None if y is None else take_items(y, train)
    fitted = clone(transformer).fit(X_train, y_train)
    return _plain(fitted.transform(X_test)), _plain(fitted.transform(X_train))


def _plain(Z):
    """An array or a sparse matrix of any output: the frames are made at the end."""
    return Z.to_numpy() if hasattr(Z, "to_numpy") else Z


# ---------------------------------------------------------------------------
# Folds
# ---------------------------------------------------------------------------


def _partition(cv, X, y, groups):
    """The splits (train, test), after a look whether the tests are every row once."""
    splits = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    n_samples = row_count(X)
    n_tests = np.zeros(n_samples, dtype=int)
    for number, (train, test) in enumerate(splits):
        outside = np.setdiff1d(np.concatenate([train, test]), np.arange(n_samples))
        if outside.size:
            raise ValueError(
                f"Split {number} of cv has row {outside[0]}, but X has {n_samples} "
                "rows, which count from 0."
            )
        n_tests += np.bincount(test, minlength=n_samples)
        shared = np.intersect1d(train, test)
        if shared.size:
            raise ValueError(
                f"Split {number} of cv has row {shared[0]} in its training and in its "
                "test rows, so that its label would leak; let them have none in common."
            )
    wrong = np.flatnonzero(n_tests != 1)
    if wrong.size:
        raise ValueError(
            f"cv={cv!r:.80} has row {wrong[0]} in the test rows of "
            f"{n_tests[wrong[0]]} splits, but every row must be in those of exactly "
            "one; take a splitter that partitions the rows, such as KFold or "
            "StratifiedKFold."
        )
    return splits


def _refuse_pairwise(transformer):
    if get_tags(transformer).input_tags.pairwise:
        raise ValueError(
            f"{type(transformer).__name__} takes square matrices, which have columns "
            "for all rows and cannot be split by rows alone; put what makes vectors of "
            "rows here."
        )


def _refuse_other_width(Z, full, fold):
    if Z.shape[1:] != full.shape[1:]:
        raise ValueError(
            f"The transformer of fold {fold} gives {Z.shape[1]} columns, but that of "
            f"all rows gives {full.shape[1]}; fix the number, such as n_components, or "
            "take larger or stratified folds."
        )


# ---------------------------------------------------------------------------
# Alignment
# ---------------------------------------------------------------------------


def procrustes(source, target):
    """The rotation or reflection, and the means, that bring rows closest to others.

    Parameters
    ----------
    source, target : ndarray of shape (n_samples, n_components)

    Returns
    -------
    source_mean : ndarray of shape (n_components,)
    rotation : ndarray of shape (n_components, n_components)
        Orthogonal.
    target_mean : ndarray of shape (n_components,)
    """
    if sparse.issparse(source) or sparse.issparse(target):
        raise ValueError(
            "align='procrustes' needs dense embeddings, since a rotation has no zeros, "
            "but the transformer gives a sparse matrix; set align=None, or make the "
            "transformer's output dense."
        )
    source, target = (np.asarray(Z, dtype=np.float64) for Z in (source, target))
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError(
            "align='procrustes' needs finite embeddings, but the transformer gives NaN "
            "or infinity; set align='auto', which leaves such embeddings as they are."
        )
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    U, _, Vt = np.linalg.svd((source - source_mean).T @ (target - target_mean))
    return source_mean, U @ Vt, target_mean


def lie_elsewhere(source, target):
    """Whether columns are unlike those of other rows, but much like them once rotated.

    Columns are compared by their correlations, so that those of small variance count as
    well, but not the smallest, which differ by chance. Sparse embeddings are not
    compared, since a rotation would not keep their zeros, nor are missing values.
    """
    if any(sparse.issparse(Z) or Z.dtype.kind not in "fiub" for Z in (source, target)):
        return False
    source, target = (np.asarray(Z, dtype=np.float64) for Z in (source, target))
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        return False
    before = _unlikeness(source, target)
    if not (before > FAR).any():
        return False
    after = _unlikeness(move(source, *procrustes(source, target)), target)
    turned = (before > FAR) & (after < before / 2)
    variances = target.var(axis=0)
    return bool(variances[turned].sum() > CONSIDERABLE * variances.sum())


def _unlikeness(source, target):
    """Of each column, one less its correlation; zero if a column is constant."""
    source, target = (Z - Z.mean(axis=0) for Z in (source, target))
    source, target = (_of_length_one(Z) for Z in (source, target))
    constant = ~(source.any(axis=0) & target.any(axis=0))
    return np.where(constant, 0, 1 - (source * target).sum(axis=0))


def _of_length_one(columns):
    lengths = np.linalg.norm(columns, axis=0)
    return columns / np.where(lengths > 0, lengths, 1)


def move(Z, source_mean, rotation, target_mean):
    """Rows moved as `procrustes` says, in the precision that they have."""
    moved = (Z - source_mean) @ rotation + target_mean
    return moved.astype(Z.dtype) if Z.dtype.kind == "f" else moved
