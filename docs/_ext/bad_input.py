"""The ``bad-input`` directive: a table of bad inputs and what is said to each.

Every case is run while the page is built and the message shown is the real one, so
the page cannot go stale. A case whose outcome is of another kind than the one written
here fails the build.
"""

import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from docutils import nodes
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from skorch.callbacks import Checkpoint, Freezer, LRScheduler
from sphinx.util.docutils import SphinxDirective

from sklearn_replearn.autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    VariationalAutoencoder,
    VQAutoencoder,
)
from sklearn_replearn.decomposition import ScaledPCA, SimilarityEmbedding
from sklearn_replearn.graph import (
    DeepWalk,
    EdgeEncoder,
    GraphClusterEncoder,
    LaplacianEigenmaps,
    NetMF,
    Node2Vec,
    NodeEncoder,
    ProNE,
    as_adjacency,
    edge_groups,
    path_lengths,
    tree_to_adjacency,
)
from sklearn_replearn.image import (
    HOG,
    BagOfVisualWords,
    CNNFeatureExtractor,
    ConvAutoencoder,
    FilterBank,
    PretrainedFeatureExtractor,
)
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    PairClassifier,
    PairVerifier,
    PrototypeClassifier,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.metrics import mean_average_precision_at_r, recall_at_k
from sklearn_replearn.model_selection import CrossFitTransformer, few_shot_score
from sklearn_replearn.text import (
    LSA,
    PMIEmbedding,
    PretrainedEmbedding,
    SkipGramEmbedding,
)

FOLDER = tempfile.TemporaryDirectory()  # removed when Python ends


def file_with(text):
    """Path of a file that holds a text; messages give its name alone."""
    path = Path(FOLDER.name, "vectors.txt")
    path.write_text(text)
    return path


EDGES = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]  # two triangles

FRIENDS = [[0, 1], [1, 0]]

IMAGES = np.random.RandomState(0).randint(0, 256, (20, 8, 8)).astype(np.uint8)

