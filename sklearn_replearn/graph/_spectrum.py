"""What is known of the spectrum of a normalized adjacency without computing it."""

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sklearn_replearn._operators import with_small_indices
from sklearn_replearn.graph._degrees import group_norms


def component_labels(adjacency):
    """Number of each node's component in an undirected graph.

    Strong components are the same as weak ones there, and need no transposed copy; nor
    do weights have to be those of the graph.
    """
    ones = np.broadcast_to(np.float64(1), adjacency.nnz)
    parts = (ones, adjacency.indices, adjacency.indptr)
    pattern = with_small_indices(sparse.csr_array(parts, shape=adjacency.shape))
    return connected_components(pattern, connection="strong")[1]


def stationary_vectors(adjacency, roots, limit):
    r"""Eigenvectors of the normalized adjacency to the eigenvalue 1, which is known.

    Each component of the graph has one: :math:`\sqrt{d_i / \sum_j d_j}` at its nodes.

    Parameters
    ----------
    adjacency : csr_array of shape (n_nodes, n_nodes)
        Symmetric.
    roots : ndarray of shape (n_nodes,)
        Square roots of the degrees.
    limit : int
        Largest number of vectors.

    Returns
    -------
    vectors : ndarray of shape (n_nodes, n_vectors)
        Orthonormal; for the `limit` components of the largest total degree.
    """
    labels = component_labels(adjacency)
    norms = group_norms(roots, labels, labels.max() + 1)
    largest = np.argsort(-norms, kind="stable")[: min(limit, (norms > 0).sum())]
    column = np.full(len(norms), -1)
    column[largest] = np.arange(len(largest))
    nodes = np.flatnonzero(column[labels] >= 0)
    vectors = np.zeros((len(roots), len(largest)))
    vectors[nodes, column[labels[nodes]]] = roots[nodes] / norms[labels[nodes]]
    return vectors
