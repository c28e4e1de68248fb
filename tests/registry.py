"""One cheap instance of every public estimator, and what each parameter changes.

A new estimator gets an entry in both, and with it all the checks of `test_common.py`.
"""

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import skorch
import torch
from model_folders import write_model
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import (
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)
from torch import nn

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
)
from sklearn_replearn.image import (
    HOG,
    BagOfVisualWords,
    CNNFeatureExtractor,
    ConvAutoencoder,
    FilterBank,
    PretrainedFeatureExtractor,
)
from sklearn_replearn.language import (
    CausalLanguageModel,
    MaskedLanguageModel,
    PretrainedTextEncoder,
    SentenceEmbedding,
)
from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    NPairTransformer,
    PairClassifier,
    PairVerifier,
    PrototypeClassifier,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.model_selection import CrossFitTransformer
from sklearn_replearn.multiview import (
    CLIP,
    RegularizedCCA,
    TextTargetTransformer,
    ZeroShotClassifier,
)
from sklearn_replearn.retrieval import EmbeddingIndex, MIPSTransformer
from sklearn_replearn.self_supervised import (
    Inpainting,
    InstanceDiscrimination,
    PretextTransformer,
    SimCLR,
    VICReg,
)
from sklearn_replearn.signal import SpectralFeatures
from sklearn_replearn.text import (
    LSA,
    PMIEmbedding,
    PretrainedEmbedding,
    SkipGramEmbedding,
)
from sklearn_replearn.utils.estimator_checks import CheckData, Effect, make_check_data

CORPUS = make_check_data(LSA())


class Vectors(dict):
    """A dict of vectors that does not show all of them in the names of tests."""

    def __repr__(self):
        return "vectors"


def _vectors(random_state):
    """Vectors for the words, syllables and letters of the check data.

    And for rows of numbers that are spelled as words.
    """
    words = sorted({word for text in CORPUS.X + CORPUS.rows for word in text.split()})
    words += sorted({word[:n] for word in words for n in (1, 2)})
    words += [f"c{column}x{n}" for column in range(20) for n in ("", *range(10), 100)]
    vectors = np.random.default_rng(random_state).standard_normal((len(words), 3))
    return Vectors(zip(words, vectors, strict=True))


VECTORS = _vectors(random_state=0)
PMI_OF_CORPUS = PMIEmbedding(n_components=4, min_count=1, random_state=1).fit(CORPUS.X)
QUICK_NETMF = NetMF(n_components=3, random_state=0)
WHEEL = [("hub", i) for i in range(12)] + [(i, (i + 1) % 12) for i in range(12)]
STAR = [("hub", i) for i in range(12)] + [(0, 1), (1, 2), (2, 3), (8, 9)]

SMALL_WALKS = {
    "n_components": 3,
    "n_walks": 2,
    "walk_length": 8,
    "window": 2,
    "random_state": 0,
}

#: A small network that is trained for a moment.
SMALL_NETWORK = {
    "n_components": 3,
    "hidden_layer_sizes": (8,),
    "max_epochs": 5,
    "lr": 0.01,
    "random_state": 0,
}

#: For fewer epochs than it takes to tell that a loss does not fall: of random rows
#: with random classes it does not.
SMALL_METRIC_NETWORK = {**SMALL_NETWORK, "max_epochs": 4}

#: The same with a projector behind it.
SMALL_PROJECTION = {**SMALL_NETWORK, "max_epochs": 3, "projection_sizes": (4,)}


#: A small language model.
SMALL_LANGUAGE_MODEL = {
    "n_components": 4,
    "context": 16,
    "n_layers": 1,
    "n_heads": 1,
    "max_epochs": 3,
    "lr": 0.01,
    "random_state": 0,
}


#: A small embedding of sentences.
SMALL_SENTENCE_EMBEDDING = {
    "n_components": 4,
    "n_heads": 1,
    "projection_sizes": (4,),
    "hidden_layer_sizes": (8,),
    "max_epochs": 3,
    "lr": 0.01,
    "random_state": 0,
}


class ForeignNetwork(nn.Sequential):
    """Somebody's network of signals of any length.

    It is pickled as arrays: torch's own pickles hold addresses, so that copies look
    different to scikit-learn, which compares pickles.
    """

    def __init__(self, n_maps, random_state=0):
        with torch.random.fork_rng():
            torch.manual_seed(random_state)
            super().__init__(
                nn.Conv1d(1, n_maps, 3, padding=1),
                nn.ELU(),
                nn.Conv1d(n_maps, n_maps, 3, padding=1),
                nn.BatchNorm1d(n_maps),
                nn.ELU(),
                nn.AdaptiveAvgPool1d(2),
                nn.Flatten(),
            )
        self.n_maps = n_maps
        self.eval()

    def __reduce__(self):
        weights = {name: array.numpy() for name, array in self.state_dict().items()}
        return _rebuild_foreign, (self.n_maps, weights, self.training)


def _rebuild_foreign(n_maps, weights, training):
    network = ForeignNetwork(n_maps).train(training)
    weights = {name: torch.tensor(array) for name, array in weights.items()}
    network.load_state_dict(weights)
    return network


