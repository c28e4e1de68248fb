"""What the node vectors that are learned from random walks share."""

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches

from sklearn_replearn._blas_threads import n_blas_threads
from sklearn_replearn._components import available_components
from sklearn_replearn._cooccurrence import (
    count_pairs,
    factorize,
    pointwise_mutual_information,
    window_weights,
)
from sklearn_replearn._linalg import numerical_rank
from sklearn_replearn._operators import ThreadedSparseOperator
from sklearn_replearn._progress import progress_bar
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._sklearn import Interval, StrOptions
from sklearn_replearn._threads import n_racing_threads
from sklearn_replearn._warnings import warn
from sklearn_replearn.graph._degrees import transition_matrix
from sklearn_replearn.graph._node_embedding import BaseNodeEmbedding
from sklearn_replearn.graph._walks import RandomWalks, WalkSequences, count_visits

#: Exponent of the context counts in "pmi", that of skip-gram's noise words.
SMOOTHING = 0.75

#: The solver of "pmi": iterations at most, and the gain at which it stops.
N_ITER = 50
TOL = 4e-3

#: The regression's penalty, relative to the mean squared norm of its features.
PENALTY = 1e-4

#: Rows of the regression's features that are held at a time.
ROWS_AT_A_TIME = 2**12


class BaseWalkEmbedding(BaseNodeEmbedding):
    """Node vectors from walks, and a linear formula of rows that comes near them.

    The vectors as trained are a table of the fitted nodes. What a row of edges is
    encoded by is fitted to that table afterwards, see :func:`fit_row_formula`.
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"skipgram", "pmi"})],
        "n_walks": [Interval(Integral, 1, None, closed="left")],
        "walk_length": [Interval(Integral, 2, None, closed="left")],
        "window": [Interval(Integral, 1, 10_000, closed="both")],
        "negative": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "lr": [Interval(Real, 0, 1, closed="right")],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def _walk_bias(self):
        """The walks' p and q, see :class:`RandomWalks`."""

    def _learn(self, adjacency):
        skip_gram = self.solver == "skipgram"
        n_threads = n_racing_threads(self.n_jobs, self.random_state) if skip_gram else 1
        seed = as_seed(self.random_state)
        p, q = self._walk_bias()
        walks = RandomWalks(
            adjacency,
            n_walks=self.n_walks,
            walk_length=self.walk_length,
            p=p,
            q=q,
            seed=seed,
            n_threads=n_blas_threads(),
        )
        visits = count_visits(walks, adjacency.shape[0])
        if np.count_nonzero(visits) == 1:
            warn(
                f"All node vectors are zero: node {visits.argmax()}, whose edge leads "
                "to itself, is the only one with an edge.",
            )
            return self._zero_components(self.n_components, adjacency)
        if skip_gram:
            vectors = self._train(walks, visits, n_threads, seed)
        else:
            vectors = self._factorize(walks, adjacency.shape[0], seed)
        if not vectors.any():
            return self._zero_components(vectors.shape[1], adjacency)
        return {
            "components_": fit_row_formula(adjacency, vectors).astype(
                adjacency.dtype, copy=False
            ),
            "node_vectors_": vectors.astype(adjacency.dtype, copy=False),
        }

    def _encode(self, rows):
        return apply_row_formula(rows, self.components_)

    def _zero_components(self, n_components, adjacency):
        if self.solver == "skipgram":  # to which no data set a limit
            n_components = self.n_components
        n, dtype = adjacency.shape[0], adjacency.dtype
        return {
            "components_": np.zeros((n_components, 2 * n), dtype=dtype),
            "node_vectors_": np.zeros((n, n_components), dtype=dtype),
        }

    def _train(self, walks, visits, n_threads, seed):
        """Vectors by skip-gram, zero where no walk came by."""
        from sklearn_replearn._gensim import train_word2vec

        visited = np.flatnonzero(visits)
        word_vectors, _ = train_word2vec(
            _VisitedWalks(walks, visits),
            visits[visited],
            n_components=self.n_components,
            window=self.window,
            architecture="skipgram",
            negative=self.negative,
            hierarchical_softmax=False,
            subsample=0,
            max_epochs=self.max_epochs,
            lr=self.lr,
            n_jobs=n_threads,
            seed=seed,
            verbose=self.verbose,
            unit="nodes",
        )
        if len(visited) == len(visits):
            return word_vectors
        vectors = np.zeros((len(visits), self.n_components), dtype=word_vectors.dtype)
        vectors[visited] = word_vectors
        return vectors

    def _factorize(self, walks, n_nodes, seed):
        """Vectors by mutual information, zero where no walk came by."""
        weights = window_weights("linear", self.window, self.walk_length)
        with progress_bar(
            self.verbose, walks.n_walkers, "walks", "counting pairs"
        ) as advance:
            pairs = count_pairs(_tokens_of(walks, advance), n_nodes, weights)
        matrix = pointwise_mutual_information(
            pairs,
            np.ones(n_nodes),
            smoothing=SMOOTHING,
            shift=self.negative,
            positive=True,
        )
        U, s, _ = factorize(
            matrix,
            min(self.n_components, n_nodes),
            n_iter=N_ITER,
            tol=TOL,
            random_state=seed,
        )
        rank = numerical_rank(s, n_nodes, np.finfo(s.dtype).eps)
        if rank == 0:
            warn(
                "All node vectors are zero: no pair of nodes is nearer on the walks "
                "than by chance; lower negative.",
            )
            return np.zeros_like(U)
        k = available_components(self.n_components, rank, "rank of the pairs' matrix")
        return U[:, :k] * np.sqrt(s[:k])