NAMES = {
    "Checkpoint": Checkpoint,
    "Freezer": Freezer,
    "LRScheduler": LRScheduler,
    "np": np,
    "partial": partial,
    "sp": sp,
    "torch": torch,
    "Autoencoder": Autoencoder,
    "BagOfVisualWords": BagOfVisualWords,
    "CNNFeatureExtractor": CNNFeatureExtractor,
    "ConvAutoencoder": ConvAutoencoder,
    "DeepWalk": DeepWalk,
    "DenoisingAutoencoder": DenoisingAutoencoder,
    "EdgeEncoder": EdgeEncoder,
    "CrossFitTransformer": CrossFitTransformer,
    "FilterBank": FilterBank,
    "GraphClusterEncoder": GraphClusterEncoder,
    "HOG": HOG,
    "LSA": LSA,
    "LaplacianEigenmaps": LaplacianEigenmaps,
    "MahalanobisTransformer": MahalanobisTransformer,
    "NetMF": NetMF,
    "Node2Vec": Node2Vec,
    "NodeEncoder": NodeEncoder,
    "PMIEmbedding": PMIEmbedding,
    "PairClassifier": PairClassifier,
    "PairVerifier": PairVerifier,
    "PretrainedEmbedding": PretrainedEmbedding,
    "PretrainedFeatureExtractor": PretrainedFeatureExtractor,
    "ProNE": ProNE,
    "PrototypeClassifier": PrototypeClassifier,
    "ScaledPCA": ScaledPCA,
    "SiameseTransformer": SiameseTransformer,
    "SimilarityEmbedding": SimilarityEmbedding,
    "SkipGramEmbedding": SkipGramEmbedding,
    "SupConTransformer": SupConTransformer,
    "TfidfVectorizer": TfidfVectorizer,
    "TripletTransformer": TripletTransformer,
    "VQAutoencoder": VQAutoencoder,
    "VariationalAutoencoder": VariationalAutoencoder,
    "as_adjacency": as_adjacency,
    "edge_groups": edge_groups,
    "few_shot_score": few_shot_score,
    "file_with": file_with,
    "mean_average_precision_at_r": mean_average_precision_at_r,
    "path_lengths": path_lengths,
    "recall_at_k": recall_at_k,
    "tree_to_adjacency": tree_to_adjacency,
    "documents": ["the cat sat", "the dog ran", "a cat ran far", "a dog sat"],
    "table": np.random.RandomState(0).normal(size=(20, 4)),
    "frame": pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [3.0, 1.0, 1.0]}),
    "adjacency": as_adjacency(EDGES)[0].toarray(),
    "images": IMAGES,
    "classes": np.arange(20) % 2,
    "pairs": np.random.RandomState(0).normal(size=(10, 2, 4)),
    "is_same": np.arange(10) % 2,
    "people": [("ann", "bob"), ("bob", "cy"), ("cy", "ann")],
    "friends": pd.DataFrame(FRIENDS, index=["ann", "bob"], columns=["ann", "bob"]),
}
# (what is wrong, an expression, the exception or warning it must lead to or None)
TABLES = [
    ("NaN", "ScaledPCA().fit([[1.0, np.nan], [2.0, 3.0]])", ValueError),
    ("Infinity", "ScaledPCA().fit([[1.0, np.inf], [2.0, 3.0]])", ValueError),
    (
        "NaN in a sparse matrix",
        "ScaledPCA(1, with_mean=False).fit(sp.csr_array([[0, np.nan], [2, 0]]))",
        ValueError,
    ),
    ("No rows", "ScaledPCA().fit(np.empty((0, 3)))", ValueError),
    ("No columns", "ScaledPCA().fit(np.empty((3, 0)))", ValueError),
    ("One row", "ScaledPCA().fit([[1.0, 2.0]])", ValueError),
    ("One column", "ScaledPCA().fit_transform([[1.0], [2.0], [3.0]])", None),
    (
        "A constant column",
        "ScaledPCA(1).fit([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]).components_",
        None,
    ),
    (
        "Nothing but constant columns",
        "ScaledPCA(1).fit_transform(np.ones((3, 2)))",
        None,
    ),
    ("A one-dimensional array", "ScaledPCA().fit([1.0, 2.0, 3.0])", ValueError),
    ("Words in a table", "ScaledPCA().fit([['red'], ['blue']])", ValueError),
    (
        "More components than the data allow",
        "ScaledPCA(10).fit(table).n_components_",
        UserWarning,
    ),
    ("A fraction above 1", "ScaledPCA(1.5).fit(table)", ValueError),
    ("Not fitted", "ScaledPCA().transform(table)", ValueError),
    (
        "Another number of columns than in `fit`",
        "ScaledPCA().fit(table).transform(table[:, :3])",
        ValueError,
    ),
    (
        "Columns in another order than in `fit`",
        "ScaledPCA().fit(frame).transform(frame[['b', 'a']])",
        ValueError,
    ),
    (
        "A row far beyond the training rows",
        "ScaledPCA().fit(1e-200 * table).transform(1e150 * table)",
        ValueError,
    ),
    (
        "Components too large for their precision",
        "ScaledPCA(2).fit(1e100 * table).inverse_transform(np.ones((3, 2), 'f4'))",
        ValueError,
    ),
    (
        "Similarities that are not square",
        "SimilarityEmbedding(similarity='precomputed').fit(table)",
        ValueError,
    ),
    (
        "A similarity of two rows, where one of two tables is expected",
        "SimilarityEmbedding(similarity=lambda a, b: (a * b).sum()).fit(table)",
        ValueError,
    ),
    (
        "A similarity that overflows",
        "SimilarityEmbedding(similarity='poly', degree=400).fit(1e3 * table)",
        ValueError,
    ),
    (
        "No similarity at all",
        "SimilarityEmbedding(similarity='linear').fit(np.zeros((3, 2)))",
        ValueError,
    ),
    (
        "Negative numbers, for a kernel of histograms",
        "SimilarityEmbedding(similarity='chi2').fit(table)",
        ValueError,
    ),
    (
        "Fewer independent similarities than components",
        "SimilarityEmbedding(5, similarity='linear').fit(table).n_components_",
        UserWarning,
    ),
]
TEXTS = [
    ("No documents", "LSA().fit([])", ValueError),
    (
        "Nothing but stop words",
        "LSA(vectorizer=TfidfVectorizer(stop_words='english')).fit(['the', 'and'])",
        ValueError,
    ),
    ("One string instead of a list", "LSA().fit('the cat sat')", ValueError),
    ("`None` among the documents", "LSA().fit(['the cat sat', None])", ValueError),
    ("A number among the documents", "LSA().fit(['the cat sat', 7])", ValueError),
    ("Bytes", "LSA().fit([b'the cat sat', b'the dog ran'])", ValueError),
    (
        "A generator, which can be read only once",
        "LSA(2).fit_transform(text for text in documents).shape",
        None,
    ),
    (
        "More components than the terms or documents allow",
        "LSA(50).fit(documents).n_components_",
        UserWarning,
    ),
    ("Not fitted", "LSA().transform(documents)", ValueError),
    (
        "A document with no known word",
        "LSA(2).fit(documents).transform(['zebra', ''])",
        None,
    ),
    (
        "Strings in `fit`, tokens in `transform`",
        "LSA(2).fit(documents).transform([['the', 'cat']])",
        ValueError,
    ),
    ("A table", "LSA().fit(frame)", ValueError),
    (
        "An unknown word in a query",
        "LSA(2).fit(documents).most_similar('cats')",
        ValueError,
    ),
    (
        "Strings and lists of tokens together",
        "PMIEmbedding(2).fit(['the cat sat', ['the', 'dog']])",
        ValueError,
    ),
    (
        "No word that occurs often enough",
        "PMIEmbedding(min_count=5).fit(documents)",
        ValueError,
    ),
    (
        "A generator where documents must be read more than once",
        "PMIEmbedding().fit(text for text in documents)",
        ValueError,
    ),
    (
        "More components than words",
        "PMIEmbedding(50, min_count=1).fit(documents).n_components_",
        UserWarning,
    ),
    (
        "Documents of one word each, where none has a neighbour",
        "PMIEmbedding(1, min_count=1).fit(['cat', 'dog']).word_vectors_",
        UserWarning,
    ),
    ("No file", "PretrainedEmbedding('glove.txt').fit(documents)", FileNotFoundError),
    (
        "A file of word vectors that is cut off",
        r"PretrainedEmbedding(file_with('3 2\nthe 1 2\ncat 3 4\n')).fit(documents)",
        ValueError,
    ),
    (
        "Word vectors of two widths",
        r"PretrainedEmbedding(file_with('the 1 2\ncat 3\n')).fit(documents)",
        ValueError,
    ),
    (
        "A word where a number is expected",
        r"PretrainedEmbedding(file_with('the 1 2\ncat 3 four\n')).fit(documents)",
        ValueError,
    ),
    (
        "A line of word vectors that may be read in two ways",
        r"PretrainedEmbedding(file_with('cat 1 2\n10 000 3 4\n')).fit(documents)",
        ValueError,
    ),
    (
        "Two lines of word vectors that have become one",
        r"PretrainedEmbedding(file_with('a 1 2 3\nb 1 2 3c 1 2 3\n')).fit(documents)",
        ValueError,
    ),
    (
        "A header that tells another width than the lines have",
        r"PretrainedEmbedding(file_with('1 3\nNew York 1 2\n')).fit(documents)",
        ValueError,
    ),
    (
        "Text that is said to be word2vec's binary format",
        r"PretrainedEmbedding(file_with('1 1\ncat 1\n'), binary=True).fit(documents)",
        ValueError,
    ),
    (
        "The vectors of a word twice",
        r"PretrainedEmbedding(file_with('cat 1\ncat 2')).fit(documents).word_vectors_",
        UserWarning,
    ),
    (
        "Word vectors for none of the words",
        "PretrainedEmbedding({'Katze': [1.0, 2.0]}).fit(documents)",
        ValueError,
    ),
    (
        "Threads whose result cannot be repeated, with a fixed `random_state`",
        "SkipGramEmbedding(n_jobs=2, random_state=0).fit(documents)",
        ValueError,
    ),
    (
        "Nothing to train: neither negative sampling nor hierarchical softmax",
        "SkipGramEmbedding(negative=0).fit(documents)",
        ValueError,
    ),
    (
        "Subsampling that leaves no words",
        "SkipGramEmbedding(4, min_count=1, subsample=1e-9).fit(documents)",
        UserWarning,
    ),
]
GRAPHS = [
    ("An adjacency that is not square", "NetMF().fit(adjacency[:4])", ValueError),
    ("A negative weight", "NetMF().fit(-adjacency)", ValueError),
    (
        "NaN among the weights",
        "ProNE().fit(np.where(adjacency, adjacency, np.nan))",
        ValueError,
    ),
    (
        "Infinity among the weights",
        "LaplacianEigenmaps().fit(np.where(adjacency, np.inf, 0))",
        ValueError,
    ),
    ("Complex weights", "Node2Vec().fit(np.array([[0, 1j], [1j, 0]]))", ValueError),
    ("No nodes", "NetMF().fit(np.empty((0, 0)))", ValueError),
    (
        "Rows with another number of columns than the fitted graph has nodes",
        "NetMF(2).fit(adjacency).transform(adjacency[:, :5])",
        ValueError,
    ),
    ("Not fitted", "NetMF().transform(adjacency)", ValueError),
    (
        "More components than the graph allows",
        "NetMF(128, random_state=0).fit(adjacency).n_components_",
        UserWarning,
    ),
    (
        "As many eigenvectors as there are nodes",
        "LaplacianEigenmaps(6).fit(adjacency).n_components_",
        UserWarning,
    ),
    (
        "Nodes without any edge",
        "NetMF(2).fit(np.zeros((3, 3))).embedding_",
        UserWarning,
    ),
    (
        "A new node without an edge",
        "ProNE(2, random_state=0).fit(adjacency).transform(np.zeros((1, 6)))",
        None,
    ),
    (
        "Directions, for a method that takes undirected graphs",
        "LaplacianEigenmaps().fit(np.triu(adjacency))",
        ValueError,
    ),
    (
        "Nodes that edges lead to, but that no edge leaves",
        "ProNE(2, random_state=0).fit(np.triu(adjacency)).embedding_.round(1)",
        UserWarning,
    ),
    (
        "Clusters of a graph with directions",
        "GraphClusterEncoder(2).fit(np.triu(adjacency))",
        ValueError,
    ),
    (
        "More clusters than there are different nodes",
        "GraphClusterEncoder(20, random_state=0).fit(adjacency).n_clusters_",
        UserWarning,
    ),
    (
        "Threads whose result cannot be repeated, with a fixed `random_state`",
        "DeepWalk(n_jobs=2, random_state=0).fit(adjacency)",
        ValueError,
    ),
    (
        "The same edge twice in a table, or in both directions",
        "as_adjacency([('a', 'b'), ('a', 'b'), ('b', 'a')])[0].toarray()",
        None,
    ),
    ("An edge table of one column", "as_adjacency([('a',), ('b',)])", ValueError),
    (
        "A DataFrame of an adjacency, with the names of its nodes",
        "as_adjacency(friends)",
        ValueError,
    ),
    (
        "The same, said to be one",
        "as_adjacency((friends, friends.columns))[0].toarray()",
        None,
    ),
    (
        "An array of numbers that may be an adjacency, or a table of edges",
        "as_adjacency(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))",
        ValueError,
    ),
    (
        "The same in a graph of an encoder",
        "NodeEncoder([[0, 1], [1, 2]]).fit([[0]])",
        ValueError,
    ),
    (
        "The same as levels of a tree",
        "tree_to_adjacency(friends)",
        ValueError,
    ),
    (
        "A table of edges in place of an adjacency",
        "path_lengths(np.array([[0, 1], [2, 1]]))",
        ValueError,
    ),
    (
        "An adjacency whose rows are in another order than its columns",
        "as_adjacency((friends.iloc[::-1], friends.columns))",
        ValueError,
    ),
    (
        "A missing id in an edge table",
        "as_adjacency([('a', 'b'), ('b', None)])",
        ValueError,
    ),
    (
        "A weight that is not a number",
        "as_adjacency([('a', 'b', 'strong')])",
        ValueError,
    ),
    (
        "Two nodes of one name",
        "as_adjacency((np.eye(2), ['a', 'a']))",
        ValueError,
    ),
    (
        "A leaf of a tree under two parents",
        "tree_to_adjacency([('WA', '98001'), ('OR', '98001')])",
        ValueError,
    ),
    (
        "Paths from a node that is not there",
        "path_lengths(as_adjacency(people), ['dora'])",
        ValueError,
    ),
    ("An unknown id", "NodeEncoder(people).fit([['ann'], ['dora']])", ValueError),
    (
        "An unknown id of 5,000 digits",
        "NodeEncoder(people).fit([[10**5000]])",
        ValueError,
    ),
    (
        "An unknown id, allowed for",
        "NodeEncoder(people, NetMF(2, window=1, random_state=0), "
        "handle_unknown='zero').fit_transform([['dora']])",
        None,
    ),
    (
        "Ids of another type than the names of the nodes",
        "NodeEncoder([('1', '2'), ('2', '3')], NetMF(1, random_state=0), "
        "handle_unknown='zero').fit_transform([[1], [2]])",
        UserWarning,
    ),
    ("Pairs without labels", "EdgeEncoder().fit(people)", ValueError),
    (
        "Pairs of three columns",
        "EdgeEncoder().fit([('ann', 'bob', 'cy')], [1])",
        ValueError,
    ),
    (
        "Pairs that are all edges",
        "EdgeEncoder().fit(people, [1, 1, 1])",
        ValueError,
    ),
    (
        "A node that is in no training pair",
        "EdgeEncoder().fit(people, [1, 1, 0]).transform([('ann', 'dora')])",
        ValueError,
    ),
    (
        "An edge in both directions",
        "EdgeEncoder().fit(people + [('bob', 'ann')], [1, 1, 0, 1]).node_names_",
        UserWarning,
    ),
    (
        "A pair that is an edge in one direction and none in the other",
        "EdgeEncoder().fit(people + [('bob', 'ann')], [1, 1, 0, 0]).node_names_",
        UserWarning,
    ),
    (
        "Edges to be predicted that are in the graph",
        "EdgeEncoder(people).fit([('ann', 'bob'), ('bob', 'bob')], [1, 0])"
        ".transform([('cy', 'ann')]).shape",
        UserWarning,
    ),
    (
        "Three columns of nodes for folds of edges",
        "edge_groups([('ann', 'bob', 'cy')])",
        ValueError,
    ),
]

