"""Readers for the data folder, and data made up or shipped where there is none."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import sparse

ENVIRONMENT_VARIABLE = "SKLEARN_REPLEARN_DATA"


class MissingData(Exception):
    """The data folder, or a file in it, is not there."""


def find_data_folder(path: str | None = None) -> Path | None:
    """The folder given, else that of the environment variable, else None."""
    source = "--data" if path else ENVIRONMENT_VARIABLE
    path = path or os.environ.get(ENVIRONMENT_VARIABLE)
    if not path:
        return None
    folder = Path(path)
    if not folder.is_dir():
        raise MissingData(f"The data folder {path!r} given by {source} does not exist.")
    return folder


def require_file(folder: Path | None, name: str) -> Path:
    """Path of a file of the data folder, or one sentence on how to have it."""
    if folder is None:
        raise MissingData(
            f"This benchmark needs the file {name!r}: name the folder that holds it "
            f"by --data or by the environment variable {ENVIRONMENT_VARIABLE}."
        )
    if not (folder / name).is_file():
        raise MissingData(f"The data folder has no file {name!r}.")
    return folder / name


def read_table(folder: Path | None, name: str):
    """A tab-separated table of the data folder, as it stands: no quotes, no NaN."""
    import pandas as pd

    path = require_file(folder, name)
    return pd.read_csv(path, sep="\t", quoting=3, keep_default_na=False)


@dataclass(frozen=True)
class Texts:
    """Documents to learn from and to test on; labels are None where there are none."""

    name: str
    train: list[str]
    test: list[str]
    train_labels: np.ndarray | None = None
    test_labels: np.ndarray | None = None


def read_texts(folder: Path | None, name: str, title: str) -> Texts:
    """Read a table of texts with the columns split (train or test), label and text."""
    table = read_table(folder, f"text/{name}.tsv.xz")
    train, test = (table[table["split"] == part] for part in ("train", "test"))
    return Texts(
        name=f"{title}, {len(train):,} + {len(test):,} documents",
        train=train["text"].tolist(),
        test=test["text"].tolist(),
        train_labels=train["label"].to_numpy(),
        test_labels=test["label"].to_numpy(),
    )


def gensim_folder() -> Path:
    """Where gensim keeps its own test data."""
    return Path(find_spec("gensim").origin).parent / "test" / "test_data"


def lee_texts() -> Texts:
    """The Lee corpora of short news, unlabelled, from gensim's own test data."""
    train, test = (
        (gensim_folder() / name).read_text(encoding="latin-1").splitlines()
        for name in ("lee_background.cor", "lee.cor")
    )
    return Texts(
        f"Lee corpora of gensim, {len(train)} + {len(test)} documents", train, test
    )


def read_word_questions(folder: Path | None) -> dict:
    """Two tables of pairs with people's scores, and one of analogies.

    They are gensim's own without a folder.
    """
    names = ("ws353.tsv", "simlex999.tsv", "google_analogies.tsv.gz")
    if folder is not None:
        tables = [read_table(folder, f"words/{name}") for name in names]
    else:
        import pandas as pd

        tables = [
            pd.read_csv(gensim_folder() / name, sep=sep, comment=comment, header=None)
            for name, sep, comment in (
                ("wordsim353.tsv", "\t", "#"),
                ("simlex999.txt", "\t", "#"),
                ("questions-words.txt", " ", ":"),
            )
        ]
    return dict(zip(("WS-353", "SimLex-999", "analogies"), tables, strict=True))


