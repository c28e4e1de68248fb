"""Random walks against exact transition probabilities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_replearn.graph import _second_order, _walks
from sklearn_replearn.graph._out_edges import OutEdges, _alias_tables
from sklearn_replearn.graph._second_order import _EdgeSet
from sklearn_replearn.graph._walks import RandomWalks, WalkSequences, count_visits


def graph(kind, n_nodes=9, seed=0):
    """A connected graph with triangles, self-loops and nodes of different degrees."""
    rng = np.random.default_rng(seed)
    A = rng.random((n_nodes, n_nodes)) < 0.35
    A |= np.eye(n_nodes, k=1, dtype=bool) | np.eye(n_nodes, k=1 - n_nodes, dtype=bool)
    if "directed" not in kind:
        A |= A.T
    weights = rng.integers(1, 10, A.shape) if "weighted" in kind else 1
    return sparse.csr_array(A * weights * 1.0)


KINDS = ["plain", "directed", "weighted", "weighted directed"]


def first_order(A):
    """Probability of x after v, by v and x."""
    A = A.toarray()
    return A / A.sum(axis=1, keepdims=True)


def second_order(A, p, q):
    """Probability of x after t and v, by t, v and x, written out."""
    A = A.toarray()
    n = len(A)
    P = np.zeros((n, n, n))
    for t, v, x in np.ndindex(n, n, n):
        bias = 1 / p if x == t else 1 if A[t, x] else 1 / q
        P[t, v, x] = A[v, x] * bias
    return P / P.sum(axis=2, keepdims=True)


def paths(walks, n_nodes, n_steps):
    """How often each path of so many steps occurs, an axis for each of its nodes."""
    counts = np.zeros((n_nodes,) * (n_steps + 1), dtype=np.int64)
    for block in walks:
        n_paths = block.shape[1] - n_steps
        path = [block[:, step : step + n_paths] for step in range(n_steps + 1)]
        np.add.at(counts, tuple(path), 1)
    return counts


def assert_drawn_by(counts, probabilities):
    """A chi-squared test of the last axis given the others."""
    assert (counts[probabilities == 0] == 0).all()
    expected = counts.sum(axis=-1, keepdims=True) * probabilities
    seen = expected > 4
    assert seen.sum() > 20
    chi2 = ((counts - expected)[seen] ** 2 / expected[seen]).sum()
    assert chi2 < seen.sum() + 5 * np.sqrt(2 * seen.sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.5, 2)])
def test_walks_go_along_edges_from_every_node(kind, p, q):
    A = graph(kind)
    walks = RandomWalks(A, n_walks=50, walk_length=12, p=p, q=q, seed=0)
    (block,) = walks
    assert block.shape == (50 * 9, 12)
    assert block.dtype == np.int32
    assert walks.n_walkers == len(block)
    assert (A.toarray()[block[:, :-1], block[:, 1:]] > 0).all()
    passes = block[:, 0].reshape(50, 9)
    assert_array_equal(np.sort(passes), np.tile(np.arange(9), (50, 1)))
    assert len(np.unique(passes, axis=0)) == 50


@pytest.mark.parametrize("kind", KINDS)
def test_first_order_probabilities(kind):
    A = graph(kind)
    walks = RandomWalks(A, n_walks=500, walk_length=30, seed=0)
    assert_drawn_by(paths(walks, 9, 1), first_order(A))
    # A step does not depend on the one before.
    P = np.broadcast_to(first_order(A), (9, 9, 9)) * (first_order(A) > 0)[..., None]
    assert_drawn_by(paths(walks, 9, 2), P)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("p", "q"), [(0.25, 4), (4, 0.25), (1, 0.5), (1, 3), (0.1, 1), (5, 1), (0.1, 0.4)]
)
def test_second_order_probabilities(kind, p, q):
    A = graph(kind)
    walks = RandomWalks(A, n_walks=1000, walk_length=25, p=p, q=q, seed=1)
    P = second_order(A, p, q) * (A.toarray() > 0)[..., np.newaxis]
    assert_drawn_by(paths(walks, 9, 2), P)
    # The first step has nothing before it.
    (block,) = walks
    assert_drawn_by(paths([block[:, :2]], 9, 1), first_order(A))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("p", "q"), [(1e3, 1e3), (1e3, 1e-3), (0.5, 100)])
def test_draws_from_whole_rows_have_the_same_probabilities(kind, p, q, monkeypatch):
    """Where rejection would take long, a walker weighs all edges of its node."""
    monkeypatch.setattr(_second_order, "TRIALS_AT_A_TIME", 1)
    monkeypatch.setattr(_second_order, "TRIAL_OVERHEAD", 10**9)
    monkeypatch.setattr(_second_order, "CANDIDATES_AT_A_TIME", 100)
    A = graph(kind)
    drawn = []
    draw = _second_order.SecondOrderBias._draw

    def watched(self, previous, current, rng):
        drawn.append(current)
        assert A.astype(bool).sum(axis=1)[current].sum() <= 100 + 9
        return draw(self, previous, current, rng)

    monkeypatch.setattr(_second_order.SecondOrderBias, "_draw", watched)
    walks = RandomWalks(A, n_walks=1000, walk_length=10, p=p, q=q, seed=2)
    P = second_order(A, p, q) * (A.toarray() > 0)[..., np.newaxis]
    counts = paths(walks, 9, 2)
    assert_drawn_by(counts, P)
    assert sum(map(len, drawn)) > 0.1 * counts.sum()


def test_extreme_parameters_come_to_an_end():
    """On trees, cliques and hubs nearly all proposals are rejected."""
    star = sparse.csr_array(np.pad(np.ones((1, 300)), ((0, 300), (1, 0))))
    star = sparse.csr_array((star + star.T) > 0)
    clique = sparse.csr_array(np.ones((60, 60)) - np.eye(60))
    path = sparse.csr_array(np.eye(50, k=1))
    weights = graph("weighted", 30)
    weights.data = 10.0 ** np.random.default_rng(0).uniform(-12, 0, weights.nnz)
    for A in (star, clique, path, weights):
        for p, q in ((1e3, 1e3), (1e3, 1e-3), (1e-3, 1e3), (1e-3, 1e-3), (1, 1e3)):
            walks = RandomWalks(A, n_walks=2, walk_length=10, p=p, q=q, seed=0)
            visits = count_visits(walks, A.shape[0])
            assert visits.sum() <= walks.n_walkers * 10


def test_small_p_goes_back_and_large_p_does_not():
    A = graph("plain")
    for p, share in ((1e-3, 0.99), (1e3, 0.01)):
        (block,) = RandomWalks(A, n_walks=20, walk_length=30, p=p, seed=0)
        returns = (block[:, 2:] == block[:, :-2]).mean()
        assert (returns > share) if p < 1 else (returns < share)


@pytest.mark.parametrize("weight", [1, 2.5])
@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4), (4, 0.25), (2, 1), (1e3, 1e3)])
def test_dead_ends(weight, p, q):
    """A walk ends at a node without out-edges, and no walk starts there."""
    A = np.zeros((6, 6))
    A[0, 1] = A[0, 2] = A[1, 2] = A[1, 0] = A[2, 3] = A[4, 3] = 1
    A[0, 1] = weight
    (block,) = RandomWalks(
        sparse.csr_array(A), n_walks=30, walk_length=7, p=p, q=q, seed=0
    )
    assert_array_equal(np.bincount(block[:, 0], minlength=6), [30, 30, 30, 0, 30, 0])
    for walk in block:
        end = walk.tolist().index(-1) if -1 in walk else 7
        assert (walk[end:] == -1).all()
        assert (A[walk[: end - 1], walk[1:end]] > 0).all()
        assert end == 7 or walk[end - 1] == 3
    assert (block[block[:, 0] == 4] == [4, 3, -1, -1, -1, -1, -1]).all()
    assert count_visits([block], 6)[5] == 0


def test_isolated_nodes_and_explicit_zeros():
    A = sparse.csr_array(np.array([[0, 1, 0, 0], [1, 0, 2, 0], [0, 2, 0, 3], [0] * 4]))
    A.data[A.data == 3] = 0
    (block,) = RandomWalks(A, n_walks=5, walk_length=6, seed=0)
    assert A.nnz == 5
    assert_array_equal(np.unique(block), [0, 1, 2])
    assert_array_equal(np.bincount(block[:, 0]), [5, 5, 5])


@pytest.mark.parametrize("n_nodes", [0, 4])
@pytest.mark.parametrize("q", [1, 2])
def test_a_graph_without_edges_has_no_walks(n_nodes, q):
    A = sparse.csr_array((n_nodes, n_nodes))
    walks = RandomWalks(A, n_walks=5, walk_length=6, q=q, seed=0)
    assert list(walks) == []
    assert walks.n_walkers == 0
    assert_array_equal(count_visits(walks, n_nodes), np.zeros(n_nodes))


@pytest.mark.parametrize("walk_length", [1, 2, 3])
def test_short_walks(walk_length):
    A = graph("plain")
    (block,) = RandomWalks(A, n_walks=2, walk_length=walk_length, q=2, seed=0)
    assert block.shape == (18, walk_length)
    assert (A.toarray()[block[:, :-1], block[:, 1:]] > 0).all()


@pytest.mark.parametrize("kind", ["plain", "weighted directed"])
@pytest.mark.parametrize("q", [1, 0.5])
def test_one_seed_gives_one_result(kind, q, monkeypatch):
    monkeypatch.setattr(_walks, "WALKERS_AT_A_TIME", 50)
    A = graph(kind, 30)

    def walks(seed=0, n_threads=1):
        blocks = RandomWalks(
            A, n_walks=7, walk_length=9, q=q, seed=seed, n_threads=n_threads
        )
        assert [len(block) for block in blocks] == [50, 50, 50, 50, 10]
        return np.concatenate(list(blocks))

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = walks()
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert_array_equal(walks(), first)
    assert_array_equal(walks(n_threads=2), first)
    assert (walks(seed=1) != first).mean() > 0.5
    again = RandomWalks(A, n_walks=7, walk_length=9, q=q, seed=0)
    assert_array_equal(np.concatenate(list(again)), np.concatenate(list(again)))
    # Blocks do not repeat one another.
    assert len(np.unique(first[:, 1:], axis=0)) > 0.9 * len(first)


def test_long_walks_come_in_smaller_blocks(monkeypatch):
    monkeypatch.setattr(_walks, "NODES_AT_A_TIME", 100)
    blocks = list(RandomWalks(graph("plain"), n_walks=2, walk_length=20, seed=0))
    assert [block.shape for block in blocks] == [(5, 20)] * 3 + [(3, 20)]


@pytest.mark.parametrize("kind", ["plain", "weighted"])
def test_index_types_read_only_arrays_and_both_kinds_of_csr(kind):
    A = graph(kind)
    params = {"n_walks": 3, "walk_length": 10, "p": 0.5, "q": 2, "seed": 0}
    (expected,) = RandomWalks(A, **params)
    wide = sparse.csr_array(A)
    wide.indptr, wide.indices = A.indptr.astype(np.int64), A.indices.astype(np.int64)
    locked = A.copy()
    for array in (locked.data, locked.indices, locked.indptr):
        array.flags.writeable = False
    for other in (wide, locked, sparse.csr_matrix(A), A.astype(np.float32)):
        (block,) = RandomWalks(other, **params)
        assert_array_equal(block, expected)


def test_numbers_of_pairs_beyond_four_bytes():
    """A ring of 100,000 nodes has 10**10 pairs: they do not fit into 32 bits."""
    n = 100_000
    ring = sparse.coo_array(
        (np.ones(n), (np.arange(n), np.roll(np.arange(n), -1))), shape=(n, n)
    )
    ring = (ring + ring.T).tocsr()
    for p, q in ((0.25, 4), (4, 0.25)):
        walks = RandomWalks(ring, n_walks=1, walk_length=4, p=p, q=q, seed=0)
        n_back = 0
        for block in walks:
            steps = np.diff(block.astype(np.int64), axis=1) % n
            assert np.isin(steps, [1, n - 1]).all()
            n_back += (block[:, 2:] == block[:, :-2]).sum()
        # There is no triangle: back with the mass 1 / p, on with 1 / q.
        assert_allclose(n_back / (2 * n), q / (p + q), atol=0.01)


@pytest.mark.parametrize("bits_of_exact_matrix", [0, 2**28])
@pytest.mark.parametrize("kind", ["plain", "directed"])
def test_set_of_edges(kind, bits_of_exact_matrix, monkeypatch):
    monkeypatch.setattr(_second_order, "BITS_OF_EXACT_MATRIX", bits_of_exact_matrix)
    A = graph(kind, 200)
    is_edge = _EdgeSet(OutEdges(A))
    assert is_edge.is_exact == (bits_of_exact_matrix > 0)
    origins, targets = np.indices(A.shape, dtype=np.int32).reshape(2, -1)
    found = is_edge(origins, targets).reshape(A.shape)
    assert_array_equal(found, A.toarray() > 0)
    assert is_edge(origins[:0], targets[:0]).shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
def test_second_order_probabilities_by_hashed_edges(kind, monkeypatch):
    monkeypatch.setattr(_second_order, "BITS_OF_EXACT_MATRIX", 0)
    A = graph(kind)
    walks = RandomWalks(A, n_walks=500, walk_length=25, p=0.5, q=3, seed=3)
    P = second_order(A, 0.5, 3) * (A.toarray() > 0)[..., np.newaxis]
    assert_drawn_by(paths(walks, 9, 2), P)


WEIGHTS = {
    "uniform": lambda rng, n: rng.random(n) + 1e-9,
    "heavy tail": lambda rng, n: rng.pareto(0.3, n) + 1e-6,
    "equal but for rounding": lambda rng, n: rng.integers(1, 4, n) * 0.1,
    "nearly equal": lambda rng, n: 1 + 2.0**-52 * rng.integers(0, 4, n),
    "any size": lambda rng, n: 10 ** rng.uniform(-300, 300, n),
    "the extremes": lambda rng, n: np.where(rng.random(n) < 0.1, 5e-324, 1.7e308),
    "equal": lambda rng, n: np.full(n, 0.1),
}


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("longest", [1, 4, 300])
def test_alias_tables_hold_the_exact_probabilities(kind, longest):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        count = rng.integers(1, longest + 1, size=rng.integers(1, 40))
        first = np.cumsum(count) - count
        weights = WEIGHTS[kind](rng, count.sum())
        height, alias = _alias_tables(weights, first, count)
        row = np.repeat(np.arange(len(count)), count)
        assert ((height >= 0) & (height <= 1)).all()
        assert_array_equal(row[alias][height < 1], row[height < 1])

        chance = 1 / count[row]
        probability = height * chance
        np.add.at(probability, alias, np.where(height < 1, (1 - height) * chance, 0))
        scaled = weights / np.maximum.reduceat(weights, first)[row]
        expected = scaled / np.add.reduceat(scaled, first)[row]
        assert_allclose(probability, expected, rtol=1e-9)


def test_a_weight_far_smaller_than_the_others():
    A = np.ones((4, 4)) - np.eye(4)
    A[0, 1] = A[1, 0] = 1e-30
    for p, q in ((1, 1), (0.25, 4), (1e3, 1e3)):
        walks = RandomWalks(
            sparse.csr_array(A), n_walks=500, walk_length=10, p=p, q=q, seed=0
        )
        counts = paths(walks, 4, 1)
        assert counts[0, 1] == counts[1, 0] == 0
        assert counts[0, 2] > 0


def test_sequences_are_cut_where_walks_end():
    A = sparse.csr_array(np.eye(400, k=1))
    walks = RandomWalks(A, n_walks=2, walk_length=5, seed=0)
    sequences = WalkSequences(walks)
    found = [sequence.tolist() for sequence in sequences]
    expected = [[int(node) for node in walk if node >= 0] for b in walks for walk in b]
    assert found == expected
    assert found == [sequence.tolist() for sequence in sequences]
    assert sorted(set(map(len, found))) == [2, 3, 4, 5]
    assert_array_equal(count_visits(walks, 400), np.bincount(np.concatenate(found)))


def test_number_of_visits():
    blocks = [np.array([[0, 3, -1], [3, 3, 1]], dtype=np.int32), np.array([[1, 1, 1]])]
    counts = count_visits(iter(blocks), 5)
    assert counts.dtype == np.int64
    assert_array_equal(counts, [1, 4, 0, 3, 0])