class _VisitedWalks:
    """Walks by the numbers of the nodes among those that are visited."""

    def __init__(self, walks, visits):
        self.sequences = WalkSequences(walks)
        self.numbers = np.cumsum(visits > 0) - 1 if not visits.all() else None

    def __iter__(self):
        if self.numbers is None:
            return iter(self.sequences)
        return map(self.numbers.take, self.sequences)


def _tokens_of(walks, advance):
    """The nodes of each block of walks, one walk after another, and the walks' ends."""
    for block in walks:
        block = np.ascontiguousarray(block)
        ends = np.cumsum(np.count_nonzero(block >= 0, axis=1))
        yield block[block >= 0], ends
        advance(len(block), "counting pairs")


def fit_row_formula(adjacency, vectors):
    r"""Coefficients by which a node's edges give about the vector that it has.

    With the transition matrix :math:`P = D^{-1} A`, the logarithm of one plus the
    number of edges of each node on the diagonal of L, the vectors W, and

    .. math:: F = [P W, \; P P W, \; L P W, \; L P P W] ,

    the ridge regression

    .. math::

       B = \operatorname*{argmin}_B \|F B - W\|^2 + \lambda \|B\|^2 , \qquad
       \lambda = 10^{-4} \, \frac{\operatorname{tr}(F^{\mathsf T} F)}{4 d} ,

    over the nodes with out-edges has four blocks of d rows, and since
    :math:`F B = P (W B_1 + P W B_2) + L P (W B_3 + P W B_4)`, the coefficients are

    .. math:: G_1 = W B_1 + P W B_2 , \qquad G_2 = W B_3 + P W B_4 .

    Parameters
    ----------
    adjacency : csr_array of shape (n_nodes, n_nodes)
    vectors : ndarray of shape (n_nodes, d)
        W.

    Returns
    -------
    components : ndarray of shape (d, 2 * n_nodes), float64
        :math:`[G_1; G_2]^{\mathsf T}`, by columns in memory.
    """
    n, d = vectors.shape
    W = vectors.astype(np.float64)
    transitions = transition_matrix(adjacency.astype(np.float64))
    scale = log_degrees(adjacency)
    PW = ThreadedSparseOperator(transitions).matmat(W)
    gram, moments = np.zeros((4 * d, 4 * d)), np.zeros((4 * d, d))
    for rows in gen_batches(n, ROWS_AT_A_TIME):
        means = np.hstack([PW[rows], transitions[rows] @ PW])
        F = np.hstack([means, means * scale[rows]])  # zero without out-edges
        gram += F.T @ F
        moments += F.T @ W[rows]
    penalty = PENALTY * gram.trace() / len(gram)
    if penalty == 0:
        return np.zeros((2 * n, d)).T
    gram[np.diag_indices_from(gram)] += penalty
    B = np.linalg.solve(gram, moments).reshape(4, d, d)
    components = np.empty((2 * n, d))
    np.matmul(W, B[0], out=components[:n])
    np.matmul(W, B[2], out=components[n:])
    components[:n] += PW @ B[1]
    components[n:] += PW @ B[3]
    return components.T


def apply_row_formula(rows, components):
    """Vectors :math:`p G_1 + l p G_2` of nodes by their edges.

    Parameters
    ----------
    rows : csr_array of shape (n_samples, n_nodes)
        Divided by their sums they are p; l is the logarithm of one plus the number of
        their edges.
    components : ndarray of shape (d, 2 * n_nodes)
        Of :func:`fit_row_formula`.

    Returns
    -------
    E : ndarray of shape (n_samples, d)
    """
    transitions, n = transition_matrix(rows), rows.shape[1]
    scale = log_degrees(rows).astype(rows.dtype, copy=False)
    E = transitions @ components.T[n:]
    E *= scale
    E += transitions @ components.T[:n]
    return E


def log_degrees(rows):
    """Logarithm of one plus the number of edges of each row, as a column."""
    return np.log1p(np.diff(rows.indptr))[:, np.newaxis]
