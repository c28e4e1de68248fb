"""Latent semantic analysis."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._components import available_components
from sklearn_replearn._counts import check_count
from sklearn_replearn._documents import check_documents, check_same_kind
from sklearn_replearn._linalg import randomized_svd
from sklearn_replearn._scaling import range_unit, rows_of_size_one
from sklearn_replearn._sklearn import (
    FastTfidfVectorizer,
    HasMethods,
    Interval,
    _fit_context,
)
from sklearn_replearn._word_queries import WordQueriesMixin
from sklearn_replearn._word_scores import largest


class LSA(
    WordQueriesMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""Latent semantic analysis: tf-idf, then a truncated singular value decomposition.

    With the tf-idf matrix of the training documents :math:`X \approx U S V^{\mathsf T}`
    (rows are documents, columns terms), a document with the tf-idf row :math:`x` is
    encoded as

    .. math:: z = V^{\mathsf T} x ,

    scaled to unit length by default, so that inner products are cosines. Terms that
    occur in the same documents, or in similar ones, share directions; new documents
    are folded in by the same formula.

    Parameters
    ----------
    n_components : int, default=100
        Number of dimensions. More than ``min(n_documents, n_terms)`` are cut to it,
        with a warning.
    vectorizer : estimator, default=None
        Turns documents into weights of terms, and knows the terms
        (`get_feature_names_out`); cloned before fitting. ``None`` is scikit-learn's
        ``TfidfVectorizer(sublinear_tf=True)``, which for lists of tokens takes the
        tokens as they are. To tune one in a grid (``vectorizer__min_df``), give one.
    n_iter : int, default=5
        Iterations of the randomised solver, at most. Each reads the tf-idf matrix
        twice. A small corpus is decomposed exactly, and `random_state` is not used: one
        of at most ``2 * (n_components + 10)`` documents or terms, or of ``(n_iter + 1)
        * (n_components + 10)`` if it has no more than four million entries.
    tol : float, default=0.01
        The solver stops when further iterations would add less than this share to the
        sum of squares that the components capture. With 0 it makes all `n_iter`
        iterations; the last components need more of them than the first.
    normalize : bool, default=True
        Scale each document vector to unit Euclidean length.
    random_state : int, RandomState instance or None, default=None
        Starting block of the solver.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_terms)
        Right singular vectors of the tf-idf matrix; the entry of largest absolute
        value in each is positive.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of the tf-idf matrix.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        Share of each component in the sum of squared tf-idf weights.
    n_components_ : int
        Number of dimensions.
    vectorizer_ : estimator
        The fitted vectorizer.
    vocabulary_ : dict of str to int
        Column of each term.
    word_vectors_ : ndarray of shape (n_terms, n_components_)
        Term vectors :math:`V S`, whose inner products approximate those of the columns
        of the tf-idf matrix.

    See Also
    --------
    sklearn.decomposition.TruncatedSVD : The decomposition alone.

    Notes
    -----
    A document with no known term gets a zero vector, and so does one that is
    orthogonal to all components.

    References
    ----------
    .. [1] S. Deerwester, S. T. Dumais, G. W. Furnas, T. K. Landauer and R. Harshman,
       "Indexing by latent semantic analysis", Journal of the American Society for
       Information Science 41, 1990.
    .. [2] N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with
       randomness", SIAM Review 53, 2011 (the randomised solver).
    .. [3] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and
       faster approximate singular value decomposition", NeurIPS 2015 (the same).

    Examples
    --------
    >>> from sklearn_replearn.text import LSA
    >>> documents = [
    ...     "cats and dogs are pets", "dogs chase cats", "pets need care",
    ...     "cats purr", "stocks and bonds fell", "bonds are safe", "stocks rose",
    ...     "banks sell bonds",
    ... ]
    >>> lsa = LSA(n_components=2, random_state=0).fit(documents)
    >>> lsa.transform(["dogs and cats", "banks and stocks", "unheard of"]).round(1)
    array([[ 0.9, -0.4],
           [ 0.6,  0.8],
           [ 0. ,  0. ]])
    >>> [word for word, _ in lsa.most_similar("stocks", topn=2)]
    ['banks', 'sell']
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "vectorizer": [
            None,
            HasMethods(["fit_transform", "transform", "get_feature_names_out"]),
        ],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "normalize": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=100,
        *,
        vectorizer=None,
        n_iter=5,
        tol=0.01,
        normalize=True,
        random_state=None,
    ):
        self.n_components = n_components
        self.vectorizer = vectorizer
        self.n_iter = n_iter
        self.tol = tol
        self.normalize = normalize
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the term weights and the components.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, all strings or all lists of tokens.
        y : array-like of shape (n_documents,), default=None
            Passed to the vectorizer, which seldom uses it.

        Returns
        -------
        self : LSA

        Raises
        ------
        ValueError
            If X is a single string or a table, holds no documents or anything but
            text, or if no document has a term.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and encode the training documents by the formula of :meth:`transform`.

        Parameters
        ----------
        X : iterable of str, or of lists of str
        y : array-like of shape (n_documents,), default=None
            Passed to the vectorizer, which seldom uses it.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_components_)
        """
        return self._encode(self._fit(X, y))

    def transform(self, X):
        """Encode documents by the fitted vocabulary, weights and components.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Of the kind given to :meth:`fit`. Unknown terms are ignored.

        Returns
        -------
        Z : ndarray of shape (n_documents, n_components_)
            In the precision of the vectorizer, float64 by default.
        """
        check_is_fitted(self)
        documents, tokenized = check_documents(X)
        check_same_kind(self, self._tokenized, tokenized)
        return self._encode(_as_rows(self.vectorizer_.transform(documents)))

    def top_words(self, n=10):
        """The terms with the largest weights in each component.

        Parameters
        ----------
        n : int, default=10
            How many terms a component, at least 1.

        Returns
        -------
        words : list of n_components_ lists of str
            By decreasing weight.
        """
        check_is_fitted(self)
        check_count("n", n)
        words = self._words()
        return [[words[row] for row in largest(x, n)] for x in self.components_]

    @property
    def word_vectors_(self):
        """Term vectors of shape (n_terms, n_components_), a row for each term."""
        check_is_fitted(self)
        return self._vectors_of(slice(None))

    def _vectors_of(self, rows):
        return self.components_[:, rows].T * self.singular_values_

    def _scaled_vectors(self):
        return self.components_.T, self.singular_values_

    @_fit_context(prefer_skip_nested_validation=False)
    def _fit(self, X, y):
        """Set the fitted attributes and return the tf-idf rows of the documents."""
        documents, tokenized = check_documents(X)
        vectorizer = self._new_vectorizer(tokenized)
        try:
            weights = _as_rows(vectorizer.fit_transform(documents, y))
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            weights = sparse.csr_array((0, 0))
        if not weights.data.any():
            raise ValueError(
                f"None of the {len(documents)} documents has a term: they are empty, "
                "or hold only stop words and what the vectorizer does not take for a "
                "word."
            )
        limit = min(weights.shape)
        n_components = available_components(
            self.n_components, limit, "min(n_documents, n_terms)"
        )
        _, s, Vt = randomized_svd(
            weights,
            n_components,
            n_iter=self.n_iter,
            tol=self.tol,
            random_state=self.random_state,
        )
        self._tokenized = tokenized
        self.vectorizer_ = vectorizer
        terms = vectorizer.get_feature_names_out()
        self.vocabulary_ = {term: column for column, term in enumerate(terms)}
        self.components_ = Vt
        self.singular_values_ = s
        unit = range_unit(np.abs(weights.data).max(), weights.dtype)
        values, own = (x / unit for x in (weights.data, s))
        self.explained_variance_ratio_ = (own**2 / (values**2).sum()).astype(s.dtype)
        self.n_components_ = n_components
        return weights

    def _new_vectorizer(self, tokenized):
        if self.vectorizer is None:
            return FastTfidfVectorizer(
                analyzer=_as_tokens if tokenized else "word", sublinear_tf=True
            )
        if tokenized and isinstance(getattr(self.vectorizer, "analyzer", None), str):
            raise ValueError(
                "X holds lists of tokens, but the vectorizer takes strings apart "
                "itself; give it an analyzer that returns its argument, or pass "
                "strings."
            )
        return clone(self.vectorizer)

    def _encode(self, weights):
        if not self.normalize:
            return weights @ self.components_.T
        weights = rows_of_size_one(weights)
        Z = weights @ self.components_.T
        # What is left of a row by rounding alone has no direction.
        lengths = np.linalg.norm(Z, axis=1)
        rounding = np.finfo(Z.dtype).eps ** 0.625
        lengths[lengths <= rounding * _row_norms(weights)] = np.inf
        return Z / lengths[:, np.newaxis]

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _as_tokens(document):
    return document


def _as_rows(weights):
    """Weights of terms, from any vectorizer, as floats in CSR format."""
    weights = sparse.csr_array(weights)
    if weights.dtype not in (np.float32, np.float64):
        weights = weights.astype(np.float64)
    return weights


def _row_norms(weights):
    return np.sqrt(weights.multiply(weights).sum(axis=1))
