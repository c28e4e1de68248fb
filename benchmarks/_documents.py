"""Documents as vectors, side by side: what few labels and all labels make of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sklearn_replearn.language import (
    CausalLanguageModel,
    MaskedLanguageModel,
    PretrainedTextEncoder,
    SentenceEmbedding,
)
from sklearn_replearn.text import LSA, PMIEmbedding

from ._contest import Contest, Target
from ._data import Texts
from ._few_labels import draw_labeled
from ._report import progress

#: One pass at a rate at which no weight moves.
UNTRAINED = {"max_epochs": 1, "lr": 1e-12}

#: Inverse strength of the penalty on vectors of length 1.
C = 10


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
    n_draws: int = 5


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
        "PMIEmbedding, sif": partial(PMIEmbedding, n, pooling="sif", random_state=0),
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
    few = f"{setting.n_labels} a class"
    rows = {}
    for name, make in methods(setting, folder).items():
        progress(f"language: {texts.name}; {name}")
        encoder = make()
        start = process_time()
        train = encoder.fit_transform(texts.train)
        fitted = process_time()
        test = encoder.transform(texts.test)
        end = process_time()
        accuracies = [
            accuracy(train[rows], texts.train_labels[rows], test, texts.test_labels)
            for rows in draws
        ]
        rows[name] = {
            "numbers": train.shape[1],
            "all labels": accuracy(train, texts.train_labels, test, texts.test_labels),
            few: float(np.mean(accuracies)),
            f"± {few}": float(np.std(accuracies, ddof=1) / len(accuracies) ** 0.5),
            "fit_transform seconds": fitted - start,
            "transform seconds": end - fitted,
        }
    return Contest(
        data=texts.name,
        setting="logistic regression on vectors of documents",
        quality=rows,
        targets=targets(rows, few),
        notes=(
            f"Vectors have length 1, and C={C}. Means of {setting.n_draws} draws of "
            "labelled documents, the same for all; ± is their standard error.",
            "All but PretrainedTextEncoder learn from the training texts alone. Its "
            "model was trained by others on many more.",
            "Seconds of processor time.",
        ),
    )


def accuracy(train, labels, test, test_labels) -> float:
    """Share of the test documents that a logistic regression gets right."""
    classifier = make_pipeline(Normalizer(), LogisticRegression(C=C, max_iter=1000))
    return float(classifier.fit(train, labels).score(test, test_labels))


def targets(rows: dict, few: str) -> tuple[Target, ...]:
    """With few labels: the best network is above pooled vectors, and above itself."""
    networks = [name for name in rows if f"{name}, untrained" in rows]
    best = max(networks, key=lambda name: rows[name][few])
    least = [
        *(rows[name][few] for name in rows if name.startswith("PMIEmbedding")),
        rows[f"{best}, untrained"][few],
    ]
    found = [Target(few, at_least=max(least), contestant=best)]
    if "PretrainedTextEncoder" in rows:
        found.append(Target(few, at_least=0.8, contestant="PretrainedTextEncoder"))
    return tuple(found)
