"""Alignment and uniformity of embeddings, and the directions in which they vary."""

from numbers import Real

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import check_array, gen_batches

from sklearn_replearn import _effective_rank

_BLOCK_SIZE = 4_000_000  # numbers in a block of distances: 32 megabytes in float64


def alignment(Z1, Z2, *, alpha=2, normalize=True):
    r"""Mean distance between two embeddings of each row.

    .. math:: \frac{1}{n} \sum_i \| z_i - z'_i \|^\alpha

    Small if the two views of a row are close to each other ([1]_). Constant
    embeddings have the best alignment, 0, and the worst :func:`uniformity`, so read
    both.

    Parameters
    ----------
    Z1, Z2 : array-like of shape (n_samples, n_components)
        Embeddings of two views of the same rows, in the same order.
    alpha : float, default=2
        Power of the distances, above 0.
    normalize : bool, default=True
        Whether embeddings are scaled to length 1 first. The mean is then at most
        ``2**alpha``, and with ``alpha=2`` it is 2 minus twice the mean cosine.

    Returns
    -------
    alignment : float
        At least 0. Smaller is better aligned.

    Raises
    ------
    ValueError
        If the shapes differ, if a value is NaN or infinite, if a row to normalize is
        zero, or if `alpha` is not above 0.

    See Also
    --------
    uniformity : How evenly embeddings are spread.

    References
    ----------
    .. [1] T. Wang and P. Isola, "Understanding contrastive representation learning
       through alignment and uniformity on the hypersphere", ICML 2020.

    Examples
    --------
    >>> from sklearn_replearn.metrics import alignment
    >>> alignment([[1, 0], [0, 2]], [[1, 0], [3, 0]])
    1.0
    """
    _check_positive("alpha", alpha)
    Z1, Z2 = _vectors(Z1, "Z1", normalize), _vectors(Z2, "Z2", normalize)
    if Z1.shape != Z2.shape:
        raise ValueError(
            f"Z1 has the shape {Z1.shape} and Z2 {Z2.shape}, but they must hold two "
            "embeddings of the same rows."
        )
    return float(np.mean(np.square(Z1 - Z2).sum(axis=1) ** (alpha / 2)))


def uniformity(Z, t=2, *, normalize=True):
    r"""How unevenly embeddings are spread over the sphere.

    .. math:: \log \frac{2}{n (n - 1)} \sum_{i < j} e^{-t \| z_i - z_j \|^2}

    0 if all embeddings are the same; the more negative, the more evenly they are
    spread ([1]_). Random points on a sphere of many dimensions have about ``-2 * t``.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        At least two embeddings.
    t : float, default=2
        Above 0. The larger, the more the nearest pairs count.
    normalize : bool, default=True
        Whether embeddings are scaled to length 1 first. Otherwise the number depends
        on the unit of Z and has no minimum.

    Returns
    -------
    uniformity : float
        At most 0. Smaller is more uniform.

    Raises
    ------
    ValueError
        If there is a single row, if a value is NaN or infinite, if a row to normalize
        is zero, or if `t` is not above 0.

    See Also
    --------
    alignment : How close two views of the same rows are.
    effective_rank : In how many directions embeddings vary.

    Notes
    -----
    All pairs count. Their distances are computed by blocks, so that the memory grows
    with the number of rows and not with its square; the time grows with the square.

    References
    ----------
    .. [1] T. Wang and P. Isola, "Understanding contrastive representation learning
       through alignment and uniformity on the hypersphere", ICML 2020.

    Examples
    --------
    >>> from sklearn_replearn.metrics import uniformity
    >>> uniformity([[1, 0], [-1, 0]])
    -8.0
    >>> uniformity([[1, 0], [3, 0]])
    0.0
    """
    _check_positive("t", t)
    Z = _vectors(Z, "Z", normalize, minimum=2)
    n = len(Z)
    if not normalize:
        Z = Z - Z.mean(axis=0)  # distances stay, and rounding is by their size
    squares = np.square(Z).sum(axis=1)
    logs = []
    for rows in gen_batches(n, max(1, _BLOCK_SIZE // n)):
        others = slice(rows.start, n)  # each pair once
        exponents = Z[rows] @ Z[others].T
        exponents *= 2
        exponents -= squares[rows, np.newaxis]
        exponents -= squares[others]
        np.minimum(exponents, 0, out=exponents)
        exponents *= t
        within = np.tril_indices(rows.stop - rows.start)
        exponents[within] = -np.inf  # a row and itself, or one before it
        logs.append(logsumexp(exponents))
    return float(min(0.0, logsumexp(logs) - np.log(n * (n - 1) / 2)))


def effective_rank(Z):
    r"""Number of directions in which vectors vary, each by its share.

    .. math:: \exp \Big( -\sum_i p_i \log p_i \Big), \qquad
       p_i = \sigma_i / \sum_j \sigma_j

    with the singular values :math:`\sigma` of the centered vectors ([1]_). k if k
    singular values are equal and the others 0; 0 if all vectors are the same.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)

    Returns
    -------
    effective_rank : float
        From 0 to ``min(n_samples - 1, n_components)``.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.

    See Also
    --------
    uniformity : How evenly embeddings are spread over the sphere.

    References
    ----------
    .. [1] O. Roy and M. Vetterli, "The effective rank: a measure of effective
       dimensionality", EUSIPCO 2007.

    Examples
    --------
    >>> from sklearn_replearn.metrics import effective_rank
    >>> round(effective_rank([[1, 0], [0, 1], [-1, 0], [0, -1]]), 6)
    2.0
    >>> round(effective_rank([[1, 1], [2, 2], [3, 3]]), 6)
    1.0
    """
    Z = check_array(Z, dtype=[np.float64, np.float32], input_name="Z")
    return _effective_rank.effective_rank(Z)


def _vectors(Z, name, normalize, minimum=1):
    """Embeddings as float64, of length 1 if they are to be normalized."""
    Z = check_array(Z, dtype=np.float64, input_name=name, ensure_min_samples=minimum)
    if not normalize:
        return Z
    largest = np.abs(Z).max(axis=1, keepdims=True)
    if not largest.all():
        raise ValueError(
            f"Row {int(largest.argmin())} of {name} is zero and has no direction; "
            "leave it out, or pass normalize=False."
        )
    Z = Z / largest  # whose squares neither overflow nor vanish
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


def _check_positive(name, value):
    if not isinstance(value, Real) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}.")
