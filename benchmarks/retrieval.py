"""Nearest neighbors among a million vectors: exact search, and a graph of neighbors.

Two questions:

- how long exact search takes beside a bare product of matrices and the largest values
  of its rows, for many queries at once and for a single one;
- how much less time a query takes in the graph of neighbors, which share of the nearest
  items it finds, how long it takes to build, and how much memory it needs.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import partial
from time import perf_counter

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from sklearn_replearn.retrieval import EmbeddingIndex

from ._contest import Contest, Options, Target
from ._report import progress
from ._timing import peak_memory

#: Queries that the bare product takes at a time.
N_AT_A_TIME = 32


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    n_items: int = 1_000_000
    n_features: int = 64
    n_clusters: int = 1_000
    n_queries: int = 256
    n_neighbors: int = 10
    ef_searches: tuple[int, ...] = (64, 32, 128)  # the default first


TINY = Sizes(2_000, 8, 20, 16, 5, (64, 32))


@dataclass(frozen=True)
class Vectors:
    """Items and queries of the same clusters, in single precision."""

    items: np.ndarray
    queries: np.ndarray
    k: int

    @property
    def name(self) -> str:
        return "{:,} x {}, in clusters, float32".format(*self.items.shape)


def run(options: Options) -> Iterator[Contest]:
    """Yield exact search first, since the graph takes long to build."""
    sizes = TINY if options.smoke else Sizes()
    vectors = make_vectors(sizes, random_state=0)
    yield exact(vectors)
    yield approximate(vectors, sizes.ef_searches, n_jobs=max(options.threads))


def make_vectors(sizes: Sizes, *, random_state: int) -> Vectors:
    """Normal clusters as wide as their centers are apart."""
    rng = np.random.default_rng(random_state)
    shape = sizes.n_clusters, sizes.n_features
    centers = rng.standard_normal(shape, dtype=np.float32)

    def draw(n):
        noise = rng.standard_normal((n, sizes.n_features), dtype=np.float32)
        return centers[rng.integers(sizes.n_clusters, size=n)] + noise

    return Vectors(draw(sizes.n_items), draw(sizes.n_queries), sizes.n_neighbors)


def exact(vectors: Vectors) -> Contest:
    """Exact search by cosines; the peers are given rows of length 1."""
    index = EmbeddingIndex().fit(vectors.items)
    items, k = normalize(vectors.items), vectors.k
    neighbors = NearestNeighbors(algorithm="brute").fit(items)
    ways = {
        "EmbeddingIndex": partial(index.kneighbors, n_neighbors=k),
        "product, torch.topk": partial(torch_search, items, k=k),
        "product, numpy.argpartition": partial(numpy_search, items, k=k),
        "scikit-learn": partial(neighbors.kneighbors, n_neighbors=k),
    }
    queries = normalize(vectors.queries)
    batches = {f"{len(queries)} queries": queries, "one query": queries[:1]}
    reference = "product, torch.topk"
    return Contest(
        data=vectors.name,
        setting=f"method='exact', {k} neighbors",
        stages={
            stage: {who: partial(search, batch) for who, search in ways.items()}
            for stage, batch in batches.items()
        },
        reference=reference,
        quality={
            who: {
                "peak MB of a search": peak_memory(partial(search, queries)) / 1e6,
                "recall": recall(search(queries)[1], index.kneighbors(queries, k)[1]),
            }
            for who, search in ways.items()
        },
        targets=tuple(Target(f"{stage} ratio", at_most=1.1) for stage in batches),
        notes=(
            f"The peers are given rows of length 1, and products take {N_AT_A_TIME} "
            "queries at a time.",
            "Memory is that of Python and numpy; what torch allocates is not counted.",
        ),
    )


def torch_search(items: np.ndarray, queries: np.ndarray, *, k: int):
    """Cosines and positions by torch's product and its largest values."""
    found = [
        torch.topk(part @ torch.from_numpy(items).T, k)
        for part in torch.from_numpy(queries).split(N_AT_A_TIME)
    ]
    return tuple(torch.cat(parts).numpy() for parts in zip(*found, strict=True))


def numpy_search(items: np.ndarray, queries: np.ndarray, *, k: int):
    """Cosines and positions by numpy's product and its partition."""
    found = []
    for start in range(0, len(queries), N_AT_A_TIME):
        scores = queries[start : start + N_AT_A_TIME] @ items.T
        some = np.argpartition(scores, -k, axis=1)[:, -k:]
        values = np.take_along_axis(scores, some, axis=1)
        order = np.argsort(-values, axis=1)
        found.append([np.take_along_axis(a, order, axis=1) for a in (values, some)])
    return tuple(np.vstack(parts) for parts in zip(*found, strict=True))


def approximate(vectors: Vectors, ef_searches, *, n_jobs: int) -> Contest:
    """The graph of neighbors, with more and fewer candidates, beside exact search."""
    k = vectors.k
    index = EmbeddingIndex().fit(vectors.items)
    truth = index.kneighbors(vectors.queries, k, return_distance=False)
    progress(f"retrieval: {vectors.name}; building the graph")
    graph = EmbeddingIndex(method="hnsw", n_jobs=n_jobs)
    start = perf_counter()
    graph.fit(vectors.items)
    seconds = perf_counter() - start
    ways = {f"hnsw, ef_search={ef}": with_candidates(graph, ef) for ef in ef_searches}
    stored = graph._engine.index
    quality = {
        who: {
            "recall": recall(search(vectors.queries, k)[1], truth),
            "seconds of the build": seconds,
            "MB in memory": stored.memory_usage / 1e6,
            "MB in a pickle": stored.serialized_length / 1e6,
            "MB of the vectors": graph.vectors_.nbytes / 1e6,
        }
        for who, search in ways.items()
    }
    ways["exact"] = index.kneighbors
    quality["exact"] = {"recall": 1.0, "MB of the vectors": index.vectors_.nbytes / 1e6}
    batches = {
        f"{len(vectors.queries)} queries": vectors.queries,
        "one query": vectors.queries[:1],
    }
    return Contest(
        data=vectors.name,
        setting=f"method='hnsw', {k} neighbors",
        stages={
            stage: {who: partial(search, batch, k) for who, search in ways.items()}
            for stage, batch in batches.items()
        },
        reference="exact",
        quality=quality,
        targets=(
            Target("recall", at_least=0.95),
            *(Target(f"{stage} ratio", at_most=1 / 20) for stage in batches),
        ),
        notes=(f"The graph was built by {n_jobs} thread(s), and is searched by one.",),
    )


def with_candidates(index: EmbeddingIndex, ef_search: int) -> Callable:
    """Search in the same graph by one thread, with another number of candidates."""
    engine, other = index._engine, copy(index)
    other._engine = object.__new__(type(engine))  # a copy would copy the graph
    options = engine.options | {"expansion_search": ef_search}
    vars(other._engine).update(vars(engine) | {"options": options, "threads": 1})
    return other.kneighbors


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean share of the nearest items that were found."""
    pairs = zip(found, truth, strict=True)
    return float(np.mean([np.isin(nearest, those).mean() for those, nearest in pairs]))
