"""Documents as vectors, side by side: what few labels and all labels make of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, normalize

from sklearn_replearn.language import (
    CausalLanguageModel,
    MaskedLanguageModel,
    PretrainedTextEncoder,
    SentenceEmbedding,
)
from sklearn_replearn.text import LSA, PMIEmbedding

from ._contest import Contest, Target, mean_and_error
from ._data import Texts
from ._few_labels import draw_labeled
from ._report import progress

#: One pass at a rate at which no weight moves.
UNTRAINED = {"max_epochs": 1, "lr": 1e-12}

#: Pooled vectors of words, which need no network.
WORDS = "PMIEmbedding, sif"

#: Inverse strengths of the penalty. The vectors differ in which of them suits, so that
#: a single one for all would decide their order.
STRENGTHS = (0.1, 1, 10, 100)

#: How often a fifth of few labelled documents is held out to choose one; of many, once.
N_SPLITS = 5


@dataclass(frozen=True)
class Setting:
    """How much of everything.

    Parameters
    ----------
    n_components : int
        Of the vectors without a network.
    epochs : int
        Of the language models.
    quick : bool
        Whether embeddings of sentences are trained for one epoch alone.
    n_labels, n_draws : int
    """

    n_components: int = 100
    epochs: int = 4
    quick: bool = False
    n_labels: int = 50
    n_draws: int = 10


def methods(setting: Setting, folder: Path | None) -> dict[str, Callable]:
    """What makes the estimators, by name; a folder has a pretrained encoder."""
    n = setting.n_components
    epochs = {
        SentenceEmbedding: 1 if setting.quick else "auto",
        CausalLanguageModel: setting.epochs,
        MaskedLanguageModel: setting.epochs,
    }
    found = {
        "tf-idf": partial(TfidfVectorizer, sublinear_tf=True, min_df=2),
        "LSA": partial(LSA, n, random_state=0),
        "PMIEmbedding, mean": partial(PMIEmbedding, n, random_state=0),
        WORDS: partial(PMIEmbedding, n, pooling="sif", random_state=0),
    }
    for model, max_epochs in epochs.items():
        name = model.__name__
        found[name] = partial(model, max_epochs=max_epochs, random_state=0)
        found[f"{name}, untrained"] = partial(model, **UNTRAINED, random_state=0)
    if folder is not None:
        found["PretrainedTextEncoder"] = partial(PretrainedTextEncoder, folder)
    return found


def classification(texts: Texts, setting: Setting, folder: Path | None) -> Contest:
    """Accuracies of a logistic regression on the vectors of documents.

    Parameters
    ----------
    texts : Texts
        With labels.
    setting : Setting
    folder : Path or None
        Of a sentence encoder.
    """
    draws = draw_labeled(texts.train_labels, setting.n_labels, setting.n_draws)
    vectors, costs = {}, {}
    for name, make in methods(setting, folder).items():
        progress(f"language: {texts.name}; {name}")
        encoder = make()
        start = process_time()
        train = encoder.fit_transform(texts.train)
        fitted = process_time()
        vectors[name] = train, encoder.transform(texts.test)
        costs[name] = {
            "fit_transform seconds": fitted - start,
            "transform seconds": process_time() - fitted,
        }
    for name in ("CausalLanguageModel", "MaskedLanguageModel"):
        pairs = zip(vectors[WORDS], vectors[name], strict=True)
        vectors[f"{name} and {WORDS}"] = tuple(
            np.hstack([normalize(a), normalize(b)]) for a, b in pairs
        )
    few, rows = f"{setting.n_labels} a class", {}
    of_draws = {
        name: np.array([accuracy(*both, texts, some, N_SPLITS) for some in draws])
        for name, both in vectors.items()
    }
    for name, both in vectors.items():
        rows[name] = {
            "numbers": both[0].shape[1],
            "all labels": accuracy(*both, texts),
            **mean_and_error(few, of_draws[name]),
            **mean_and_error("above words", of_draws[name] - of_draws[WORDS]),
            **costs.get(name, {}),
        }
    return Contest(
        data=texts.name,
        setting="logistic regression on vectors of documents",
        quality=rows,
        targets=targets(rows, few),
        notes=(
            f"Vectors have length 1, and C is one of {STRENGTHS}, chosen by holding "
            f"out a fifth of the labelled documents. Means of {setting.n_draws} draws "
            "of these, the same for all; ± is their standard error. 'above words' is "
            f"the difference to {WORDS} with few labels, draw by draw.",
            "All but PretrainedTextEncoder learn from the training texts alone. Its "
            "model was trained by others on many more.",
            "Seconds of processor time.",
        ),
    )


def accuracy(train, test, texts: Texts, rows=slice(None), n_splits: int = 1) -> float:
    """Share of the test documents that a logistic regression gets right.

    Parameters
    ----------
    train, test : vectors of the documents
    texts : Texts
    rows : ndarray of int, default=all
        Those of the training documents that have labels.
    n_splits : int
        How often a fifth of these is held out to choose C.
    """
    classifier = GridSearchCV(
        make_pipeline(Normalizer(), LogisticRegression(max_iter=1000)),
        {"logisticregression__C": STRENGTHS},
        cv=StratifiedShuffleSplit(n_splits, test_size=0.2, random_state=0),
    ).fit(train[rows], texts.train_labels[rows])
    return float(classifier.score(test, texts.test_labels))


def targets(rows: dict, few: str) -> tuple[Target, ...]:
    """With few labels: states beside words above words, networks above untrained."""
    beside = [name for name in rows if name.endswith(f"and {WORDS}")]
    found = [Target(few, at_least=rows[WORDS][few], contestant=name) for name in beside]
    found += [
        Target(few, at_least=rows[f"{name}, untrained"][few], contestant=name)
        for name in rows
        if f"{name}, untrained" in rows
    ]
    if "PretrainedTextEncoder" in rows:
        found.append(Target(few, at_least=0.8, contestant="PretrainedTextEncoder"))
    return tuple(found)