NETWORKS = [
    ("NaN", "Autoencoder(2).fit([[1.0, np.nan], [2.0, 3.0]])", ValueError),
    (
        "Infinity in `transform`",
        "Autoencoder(2).fit(table).transform([[1.0, np.inf, 0.0, 0.0]])",
        ValueError,
    ),
    ("One row", "Autoencoder(2).fit([[1.0, 2.0]])", ValueError),
    ("One column", "Autoencoder(1).fit(table[:, :1]).transform([[1.0]]).shape", None),
    (
        "A constant column",
        "Autoencoder(1).fit(table * [1, 1, 1, 0] + 9).reconstruct(table[:1]).round(2)",
        None,
    ),
    (
        "Nothing but constant columns",
        "Autoencoder(1).fit(np.ones((20, 3))).effective_rank_",
        ConvergenceWarning,
    ),
    ("Huge values", "Autoencoder(2).fit(1e200 * table)", ValueError),
    (
        "Too large a learning rate",
        "Autoencoder(2, optimizer='sgd', lr=1e9).fit(table)",
        ValueError,
    ),
    (
        "A learning rate with which nothing is learned",
        "Autoencoder(2, optimizer='sgd', lr=1e-30).fit(table)",
        ConvergenceWarning,
    ),
    (
        "More rows in a batch than there are",
        "Autoencoder(2, batch_size=50).fit(table).n_iter_",
        UserWarning,
    ),
    (
        "No row left to stop early by",
        "Autoencoder(2, early_stopping=True, validation_fraction=0.01).fit(table)",
        ValueError,
    ),
    (
        "Too few rows of a class to hold some out",
        "SupConTransformer(2, early_stopping=True).fit(table, np.arange(20) > 18)",
        ValueError,
    ),
    (
        "Validation data of another width",
        "Autoencoder(2).fit(table, X_val=table[:, :3])",
        ValueError,
    ),
    (
        "Validation data without classes",
        "CNNFeatureExtractor().fit(table, classes, X_val=table)",
        ValueError,
    ),
    (
        "A class that is only in the validation data",
        "CNNFeatureExtractor().fit(table, classes, X_val=table, y_val=classes + 1)",
        ValueError,
    ),
    (
        "Classes of validation data alone",
        "CNNFeatureExtractor().fit(table, classes, y_val=classes)",
        ValueError,
    ),
    (
        "A negative weight",
        "CNNFeatureExtractor().fit(table, classes, sample_weight=classes - 0.5)",
        ValueError,
    ),
    (
        "Only weights of zero",
        "CNNFeatureExtractor().fit(table, classes, sample_weight=0 * classes)",
        ValueError,
    ),
    (
        "Weights for rows of which pairs are formed",
        "PairClassifier(input='rows').fit(table, classes, sample_weight=classes)",
        ValueError,
    ),
    ("An unknown optimizer", "Autoencoder(2, optimizer='ada').fit(table)", ValueError),
    (
        "An optimizer that sets another learning rate",
        "Autoencoder(2, optimizer=partial(torch.optim.SGD, lr=0.5)).fit(table)",
        ValueError,
    ),
    (
        "An option that the optimizer refuses",
        "Autoencoder(2, optimizer=partial(torch.optim.SGD, momentum=-1)).fit(table)",
        ValueError,
    ),
    (
        "A callback and a schedule that both set the learning rate",
        "Autoencoder(2, callbacks=[LRScheduler()], lr_schedule='cosine').fit(table)",
        ValueError,
    ),
    (
        "A callback for held-out rows without any",
        "Autoencoder(2, callbacks=[Checkpoint()]).fit(table)",
        ValueError,
    ),
    (
        "A callback for weights that there are not",
        "Autoencoder(2, callbacks=[Freezer('encodr.*')]).fit(table)",
        ValueError,
    ),
    (
        "A scheduler of torch in place of a callback",
        "Autoencoder(2, callbacks=[torch.optim.lr_scheduler.StepLR]).fit(table)",
        ValueError,
    ),
    ("An unknown device", "Autoencoder(2, device='gpu').fit(table)", ValueError),
    (
        "Values that are no probabilities",
        "Autoencoder(2, loss='binary_cross_entropy').fit(table)",
        ValueError,
    ),
    (
        "A module with outputs of the wrong shape",
        "Autoencoder(2, encoder=torch.nn.Linear(4, 3)).fit(table)",
        ValueError,
    ),
    (
        "A module that cannot take the input",
        "Autoencoder(2, encoder=torch.nn.Linear(9, 2)).fit(table)",
        ValueError,
    ),
    (
        "A module whose layers have no shape yet",
        "Autoencoder(2, encoder=torch.nn.LazyLinear(2)).fit(table)",
        ValueError,
    ),
    (
        "A module that mixes rows",
        "Autoencoder(4, encoder=torch.nn.BatchNorm1d(4, track_running_stats=False))"
        ".fit(table)",
        ValueError,
    ),
    (
        "A module with NaN",
        "Autoencoder(2, encoder=torch.nn.Sequential(torch.nn.Linear(4, 2), "
        "torch.nn.Threshold(9, float('nan')))).fit(table)",
        ValueError,
    ),
    (
        "Dates in place of numbers",
        "Autoencoder(2).fit(np.arange(40).reshape(10, 4).astype('datetime64[D]'))",
        ValueError,
    ),
    (
        "Validation data that are no probabilities",
        "Autoencoder(2, loss='binary_cross_entropy').fit(table > 0, X_val=table)",
        ValueError,
    ),
    (
        "Weights that torch cannot pickle",
        "Autoencoder(2, encoder=torch.nn.utils.parametrizations.weight_norm("
        "torch.nn.Linear(4, 2))).fit(table)",
        ValueError,
    ),
    (
        "No units in a layer",
        "Autoencoder(2, hidden_layer_sizes=(8, 0)).fit(table)",
        ValueError,
    ),
    (
        "Another network to go on with",
        "Autoencoder(2, warm_start=True).fit(table)"
        ".set_params(n_components=3).fit(table)",
        ValueError,
    ),
    (
        "A layer that there is not",
        "Autoencoder(2, hidden_layer_sizes=()).fit(table).as_module('head')",
        ValueError,
    ),
    (
        "All values masked",
        "DenoisingAutoencoder(2, noise='masking', noise_level=1.0).fit(table)",
        ValueError,
    ),
    (
        "Codes that do not come out even",
        "VQAutoencoder(4, n_codes=3).fit(table)",
        ValueError,
    ),
    (
        "More codes than numbers",
        "VQAutoencoder(4, n_codes=8, codebook_size=2, random_state=0)"
        ".fit(table).n_codes_",
        UserWarning,
    ),
    (
        "A weight under which every code is the same",
        "VariationalAutoencoder(2, beta=1e4).fit(table)",
        ConvergenceWarning,
    ),
    (
        "Images of another shape than said",
        "ConvAutoencoder(2, image_shape=(3, 3)).fit(table)",
        ValueError,
    ),
]