class TokenTable(nn.Module):
    """A vector for each letter, one layer behind it."""

    def __init__(self, random_state=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(random_state)
            self.vectors = nn.Embedding(128, 3)
            self.layer = nn.Linear(3, 3)

    def forward(self, ids, mask):
        return self.layer(self.vectors(ids))


def codes_of_letters(text):
    return [ord(letter) % 60 for letter in text]


def codes_of_capitals(text):
    return codes_of_letters(text.upper())


class ModelFolder(str):
    """Path of a folder, which is another one in each run, without it in test names."""

    def __repr__(self):
        return "'model'"

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return str, (str(self),)


FOLDER = tempfile.TemporaryDirectory()  # removed when Python ends
TEXT_MODEL = ModelFolder(write_model(Path(FOLDER.name, "model")))
OTHER_TEXT_MODEL = ModelFolder(write_model(Path(FOLDER.name, "other"), random_state=1))
OWN_TEXT_MODEL = {"model": TokenTable(), "tokenizer": codes_of_letters}


#: By class name, a configuration that fits in well under a second.
INSTANCES = {
    "Autoencoder": Autoencoder(**SMALL_NETWORK),
    "BagOfVisualWords": BagOfVisualWords(
        "patch", n_words=3, patch_size=2, step=1, random_state=0
    ),
    "CLIP": CLIP(**{**SMALL_NETWORK, "max_epochs": 4}),
    "CNNFeatureExtractor": CNNFeatureExtractor(
        channels=(4,),
        batch_norm=False,
        dropout=0.0,
        activation="elu",
        **{**SMALL_NETWORK, "lr": 0.03},
    ),
    "CausalLanguageModel": CausalLanguageModel(**SMALL_LANGUAGE_MODEL),
    "ConvAutoencoder": ConvAutoencoder(channels=(4,), **SMALL_NETWORK),
    "CrossFitTransformer": CrossFitTransformer(StandardScaler()),
    "DeepWalk": DeepWalk(**SMALL_WALKS),
    "DenoisingAutoencoder": DenoisingAutoencoder(**SMALL_NETWORK),
    "EdgeEncoder": EdgeEncoder(embedder=QUICK_NETMF, handle_unknown="zero"),
    "EmbeddingIndex": EmbeddingIndex(),
    "FilterBank": FilterBank(),
    "GraphClusterEncoder": GraphClusterEncoder(n_clusters=3, random_state=0),
    "HOG": HOG(cell_size=1),
    "InstanceDiscrimination": InstanceDiscrimination(**SMALL_PROJECTION),
    "LSA": LSA(n_components=3, random_state=0),
    "LaplacianEigenmaps": LaplacianEigenmaps(n_components=1),
    "MIPSTransformer": MIPSTransformer(),
    "MaskedLanguageModel": MaskedLanguageModel(**SMALL_LANGUAGE_MODEL),
    "MahalanobisTransformer": MahalanobisTransformer(max_epochs=4, random_state=0),
    "NPairTransformer": NPairTransformer(**SMALL_METRIC_NETWORK),
    "NetMF": NetMF(n_components=3, random_state=0),
    "Node2Vec": Node2Vec(**SMALL_WALKS),
    "NodeEncoder": NodeEncoder(WHEEL, QUICK_NETMF, handle_unknown="zero"),
    "PMIEmbedding": PMIEmbedding(n_components=3, min_count=1, random_state=0),
    "PairClassifier": PairClassifier(**SMALL_METRIC_NETWORK),
    "PairVerifier": PairVerifier(
        SiameseTransformer(input="pairs", **SMALL_METRIC_NETWORK), random_state=0
    ),
    "PretrainedEmbedding": PretrainedEmbedding(VECTORS),
    "PretrainedFeatureExtractor": PretrainedFeatureExtractor(
        ForeignNetwork(3), max_epochs=5, lr=0.01, random_state=0
    ),
    "PretextTransformer": PretextTransformer(
        "inpainting", projection_sizes=(4,), **{**SMALL_NETWORK, "max_epochs": 3}
    ),
    "PretrainedTextEncoder": PretrainedTextEncoder(
        TEXT_MODEL, max_epochs=4, lr=0.01, random_state=0
    ),
    "ProNE": ProNE(n_components=2, random_state=0),
    "PrototypeClassifier": PrototypeClassifier(),
    "RegularizedCCA": RegularizedCCA(),
    "ScaledPCA": ScaledPCA(),
    "SentenceEmbedding": SentenceEmbedding(**SMALL_SENTENCE_EMBEDDING),
    "SiameseTransformer": SiameseTransformer(**SMALL_METRIC_NETWORK),
    "SimCLR": SimCLR(**SMALL_PROJECTION),
    "SimilarityEmbedding": SimilarityEmbedding(n_components=3, random_state=0),
    "SkipGramEmbedding": SkipGramEmbedding(
        n_components=3, subsample=0, max_epochs=3, min_count=1, random_state=0
    ),
    "SpectralFeatures": SpectralFeatures(
        sampling_rate=100,
        n_mels=3,
        n_coefficients=2,
        n_segments=2,
        frame_duration=0.02,
    ),
    "SupConTransformer": SupConTransformer(**SMALL_METRIC_NETWORK),
    "TextTargetTransformer": TextTargetTransformer(
        OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
        **SMALL_METRIC_NETWORK,
    ),
    "TripletTransformer": TripletTransformer(**SMALL_METRIC_NETWORK),
    "VICReg": VICReg(**SMALL_PROJECTION),
    # Codes take longer to tell the rows of small tables apart. With less training, some
    # seeds bring warnings of collapse or of codes without rows; with this, none of ten.
    "VQAutoencoder": VQAutoencoder(
        n_codes=1,
        codebook_size=5,
        **{**SMALL_NETWORK, "max_epochs": 20, "lr": 0.02},
    ),
    "VariationalAutoencoder": VariationalAutoencoder(beta=0.1, **SMALL_NETWORK),
    "ZeroShotClassifier": ZeroShotClassifier(
        CLIP(**{**SMALL_NETWORK, "max_epochs": 4, "lr": 0.05})
    ),
}


def _large_table():
    """A table on which a randomised solver is not exact."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((220, 100))
    return CheckData("table", X[:200], np.arange(200) % 2, X[200:])


def _steep_table():
    """A table whose singular values fall from 1 to 1e-12."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 7)) * 10.0 ** -np.arange(0, 14, 2)
    X = X @ rng.standard_normal((7, 7))
    return CheckData("table", X[:60], np.arange(60) % 2, X[60:])


def _blobs():
    """Images of blobs, in which there are keypoints."""
    rng = np.random.default_rng(0)
    X = gaussian_filter(rng.uniform(size=(30, 24, 24)), (0, 1.5, 1.5))
    X = (X - X.min()) / (X.max() - X.min())
    return CheckData("image", X[:20], np.arange(20) % 2, X[20:])


STOPPER = skorch.callbacks.EarlyStopping(
    "train_loss", patience=1, threshold=10, threshold_mode="abs"
)


def epochs(fitted, data):
    """How many epochs a training took."""
    return np.array([fitted.n_iter_])


def epochs_of_two_fits(fitted, data):
    return epochs(fitted.fit(data.X, data.y), data)


def engine_of_index(fitted, data):
    """The settings of the engine of an index."""
    options = getattr(fitted._engine, "options", {})
    return np.array([value for value in options.values() if isinstance(value, int)])


TABLE = make_check_data(ScaledPCA())
TWO_TABLES = make_check_data(RegularizedCCA())
HNSW = {"method": "hnsw"}
UNIT_TABLE = replace(TABLE, X=TABLE.X / 10, rows=TABLE.rows / 10)
UNEVEN_TABLE = replace(TABLE, y=np.minimum(TABLE.y * np.arange(len(TABLE.y)) % 4, 1))
LARGE_TABLE = _large_table()
LONG = replace(TABLE, X=np.tile(TABLE.X, 3), rows=np.tile(TABLE.rows, 3))
BLOBS = _blobs()
STEEP_TABLE = _steep_table()
LARGE_GRAPH = make_check_data(NetMF(), n_samples=240)
VERY_LARGE_GRAPH = make_check_data(NetMF(), n_samples=600)
ONE_FACTOR = {"n_components": 1, "similarity": "linear"}
ONE_COORDINATE = {"n_components": 1, "normalize": False}
LARGE_CORPUS = make_check_data(LSA(), n_samples=150)
CAPITALIZED = CheckData(
    "text", [text.title() for text in CORPUS.X[:30]] + CORPUS.X[30:], CORPUS.y, CORPUS.X
)
FEW_EIGENPAIRS = {"method": "spectral", "rank": 5}
FEW_ITERATIONS = {"n_components": 20, "n_iter": 3}

ACCENTS = Path(FOLDER.name, "accents.txt")
ACCENTS.write_text("café 1 2\ntea 3 4\n", encoding="utf-8")
# Each number is four characters, and so are the bytes of a number. Without a word
# before the first one, the file seems to be binary.
TEXT_OR_BINARY = Path(FOLDER.name, "text_or_binary.txt")
TEXT_OR_BINARY.write_text("2 1\n 0.50\ntea 0.25\n")
TITLES = replace(CAPITALIZED, rows=CAPITALIZED.X)
DRINKS = replace(
    CORPUS, X=["café tea milk"] * 20, y=np.arange(20) % 2, rows=["café tea"]
)

PAIRS = make_check_data(EdgeEncoder())
CHAIN = list(pairwise(dict.fromkeys(PAIRS.X.ravel())))
UNKNOWN_PAIRS = replace(PAIRS, rows=PAIRS.unknown)
UNKNOWN_IDS = make_check_data(INSTANCES["NodeEncoder"])
UNKNOWN_IDS = replace(UNKNOWN_IDS, rows=UNKNOWN_IDS.unknown)

#: Effects of the parameters that the estimators of word vectors share.
WORD_EMBEDDING_EFFECTS = {
    "pooling": [
        Effect(pooling) for pooling in ("idf", "sif", "max", "concat", "principal")
    ],
    "n_words": [Effect(3, given={"pooling": "concat"})],
    "n_principal": [Effect(1, given={"pooling": "principal"})],
    "stop_words": [Effect(CORPUS.X[0].split())],
    "tokenizer": [Effect(list)],
    "lowercase": [Effect(False, data=CAPITALIZED)],
    "token_pattern": [Effect(r"(?u)\w\w")],
    "min_count": [Effect(4)],
    "max_vocabulary": [Effect(20)],
}

#: Effects of the parameters that the language models share.
LANGUAGE_EFFECTS = {
    "n_components": [Effect(2)],
    "tokenizer": [Effect("character"), Effect("bpe"), Effect(list)],
    "lowercase": [Effect(False, data=CAPITALIZED)],
    "vocabulary_size": [Effect(20)],
    "min_count": [Effect(4)],
    "context": [Effect(8)],
    "n_layers": [Effect(2)],
    "n_heads": [Effect(2)],
    "dropout": [Effect(0.5)],
    "init": [Effect(None), Effect(PMI_OF_CORPUS)],
    "pooling": [Effect("last"), Effect("max")],
    "layer": [Effect(0)],
}

#: Rows and captions.
CAPTIONED = replace(TABLE, y=CORPUS.X)
CAPITALIZED_CAPTIONS = replace(TABLE, y=CAPITALIZED.X)
SHARES = replace(TWO_TABLES, y=np.abs(TWO_TABLES.y))

WITH_EMOJI = replace(
    CORPUS,
    X=[
        text + "\U0001f600\U0001f622\u2764\U0001f600"[i % 4]
        for i, text in enumerate(CORPUS.X)
    ],
)
ASKS_ABOUT_ORDERS = {"task": "permutation"}
IS_TRANSFORMER = {"encoder": "transformer"}

#: Effects of the parameters that the estimators of random walks share.
PMI_OF_WALKS = {"solver": "pmi"}
WALK_EMBEDDING_EFFECTS = {
    "n_components": [Effect(2)],
    "solver": [Effect("pmi")],
    "n_walks": [Effect(3), Effect(3, given=PMI_OF_WALKS)],
    "walk_length": [Effect(9), Effect(9, given=PMI_OF_WALKS)],
    "window": [Effect(3), Effect(3, given=PMI_OF_WALKS)],
    "negative": [Effect(2), Effect(2, given=PMI_OF_WALKS)],
    "max_epochs": [Effect(2)],
    "lr": [Effect(0.05)],
    "random_state": [Effect(1), Effect(1, given=PMI_OF_WALKS)],
}

#: Effects of the parameters that all estimators with a network share.
STOPS_EARLY = {
    "early_stopping": True,
    "n_iter_no_change": 1,
    "lr": 0.3,
    "max_epochs": 20,
}
TRAINING_EFFECTS = {
    "max_epochs": [Effect(6)],
    "batch_size": [Effect(10)],
    "lr": [Effect(0.02)],
    "lr_schedule": [Effect("constant"), Effect("cosine")],
    "weight_decay": [Effect(0.1)],
    "optimizer": [Effect("sgd"), Effect("adamw", given={"weight_decay": 0.1})],
    "early_stopping": [Effect(True)],
    "validation_fraction": [Effect(0.3, given={"early_stopping": True})],
    "n_iter_no_change": [Effect(3, given=STOPS_EARLY, observe=epochs)],
    "callbacks": [Effect([STOPPER], observe=epochs)],
    "warm_start": [Effect(True, observe=epochs_of_two_fits)],
    "mixed_precision": [Effect(True)],
}
NETWORK_EFFECTS = {
    "hidden_layer_sizes": [Effect((9,)), Effect(()), Effect(9)],
    "activation": [Effect("tanh"), Effect("identity")],
    "random_state": [Effect(1)],
}
DEEP_EFFECTS = {**NETWORK_EFFECTS, **TRAINING_EFFECTS}


def trained_as(name, effects):
    """The effects of an estimator that is trained by the same code as another one.

    The parameters of training are tested once for each kind of network.
    """
    return {**effects, **dict.fromkeys(TRAINING_EFFECTS, name)}


AUTOENCODER_EFFECTS = {
    "n_components": [Effect(2)],
    "loss": [Effect("binary_cross_entropy", data=UNIT_TABLE)],
    "encoder": [Effect(torch.nn.Linear(8, 3))],
    "decoder": [Effect(torch.nn.Linear(3, 8))],
    **DEEP_EFFECTS,
}

METRIC_EFFECTS = {
    "n_components": [Effect(2)],
    "normalize": [Effect(False)],
    "samples_per_class": [Effect(8)],
    "image_shape": [Effect((2, 4), given={"kernel_size": 1})],
    "encoder": [Effect("cnn"), Effect(nn.Linear(8, 3))],
    "channels": [Effect((5,), given={"encoder": "cnn"})],
    "kernel_size": [Effect(5, given={"encoder": "cnn"})],
    "augment": [
        Effect("noise"),
        Effect([("shift", 0.5)], given={"image_shape": (2, 4), "kernel_size": 1}),
    ],
    **DEEP_EFFECTS,
}

#: Of techniques with an encoder that do not learn from classes.
ENCODER_EFFECTS = {
    name: METRIC_EFFECTS[name]
    for name in METRIC_EFFECTS
    if name not in ("normalize", "samples_per_class")
}

#: Three stages of convolutions, of which the second is read by default.
CONVOLUTIONS = {"encoder": "cnn", "channels": (3, 4, 4)}

VIEW_EFFECTS = {
    **ENCODER_EFFECTS,
    "optimizer": [Effect("sgd"), Effect("adam", given={"weight_decay": 0.1})],
    "projection_sizes": [Effect((4, 4)), Effect(5)],
    "layer": [Effect("stage1", CONVOLUTIONS), Effect("embedding", CONVOLUTIONS)],
    "pool_size": [Effect(1, CONVOLUTIONS)],
    "augment": [
        Effect("noise"),
        Effect([("corrupt", 0.3)]),
        Effect(["noise"], CONVOLUTIONS),
        Effect([("shift", 0.5)], given={"image_shape": (2, 4), "kernel_size": 1}),
    ],
}
#: Of techniques whose network and views are made by the same code.
OTHER_VIEW_EFFECTS = {
    **dict.fromkeys(VIEW_EFFECTS, "SimCLR"),
    "projection_sizes": [Effect((4, 4))],
    "augment": [Effect("noise")],
    "random_state": [Effect(1)],
}

#: Pairs, and what estimators that learn from rows or pairs do with them.
ROWS_OR_PAIRS = make_check_data(SiameseTransformer(input="pairs"))
PAIR_INDICES = np.arange(2 * len(ROWS_OR_PAIRS.X)).reshape(-1, 2)
PAIR_ROWS = ROWS_OR_PAIRS.X.reshape(len(PAIR_INDICES) * 2, -1)
INDEX_DATA = replace(ROWS_OR_PAIRS, X=PAIR_INDICES)
CONTRAST_EFFECTS = {
    "margin": [Effect(0.5)],
    "loss": [Effect("distance"), Effect("hadsell")],
    "input": [
        Effect(
            "pairs",
            given={"preprocessor": PAIR_ROWS},
            data=INDEX_DATA,
            observe=lambda fitted, data: np.array([fitted.n_features_in_]),
        )
    ],
    "preprocessor": [
        Effect(
            PAIR_ROWS[::-1],
            given={"input": "pairs", "preprocessor": PAIR_ROWS},
            data=INDEX_DATA,
        )
    ],
}

#: Pairs, and rows with classes, for those that judge pairs in the end.
JUDGED_PAIRS = make_check_data(PairClassifier())
JUDGED_INDICES = replace(INDEX_DATA, rows=INDEX_DATA.X[::3])
UNEVEN_PAIRS = replace(
    JUDGED_PAIRS, y=JUDGED_PAIRS.y * (np.arange(len(JUDGED_PAIRS.y)) % 3 > 0)
)
CLASS_INDICES = np.random.default_rng(0).integers(len(TABLE.X), size=(60, 2))
CLASS_PAIRS = replace(
    JUDGED_PAIRS,
    X=TABLE.X[CLASS_INDICES],
    y=(TABLE.y[CLASS_INDICES[:, 0]] == TABLE.y[CLASS_INDICES[:, 1]]).astype(int),
)
LEARNED_ROWS = replace(TABLE, rows=JUDGED_PAIRS.rows)
OF_ROWS = {"input": "rows"}
UNSUPERVISED = {"embedder": ScaledPCA(n_components=2)}
LOOKED_UP = {"preprocessor": PAIR_ROWS}
SOME_FALSE_ACCEPTS = {"criterion": "far", "max_false_accept_rate": 0.2}
FROZEN = {"embedder": FrozenEstimator(ScaledPCA(n_components=3).fit(PAIR_ROWS))}


def n_features(fitted, data):
    return np.array([fitted.n_features_in_])


#: Filters that are learned from small patches.
KMEANS_FILTERS = {
    "filters": "kmeans",
    "n_filters": 5,
    "patch_size": 3,
    "random_state": 0,
}
PCA_FILTERS = {"filters": "pca", "n_filters": 2, "patch_size": 3}


def tuned(effects):
    """The effects of parameters that act when a pretrained network is fine-tuned."""
    return {
        name: [
            replace(effect, given={"fine_tune": "all", **effect.given})
            for effect in some
        ]
        for name, some in effects.items()
    }


def out_of_fold(fitted, data):
    """What a classifier behind the estimator is trained with."""
    return clone(fitted).fit_transform(data.X, data.y)


def can_predict(fitted, data):
    return np.array([hasattr(fitted, "predict")])


#: By class name, for each parameter the settings that must change the result, or the
#: name of the estimator of which they are tested.
EFFECTS = {
    "Autoencoder": {**AUTOENCODER_EFFECTS, "tied": [Effect(True)]},
    "BagOfVisualWords": {
        "descriptor": [
            Effect("texton"),
            *(Effect(name, data=BLOBS) for name in ("sift", "gloh", "rift", "spin")),
        ],
        "n_words": [Effect(2)],
        "image_shape": [Effect((2, 4))],
        "patch_size": [
            Effect(3),
            Effect(5, given={"descriptor": "rift"}, data=BLOBS),
        ],
        "step": [
            Effect(2),
            Effect(2, given={"descriptor": "texton"}),
            Effect(2, given={"descriptor": "spin"}, data=BLOBS),
        ],
        "sigmas": [Effect([0.5], given={"descriptor": "texton"})],
        "n_descriptors": [Effect(20)],
        "weighting": [Effect(None)],
        "norm": [Effect("l1"), Effect(None)],
        "n_levels": [Effect(2)],
        "random_state": [Effect(1)],
    },
    "CLIP": {
        **ENCODER_EFFECTS,
        "optimizer": VIEW_EFFECTS["optimizer"],
        "y_encoder": [
            Effect("cnn"),
            Effect(ScaledPCA(1)),
            Effect(LSA(2), data=CAPTIONED),
        ],
        "init": [
            Effect(None, data=CAPTIONED),
            Effect(PMI_OF_CORPUS, data=CAPTIONED),
        ],
        "temperature": [Effect(0.5)],
        "caption_dropout": [Effect(0.0, data=CAPTIONED)],
        "tokenizer": [Effect(list, data=CAPTIONED)],
        "lowercase": [Effect(False, data=CAPITALIZED_CAPTIONS)],
        "min_count": [Effect(4, data=CAPTIONED)],
    },
    "CNNFeatureExtractor": {
        "n_components": [Effect(2)],
        **DEEP_EFFECTS,
        "image_shape": [Effect((2, 4), given={"kernel_size": 1})],
        "architecture": [Effect("vgg")],
        "channels": [Effect((5,)), Effect((4, 8)), Effect(5)],
        "kernel_size": [Effect(5)],
        "pooling": [Effect("mean")],
        "global_pooling": [Effect(True)],
        "batch_norm": [Effect(True)],
        "dropout": [Effect(0.5)],
        "residual": [Effect(True)],
        "negative_slope": [
            Effect(0.5, given={"activation": "leaky_relu"}),
            Effect(0.5, given={"activation": "prelu"}),
        ],
        "augment": [
            Effect("flip"),
            *(Effect([name]) for name in ("crop", "scale", "color_jitter", "noise")),
            Effect([("shift", 0.2)]),
            Effect(["rotate"], given={"image_shape": (2, 4), "kernel_size": 1}),
        ],
        "class_weight": [Effect("balanced", data=UNEVEN_TABLE), Effect({0: 10.0})],
        "layer": [Effect("stage1"), Effect("head")],
    },
    "CausalLanguageModel": {
        **LANGUAGE_EFFECTS,
        **TRAINING_EFFECTS,
        "optimizer": [Effect("sgd"), Effect("adam")],
        "random_state": [Effect(1)],
    },
    "ConvAutoencoder": {
        **AUTOENCODER_EFFECTS,
        "image_shape": [Effect((2, 4))],
        "channels": [Effect((5,)), Effect((4, 8)), Effect(5)],
        "kernel_size": [Effect(5)],
        "encoder": [Effect(nn.Sequential(nn.Flatten(), nn.Linear(8, 3)))],
        "decoder": [Effect(nn.Sequential(nn.Linear(3, 8), nn.Unflatten(1, (1, 8))))],
    },
    "CrossFitTransformer": {
        "transformer": [Effect(MinMaxScaler())],
        "cv": [Effect(3, observe=out_of_fold)],
        "align": [Effect("procrustes", observe=out_of_fold)],
    },
    "DeepWalk": WALK_EMBEDDING_EFFECTS,
    "DenoisingAutoencoder": {
        **trained_as("Autoencoder", AUTOENCODER_EFFECTS),
        "tied": [Effect(True)],
        "noise": [Effect("masking")],
        "noise_level": [Effect(0.5), Effect(0.5, given={"noise": "masking"})],
    },
    "EdgeEncoder": {
        "graph": [Effect(CHAIN)],
        "embedder": [Effect(NetMF(n_components=2, random_state=0)), Effect(None)],
        "operator": [Effect("average"), Effect("l1"), Effect("l2")],
        "handle_unknown": [Effect("mean", data=UNKNOWN_PAIRS)],
    },
    "EmbeddingIndex": {
        "embedder": [Effect(ScaledPCA(n_components=2))],
        "metric": [Effect("euclidean")],
        "method": [Effect("hnsw", observe=engine_of_index)],
        "items": [Effect("y", given={"embedder": RegularizedCCA(2)}, data=TWO_TABLES)],
        "n_neighbors": [Effect(3)],
        "mode": [Effect("connectivity")],
        "n_links": [Effect(8, given=HNSW, observe=engine_of_index)],
        "ef_construction": [Effect(32, given=HNSW, observe=engine_of_index)],
        "ef_search": [Effect(32, given=HNSW, observe=engine_of_index)],
    },
    "FilterBank": {
        "filters": [
            Effect("sobel"),
            Effect(["edges", "box"]),
            Effect(np.eye(3)),
            Effect("pca", given={**KMEANS_FILTERS, "n_filters": 2}),
        ],
        "image_shape": [Effect((2, 4), given={"padding": "same"})],
        "padding": [Effect("valid"), Effect("valid", given=KMEANS_FILTERS)],
        "activation": [
            Effect("absolute"),
            Effect(None),
            Effect("magnitude", given={"filters": "gabor"}),
            Effect("triangle", given=KMEANS_FILTERS),
        ],
        "pooling": [Effect("mean")],
        "pool_size": [Effect(3), Effect(0.5), Effect(3, given={"pooling": "mean"})],
        "n_filters": [Effect(4, given=KMEANS_FILTERS), Effect(1, given=PCA_FILTERS)],
        "patch_size": [Effect(4, given=KMEANS_FILTERS), Effect(4, given=PCA_FILTERS)],
        "n_patches": [
            Effect(50, given=KMEANS_FILTERS),
            Effect(50, given=PCA_FILTERS),
        ],
        "contrast_epsilon": [
            Effect(0.1, given=KMEANS_FILTERS),
            Effect(None, given=KMEANS_FILTERS),
            Effect(0.1, given=PCA_FILTERS),
        ],
        "whiten_epsilon": [
            Effect(0.01, given=KMEANS_FILTERS),
            Effect(None, given=KMEANS_FILTERS),
            Effect(0.01, given=PCA_FILTERS),
        ],
        "random_state": [
            Effect(1, given=KMEANS_FILTERS),
            Effect(1, given={**PCA_FILTERS, "n_patches": 50}),
        ],
    },
    "GraphClusterEncoder": {
        "n_clusters": [Effect(2)],
        "embedder": [Effect(NetMF(n_components=2, random_state=0))],
        "random_state": [Effect(1, given={"n_clusters": 12})],
    },
    "HOG": {
        "n_orientations": [Effect(5, given={"image_shape": (2, 4)})],
        "image_shape": [Effect((2, 4))],
        "cell_size": [Effect(2)],
        "block_size": [Effect(1)],
        "block_norm": [Effect(norm) for norm in ("L1", "L1-sqrt", "L2")],
        "transform_sqrt": [Effect(True)],
        "signed": [Effect(True, given={"image_shape": (2, 4)})],
    },
    "InstanceDiscrimination": {
        **OTHER_VIEW_EFFECTS,
        "temperature": [Effect(0.5)],
        "momentum": [Effect(0.9)],
        "n_negatives": [Effect(5)],
    },
    "LSA": {
        "n_components": [Effect(2)],
        "vectorizer": [Effect(TfidfVectorizer())],
        "n_iter": [Effect(1, given=ONE_COORDINATE, data=LARGE_CORPUS)],
        "tol": [Effect(0.0, given=ONE_COORDINATE, data=LARGE_CORPUS)],
        "normalize": [Effect(False)],
        "random_state": [Effect(1, given=ONE_COORDINATE, data=LARGE_CORPUS)],
    },
    "LaplacianEigenmaps": {
        "n_components": [Effect(2)],
        "normalization": [Effect("random_walk"), Effect(None)],
        "tol": [Effect(0.1, data=VERY_LARGE_GRAPH)],
    },
    "MIPSTransformer": {},
    "MahalanobisTransformer": {
        **{
            name: effects
            for name, effects in DEEP_EFFECTS.items()
            if name not in ("activation", "hidden_layer_sizes")
        },
        "n_iter_no_change": [
            Effect(3, given=STOPS_EARLY | {"lr": 0.1}, observe=epochs)
        ],
        "n_components": [Effect(2)],
        "samples_per_class": [Effect(8)],
        **CONTRAST_EFFECTS,
    },
    "MaskedLanguageModel": {
        **dict.fromkeys([*LANGUAGE_EFFECTS, *TRAINING_EFFECTS], "CausalLanguageModel"),
        "mask_share": [Effect(0.6)],
        "n_neighbors": [Effect(0)],
        "random_state": [Effect(1)],
    },
    "NPairTransformer": {
        **trained_as("TripletTransformer", METRIC_EFFECTS),
        "temperature": [Effect(0.5)],
        "similarity": [
            Effect("dot", given={"normalize": False}),
            Effect("euclidean", given={"normalize": False}),
        ],
    },
    "NetMF": {
        "n_components": [Effect(2)],
        "window": [Effect(2)],
        "negative": [Effect(2.0)],
        "rank": [Effect(5, given={"method": "spectral"})],
        "method": [
            Effect("spectral", given={"rank": 5}),
            Effect("exact", given=FEW_EIGENPAIRS),
        ],
        "random_state": [Effect(1, given=FEW_EIGENPAIRS, data=LARGE_GRAPH)],
    },
    "Node2Vec": {
        **WALK_EMBEDDING_EFFECTS,
        "p": [Effect(0.25), Effect(4.0)],
        "q": [Effect(0.25), Effect(4.0)],
    },
    "NodeEncoder": {
        "graph": [Effect(STAR)],
        "embedder": [Effect(NetMF(n_components=2, random_state=0)), Effect(None)],
        "handle_unknown": [Effect("mean", data=UNKNOWN_IDS)],
    },
    "PMIEmbedding": {
        **WORD_EMBEDDING_EFFECTS,
        "n_components": [Effect(2)],
        "window": [Effect(2)],
        "window_weighting": [Effect("uniform"), Effect("linear")],
        "smoothing": [Effect(0.5)],
        "shift": [Effect(2.0)],
        "positive": [Effect(False)],
        "eigenvalue_weight": [Effect(1.0)],
        "vectors": [Effect("context"), Effect("sum"), Effect("concat")],
        "subsample": [Effect(0.0)],
        "n_iter": [Effect(1, given=FEW_ITERATIONS)],
        "tol": [Effect(0.2, given=FEW_ITERATIONS)],
        "random_state": [Effect(1, given=FEW_ITERATIONS)],
    },
    "PairClassifier": {
        **{
            name: METRIC_EFFECTS[name] for name in METRIC_EFFECTS if name != "normalize"
        },
        "architecture": [Effect("shared"), Effect("joint")],
        "input": [Effect("rows", LOOKED_UP, JUDGED_INDICES, n_features)],
        "preprocessor": [Effect(PAIR_ROWS[::-1], LOOKED_UP, JUDGED_INDICES)],
        "samples_per_class": [
            Effect(8, OF_ROWS, LEARNED_ROWS),
            Effect(8, {**OF_ROWS, "architecture": "joint"}, LEARNED_ROWS),
        ],
        "class_weight": [
            Effect({1: 5.0}),
            Effect({1: 5.0}, OF_ROWS, LEARNED_ROWS),
            Effect("balanced", data=UNEVEN_PAIRS),
        ],
    },
    "PairVerifier": {
        "embedder": [Effect(ScaledPCA(n_components=3)), Effect(None)],
        "input": [
            Effect("rows", {**LOOKED_UP, **UNSUPERVISED}, JUDGED_INDICES, n_features)
        ],
        "preprocessor": [
            Effect(PAIR_ROWS[::-1], {**LOOKED_UP, **UNSUPERVISED}, JUDGED_INDICES)
        ],
        "metric": [Effect("cosine")],
        "criterion": [
            Effect("f1", FROZEN, CLASS_PAIRS),
            Effect("far", {**FROZEN, "max_false_accept_rate": 0.4}, CLASS_PAIRS),
        ],
        "max_false_accept_rate": [
            Effect(0.4, {**SOME_FALSE_ACCEPTS, **FROZEN}, CLASS_PAIRS)
        ],
        "validation_fraction": [Effect(0.3)],
        "n_pairs": [Effect(10, {**OF_ROWS, **UNSUPERVISED}, LEARNED_ROWS)],
        "random_state": [Effect(1)],
    },
    "PretrainedEmbedding": {
        **WORD_EMBEDDING_EFFECTS,
        "vectors": [Effect(_vectors(random_state=1))],
        "binary": [Effect(False, given={"vectors": TEXT_OR_BINARY}, data=DRINKS)],
        "vocabulary": [Effect(CORPUS.X[0].split())],
        "lowercase_fallback": [Effect(False, data=TITLES)],
        "encoding": [Effect("latin-1", given={"vectors": ACCENTS}, data=DRINKS)],
        "lowercase": [Effect(True, given={"lowercase_fallback": False}, data=TITLES)],
    },
    "PretrainedFeatureExtractor": {
        "module": [Effect(ForeignNetwork(2)), Effect(ForeignNetwork(3, 1))],
        "layer": [Effect("1")],
        "fine_tune": [
            Effect("head", observe=can_predict),
            Effect("last_block"),
            Effect("all"),
        ],
        "image_shape": [Effect((2, 4), given={"module": nn.AdaptiveAvgPool2d((2, 1))})],
        "pooling": [
            Effect("mean", given={"layer": "1"}),
            Effect("max", given={"layer": "1"}),
        ],
        "resize": [Effect(5)],
        "n_channels": [Effect(2, given={"module": nn.Flatten()})],
        "mean": [Effect(0.5)],
        "std": [Effect(0.5)],
        **tuned(
            {
                **DEEP_EFFECTS,
                "hidden_layer_sizes": [Effect((9,)), Effect(9)],
                "activation": [Effect("tanh", given={"hidden_layer_sizes": (9,)})],
                "augment": [Effect(["noise"])],
                "class_weight": [Effect({0: 10.0})],
            }
        ),
    },
    "PretextTransformer": {
        **trained_as("SimCLR", ENCODER_EFFECTS),
        "task": [
            Effect(Inpainting(mask_share=0.6)),
            Effect("jigsaw", CONVOLUTIONS),
            Effect("relative_position", {**CONVOLUTIONS, "task": "jigsaw"}, data=LONG),
        ],
        "projection_sizes": [Effect((4, 4)), Effect(5), Effect(())],
        "layer": [Effect("stage1", CONVOLUTIONS), Effect("embedding", CONVOLUTIONS)],
        "pool_size": [Effect(1, CONVOLUTIONS)],
    },
    "PretrainedTextEncoder": {
        "model": [
            Effect(OTHER_TEXT_MODEL),
            Effect(TokenTable(1), OWN_TEXT_MODEL),
        ],
        "tokenizer": [
            Effect(codes_of_letters),
            Effect(codes_of_capitals, OWN_TEXT_MODEL),
        ],
        "pooling": [Effect("cls"), Effect("max")],
        "layer": [Effect(0), Effect("vectors", OWN_TEXT_MODEL)],
        "max_length": [Effect(10)],
        "long_texts": [Effect("truncate")],
        "fine_tune": [
            Effect("head", observe=can_predict),
            Effect("last_block"),
            Effect("all"),
        ],
        **tuned(
            {
                **DEEP_EFFECTS,
                "hidden_layer_sizes": [Effect((9,)), Effect(9)],
                "activation": [Effect("tanh", given={"hidden_layer_sizes": (9,)})],
                "lr": [Effect(0.02), Effect("auto")],
                "class_weight": [Effect({0: 10.0})],
            }
        ),
    },
    "ProNE": {
        "n_components": [Effect(3)],
        "order": [Effect(2)],
        "mu": [Effect(0.5)],
        "theta": [Effect(1.0)],
        "normalize": [Effect(False)],
        "random_state": [Effect(1, data=LARGE_GRAPH)],
    },
    "PrototypeClassifier": {
        "embedder": [Effect(ScaledPCA(n_components=2))],
        "metric": [Effect("cosine")],
        "temperature": [Effect(2.0), Effect(2.0, given={"metric": "cosine"})],
    },
    "RegularizedCCA": {
        "n_components": [Effect(1)],
        "alpha": [Effect(1.0)],
        "alpha_y": [Effect(1.0)],
        "power": [Effect(1.0)],
    },
    "ScaledPCA": {
        "n_components": [Effect(2), Effect(0.5)],
        "with_mean": [Effect(False)],
        "with_std": [Effect(False)],
        "whiten": [Effect(True)],
        "svd_solver": [
            Effect(
                "full",
                given={"n_components": 1, "svd_solver": "randomized"},
                data=LARGE_TABLE,
            ),
            Effect("randomized", given={"n_components": 1}, data=LARGE_TABLE),
            # Squaring loses digits of the small singular values.
            Effect(
                "covariance_eigh",
                given={"with_std": False, "svd_solver": "full"},
                data=STEEP_TABLE,
                observe=lambda fitted, data: np.log(fitted.singular_values_),
            ),
        ],
        "random_state": [
            Effect(
                1,
                given={"n_components": 1, "svd_solver": "randomized"},
                data=LARGE_TABLE,
            )
        ],
    },
    "SentenceEmbedding": {
        **{
            name: LANGUAGE_EFFECTS[name]
            for name in ("n_components", "tokenizer", "lowercase", "dropout", "init")
        },
        **trained_as("CausalLanguageModel", NETWORK_EFFECTS),
        "vocabulary_size": [Effect(20)],
        "min_count": [Effect(4)],
        "task": [
            Effect("next"),
            Effect("order"),
            Effect("permutation"),
            Effect("emoji", data=WITH_EMOJI),
        ],
        "encoder": [Effect("transformer")],
        "n_sentences": [Effect(4, given=ASKS_ABOUT_ORDERS)],
        "n_emoji": [Effect(2, given={"task": "emoji"}, data=WITH_EMOJI)],
        "projection_sizes": [Effect((3,)), Effect(()), Effect(3)],
        "context": [Effect(2, given=IS_TRANSFORMER)],
        "n_layers": [Effect(2, given=IS_TRANSFORMER)],
        "n_heads": [Effect(2, given=IS_TRANSFORMER)],
    },
    "SiameseTransformer": {
        **trained_as("TripletTransformer", METRIC_EFFECTS),
        **CONTRAST_EFFECTS,
    },
    "SimCLR": {**VIEW_EFFECTS, "temperature": [Effect(0.5)]},
    "SimilarityEmbedding": {
        "n_components": [Effect(2)],
        "similarity": [Effect("cosine"), Effect("linear"), Effect(np.inner)],
        "gamma": [Effect(1.0)],
        "degree": [Effect(2, given={"similarity": "poly"})],
        "coef0": [Effect(0, given={"similarity": "poly"})],
        "eigenvalue_weight": [Effect(1.0)],
        "n_iter": [Effect(1, given=ONE_FACTOR, data=LARGE_TABLE)],
        "random_state": [Effect(1, given=ONE_FACTOR, data=LARGE_TABLE)],
    },
    "SkipGramEmbedding": {
        **WORD_EMBEDDING_EFFECTS,
        "n_components": [Effect(2)],
        "window": [Effect(2)],
        "architecture": [Effect("cbow")],
        "negative": [Effect(2), Effect(0, given={"hierarchical_softmax": True})],
        "hierarchical_softmax": [Effect(True)],
        "subsample": [Effect(1e-2)],
        "max_epochs": [Effect(2)],
        "lr": [Effect(0.05)],
        "random_state": [Effect(1)],
    },
    "SpectralFeatures": {
        "kind": [Effect("log_mel")],
        "sampling_rate": [Effect(150)],
        "n_mels": [Effect(2)],
        "n_coefficients": [Effect(3)],
        "deltas": [Effect(False)],
        "n_segments": [Effect(3)],
        "frame_duration": [Effect(0.03)],
        "hop_duration": [Effect(0.02)],
        "f_min": [Effect(5.0)],
        "f_max": [Effect(40.0)],
        "dynamic_range": [Effect(3.0)],
    },
    "SupConTransformer": {
        **trained_as("TripletTransformer", METRIC_EFFECTS),
        "temperature": [Effect(0.5)],
    },
    "TextTargetTransformer": {
        **trained_as("CLIP", ENCODER_EFFECTS),
        "text_embedder": [
            Effect(ScaledPCA(), data=TWO_TABLES),
            Effect(LSA(2), given={"text_embedder": LSA(3)}, data=CAPTIONED),
        ],
        "loss": [
            Effect("cosine", given={"text_embedder": Normalizer("l1")}, data=SHARES)
        ],
        "layer": [Effect("prediction")],
    },
    "TripletTransformer": {
        **METRIC_EFFECTS,
        "margin": [Effect(0.5), Effect(0.5, given={"loss": "split"})],
        "mining": [Effect("all"), Effect("hard")],
        "loss": [Effect("softplus"), Effect("split")],
        "temperature": [Effect(0.5, given={"loss": "softplus"})],
    },
    "VICReg": {
        **OTHER_VIEW_EFFECTS,
        "loss": [Effect("barlow_twins")],
        "invariance_weight": [Effect(1.0)],
        "variance_weight": [Effect(1.0)],
        "covariance_weight": [Effect(25.0)],
        "redundancy_weight": [Effect(0.5, given={"loss": "barlow_twins"})],
    },
    "VQAutoencoder": {
        **trained_as("Autoencoder", AUTOENCODER_EFFECTS),
        "n_codes": [Effect(3)],
        "codebook_size": [Effect(3)],
        "commitment": [Effect(1.0)],
    },
    "VariationalAutoencoder": {
        **trained_as("Autoencoder", AUTOENCODER_EFFECTS),
        "beta": [
            Effect(0.2),
            Effect(0.2, given={"loss": "binary_cross_entropy"}, data=UNIT_TABLE),
        ],
        "encoder": [Effect(torch.nn.Linear(8, 6))],
    },
    "ZeroShotClassifier": {
        "embedder": [Effect(CLIP(**SMALL_NETWORK))],
        "prompts": [Effect({0: [1], 1: [2], 2: [0]})],
    },
}

_ON_PURPOSE = (
    "fit_transform gives out-of-fold vectors, transform those of the full model"
)
#: By class name, the checks that must fail, each with the reason. There are no others.
EXPECTED_FAILURES = {
    "CrossFitTransformer": {
        "check_transformer_general": _ON_PURPOSE,
        "check_transformer_data_not_an_array": _ON_PURPOSE,
        "check_fit_transform_equals_transform": _ON_PURPOSE,
    }
}
