"""The number of directions in which vectors vary."""

import numpy as np


def effective_rank(Z):
    r"""Number of directions in which vectors vary, weighed by how much they do.

    .. math:: \exp \Big( -\sum_i p_i \log p_i \Big), \qquad
       p_i = \sigma_i / \sum_j \sigma_j,

    with the singular values of the centred vectors; 0 if all are the same. O. Roy and
    M. Vetterli, "The effective rank", EUSIPCO 2007.
    """
    rounding = 10 * np.finfo(Z.dtype).eps
    Z = np.asarray(Z, dtype=np.float64).reshape(len(Z), -1)
    singular = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False)
    if singular[0] <= rounding * np.abs(Z).max() * len(Z) ** 0.5:
        return 0.0
    return spread_of_shares(singular)


def spread_of_shares(singular):
    """The exponential of the entropy of singular values."""
    shares = singular / singular.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
