"""Edges and their weights, summed to an adjacency."""

import sys
from numbers import Number

import numpy as np
from scipy import sparse

from sklearn_replearn._missing import is_missing
from sklearn_replearn.graph._node_ids import shown


def as_weights(values, place):
    """Weights as float64, if all are real numbers, finite and at least 0."""
    weights = values if isinstance(values, list) else np.asarray(values)
    if not _has_only_numbers(weights):
        for position, weight in enumerate(weights):
            if is_missing(weight) or not is_number(weight):
                raise ValueError(
                    f"{place(position)} is {shown(weight)}; weights must be real "
                    "numbers."
                )
    try:
        weights = np.asarray(weights, dtype=np.float64)
    except OverflowError:
        sizes = [weight > sys.float_info.max for weight in weights]
        raise ValueError(
            f"{place(sizes.index(True))} is larger than any float; scale weights down."
        ) from None
    check_weights(weights, place)
    return weights


def _has_only_numbers(weights):
    """Whether there is no need to look at each: the types alone tell."""
    if isinstance(weights, list):
        return set(map(type, weights)) <= {int, float}
    return weights.dtype.kind in "biuf"


def is_number(weight):
    return isinstance(weight, Number | np.bool_) and not np.iscomplexobj(weight)


def check_weights(weights, place):
    if weights.size == 0 or (weights.min() >= 0 and weights.max() < np.inf):
        return
    position = int(np.argmin((weights >= 0) & (weights < np.inf)))
    weight = weights[position]
    raise ValueError(
        f"{place(position)} is {weight:g}; weights must be finite and at least 0."
    )


def check_not_empty(n_nodes):
    if n_nodes == 0:
        raise ValueError("The graph has no nodes; at least one is needed.")


def sum_edges(sources, targets, weights, n_nodes, *, directed=False):
    """Adjacency of edges, in which the weights of repeated ones are added up."""
    if not directed:  # added up once, so that the two directions are equal to the bit
        sources, targets = np.minimum(sources, targets), np.maximum(sources, targets)
    ends = sources.astype(np.int32), targets.astype(np.int32)  # half of the memory
    adjacency = sparse.csr_array((weights, ends), shape=(n_nodes, n_nodes))
    adjacency.eliminate_zeros()
    if not directed:
        adjacency = adjacency + sparse.triu(adjacency, k=1).T.tocsr()
    adjacency.sum_duplicates()
    if not np.isfinite(adjacency.data).all():
        raise ValueError("The weights of an edge add up to infinity; scale them down.")
    return adjacency