def correlated_table(n_rows: int, n_features: int, *, random_state: int) -> np.ndarray:
    """Features that share hidden factors, in units from thousandths to ten thousands.

    A tenth as many factors as features, of decreasing strength; own noise; every
    third feature positive and skewed, like incomes or counts.
    """
    rng = np.random.default_rng(random_state)
    n_factors = max(2, n_features // 10)
    strength = np.linspace(2.0, 0.5, n_factors)[:, None]
    loadings = strength * rng.standard_normal((n_factors, n_features))
    loadings /= np.linalg.norm(loadings, axis=0)
    X = rng.standard_normal((n_rows, n_factors)) @ loadings
    X += rng.uniform(0.3, 1.0, n_features) * rng.standard_normal(X.shape)
    X[:, ::3] = np.exp(0.5 * X[:, ::3])
    X += rng.normal(0, 3, n_features)
    return X * 10.0 ** rng.uniform(-3, 4, n_features)


def zipfian_counts(
    n_documents: int,
    n_words: int,
    *,
    mean_length: int = 100,
    n_topics: int = 30,
    random_state: int,
) -> sparse.csr_array:
    """Word counts of made-up documents, each half common words, half one topic's.

    Words follow Zipf's law overall and within each topic.
    """
    rng = np.random.default_rng(random_state)
    lengths = 1 + rng.poisson(rng.gamma(2.0, mean_length / 2, n_documents))
    documents = np.repeat(np.arange(n_documents), lengths)
    frequencies = np.cumsum(1 / np.arange(1, n_words + 1))
    uniform = rng.uniform(0, frequencies[-1], len(documents))
    words = np.searchsorted(frequencies, uniform)
    topical = rng.uniform(size=len(words)) < 0.5
    vocabularies = rng.permuted(np.tile(np.arange(n_words), (n_topics, 1)), axis=1)
    topics = rng.integers(n_topics, size=n_documents)[documents[topical]]
    words[topical] = vocabularies[topics, words[topical]]
    counts = sparse.coo_array(
        (np.ones(len(words)), (documents, words)), shape=(n_documents, n_words)
    )
    return counts.tocsr()


@dataclass(frozen=True)
class Graph:
    """An undirected graph without weights, with labels of its nodes.

    Labels are one class a node, or of shape (n_nodes, n_labels), True for those that a
    node has.
    """

    name: str
    adjacency: sparse.csr_array
    labels: np.ndarray


def read_graph(folder: Path | None, name: str, title: str) -> Graph:
    """Read a graph of the data folder, either kind of labels."""
    with np.load(require_file(folder, f"graphs/{name}.npz")) as file:
        adjacency = _ones_at(file["indices"], file["indptr"], file["shape"])
        if "y" in file:
            labels = file["y"]
        else:
            places = file["label_indices"], file["label_indptr"]
            shape = (adjacency.shape[0], int(file["n_labels"]))
            labels = _ones_at(*places, shape).toarray() > 0
    return Graph(describe_graph(title, adjacency), adjacency, labels)


def _ones_at(indices, indptr, shape):
    matrix = sparse.csr_array((np.ones(len(indices)), indices, indptr), tuple(shape))
    matrix.sort_indices()
    return matrix


def describe_graph(title: str, adjacency: sparse.csr_array) -> str:
    """Name of an undirected graph with its size."""
    return f"{title}, {adjacency.shape[0]:,} nodes, {adjacency.nnz // 2:,} edges"


def planted_graph(
    n_nodes: int,
    n_blocks: int,
    *,
    average_degree: int = 20,
    within: float = 0.8,
    random_state: int,
) -> sparse.csr_array:
    """Adjacency of a made-up graph of blocks that keep to themselves.

    Node i is in block ``i % n_blocks``, and `n_nodes` is a multiple of `n_blocks`. An
    edge stays in its block with the probability `within`, and goes anywhere otherwise.
    """
    rng = np.random.default_rng(random_state)
    ends = rng.integers(n_nodes, size=(2, n_nodes * average_degree // 2))
    stays = rng.random(ends.shape[1]) < within
    ends[1, stays] += (ends[0, stays] - ends[1, stays]) % n_blocks
    ends[1] %= n_nodes
    ends = ends[:, ends[0] != ends[1]].astype(np.int32)
    ones = np.ones(2 * ends.shape[1])
    places = np.hstack([ends, ends[::-1]])
    adjacency = sparse.csr_array((ones, places), shape=(n_nodes, n_nodes))
    adjacency.sum_duplicates()
    adjacency.data[:] = 1
    return adjacency
