"""Standardisation and principal components as one estimator."""

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_replearn._components import available_components
from sklearn_replearn._containers import row_blocks
from sklearn_replearn._linalg import input_eps, leading_signs
from sklearn_replearn._sklearn import Interval, RealNotInt, StrOptions, _fit_context
from sklearn_replearn.decomposition._principal_axes import principal_axes, split
from sklearn_replearn.decomposition._standardization import (
    Scaling,
    StandardizedDense,
    StandardizedSparse,
    is_plain,
    lie_far,
    measure,
    restore,
)

# What is wrong with a row, for messages.
_BEYOND = "has components too large for {}"
_BEYOND_IN_UNITS = "is too large for {} in the original units"


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
        feature is left as it is, and one that is constant up to rounding errors is
        divided by its size).
    whiten : bool, default=False
        Scale each component to unit variance on the training data; a component with
        no variance beyond rounding errors is zero.
    svd_solver : {"auto", "full", "covariance_eigh", "randomized"}, default="auto"
        How the components are found.

        - "full": LAPACK's SVD of the table, the most accurate; a sparse table is made
          dense.
        - "covariance_eigh": eigenvectors of the second moments of the features, or of
          the rows where these are fewer: by far the fastest if one side is short, and
          a sparse table stays sparse. Singular values below about 1e-11 times the
          largest are lost in rounding.
        - "randomized": block Krylov iteration [3]_ [4]_, for a few components of a
          large table.
        - "auto": "covariance_eigh" for at most 1000 features and at least 10 times as
          many rows; otherwise "randomized" if `n_components` is an int below 80 % of
          the smaller side, and the larger side is over 500 or the table is sparse;
          otherwise "covariance_eigh" for a sparse table and "full" for a dense one.
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
        Singular values of the standardised training table, float64.
    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each component: squared singular values over
        ``n_samples - 1``, or mean squares (over ``n_samples``) if
        ``with_mean=False``. Without scaling it may be infinite, or zero, for data
        whose squares are beyond the range of float64; nothing else rests on it.
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

    Notes
    -----
    Features may have any size that floating-point numbers have: each is brought to size
    one before anything is squared. Sums of squares are in float64, for float32 tables
    too. A component counts as empty if its standard deviation is no more than the
    rounding errors of the table, in the precision in which it was given, or than those
    of the solver; neither grows with the number of rows.

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
        X, Z = self._fit(X)
        if Z.dtype == self._encoding_dtype(X):
            with np.errstate(over="ignore", invalid="ignore"):
                return _refuse_overflow(self._project(Z, X.dtype), _BEYOND)
        return self._encode(X)

    def transform(self, X):
        """Encode rows by the fitted means, scales and components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        T : ndarray of shape (n_samples, n_components_)
            In X's own precision.

        Raises
        ------
        ValueError
            If X has other features than in :meth:`fit`, or if a row is so far from
            the training rows that its components are beyond X's precision.
        """
        return self._encode(self._validate(X))

    def inverse_transform(self, X):
        """Rows in the original units from their components.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features_in_)

        Raises
        ------
        ValueError
            If X has another number of columns than there are components, or if a row
            is beyond X's precision in the original units.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        if X.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {X.shape[1]} columns, but {type(self).__name__} has "
                f"{self.n_components_} components."
            )
        axes = self.components_.astype(np.float64, copy=False)
        if self.whiten:
            axes = axes * self._deviations()[:, np.newaxis]
        scaling = self._get_scaling()
        if is_plain(scaling, X.dtype):
            rows = X @ (axes * scaling.widths).astype(X.dtype, copy=False)
            rows += scaling.centers
            return _refuse_overflow(rows, _BEYOND_IN_UNITS)
        unit = 1.0 if self.whiten else scaling.unit
        rows = np.empty((len(X), axes.shape[1]), dtype=X.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            for block in row_blocks(*rows.shape, size=1 << 20):
                codes = X[block].astype(np.float64) / unit
                rows[block] = restore(codes @ axes, scaling)
        return _refuse_overflow(rows, _BEYOND_IN_UNITS)

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
        X = self._validate(X, dtype=np.float64)
        Z = _standardize(X, self._get_scaling(), np.float64)
        n_left = self.n_features_in_ - self.n_components_
        variances = np.append(self._variances, [self._noise_variance] * n_left)
        roundings = [self._noise_rounding_variance] * n_left
        if (variances <= np.append(self._rounding_variances, roundings)).any():
            return np.full(Z.shape[0], -np.inf)
        with np.errstate(over="ignore", invalid="ignore"):
            T, left = split(Z, self.components_)
            distances = T**2 @ (1 / self._variances)
            if n_left:
                distances += left / self._noise_variance
        distances[np.isnan(distances)] = np.inf  # so far away that squares overflow
        scaling = self._get_scaling()
        constant = len(variances) * np.log(2 * np.pi) + np.log(variances).sum()
        log_scales = np.log(scaling.units) + np.log(scaling.widths)
        return -0.5 * (constant + distances) - log_scales.sum()

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
        X = self._validate(X, dtype=np.float64)
        Z = _standardize(X, self._get_scaling(), np.float64)
        unit = self._get_scaling().unit
        with np.errstate(over="ignore", invalid="ignore"):
            T, left = split(Z, self.components_)
            # Summed from the last, so that what is small keeps its digits.
            parts = np.append(np.einsum("ij,ij->j", T, T)[1:], left.sum())
            return np.cumsum(parts[::-1])[::-1] * unit * unit

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X):
        """Set the fitted attributes; return the table, as it is and standardised."""
        given = X
        X = self._validate(X, reset=True)
        n_samples, n_features = X.shape
        limit = min(X.shape)
        n_wanted = self.n_components
        if isinstance(n_wanted, Integral):
            n_wanted = available_components(n_wanted, limit, "min(X.shape)")
        solver = self._choose_solver(X, n_wanted)
        scaling = measure(X, with_mean=self.with_mean, with_std=self.with_std)
        Z = _standardize(X, scaling, np.float64 if solver == "full" else X.dtype)

        def choose(squares):
            """The number of components, from the squared singular values."""
            if isinstance(n_wanted, Integral):
                return n_wanted
            if n_wanted is None or squares is None:
                return limit
            shares = np.cumsum(squares) / (squares.sum() or 1)
            return min(int(np.searchsorted(shares, n_wanted, side="right")) + 1, limit)

        rank = min(n_samples - self.with_mean, n_features)
        axes = principal_axes(Z, solver, rank, choose, self.random_state)
        k = len(axes.squares)
        degrees = n_samples - 1 if self.with_mean else n_samples
        self._variances = axes.squares / degrees
        self._noise_variance = float(axes.left / max(n_features - k, 1) / degrees)
        roundings = (scaling.roundings * input_eps(given, X.dtype)) ** 2
        of_solver = axes.rounding**2 * self._variances[0]
        of_axes = axes.rows.astype(np.float64) ** 2 @ roundings
        self._rounding_variances = np.maximum(of_axes, of_solver)
        of_others = (roundings.sum() - of_axes.sum()) / max(n_features - k, 1)
        self._noise_rounding_variance = float(max(of_others, of_solver))
        unit = scaling.unit
        self._scaling = tuple(scaling)
        self.n_samples_ = n_samples
        self.n_components_ = k
        self.mean_ = scaling.centers * scaling.units
        self.scale_ = np.ones(n_features)
        if self.with_std:
            self.scale_ = scaling.widths / unit * scaling.units
        rows = np.ascontiguousarray(axes.rows)
        # A constant feature has no share in what varies: not even rounding errors,
        # which would be large beside a feature in a small unit.
        shares = rows[:, scaling.empty]
        is_rounding = np.abs(shares) < max(1e-10, axes.rounding)
        rows[:, scaling.empty] = np.where(is_rounding, 0, shares)
        rows *= leading_signs(rows)[:, np.newaxis]
        self.components_ = rows.astype(X.dtype, copy=False)
        with np.errstate(over="ignore"):
            self.singular_values_ = np.sqrt(axes.squares) * unit
            self.explained_variance_ = self._variances * unit * unit
            self.noise_variance_ = float(self._noise_variance * np.float64(unit) * unit)
        total = axes.squares.sum() + axes.left
        self.explained_variance_ratio_ = axes.squares / (total or 1)
        return X, Z

    def _choose_solver(self, X, n_components):
        if self.svd_solver != "auto":
            return self.svd_solver
        n_samples, n_features = X.shape
        if n_features <= 1000 and n_samples >= 10 * n_features:
            return "covariance_eigh"
        few = isinstance(n_components, Integral) and n_components < 0.8 * min(X.shape)
        if few and (sparse.issparse(X) or max(X.shape) > 500):
            return "randomized"
        return "covariance_eigh" if sparse.issparse(X) else "full"

    def _validate(self, X, *, reset=False, dtype=(np.float64, np.float32)):
        if not reset:
            check_is_fitted(self)
        with np.errstate(invalid="ignore"):  # sums of finite numbers may overflow
            X = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse="csr",
                dtype=dtype,
                ensure_min_samples=2 if reset else 1,
            )
        if sparse.issparse(X) and not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        return X

    def _get_scaling(self):
        return Scaling(*self._scaling)

    def _encoding_dtype(self, X):
        """The precision that components of X are computed in.

        Whitening multiplies the rounding errors of those of little variance.
        """
        return np.dtype(np.float64) if self.whiten or sparse.issparse(X) else X.dtype

    def _encode(self, X):
        """Components of a validated table."""
        scaling, n_dense = self._get_scaling(), X.shape[1]
        if sparse.issparse(X):
            n_dense = np.count_nonzero(lie_far(scaling))
        parts = []
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in row_blocks(X.shape[0], n_dense, size=1 << 22):
                Z = _standardize(X[rows], scaling, self._encoding_dtype(X))
                parts.append(self._project(Z, X.dtype))
        T = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return _refuse_overflow(T, _BEYOND)

    def _project(self, Z, dtype):
        """Components of a standardised table."""
        axes = self.components_
        if self.whiten:
            deviations = self._deviations()
            inverse = np.zeros_like(deviations)
            np.divide(1, deviations, out=inverse, where=deviations > 0)
            axes = axes * inverse[:, np.newaxis]
        T = (Z @ axes.T).astype(dtype, copy=False)
        unit = self._get_scaling().unit
        if unit != 1 and not self.whiten:
            T *= unit
        return T

    def _deviations(self):
        """Standard deviation along each component, zero where it is only rounding."""
        variances = self._variances
        return np.sqrt(np.where(variances > self._rounding_variances, variances, 0))

    @property
    def _n_features_out(self):
        return self.n_components_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _standardize(X, scaling, dtype):
    """The standardised table; in double precision where X is sparse.

    Rows that are far beyond the training rows may become infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if sparse.issparse(X):
            return StandardizedSparse(X, scaling)
        return StandardizedDense(X, scaling, dtype)


def _refuse_overflow(table, problem):
    """Return a table if all its numbers are finite; raise a ValueError else."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(table.sum()):
            return table
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        mend = "leave it out, or check its unit"
        if table.dtype == np.float32:
            mend = "pass X as float64, or leave the row out"
        raise ValueError(f"Row {row} of X {problem.format(table.dtype)}; {mend}.")
    return table
