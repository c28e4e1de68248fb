"""Node embeddings against DeepWalk's own figures, gensim's time and PecanPy's walks.

Five questions:

- how well a logistic regression on the vectors finds the labels of BlogCatalog's nodes,
  and how long the fits take, that of DeepWalk with its paper's settings among them;
- how many steps random walks make in a second;
- time and memory of the methods without a dense matrix, up to a million nodes;
- how much is lost on nodes that were not there in the fit;
- the accuracy on Cora's nodes.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from sklearn_replearn.graph import (
    DeepWalk,
    LaplacianEigenmaps,
    NetMF,
    Node2Vec,
    ProNE,
)

from ._contest import Contest, Options, Target
from ._data import Graph, describe_graph, planted_graph, read_graph
from ._labels import accuracy_of_shuffle, f1_columns, f1_scores, f1_table, split
from ._report import progress
from ._resident import in_fresh_process, peak_resident
from ._timing import pair_ratios, race
from ._walk_speed import has_pecanpy, steps_per_second

PUBLISHED = {"Micro": (35.9, 41.5, 42.4), "Macro": (21.1, 27.7, 28.2)}
NETMF_REACHES = {"Micro": (38.0, 41.8, 43.5), "Macro": (21.1, 27.5, 29.0)}
PRONE_REACHES = {"Micro": (36.0, 40.5, 42.0)}
CORA_FLOORS = {
    "NetMF: embedding_": 75.0,
    "ProNE: embedding_": 62.0,
    "LaplacianEigenmaps: embedding_": 75.0,
    "DeepWalk: node_vectors_": 75.0,
    "DeepWalk: embedding_": 75.0,
    "DeepWalk, pmi: embedding_": 70.0,
    "Node2Vec, p=q=0.25: node_vectors_": 75.0,
    "Node2Vec, p=q=0.25: embedding_": 75.0,
}
PAPER_WALK = {"walk_length": 40, "window": 10}
BIASES = ((1, 1), (0.25, 4), (4, 0.25), (0.25, 0.25))  # p and q of walks
N_BLOCKS = 20
SCALABLE = {
    "ProNE(32)": partial(ProNE, 32, random_state=0),
    "ProNE(128)": partial(ProNE, 128, random_state=0),
    "LaplacianEigenmaps(16)": partial(LaplacianEigenmaps, 16),
}


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    n_components: int = 128
    paper_walks: int = 80
    n_walks: int = 10
    shuffles: int = 10
    splits: int = 10
    splits_of_walks: int = 3  # which take half a minute each
    scale: tuple[int, ...] = (10_000, 100_000, 1_000_000)


TINY = Sizes(
    4, paper_walks=2, n_walks=1, shuffles=1, splits=1, splits_of_walks=1, scale=(200,)
)


def run(options: Options) -> Iterator[Contest]:
    """Yield all contests; without a data folder, those that need no labels."""
    if options.smoke:
        graph = made_up_graph(200)
        yield from labelled_contests(graph, TINY, options)
        yield walking(graph, TINY, options)
        yield scale(TINY, options)
        classes = Graph(graph.name, graph.adjacency, graph.labels.argmax(axis=1))
        yield cora(classes, TINY, options)
        return
    if options.data is None:
        progress(
            "No data folder: walks and scale on made-up graphs. BlogCatalog and Cora "
            "are left out: classification, new nodes, and the targets of walks."
        )
        yield replace(walking(made_up_graph(10_000), Sizes(), options), targets=())
        yield scale(Sizes(), options)
        return
    graph = read_graph(options.data, "blogcatalog", "BlogCatalog")
    yield from labelled_contests(graph, Sizes(), options)
    yield walking(graph, Sizes(), options)
    yield scale(Sizes(), options)
    yield cora(read_graph(options.data, "cora", "Cora"), Sizes(), options)


def labelled_contests(graph: Graph, sizes: Sizes, options: Options):
    """Contests that BlogCatalog is for."""
    yield quick_fits(graph, sizes)
    yield classification(graph, sizes, options)
    yield new_nodes(graph, sizes, options)


def made_up_graph(n_nodes: int) -> Graph:
    """A planted partition, whose blocks are the labels."""
    n_blocks = min(N_BLOCKS, n_nodes // 100)
    adjacency = planted_graph(n_nodes, n_blocks, random_state=0)
    labels = np.arange(n_nodes)[:, np.newaxis] % n_blocks == np.arange(n_blocks)
    return Graph(describe_graph("made-up blocks", adjacency), adjacency, labels)


def methods(sizes: Sizes, n_jobs: int) -> dict:
    """The estimators with their defaults, by name."""
    k = sizes.n_components
    walks = {"n_walks": sizes.n_walks}
    return {
        "NetMF": NetMF(k, random_state=0),
        "ProNE": ProNE(k, random_state=0),
        "LaplacianEigenmaps": make_pipeline(
            LaplacianEigenmaps(k), StandardScaler(with_mean=False)
        ),
        "DeepWalk": DeepWalk(k, n_jobs=n_jobs, **walks),
        "DeepWalk, pmi": DeepWalk(k, solver="pmi", random_state=0, **walks),
        "Node2Vec, p=q=0.25": Node2Vec(k, p=0.25, q=0.25, n_jobs=n_jobs, **walks),
    }


NOTE_ON_SCALE = (
    "LaplacianEigenmaps' columns have unit length, so that their entries are tiny; the "
    "classifier gets them divided by their standard deviation, all others as they come."
)
NOTE_ON_WALKS = (
    "Skip-gram trains in several threads without a random_state: figures differ a "
    "little from run to run. Walk methods' defaults: 10 walks of 40 nodes, window 10."
)


def vectors_of(model, adjacency) -> dict[str, np.ndarray]:
    """What a fitted method offers: vectors as trained, and by the formula of rows."""
    E = model.transform(adjacency)
    if hasattr(model, "node_vectors_"):
        return {"node_vectors_": model.node_vectors_, "embedding_": E}
    return {"embedding_": E}


def f1_targets(contestant: str, scores: dict, slack: float = 0.0) -> list[Target]:
    """At least these scores, less the slack."""
    return [
        Target(column, at_least=score - slack, contestant=contestant)
        for column, score in f1_columns(scores).items()
    ]


def quick_fits(graph: Graph, sizes: Sizes) -> Contest:
    """ProNE and NetMF by turns."""
    k = sizes.n_components
    models = {"ProNE": ProNE(k, random_state=0), "NetMF": NetMF(k, random_state=0)}
    fits = {who: partial(model.fit, graph.adjacency) for who, model in models.items()}
    return Contest(
        data=graph.name,
        setting=f"n_components={k}; time of a fit",
        stages={"fit": fits},
        reference="NetMF",
        targets=(Target("fit ratio", at_most=0.5),),
    )


def classification(graph: Graph, sizes: Sizes, options: Options) -> Contest:
    """Labels from vectors, by all methods, and the time of a fit of each."""
    n_jobs = max(options.threads)
    paper = f"DeepWalk, {sizes.paper_walks} walks"
    models = methods(sizes, n_jobs)
    deep_walk = models.pop("DeepWalk").set_params(
        n_walks=sizes.paper_walks, **PAPER_WALK
    )
    models = {"NetMF": models.pop("NetMF"), paper: deep_walk, **models}
    progress(f"nodes: {graph.name}; fits, {paper} with {n_jobs} thread(s) among them")
    fits = {who: partial(model.fit, graph.adjacency) for who, model in models.items()}
    seconds = race(fits, repeats=1, shortest=0, warm_up=False)
    rows = {}
    for name, model in models.items():
        for attribute, E in vectors_of(model, graph.adjacency).items():
            row = f"{name}: {attribute}"
            progress(f"nodes: {graph.name}; classification, {row}")
            rows[row] = f1_table(E, graph.labels, sizes.shuffles) | {
                "fit seconds": seconds[name][0],
                f"ratio to {paper}": seconds[name][0] / seconds[paper][0],
            }
    rows["DeepWalk, published"] = f1_columns(PUBLISHED)
    return Contest(
        data=graph.name,
        setting=f"n_components={sizes.n_components}; classification",
        quality=rows,
        targets=(
            *f1_targets("NetMF: embedding_", NETMF_REACHES),
            Target(f"ratio to {paper}", at_most=1 / 40, contestant="NetMF: embedding_"),
            *f1_targets(f"{paper}: node_vectors_", PUBLISHED, slack=1.0),
            *f1_targets("ProNE: embedding_", PRONE_REACHES),
        ),
        notes=(
            f"Micro- and Macro-F1 in percent by the percentage of nodes with labels, "
            f"means of {sizes.shuffles} shuffles.",
            "One-vs-rest logistic regression, C=1; nodes get as many labels as they "
            "have.",
            f"Each is fitted once, one after another, {paper} right after NetMF, its "
            f"walks included, with {n_jobs} thread(s).",
            NOTE_ON_WALKS,
            NOTE_ON_SCALE,
        ),
    )


def walking(graph: Graph, sizes: Sizes, options: Options) -> Contest:
    """Steps a second of first-order and second-order walks."""
    rows, targets = {}, []
    setting = {
        "n_walks": sizes.n_walks,
        "walk_length": PAPER_WALK["walk_length"],
        "n_threads": max(options.threads),
        "repeats": min(options.repeats, 3),
    }
    for p, q in BIASES:
        kind = "first order" if p == q == 1 else f"p={p}, q={q}"
        progress(f"nodes: {graph.name}; walks, {kind}")
        rates = steps_per_second(graph.adjacency, p, q, **setting)
        for who, rate in rates.items():
            rows[f"{who}, {kind}"] = {"million steps a second": median(rate) / 1e6}
        if "PecanPy" in rates:
            ours, ratio = f"RandomWalks, {kind}", pair_ratios(*rates.values())
            rows[ours]["times PecanPy"] = ratio.median
            at_least = 20 if p == q == 1 else 10
            targets.append(Target("times PecanPy", at_least=at_least, contestant=ours))
    return Contest(
        data=graph.name,
        setting=f"walks of 40 nodes, {max(options.threads)} thread(s)",
        quality=rows,
        targets=tuple(targets),
        notes=(
            "PecanPy's modes are FirstOrderUnweighted and SparseOTF, compiled before."
            if has_pecanpy()
            else "PecanPy is not installed (pip install pecanpy), and left out.",
        ),
    )


def scale(sizes: Sizes, options: Options) -> Contest:
    """Seconds and memory of fits to larger and larger graphs, in fresh processes."""
    rows, n_threads = {}, max(options.threads)
    for n_nodes in sizes.scale:
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "graph.npz")
            graph = planted_graph(n_nodes, N_BLOCKS, random_state=0)
            np.savez(path, indices=graph.indices, indptr=graph.indptr)
            del graph
            for name in list(SCALABLE)[: 2 if options.smoke else None]:
                row = f"{name}, {n_nodes:,} nodes"
                progress(f"nodes: scale, {row}")
                rows[row] = in_fresh_process(cost_of_fit, name, path, threads=n_threads)
    return Contest(
        data=f"{N_BLOCKS} made-up blocks, average degree 20",
        setting=f"time and memory by size, {n_threads} thread(s)",
        quality=rows,
        targets=tuple(
            Target("peak MB", at_most=rows[row]["bound MB"], contestant=row)
            for row in rows
            if row.endswith(f" {max(sizes.scale):,} nodes")
        ),
        notes=(
            "Each in a fresh process. The peak is of all that it holds beyond the "
            "imports, the graph and the vectors included, both in double precision.",
            "The bound is 12 bytes for each entry of the adjacency (two an edge), as "
            "the graph takes, and 10 vectors of n_components numbers of 8 bytes for "
            "each node.",
        ),
    )


def cost_of_fit(name: str, path: str) -> dict[str, float]:
    """Seconds and memory of a fit in this process, which does nothing else."""
    before = peak_resident()
    with np.load(path) as file:
        indices, indptr = file["indices"], file["indptr"]
    n_nodes = len(indptr) - 1
    adjacency = sparse.csr_array(
        (np.ones(len(indices)), indices, indptr), shape=(n_nodes, n_nodes)
    )
    model = SCALABLE[name]()
    start = perf_counter()
    model.fit(adjacency)
    seconds = perf_counter() - start
    bound = 12 * len(indices) + 10 * 8 * model.n_components * n_nodes
    return {
        "million entries": len(indices) / 1e6,
        "seconds": seconds,
        "peak MB": (peak_resident() - before) / 1e6,
        "bound MB": bound / 1e6,
    }


def new_nodes(graph: Graph, sizes: Sizes, options: Options) -> Contest:
    """Micro-F1 on nodes that were hidden from the fit, and had they been there."""
    n_jobs, rows = max(options.threads), {}
    for name, model in methods(sizes, n_jobs).items():
        progress(f"nodes: {graph.name}; new nodes, {name}")
        model.fit(graph.adjacency)
        whole = vectors_of(model, graph.adjacency)
        n_splits = sizes.splits_of_walks if hasattr(model, "n_walks") else sizes.splits
        results = [scores_on_hidden(graph, model, whole, s) for s in range(n_splits)]
        row = rows[name] = {
            column: float(np.mean([r[column] for r in results]))
            for column in results[0]
        }
        row["loss"] = row["whole graph, embedding_"] - row["transform"]
        row["splits"] = n_splits
    return Contest(
        data=graph.name,
        setting=f"n_components={sizes.n_components}; new nodes",
        quality=rows,
        targets=tuple(
            Target("loss", at_most=2 if name == "NetMF" else 4, contestant=name)
            for name in rows
        ),
        notes=(
            "Micro-F1 in percent on 10 % of the nodes, means of splits, which all "
            "methods share. The classifier learns from the other nodes.",
            "transform: they were not there in the fit; whole graph: they were. The "
            "loss is the difference of these two, by embedding_.",
            "neighbours' mean: of node_vectors_, or else embedding_, of the fitted "
            "nodes, instead of transform.",
            NOTE_ON_WALKS,
            NOTE_ON_SCALE,
        ),
    )


def scores_on_hidden(graph: Graph, model, whole: dict, seed: int) -> dict[str, float]:
    """Micro-F1 on hidden nodes by `transform`, and by other means. Fits the model."""
    hidden, known = split(len(graph.labels), 10, seed)
    block = graph.adjacency[known][:, known]
    rows = graph.adjacency[hidden][:, known]
    model.fit(block)
    fitted = vectors_of(model, block)
    trained = fitted.get("node_vectors_", fitted["embedding_"])
    sets = {
        "transform": (fitted["embedding_"], model.transform(rows)),
        "neighbours' mean": (trained, normalize(rows, "l1") @ trained),
        **{
            f"whole graph, {attribute}": (E[known], E[hidden])
            for attribute, E in whole.items()
        },
    }
    labels = graph.labels[known], graph.labels[hidden]
    return {
        name: f1_scores(E, labels[0], E_new, labels[1])[0]
        for name, (E, E_new) in sets.items()
    }


def cora(graph: Graph, sizes: Sizes, options: Options) -> Contest:
    """Accuracy on the nodes of Cora, of which a tenth are labelled."""
    n_jobs, rows = max(options.threads), {}
    for name, model in methods(sizes, n_jobs).items():
        progress(f"nodes: {graph.name}; {name}")
        model.fit(graph.adjacency)
        for attribute, E in vectors_of(model, graph.adjacency).items():
            accuracy = [
                accuracy_of_shuffle(E, graph.labels, seed)
                for seed in range(sizes.shuffles)
            ]
            rows[f"{name}: {attribute}"] = {
                "mean accuracy": float(np.mean(accuracy)),
                "least": min(accuracy),
                "greatest": max(accuracy),
            }
    return Contest(
        data=graph.name,
        setting=f"n_components={sizes.n_components}; classification",
        quality=rows,
        targets=tuple(
            Target("mean accuracy", at_least=floor, contestant=row)
            for row, floor in CORA_FLOORS.items()
        ),
        notes=(
            f"Accuracy of a logistic regression, C=1, in percent, {sizes.shuffles} "
            "random splits with 10 % of the nodes labelled.",
            NOTE_ON_WALKS,
            NOTE_ON_SCALE,
        ),
    )