IMAGE_CASES = [
    (
        "Images of another shape than said",
        "FilterBank(image_shape=(9, 9)).fit(images)",
        ValueError,
    ),
    (
        "Rows that do not have as many values as an image",
        "FilterBank(image_shape=(8, 8)).fit(table)",
        ValueError,
    ),
    (
        "Channels first",
        "HOG().fit(np.zeros((4, 3, 20, 20)))",
        ValueError,
    ),
    (
        "Other channels than in `fit`",
        "FilterBank().fit(images).transform(np.stack([images] * 3, axis=-1))",
        ValueError,
    ),
    (
        "Bytes in `fit`, and floats up to 255 in `transform`",
        "FilterBank().fit(images).transform(images.astype(float))",
        ValueError,
    ),
    (
        "Floats up to 255 in `fit`, and bytes in `transform`",
        "FilterBank().fit(images.astype(float)).transform(images)",
        ValueError,
    ),
    (
        "Fractions in `fit`, and floats up to 255 in `transform`",
        "HOG().fit(images / 255).transform(images.astype(float))",
        ValueError,
    ),
    (
        "Floats up to 255 in `fit`, and fractions in `transform`",
        "HOG().fit(images.astype(float)).transform(images / 255)",
        ValueError,
    ),
    (
        "Booleans in `fit`, and the same as bytes in `transform`",
        "HOG().fit(images > 99).transform((images > 99).astype(np.uint8))",
        ValueError,
    ),
    (
        "Bytes of 0 and 1",
        "HOG().fit((images > 99).astype(np.uint8)).output_shape_",
        UserWarning,
    ),
    (
        "Images of several shapes",
        "HOG().fit([np.zeros((16, 16)), np.zeros((16, 17))])",
        ValueError,
    ),
    ("Paths of images", "HOG().fit(['a.png', 'b.png'])", ValueError),
    (
        "A single image",
        "HOG(image_shape=(8, 8)).fit(images).transform(images[0])",
        ValueError,
    ),
    (
        "Images smaller than the filters",
        "FilterBank(np.ones((1, 9, 9))).fit(images)",
        ValueError,
    ),
    (
        "Filters for other channels",
        "FilterBank(np.ones((1, 3, 3, 4))).fit(images)",
        ValueError,
    ),
    ("A filter that there is not", "FilterBank('prewitt').fit(images)", ValueError),
    (
        "Nothing to learn filters from",
        "FilterBank('kmeans').fit(np.ones((5, 8, 8)))",
        ValueError,
    ),
    (
        "Images smaller than a block",
        "HOG(cell_size=8).fit(images).cell_shape_",
        UserWarning,
    ),
    (
        "Images smaller than a patch",
        "BagOfVisualWords('patch', n_words=9, patch_size=20, random_state=0)"
        ".fit(images).patch_size_",
        UserWarning,
    ),
    (
        "More words than descriptors",
        "BagOfVisualWords('patch', n_words=99, patch_size=8, random_state=0)"
        ".fit(images).n_words_",
        UserWarning,
    ),
    (
        "Keypoints of signals",
        "BagOfVisualWords('sift').fit(table % 1)",
        ValueError,
    ),
    (
        "Images smaller than the kernels",
        "CNNFeatureExtractor(kernel_size=9).fit(images, classes)",
        ValueError,
    ),
    (
        "A layer that there is not",
        "CNNFeatureExtractor(layer='conv1', max_epochs=1).fit(images, classes)",
        ValueError,
    ),
    ("No classes", "CNNFeatureExtractor().fit(images)", ValueError),
    ("One class", "CNNFeatureExtractor().fit(images, np.ones(20))", ValueError),
    (
        "An augmentation that there is not",
        "CNNFeatureExtractor(augment='mirror').fit(images, classes)",
        ValueError,
    ),
    (
        "Signals to be rotated",
        "CNNFeatureExtractor(augment='rotate').fit(table, classes)",
        ValueError,
    ),
    (
        "A layer that the module has not",
        "PretrainedFeatureExtractor(torch.nn.Sequential(torch.nn.Flatten()), "
        "layer='fc').fit(images)",
        ValueError,
    ),
    (
        "A module for images of another shape",
        "PretrainedFeatureExtractor(torch.nn.Conv2d(3, 4, 3)).fit(images)",
        ValueError,
    ),
    (
        "Floats beyond those that `mean` and `std` are of",
        "PretrainedFeatureExtractor(torch.nn.Flatten(), mean=0.5)"
        ".fit(images.astype(float))",
        ValueError,
    ),
    (
        "Classes of a network that has none",
        "PretrainedFeatureExtractor(torch.nn.Flatten()).fit(images).predict(images)",
        AttributeError,
    ),
]

