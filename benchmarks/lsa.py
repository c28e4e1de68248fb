"""LSA against a pipeline of TfidfVectorizer, TruncatedSVD and Normalizer.

The vectorizer alone, which is most of ``transform`` and a good part of the fit of
both, is timed beside them. Besides the times: the accuracy on the test documents of a
logistic regression on each one's vectors, averaged over several random states.

A table of LSA by vectorizer, on each corpus with classes, says why the default is what
it is: classifiers learn from all labels, from ten a class, and from neighbours.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sklearn_replearn.text import LSA

from ._contest import Contest, Options, Target
from ._data import Texts, lee_texts, read_table, read_texts
from ._report import progress

SEEDS = (0, 1, 2)
N_ITER = 5
N_FEW = 10
VECTORIZERS = {
    "TfidfVectorizer()": {},
    "sublinear_tf=True": {"sublinear_tf": True},
    "sublinear_tf=True, min_df=2": {"sublinear_tf": True, "min_df": 2},
    "sublinear_tf=True, min_df=2, max_df=0.5": {
        "sublinear_tf": True,
        "min_df": 2,
        "max_df": 0.5,
    },
    "sublinear_tf=True, stop_words='english'": {
        "sublinear_tf": True,
        "stop_words": "english",
    },
}


def run(options: Options) -> Iterator[Contest]:
    """Yield one contest for each corpus that there is."""
    n_components = 10 if options.smoke else 100
    for texts in corpora(options):
        yield contest(texts, n_components)
    if options.data is not None:
        for texts in (*corpora(options), genres(options)):
            yield vectorizer_contest(texts, n_components)


def corpora(options: Options) -> Iterator[Texts]:
    """20 Newsgroups and, where present, AG News; without a folder, Lee's news."""
    if options.data is None:
        progress("No data folder: the Lee corpora instead, for the times only.")
        yield lee_texts()
        return
    yield read_texts(options.data, "newsgroups20", "20 Newsgroups")
    if (options.data / "text/agnews.tsv.xz").is_file():
        yield read_texts(options.data, "agnews", "AG News")


def estimators(n_components: int, random_state: int) -> dict:
    """The contestants, with the same width and number of iterations."""
    return {
        "LSA": LSA(n_components, n_iter=N_ITER, random_state=random_state),
        "pipeline": make_pipeline(
            TfidfVectorizer(sublinear_tf=True),
            TruncatedSVD(n_components, n_iter=N_ITER, random_state=random_state),
            Normalizer(),
        ),
    }


def genres(options: Options) -> Texts:
    """Brown's categories: ten sentences a document, every fifth file for the test."""
    table = read_table(options.data, "text/brown.tsv.xz")
    parts: dict[bool, tuple[list, list]] = {False: ([], []), True: ([], [])}
    for number, (_, file) in enumerate(table.groupby("file", sort=False)):
        documents, labels = parts[number % 5 == 4]
        for start in range(0, len(file), 10):
            documents.append(" ".join(file["sentence"].iloc[start : start + 10]))
            labels.append(file["category"].iloc[0])
    (train, train_labels), (test, test_labels) = parts[False], parts[True]
    return Texts(
        f"Brown, {len(train):,} + {len(test):,} documents of ten sentences",
        train,
        test,
        np.array(train_labels),
        np.array(test_labels),
    )


def vectorizer_contest(texts: Texts, n_components: int) -> Contest:
    """LSA with several vectorizers, averaged over the random states."""
    rows = {}
    for name, parameters in VECTORIZERS.items():
        progress(f"lsa: {texts.name}; {name}")
        figures = []
        for seed in SEEDS:
            vectorizer = TfidfVectorizer(**parameters)
            lsa = LSA(n_components, vectorizer=vectorizer, random_state=seed)
            train, test = lsa.fit_transform(texts.train), lsa.transform(texts.test)
            figures.append(usefulness(train, test, texts, seed))
        rows[name] = {
            key: float(np.mean([f[key] for f in figures])) for key in figures[0]
        }
    return Contest(
        data=texts.name,
        setting=f"n_components={n_components}; accuracy by vectorizer",
        quality=rows,
    )


def usefulness(train, test, texts: Texts, seed: int) -> dict[str, float]:
    """Accuracies on the test documents of classifiers that learn from the vectors."""
    labels = texts.train_labels
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    few = [shuffled[labels[shuffled] == label][:N_FEW] for label in np.unique(labels)]
    few = np.concatenate(few)
    classifiers = {
        "all labels": LogisticRegression(max_iter=1000).fit(train, labels),
        "all labels, C=10": LogisticRegression(C=10, max_iter=1000).fit(train, labels),
        "ten a class": LogisticRegression(C=10).fit(train[few], labels[few]),
        "ten neighbors": KNeighborsClassifier(10).fit(train, labels),
    }
    return {
        name: classifier.score(test, texts.test_labels)
        for name, classifier in classifiers.items()
    }


def contest(texts: Texts, n_components: int) -> Contest:
    """Both contestants on one corpus."""
    contestants = estimators(n_components, SEEDS[0])
    contestants["vectorizer alone"] = TfidfVectorizer(sublinear_tf=True)
    for estimator in contestants.values():
        estimator.fit(texts.train)
    targets = [Target("fit_transform ratio", at_most=0.70)]
    quality = {}
    if texts.train_labels is not None:
        quality = accuracies(texts, n_components)
        targets.append(Target("accuracy", at_least=quality["pipeline"]["accuracy"]))
    return Contest(
        data=texts.name,
        setting=f"n_components={n_components}, n_iter={N_ITER}",
        stages={
            "fit_transform": {
                name: partial(estimator.fit_transform, texts.train)
                for name, estimator in contestants.items()
            },
            "transform": {
                name: partial(estimator.transform, texts.test)
                for name, estimator in contestants.items()
            },
        },
        reference="pipeline",
        quality=quality,
        targets=tuple(targets),
    )


def accuracies(texts: Texts, n_components: int) -> dict[str, dict[str, float]]:
    """Mean, least and greatest test accuracy over the random states."""
    by_name: dict[str, list[float]] = {}
    for seed in SEEDS:
        progress(f"lsa: {texts.name}; accuracy with random_state={seed}")
        for name, estimator in estimators(n_components, seed).items():
            classifier = LogisticRegression(max_iter=1000)
            classifier.fit(estimator.fit_transform(texts.train), texts.train_labels)
            accuracy = classifier.score(
                estimator.transform(texts.test), texts.test_labels
            )
            by_name.setdefault(name, []).append(accuracy)
    return {
        name: {
            "accuracy": float(np.mean(values)),
            "least": min(values),
            "greatest": max(values),
            "random states": len(values),
        }
        for name, values in by_name.items()
    }
