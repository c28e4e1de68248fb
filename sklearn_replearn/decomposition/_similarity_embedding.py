"""Low-rank factors of a matrix of similarities."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.metrics.pairwise import (
    euclidean_distances,
    kernel_metrics,
    pairwise_kernels,
)
from sklearn.utils import gen_batches
from sklearn.utils.extmath import row_norms
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from sklearn_replearn._components import available_components
from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._linalg import input_eps, randomized_svd
from sklearn_replearn._operators import with_small_indices
from sklearn_replearn._scaling import divide, range_unit, rows_of_size_one
from sklearn_replearn._sklearn import Interval, StrOptions, _fit_context

# Kernels of histograms: without negative numbers, and dense.
CHI2_KERNELS = ("additive_chi2", "chi2")

#: Kernels of rows that are divided by a unit are those of the rows if gamma, or they
#: themselves, are multiplied by this power of the unit.
POWERS_IN_GAMMA = {"chi2": 1, "poly": 2, "polynomial": 2, "rbf": 2, "sigmoid": 2}
POWERS_OF_KERNEL = {"additive_chi2": 1, "linear": 2}

#: Singular values below so many rounding errors of the largest are not told from zero.
N_ROUNDINGS = 30

#: Similarities of new rows that are in memory at a time.
BATCH = 1 << 24


class SimilarityEmbedding(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""Low-rank factors of any similarity, with a formula for new rows.

    With the similarities of the training rows, :math:`S_{ij} = s(x_i, x_j)`, and their
    truncated singular value decomposition :math:`S \approx U \Sigma V^{\mathsf T}`, a
    row with the similarities :math:`s_x = (s(x, x_1), \dots, s(x, x_n))` to the
    training rows is encoded as

    .. math:: e = s_x V \Sigma^{p-1} ,

    which is :math:`U \Sigma^p` for the training rows. Its inner products with the
    columns of `components_`, :math:`\Sigma^{1-p} V^{\mathsf T}`, approximate
    :math:`s_x`.

    The similarity may be any function of two rows: it need not be symmetric, and S may
    have negative eigenvalues [2]_. For a kernel the encoding is that of kernel PCA
    without centring [1]_, for :math:`p = 1/2`, and new rows follow Nyström's formula
    [3]_. The same recipe, on other matrices, is behind latent semantic analysis,
    factorised PMI and NetMF.

    Parameters
    ----------
    n_components : int, default=2
        Number of dimensions. More than the rank of the similarity matrix are cut to
        it, with a warning.
    similarity : str or callable, default="rbf"
        How similar two rows are.

        - "additive_chi2", "chi2", "cosine", "laplacian", "linear", "poly" (or
          "polynomial"), "rbf", "sigmoid": the kernel of this name in
          :func:`sklearn.metrics.pairwise.pairwise_kernels`. The two chi2 kernels take
          dense rows without negative numbers.
        - "precomputed": X holds the similarities themselves; row i of it those of row
          i to each training row.
        - a callable: ``similarity(A, B)`` takes whole tables and returns the array of
          shape ``(len(A), len(B))`` of the similarities of the rows of A to those of
          B, each from its two rows alone. B is `X_fit_`, and so is A in :meth:`fit`;
          :meth:`transform` may pass its rows in several batches. Both are float64
          arrays; a sparse X arrives as it is, in CSR format. The result may be of any
          real type; its own precision says which singular values are zero.
    gamma : float, default=None
        Coefficient of "chi2", "laplacian", "poly", "rbf" and "sigmoid", above 0.
        ``None`` is ``1 / n_features``.
    degree : float, default=3
        Degree of "poly", at least 1. A fraction needs inner products that are not
        negative.
    coef0 : float, default=1
        Constant term of "poly" and "sigmoid".
    eigenvalue_weight : float, default=0.5
        The power :math:`p` of the singular values in the vectors, from 0 to 1; the
        rest of them is in `components_`. At 1, inner products of the vectors are those
        of the rows of S; at 0 all dimensions have the same sum of squares; at 1/2 both
        factors share alike.
    n_iter : int, default=5
        Iterations of the randomised solver; each multiplies by S twice. A small
        matrix is decomposed exactly, and `random_state` is not used: one of at most
        ``2 * (n_components + 10)`` rows, or of ``(n_iter + 1) * (n_components + 10)``
        and not above 2048.
    random_state : int, RandomState instance or None, default=None
        Starting block of the solver.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_training_rows)
        The right factor, :math:`\Sigma^{1-p} V^{\mathsf T}`: with E from
        :meth:`transform`, ``E @ components_`` approximates the similarities to the
        training rows. The entry of largest absolute value in each row is positive.
    singular_values_ : ndarray of shape (n_components_,)
        Leading singular values of the similarity matrix.
    n_components_ : int
        Number of dimensions.
    X_fit_ : {ndarray, sparse matrix} of shape (n_training_rows, n_features_in_) or None
        The training rows, as float64; ``None`` if the similarities are precomputed.
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    See Also
    --------
    sklearn.decomposition.KernelPCA : The same for a kernel, with centring.
    sklearn.kernel_approximation.Nystroem : Features of a kernel from a sample of the
        rows, without the n x n matrix.

    Notes
    -----
    The similarities of n training rows are n x n numbers: 800 MB for 10,000 rows, in
    :meth:`fit` only; :meth:`transform` computes those of new rows in batches of about
    128 MB. A sparse precomputed matrix stays sparse. The model keeps the training rows,
    and n x n_components_ numbers.

    The inner product of two vectors is not their similarity where S is indefinite or
    not symmetric: the other factor is in `components_`. The vectors' own inner
    products are, for :math:`p = 1/2`, a low-rank :math:`(S S^{\mathsf T})^{1/2}`; a
    symmetric S becomes that by making its negative eigenvalues positive.

    References
    ----------
    .. [1] B. Schölkopf, A. Smola and K.-R. Müller, "Nonlinear component analysis as a
       kernel eigenvalue problem", Neural Computation 10, 1998.
    .. [2] E. Pekalska, P. Paclik and R. P. W. Duin, "A generalized kernel approach to
       dissimilarity-based classification", Journal of Machine Learning Research 2,
       2001 (indefinite similarities).
    .. [3] C. K. I. Williams and M. Seeger, "Using the Nyström method to speed up
       kernel machines", NIPS 2000, published 2001 (the formula for new rows).

    Examples
    --------
    The share of items that two baskets have in common, as a callable:

    >>> import numpy as np
    >>> from sklearn_replearn.decomposition import SimilarityEmbedding
    >>> def jaccard(A, B):
    ...     common = A @ B.T
    ...     return common / (A.sum(axis=1)[:, np.newaxis] + B.sum(axis=1) - common)
    >>> baskets = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]])
    >>> jaccard(baskets, baskets).round(1)
    array([[1. , 0.7, 0. , 0. ],
           [0.7, 1. , 0.2, 0. ],
           [0. , 0.2, 1. , 0.5],
           [0. , 0. , 0.5, 1. ]])
    >>> embedding = SimilarityEmbedding(n_components=3, similarity=jaccard)
    >>> E = embedding.fit_transform(baskets)
    >>> errors = E @ embedding.components_ - jaccard(baskets, baskets)
    >>> float(np.abs(errors).max().round(1))
    0.1
    >>> embedding.transform([[0, 1, 1, 0]]).shape
    (1, 3)
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "similarity": [StrOptions({*kernel_metrics(), "precomputed"}), callable],
        "gamma": [None, Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Real, 1, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "eigenvalue_weight": [Interval(Real, 0, 1, closed="both")],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=2,
        *,
        similarity="rbf",
        gamma=None,
        degree=3,
        coef0=1,
        eigenvalue_weight=0.5,
        n_iter=5,
        random_state=None,
    ):
        self.n_components = n_components
        self.similarity = similarity
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.eigenvalue_weight = eigenvalue_weight
        self.n_iter = n_iter
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the factors of the similarities of the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_training_rows, n_features)
            At least two rows of finite numbers; with ``similarity="precomputed"``
            their similarities, of shape (n_training_rows, n_training_rows).
        y : None
            Ignored.

        Returns
        -------
        self : SimilarityEmbedding

        Raises
        ------
        ValueError
            If X is empty, has one row, or holds NaN or infinity; if it is negative
            somewhere with a chi2 kernel; if precomputed similarities are not square;
            if the similarities are not finite, all zero, or of a wrong shape.
        TypeError
            If X is sparse and the kernel takes dense rows only.
        """
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and encode the training rows by the formula of :meth:`transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_training_rows, n_features)
            Or (n_training_rows, n_training_rows), as in :meth:`fit`.
        y : None
            Ignored.

        Returns
        -------
        E : ndarray of shape (n_training_rows, n_components_)
        """
        S, dtype = self._fit(X)
        return self._project(S).astype(dtype, copy=False)

    def transform(self, X):
        """Encode rows by their similarities to the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            With ``similarity="precomputed"`` the similarities of the rows to the
            training rows, of shape (n_samples, n_training_rows).

        Returns
        -------
        E : ndarray of shape (n_samples, n_components_)
            In X's own precision.
        """
        check_is_fitted(self)
        X = self._validate(X)
        n_samples, batch_size = X.shape[0], X.shape[0]
        if self.X_fit_ is not None:
            batch_size = max(1, BATCH // self.X_fit_.shape[0])
        E = np.empty((n_samples, self.n_components_), dtype=X.dtype)
        for batch in gen_batches(n_samples, batch_size):
            rows = X[batch].astype(np.float64, copy=False)
            S, _ = self._similarities(
                rows, self.X_fit_, self._row_unit, start=batch.start
            )
            E[batch] = self._project(S if self._unit == 1 else divide(S, self._unit))
        return E

    @property
    def components_(self):
        """The right factor, of shape (n_components_, n_training_rows)."""
        check_is_fitted(self)
        rest = 1 - self._weight
        weights = self._values**rest * np.exp2(rest * self._exponent)
        return weights[:, np.newaxis] * self._axes

    @_fit_context(prefer_skip_nested_validation=False)
    def _fit(self, X):
        """Set the fitted attributes; return the similarities, and the dtype of X.

        The similarities are in units of `_unit`.
        """
        with unchanged_by_errors(self):
            given = X
            X = self._validate(X, reset=True)
            precomputed = self.similarity == "precomputed"
            if precomputed and X.shape[0] != X.shape[1]:
                raise ValueError(
                    "Precomputed similarities of the training rows must be square, but "
                    f"X has shape {X.shape}; new rows go into transform."
                )
            rows = X.astype(np.float64, copy=not precomputed)
            kernel = None if callable(self.similarity) else self.similarity
            power = POWERS_OF_KERNEL.get(kernel, 0)
            row_unit = 1.0
            if power or kernel in POWERS_IN_GAMMA:
                row_unit = float(range_unit(_largest(rows)))
            S, eps = self._similarities(rows, rows, row_unit)
            if precomputed:
                eps = input_eps(given, X.dtype)
            largest = _largest(S)
            if largest == 0:
                raise ValueError(
                    "All similarities of the training rows are zero, and there is "
                    "nothing to factorise; look at X, the similarity and its "
                    "parameters."
                )
            unit = float(range_unit(largest))
            S = S if unit == 1 else divide(S, unit)
            _, s, Vt = randomized_svd(
                S,
                min(self.n_components, S.shape[0]),
                n_iter=self.n_iter,
                random_state=self.random_state,
            )
            rank = int(np.count_nonzero(s > N_ROUNDINGS * eps * s[0]))
            k = available_components(
                self.n_components, rank, "rank of the similarity matrix"
            )
            self.X_fit_ = None if precomputed else rows
            self.n_components_ = k
            self._row_unit, self._unit = row_unit, unit
            self._exponent = int(np.log2(unit) + power * np.log2(row_unit))
            self._weight = self.eigenvalue_weight
            self._axes, self._values = Vt[:k], s[:k]
            with np.errstate(over="ignore"):
                self.singular_values_ = np.ldexp(s[:k], self._exponent)
            return S, X.dtype

    def _validate(self, X, *, reset=False):
        if self.similarity == "laplacian" and sparse.issparse(X):
            X = with_small_indices(X.tocsr())
        with np.errstate(invalid="ignore"):  # sums of finite numbers may overflow
            X = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse=False if self.similarity in CHI2_KERNELS else "csr",
                accept_large_sparse=self.similarity != "laplacian",
                dtype=(np.float64, np.float32),
                ensure_min_samples=2 if reset else 1,
            )
        if self.similarity in CHI2_KERNELS:
            check_non_negative(X, f"the kernel {self.similarity!r}")
        return X

    def _similarities(self, X, training_rows, unit, start=0):
        """Similarities of rows to the training rows, finite and in float64.

        Kernels in `POWERS_OF_KERNEL` are those of the rows divided by `unit`. `start`
        is the number of the first row, for messages.

        Returns
        -------
        S : {ndarray, sparse matrix} of shape (n_samples, n_training_rows)
        eps : float
            Relative rounding error of its entries.
        """
        if self.similarity == "precomputed":
            return X, np.finfo(np.float64).eps
        # What is not finite gets a sentence of its own.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            S = self._compare(X, training_rows, unit)
            eps = input_eps(S, np.float64)
            S = S.astype(np.float64, copy=False)
        finite = np.isfinite(S)
        if not finite.all():
            i, j = np.argwhere(~finite)[0]
            raise ValueError(
                f"The similarity of row {start + i} to training row {j} is {S[i, j]}, "
                "but it must be a finite number; scale the features, or change the "
                "similarity or its parameters."
            )
        return S, eps

    def _compare(self, A, B, unit):
        """The similarities of the rows of A to those of B, unchecked."""
        if callable(self.similarity):
            S = self.similarity(A, B)
            return _as_similarities(S, (A.shape[0], B.shape[0]))
        gamma = np.float64(1 / A.shape[1] if self.gamma is None else self.gamma)
        if unit != 1:
            A, B = divide(A, unit), divide(B, unit)
            for _ in range(POWERS_IN_GAMMA.get(self.similarity, 0)):
                gamma = gamma * unit
            numbers = np.finfo(np.float64)
            gamma = np.clip(gamma, numbers.smallest_subnormal, numbers.max)
        if self.similarity == "cosine":
            A, B = rows_of_size_one(A), rows_of_size_one(B)
        if self.similarity == "rbf":
            return _rbf_kernel(*_near_the_origin(A, B), gamma)
        if self.similarity in CHI2_KERNELS:  # their loops refuse read-only arrays
            A, B = np.require(A, requirements="W"), np.require(B, requirements="W")
        return pairwise_kernels(
            A,
            B,
            metric=self.similarity,
            filter_params=True,
            gamma=gamma,
            degree=self.degree,
            coef0=self.coef0,
        )

    def _project(self, S):
        """Vectors of rows from their similarities, in units of `_unit`."""
        E = S @ (self._axes.T * self._values ** (self._weight - 1))
        if self._exponent:
            E *= np.exp2(self._weight * self._exponent)
        return E

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.similarity == "precomputed"
        tags.input_tags.sparse = self.similarity not in CHI2_KERNELS
        tags.input_tags.positive_only = self.similarity in CHI2_KERNELS
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _near_the_origin(A, B):
    """Dense tables less the mean of B, which keeps their distances.

    scikit-learn computes distances from inner products, and these lose digits far
    from the origin.
    """
    if sparse.issparse(A) or sparse.issparse(B):
        return A, B
    origin = B.mean(axis=0)
    return A - origin, B - origin


def _rbf_kernel(A, B, gamma):
    """The Gaussian kernel, also where gamma magnifies rounding errors of distances."""
    distances = euclidean_distances(A, B, squared=True)
    squares, other_squares = row_norms(A, squared=True), row_norms(B, squared=True)
    eps = 8 * np.finfo(np.float64).eps
    if eps * (squares.max() + other_squares.max()) > 1e-12 / gamma:
        rounding = eps * (squares[:, np.newaxis] + other_squares)
        matters = (rounding > 1e-12 / gamma) & (distances < 1000 / gamma + rounding)
        near = np.argwhere(matters)
        step = max(1, BATCH // (4 * A.shape[1]))
        for start in range(0, len(near), step):
            rows, others = near[start : start + step].T
            distances[rows, others] = row_norms(A[rows] - B[others], squared=True)
    return np.exp(-gamma * distances)


def _as_similarities(S, shape):
    """What a callable returned, as an array of the shape that it must have."""
    S = S.toarray() if sparse.issparse(S) else np.asarray(S)
    if S.shape != shape:
        raise ValueError(
            f"The callable similarity returned an array of shape {S.shape} where "
            f"{shape} is expected; it is called with two whole tables, here of "
            f"{shape[0]} and {shape[1]} rows, not with two rows."
        )
    if S.dtype.kind not in "biuf":
        raise ValueError(
            f"The callable similarity returned {S.dtype} values, but real numbers are "
            "expected."
        )
    return S


def _largest(A):
    """The largest absolute value of a table, dense or sparse."""
    values = A.data if sparse.issparse(A) else A
    return max(values.max(initial=0), -values.min(initial=0))