SIMILARITY_CASES = [
    ("No classes", "TripletTransformer().fit(table)", ValueError),
    ("One class", "TripletTransformer().fit(table, np.zeros(20))", ValueError),
    (
        "Classes with one member each",
        "TripletTransformer().fit(table, np.arange(20))",
        ValueError,
    ),
    (
        "Labels that are strings, and one of a kind among them",
        "SupConTransformer(2, max_epochs=1).fit("
        "table, ['a', *np.repeat(['b', 'c'], [9, 10])]).n_components_",
        None,
    ),
    (
        "A missing label",
        "TripletTransformer().fit(table, [None, *'ab' * 9, 'a'])",
        ValueError,
    ),
    ("NaN", "SupConTransformer().fit(table * np.nan, classes)", ValueError),
    (
        "A module with outputs of the wrong shape",
        "TripletTransformer(2, encoder=torch.nn.Linear(4, 3)).fit(table, classes)",
        ValueError,
    ),
    (
        "No room for two classes in a batch",
        "TripletTransformer(batch_size=6).fit(table, classes)",
        ValueError,
    ),
    (
        "Images to be augmented, where there are none",
        "TripletTransformer(augment='flip').fit(table, classes)",
        ValueError,
    ),
    (
        "Rows that are all the same",
        "TripletTransformer(2, max_epochs=10).fit(np.ones((20, 3)), classes).n_iter_",
        ConvergenceWarning,
    ),
    (
        "Rows where pairs are expected",
        "SiameseTransformer(input='pairs').fit(table, classes)",
        ValueError,
    ),
    (
        "Indices, and no table that they point into",
        "SiameseTransformer(input='pairs').fit([[0, 1], [2, 3]], [1, 0])",
        ValueError,
    ),
    (
        "Indices beyond the table",
        "MahalanobisTransformer(input='pairs', preprocessor=table)"
        ".fit([[0, 1], [2, 30]], [1, 0])",
        ValueError,
    ),
    (
        "Labels of pairs that do not say which are the same",
        "SiameseTransformer(input='pairs').fit(pairs, is_same + 1)",
        ValueError,
    ),
    (
        "Pairs that are all the same",
        "PairClassifier().fit(pairs, np.ones(10))",
        ValueError,
    ),
    (
        "Embeddings of pairs",
        "SiameseTransformer(input='pairs').fit_transform(pairs, is_same)",
        ValueError,
    ),
    (
        "More linear components than columns",
        "MahalanobisTransformer(9, max_epochs=1).fit(table, classes).n_components_",
        UserWarning,
    ),
    (
        "More examples than a class has rows",
        "few_shot_score(ScaledPCA(2).fit(table), table, classes, n_way=2, k_shot=10)",
        ValueError,
    ),
    (
        "More classes in an episode than there are",
        "few_shot_score(ScaledPCA(2).fit(table), table, classes, n_way=5)",
        ValueError,
    ),
    (
        "An embedding that is not fitted, in episodes with new classes",
        "few_shot_score(ScaledPCA(2), table, classes, n_way=2)",
        ValueError,
    ),
    (
        "One class to search in",
        "mean_average_precision_at_r(table, np.zeros(20))",
        ValueError,
    ),
    (
        "More neighbours than there are",
        "recall_at_k(table, classes, k=20)",
        ValueError,
    ),
    (
        "Whole numbers that no double can tell apart",
        "recall_at_k(np.array([[2**60], [2**60 + 1], [0]]), [0, 0, 1])",
        ValueError,
    ),
    (
        "Folds that do not cover each row once",
        "CrossFitTransformer(ScaledPCA(2), cv=[([0, 1], [2, 3])]).fit_transform(table)",
        ValueError,
    ),
]

