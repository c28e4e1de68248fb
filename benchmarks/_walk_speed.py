"""How fast random walks are: ours, and PecanPy's where that is installed."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np

from sklearn_replearn.graph._walks import RandomWalks

from ._timing import race

# Names that numpy 2 removed, and that PecanPy's annotations still ask for when they
# are imported. Nothing computes with them.
REMOVED = (
    *("bool8", "int0", "uint0", "object0", "str0", "bytes0", "void0"),
    *("string_", "unicode_", "float_", "longfloat", "complex_", "cfloat"),
    *("singlecomplex", "clongfloat", "longcomplex"),
)


def has_pecanpy() -> bool:
    """Whether PecanPy is installed."""
    return find_spec("pecanpy") is not None


def steps_per_second(
    adjacency, p: float, q: float, *, n_walks, walk_length, n_threads, repeats
) -> dict[str, list[float]]:
    """Rates of each contestant, by turns; PecanPy makes one walk from each node."""
    setting = {"walk_length": walk_length, "n_threads": n_threads}
    walks = {"RandomWalks": partial(walk, adjacency, p, q, n_walks, **setting)}
    if has_pecanpy():
        walks["PecanPy"] = pecanpy_walks(adjacency, p, q, 1, **setting)
    steps = {who: action() for who, action in walks.items()}
    seconds = race(walks, repeats=repeats, shortest=0, warm_up=False)
    return {who: [steps[who] / s for s in seconds[who]] for who in walks}


def walk(adjacency, p, q, n_walks: int, *, walk_length: int, n_threads: int) -> int:
    """Walk, and return the number of steps; in an undirected graph no walk ends."""
    walks = RandomWalks(
        adjacency,
        n_walks=n_walks,
        walk_length=walk_length,
        p=p,
        q=q,
        seed=0,
        n_threads=n_threads,
    )
    return sum(len(block) for block in walks) * (walk_length - 1)


def pecanpy_walks(
    adjacency, p: float, q: float, n_walks: int, *, walk_length: int, n_threads: int
) -> Callable[[], int]:
    """An action that walks and returns the number of steps.

    PecanPy compiles its step anew for each call; here the first call does so for all.
    """
    pecanpy = _import()
    from numba import config, set_num_threads

    set_num_threads(min(n_threads, config.NUMBA_NUM_THREADS))
    mode = pecanpy.FirstOrderUnweighted if p == q == 1 else pecanpy.SparseOTF
    graph = mode(p=p, q=q, workers=n_threads, verbose=False)
    graph.set_node_ids([str(node) for node in range(adjacency.shape[0])])
    graph.indptr = adjacency.indptr.astype(np.uint32)
    graph.indices = adjacency.indices.astype(np.uint32)
    graph.data = adjacency.data.astype(np.float32)
    move, has_neighbours = graph.get_move_forward(), graph.get_has_nbrs()
    graph.get_move_forward = lambda: move
    graph.get_has_nbrs = lambda: has_neighbours

    def walk():
        return sum(len(w) - 1 for w in graph.simulate_walks(n_walks, walk_length))

    return walk


def _import():
    missing = [name for name in REMOVED if name not in vars(np)]
    for name in missing:
        setattr(np, name, np.generic)
    try:
        from pecanpy import pecanpy
    finally:
        for name in missing:
            delattr(np, name)
    return pecanpy
