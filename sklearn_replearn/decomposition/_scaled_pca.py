"""Standardisation and principal components as one estimator."""

from numbers import Integral

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_replearn._linalg import as_operator, leading_signs, randomized_svd
from sklearn_replearn._sklearn import Interval, RealNotInt, StrOptions, _fit_context
from sklearn_replearn._validation import available_components


class ScaledPCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Standardised features, rotated onto their principal components.

    With the training means :math:`\mu`, the standard deviations :math:`s` and the
    leading right singular vectors :math:`v_1, \dots, v_k` of the standardised table
    :math:`Z_{ij} = (X_{ij} - \mu_j) / s_j`, a row is encoded as

    .. math:: t_i = \langle z, v_i \rangle, \qquad z = (x - \mu) / s .

    It gives what ``make_pipeline(StandardScaler(), PCA())`` gives, for dense and sparse
    tables alike, and adds: components without centring, reconstruction in the original
    units, the error of every number of components, and a `score` that can choose that
    number *and* the scaling.

    Parameters
    ----------
    n_components : int, float or None, default=None
        An int is the number of components. A float in (0, 1) keeps the smallest
        number whose share of the variance is greater than it. ``None`` keeps
        ``min(n_samples, n_features)``. More components than that are cut to it, with
        a warning.
    with_mean : bool, default=True
        Centre the features. With ``False`` nothing is centred anywhere: the components
        are those of the second moments about zero.
    with_std : bool, default=True
        Divide each feature by its standard deviation (about the mean; a constant
        feature is left as it is).
    whiten : bool, default=False
        Scale each component to unit variance on the training data; a component with
        no variance is zero.
    svd_solver : {"auto", "full", "covariance_eigh", "randomized"}, default="auto"
        How the components are found.

        - "full": LAPACK's SVD of the table, the most accurate; a sparse table is made
          dense.
        - "covariance_eigh": eigenvectors of the features' second moments, by far the
          fastest for many rows and few features. Singular values below about
          1e-8 times the largest (3e-4 for float32) are lost in rounding.
        - "randomized": block Krylov iteration [3]_ [4]_, for a few components of a
          large table.
        - "auto": "covariance_eigh" for at most 1000 features and at least 10 times as
          many rows; otherwise "randomized" if `n_components` is an int below 80 % of
          the smaller side, and the larger side is over 500 or the table is sparse;
          otherwise "full".
    random_state : int, RandomState instance or None, default=None
        Starting block of the "randomized" solver; the others do not use it.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        Principal axes of the standardised table, by decreasing variance. The entry of
        largest absolute value in each is positive.
    n_components_ : int
        Number of components.
    mean_ : ndarray of shape (n_features_in_,)
        Training means; zeros if ``with_mean=False``.
    scale_ : ndarray of shape (n_features_in_,)
        Training standard deviations; ones if ``with_std=False``.
    singular_values_ : ndarray of shape (n_components_,)
        Singular values of the standardised training table.
    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each component: squared singular values over
        ``n_samples - 1``, or mean squares (over ``n_samples``) if
        ``with_mean=False``.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        The same as shares of the total.
    noise_variance_ : float
        Mean variance of the ``n_features_in_ - n_components_`` directions left out
        (Tipping and Bishop's maximum-likelihood estimate).
    n_samples_ : int
        Number of training rows.
    n_features_in_ : int
        Number of features seen in :meth:`fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has string column names.

    See Also
    --------
    sklearn.decomposition.PCA : Components without scaling.
    sklearn_replearn.plotting.SpectrumDisplay : Plot of the explained variance.

    References
    ----------
    .. [1] C. Eckart and G. Young, "The approximation of one matrix by another of lower
       rank", Psychometrika 1, 1936.
    .. [2] M. E. Tipping and C. M. Bishop, "Probabilistic principal component
       analysis", Journal of the Royal Statistical Society B 61, 1999.
    .. [3] N. Halko, P. G. Martinsson and J. A. Tropp, "Finding structure with
       randomness", SIAM Review 53, 2011.
    .. [4] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and
       faster approximate singular value decomposition", NeurIPS 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_replearn.decomposition import ScaledPCA
    >>> X, y = load_wine(return_X_y=True)
    >>> pca = ScaledPCA(n_components=2).fit(X[::2])
    >>> pca.transform(X[1::2]).shape
    (89, 2)
    >>> pca.explained_variance_ratio_.round(2)
    array([0.37, 0.19])
    """

    _parameter_constraints = {
        "n_components": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
        "whiten": ["boolean"],
        "svd_solver": [StrOptions({"auto", "full", "covariance_eigh", "randomized"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        with_mean=True,
        with_std=True,
        whiten=False,
        svd_solver="auto",
        random_state=None,
    ):
        self.n_components = n_components
        self.with_mean = with_mean
        self.with_std = with_std
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learn the means, the scales and the components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            At least two rows of finite numbers.
        y : None
            Ignored.

        Returns
        -------
        self : ScaledPCA

        Raises
        ------
        ValueError
            If X is empty, has one row, or holds NaN or infinity.
        """
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """Fit, and encode the training rows by the formula of :meth:`transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        T : ndarray of shape (n_samples, n_components_)
        """
        Z = self._fit(X)
        return self._encode(Z, self.components_.dtype)

    def transform(self, X):
        """Encode rows by the fitted means, scales and components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        T : ndarray of shape (n_samples, n_components_)
            In X's own precision.
        """
        X = self._validate(X)
        return self._encode(self._standardize(X), X.dtype)

    def inverse_transform(self, X):
        """Rows in the original units from their components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features_in_)
        """
        check_is_fitted(self)
        X = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        if X.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {X.shape[1]} columns, but {type(self).__name__} has "
                f"{self.n_components_} components."
            )
        axes = self.components_ * self.scale_
        if self.whiten:
            axes = axes * self._deviations()[:, np.newaxis]
        rows = X @ axes.astype(X.dtype, copy=False)
        rows += self.mean_
        return rows

    def score_samples(self, X):
        r"""Log-likelihood of each row under probabilistic PCA.

        The rows are modelled as Gaussian. In standardised units the covariance has
        the variances :math:`\lambda_i` along the :math:`k` components and
        :math:`\sigma^2` = `noise_variance_` in the other :math:`d - k` directions. The
        density is that of the original units,

        .. math::

           \begin{aligned}
           \log p(x) = &-\tfrac12 \Big( d \log 2\pi + \sum_i \log \lambda_i
           + (d - k) \log \sigma^2 + \sum_i \frac{t_i^2}{\lambda_i} \\
           &+ \frac{\|z\|^2 - \sum_i t_i^2}{\sigma^2} \Big) - \sum_j \log s_j ,
           \end{aligned}

        so it may be compared between models that scale differently. With more rows
        than features it is :math:`\sum_j \log s_j` below what scikit-learn's PCA
        reports behind a StandardScaler; with fewer, scikit-learn's noise variance is
        the mean over fewer than the :math:`d - k` directions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats. ``-inf`` where the components leave no noise variance although
            the training rows do not span the whole space (there are too few of them,
            or constant or collinear features): such a model says that no other row
            can be. Ask for fewer components than the rows span.
        """
        Z = self._standardize(self._validate(X, dtype=np.float64))
        n_left = self.n_features_in_ - self.n_components_
        variances = np.append(self.explained_variance_, [self.noise_variance_] * n_left)
        if variances.min() <= self._rounding_variance():
            return np.full(Z.shape[0], -np.inf)
        squares = (Z @ self.components_.T) ** 2
        distances = squares @ (1 / self.explained_variance_)
        if n_left:
            residuals = np.maximum(_row_squares(Z) - squares.sum(axis=1), 0)
            distances += residuals / self.noise_variance_
        constant = len(variances) * np.log(2 * np.pi) + np.log(variances).sum()
        return -0.5 * (constant + distances) - np.log(self.scale_).sum()

    def score(self, X, y=None):
        """Mean log-likelihood of the rows: see :meth:`score_samples`.

        On held-out rows it grows while components carry structure and falls when they
        begin to carry noise, so it can choose `n_components`, where the share of
        variance would always take the largest.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        log_likelihood : float
            In nats a row; higher is better.
        """
        return float(self.score_samples(X).mean())

    def reconstruction_errors(self, X):
        r"""Squared error left by the first component, the first two, and so on.

        .. math:: E_k = \sum_{rows} \Big\| z - \sum_{i \le k} t_i v_i \Big\|^2

        in standardised units. On the training rows it is the sum of the trailing
        squared singular values, the least that any k directions can leave (Eckart and
        Young).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        errors : ndarray of shape (n_components_,)
            ``errors[k - 1]`` belongs to k components.
        """
        Z = self._standardize(self._validate(X, dtype=np.float64))
        squares = ((Z @ self.components_.T) ** 2).sum(axis=0)
        return np.maximum(_row_squares(Z).sum() - np.cumsum(squares), 0)

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X):
        """Set the fitted attributes and return the standardised training table."""
        X = self._validate(X, reset=True)
        n_samples, n_features = X.shape
        # StandardScaler has the means of a sparse table, but refuses to subtract them.
        scaler = StandardScaler(with_mean=not sparse.issparse(X)).fit(X)
        self.n_samples_ = n_samples
        self.mean_ = scaler.mean_ if self.with_mean else np.zeros(n_features)
        self.scale_ = scaler.scale_ if self.with_std else np.ones(n_features)

        limit = min(X.shape)
        n_wanted = self.n_components
        if isinstance(n_wanted, Integral):
            n_wanted = available_components(n_wanted, limit, "min(X.shape)")
        solver = self._choose_solver(X, n_wanted)
        if solver == "full" and sparse.issparse(X):
            X = X.toarray()
        Z = self._standardize(X)
        if solver == "full":
            _, s, Vt = np.linalg.svd(Z, full_matrices=False)
        elif solver == "covariance_eigh":
            s, Vt = _svd_of_moments(Z)
        else:
            k = n_wanted if isinstance(n_wanted, Integral) else limit
            _, s, Vt = randomized_svd(Z, k, random_state=self.random_state)

        energies = s[:limit].astype(np.float64) ** 2
        total = max(_row_squares(Z).sum(dtype=np.float64), energies.sum())
        k = n_wanted
        if n_wanted is None:
            k = limit
        elif not isinstance(n_wanted, Integral):
            shares = np.cumsum(energies) / (total or 1)
            k = min(int(np.searchsorted(shares, n_wanted, side="right")) + 1, limit)
        degrees = n_samples - 1 if self.with_mean else n_samples
        self.n_components_ = k
        Vt = Vt[:k] * leading_signs(Vt[:k])[:, np.newaxis]
        self.components_ = Vt.astype(X.dtype, copy=False)
        self.singular_values_ = s[:k].astype(X.dtype, copy=False)
        self.explained_variance_ = energies[:k] / degrees
        self.explained_variance_ratio_ = energies[:k] / (total or 1)
        left_out = max(total - energies[:k].sum(), 0) / max(n_features - k, 1)
        self.noise_variance_ = float(left_out / degrees)
        return Z

    def _choose_solver(self, X, n_components):
        if self.svd_solver != "auto":
            return self.svd_solver
        n_samples, n_features = X.shape
        if n_features <= 1000 and n_samples >= 10 * n_features:
            return "covariance_eigh"
        few = isinstance(n_components, Integral) and n_components < 0.8 * min(X.shape)
        if few and (sparse.issparse(X) or max(X.shape) > 500):
            return "randomized"
        return "full"

    def _validate(self, X, *, reset=False, dtype=(np.float64, np.float32)):
        if not reset:
            check_is_fitted(self)
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=("csr", "csc"),
            dtype=dtype,
            ensure_min_samples=2 if reset else 1,
        )

    def _standardize(self, X):
        """The standardised table: an array, or an operator where X is sparse."""
        if sparse.issparse(X):
            return _StandardizedSparse(X, self.mean_, self.scale_)
        # A float32 table is subtracted from in float64: a mean rounded to float32
        # would shift rows that lie far from the origin.
        Z = np.empty_like(X)
        np.subtract(X, self.mean_, out=Z, dtype=np.float64, casting="same_kind")
        Z /= self.scale_
        return Z

    def _encode(self, Z, dtype):
        axes = self.components_
        if self.whiten:
            deviations = self._deviations()
            inverse = np.zeros_like(deviations)
            np.divide(1, deviations, out=inverse, where=deviations > 0)
            axes = axes * inverse[:, np.newaxis]
        T = Z @ axes.T.astype(Z.dtype, copy=False)
        return T.astype(dtype, copy=False)

    def _deviations(self):
        """Standard deviation along each component, zero where it is only rounding."""
        variances = self.explained_variance_
        return np.sqrt(np.where(variances > self._rounding_variance(), variances, 0))

    def _rounding_variance(self):
        """Variance below which a direction is empty, as in numpy's matrix_rank."""
        eps = np.finfo(self.components_.dtype).eps
        size = max(self.n_samples_, self.n_features_in_)
        return self.explained_variance_[0] * eps * size

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class _StandardizedSparse(LinearOperator):
    """The table ``(X - mean) / scale`` for a sparse X, by its products only.

    In float64 whatever X is: what is left after the means are taken away can be far
    smaller than what was there.
    """

    def __init__(self, X, mean, scale):
        super().__init__(dtype=np.float64, shape=X.shape)
        self.table = X.astype(np.float64, copy=False)
        self.operator = as_operator(self.table)
        self.mean = mean
        self.scale = scale

    def _matmat(self, M):
        M = M / self.scale[:, np.newaxis]
        return self.operator.matmat(M) - self.mean @ M

    def _rmatmat(self, M):
        product = self.operator.rmatmat(M) - np.outer(self.mean, M.sum(axis=0))
        return product / self.scale[:, np.newaxis]

    def moments(self):
        """``Zᵀ Z``, from the sparse product where no column is far from zero."""
        if not self._far().any():
            moments = (self.table.T @ self.table).toarray()
            moments -= self.shape[0] * np.outer(self.mean, self.mean)
            return moments / np.outer(self.scale, self.scale)
        moments = np.zeros((self.shape[1],) * 2)
        table = self.table.tocsr()
        for start in range(0, self.shape[0], 1000):
            Z = (table[start : start + 1000].toarray() - self.mean) / self.scale
            moments += Z.T @ Z
        return moments

    def row_squares(self):
        """Squared norms of the rows, by the stored values and the mean's share."""
        far = self._far()
        weights = np.where(far, 0, 1 / self.scale**2)
        crossed = self.table @ (weights * self.mean)
        squares = self.table.power(2) @ weights - 2 * crossed + weights @ self.mean**2
        if far.any():
            Z = (self.table[:, far].toarray() - self.mean[far]) / self.scale[far]
            squares += np.einsum("ij,ij->i", Z, Z)
        return squares

    def _far(self):
        """Columns whose squares would lose their digits to that of the mean."""
        return np.abs(self.mean) > 1e3 * self.scale


def _row_squares(Z):
    """Squared norms of the rows of a standardised table."""
    if isinstance(Z, _StandardizedSparse):
        return Z.row_squares()
    return np.einsum("ij,ij->i", Z, Z)


def _svd_of_moments(Z):
    """Singular values and right singular vectors of Z, by the eigenvectors of ZᵀZ."""
    moments = Z.moments() if isinstance(Z, _StandardizedSparse) else Z.T @ Z
    squares, vectors = np.linalg.eigh(moments.astype(np.float64, copy=False))
    return np.sqrt(np.maximum(squares[::-1], 0)), vectors.T[::-1]
