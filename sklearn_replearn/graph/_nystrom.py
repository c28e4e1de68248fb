"""Nyström's formula: vectors of nodes, known or new, from eigenvectors of a graph."""

import numpy as np

from sklearn_replearn._linalg import leading_signs
from sklearn_replearn.graph._degrees import inverse, root_degrees, transition_matrix
from sklearn_replearn.graph._eigenpairs import in_double_precision


def nystrom_components(mu, V, roots, normalization):
    """What the edges of a node are multiplied by.

    Parameters
    ----------
    mu : ndarray of shape (n_components,)
        Eigenvalues of the normalized adjacency, none of them 0.
    V : ndarray of shape (n_nodes, n_components)
        Their eigenvectors.
    roots : ndarray of shape (n_nodes,)
        Square roots of the degrees.
    normalization : {"symmetric", "random_walk"} or None

    Returns
    -------
    components : ndarray of shape (n_components, n_nodes)
    """
    scale = inverse(roots)[:, np.newaxis]
    if normalization != "symmetric":
        V = V * scale
    if normalization == "random_walk":
        V = V / np.abs(V).max(axis=0)  # its squares may be out of range
        V /= np.linalg.norm(V, axis=0)
    V = V * _signs(V)
    if normalization == "symmetric":
        V *= scale
    return (V / mu).T


def nystrom_vectors(rows, components, normalization):
    """Vectors of nodes from their edges.

    Parameters
    ----------
    rows : CSR matrix of shape (n_rows, n_nodes)
    components : ndarray of shape (n_components, n_nodes)
    normalization : {"symmetric", "random_walk"} or None

    Returns
    -------
    vectors : ndarray of float64, of shape (n_rows, n_components)
    """
    rows = in_double_precision(rows)
    vectors = transition_matrix(rows) @ components.T
    if normalization == "symmetric":
        vectors *= root_degrees(rows)[:, np.newaxis]
    return vectors


def _signs(V):
    """Signs that make the entry of largest absolute value in each column positive.

    Of several that are equal but for rounding, it is the first.
    """
    return leading_signs(np.round(V / np.abs(V).max(axis=0), 5).T)