CASES = {
    "tables": TABLES,
    "texts": TEXTS,
    "graphs": GRAPHS,
    "networks": NETWORKS,
    "images": IMAGE_CASES,
    "similarity": SIMILARITY_CASES,
}


def outcome(expression, expected):
    """Run one case: the exception or warning or None, and the value or None."""
    happened = value = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = eval(expression, dict(NAMES))
        except Exception as error:
            happened = error
    if happened is None and caught:
        happened = caught[0].message
    if not isinstance(happened, expected or type(None)):
        raise AssertionError(
            f"{expression} was to give {expected or 'no message'}, but gave "
            f"{happened!r}"
        )
    return happened, value


class BadInput(SphinxDirective):
    """``.. bad-input:: tables``, or another of `CASES`."""

    required_arguments = 1

    def run(self):
        self.env.note_reread()  # the messages change with the package
        head = [[paragraph("Input")], [paragraph("What happens")]]
        body = [self.cells(*case) for case in CASES[self.arguments[0]]]
        group = nodes.tgroup("", cols=2)
        group += [nodes.colspec(colwidth=45), nodes.colspec(colwidth=55)]
        group += [nodes.thead("", row(head)), nodes.tbody("", *map(row, body))]
        return [nodes.table("", group, classes=["prose"])]

    def cells(self, description, expression, expected):
        happened, value = outcome(expression, expected)
        text, _ = self.parse_inline(description)
        given = [paragraph(*text), code(expression)]
        answer = []
        if happened is not None:
            kind = nodes.strong("", type(happened).__name__)
            answer += [paragraph(kind), code(shorten(str(happened)))]
        if value is not None:
            answer.append(paragraph("and gives" if answer else "Accepted, and gives"))
            answer.append(code(repr(value)))
        return given, answer


def shorten(message, limit=300):
    """The leading lines of a message, at least one."""
    lines = message.strip().splitlines()
    n = 1
    while n < len(lines) and len(" ".join(lines[: n + 1])) <= limit:
        n += 1
    return " ".join(lines[:n]) + " …" * (n < len(lines))


def paragraph(*parts):
    parts = [nodes.Text(part) if isinstance(part, str) else part for part in parts]
    return nodes.paragraph("", "", *parts)


def code(text):
    return nodes.paragraph("", "", nodes.literal(text, text), classes=["code-line"])


def row(cells):
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


def setup(app):
    app.add_directive("bad-input", BadInput)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
