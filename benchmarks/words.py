"""PMIEmbedding against gensim's Word2Vec for words, and against LSA for documents.

Four questions:

- how long a fit takes on the same tokens with the same window, vocabulary and
  dimensions, and how well the vectors put pairs of words in people's order and complete
  analogies, over several random states;
- whether the time of a fit grows with the number of tokens and no faster;
- how much memory a fit needs in a process of its own, from a stream and from lists;
- how well a logistic regression on the standardised vectors of documents does on the
  test documents, for each pooling. Words are learned from the training documents only.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, cycle
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from gensim.models import Word2Vec
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from sklearn_replearn.metrics import word_analogy_accuracy, word_similarity
from sklearn_replearn.text import LSA, PMIEmbedding, SkipGramEmbedding

from ._contest import Contest, Options, Target
from ._data import Texts, lee_texts, read_table, read_texts, read_word_questions
from ._report import progress
from ._resident import in_fresh_process, peak_resident
from ._timing import race

SEEDS = (0, 1, 2)
WINDOW = 5
WORKERS = 2
POOLINGS = ("mean", "idf", "sif", "max", "concat", "principal")
CORPUS = {
    "Brown": ("brown", "sentence"),
    "WordNet glosses": ("wordnet_glosses", "gloss"),
    "20 Newsgroups": ("newsgroups20", "text"),
}


def run(options: Options) -> Iterator[Contest]:
    """Yield all contests; their targets are meant for the corpora of a data folder."""
    if options.data is not None:
        yield from contests(options)
        return
    progress("No data folder: the Lee corpora, without targets and accuracy.")
    for contest in contests(options):
        yield replace(contest, targets=())


def contests(options: Options) -> Iterator[Contest]:
    """Speed, quality, time by size, memory, and accuracy on each labelled corpus."""
    setting = {
        "n_components": 20 if options.smoke else 100,
        "min_count": 2 if options.data is None else 10,
    }
    name, documents = tokenized_corpus(options)
    data = f"{name}, {len(documents):,} documents, {n_tokens(documents):,} tokens"
    yield from speed_and_quality(data, documents, setting, options)
    yield time_by_size(data, documents, setting, options)
    yield memory(data, documents, setting, options)
    for texts in classified_texts(options):
        yield classification(texts, setting["n_components"])


def tokenized_corpus(options: Options) -> tuple[str, list[list[str]]]:
    """Name and documents of the corpus, each document a list of its words."""
    if options.data is None:
        lee = lee_texts()
        name, texts = "Lee corpora of gensim", [*lee.train, *lee.test]
    else:
        name = " + ".join(CORPUS)
        texts = chain.from_iterable(
            read_table(options.data, f"text/{file}.tsv.xz")[column]
            for file, column in CORPUS.values()
        )
    split = re.compile(r"(?u)\b\w\w+\b").findall
    return name, [split(text.lower()) for text in texts]


def n_tokens(documents: list[list[str]]) -> int:
    """How many words the documents have in all."""
    return sum(map(len, documents))


def classified_texts(options: Options) -> Iterator[Texts]:
    """Texts with labels; Lee's have none, and are for the times only."""
    if options.data is None:
        yield lee_texts()
        return
    yield read_texts(options.data, "newsgroups20", "20 Newsgroups")
    yield read_texts(options.data, "agnews", "AG News")


def fit_pmi(documents, setting: dict, random_state: int) -> PMIEmbedding:
    """This package's word vectors."""
    model = PMIEmbedding(**setting, window=WINDOW, random_state=random_state)
    return model.fit(documents)


def fit_word2vec(documents, setting: dict, random_state: int, epochs: int = 5):
    """gensim's word vectors."""
    model = Word2Vec(
        documents,
        sg=1,
        vector_size=setting["n_components"],
        window=WINDOW,
        min_count=setting["min_count"],
        epochs=epochs,
        workers=WORKERS,
        seed=random_state,
    )
    return GensimWords(model)


class GensimWords:
    """Vectors of gensim as the metrics ask for them."""

    def __init__(self, model: Word2Vec):
        self.vocabulary_ = model.wv.key_to_index
        self.word_vectors_ = model.wv.vectors

    def embed_words(self, words):
        return self.word_vectors_[[self.vocabulary_[word] for word in words]]


FITS = {"PMIEmbedding": fit_pmi, "Word2Vec": fit_word2vec}


def describe(setting: dict) -> str:
    """The settings that all word vectors of one corpus share."""
    named = ", ".join(f"{name}={value}" for name, value in setting.items())
    return f"{named}, window={WINDOW}"


def speed_and_quality(
    data: str, documents, setting: dict, options: Options
) -> Iterator[Contest]:
    """Time fits with one random state after another, then judge their vectors."""
    models: dict[str, dict] = {name: {} for name in FITS}
    yield Contest(
        data=data,
        setting=describe(setting),
        stages={
            "fit": {
                name: partial(
                    fit_next,
                    models[name],
                    cycle(SEEDS),
                    partial(fit, documents, setting),
                )
                for name, fit in FITS.items()
            }
        },
        reference="Word2Vec",
        targets=(Target("fit ratio", at_most=1 / 20),),
        notes=(f"Word2Vec works with {WORKERS} threads of its own throughout.",),
        rounds=len(SEEDS),
    )
    yield quality(data, models, setting, options)


def fit_next(models: dict, seeds: Iterator[int], fit) -> None:
    """Fit with the next random state and keep the model under it."""
    seed = next(seeds)
    models[seed] = fit(seed)


def quality(data: str, models: dict, setting: dict, options: Options) -> Contest:
    """Mean, least and greatest score of each contestant's models in each measure."""
    rows, targets = {}, []
    for measure, questions in read_word_questions(options.data).items():
        progress(f"words: {data}; {measure}")
        score = word_analogy_accuracy if measure == "analogies" else word_similarity
        for name, fitted in models.items():
            results = [score(model, questions) for model in fitted.values()]
            scores = [result.score for result in results]
            rows[f"{name}, {measure}"] = {
                "mean": float(np.mean(scores)),
                "least": min(scores),
                "greatest": max(scores),
                "covered": results[0].n_covered,
                "questions": len(questions),
                "random states": len(scores),
            }
        ours, theirs = (f"{name}, {measure}" for name in models)
        target = Target("mean", at_least=rows[theirs]["mean"], contestant=ours)
        targets.append(target)
    return Contest(
        data=data,
        setting=f"{describe(setting)}; quality of the words",
        quality=rows,
        targets=tuple(targets),
        notes=(
            "Spearman's correlation with people's scores of pairs, and the share of "
            "right answers by 3CosAdd.",
        ),
    )


def time_by_size(data: str, documents, setting: dict, options: Options) -> Contest:
    """Seconds of a fit on a quarter, a half and all of the documents."""
    order = np.random.default_rng(0).permutation(len(documents))
    parts = {
        f"PMIEmbedding, {share} of the documents": [
            documents[i] for i in order[: len(order) // divisor]
        ]
        for share, divisor in (("1/4", 4), ("1/2", 2), ("all", 1))
    }
    progress(f"words: {data}; time by size")
    seconds = race(
        {
            name: partial(fit_pmi, part, setting, SEEDS[0])
            for name, part in parts.items()
        },
        repeats=min(options.repeats, 3),
        shortest=0,
    )
    rows = {}
    for name, part in parts.items():
        millions = n_tokens(part) / 1e6
        rows[name] = {
            "million tokens": millions,
            "seconds": median(seconds[name]),
            "least": min(seconds[name]),
            "greatest": max(seconds[name]),
            "seconds per million tokens": median(seconds[name]) / millions,
        }
    return Contest(
        data=data,
        setting=f"{describe(setting)}; time by size",
        quality=rows,
        notes=("Documents in random order; min_count is the same for all sizes.",),
    )


def memory(data: str, documents, setting: dict, options: Options) -> Contest:
    """Resident memory of a fit, each in a fresh process that reads a text file."""
    rows, targets = {}, []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "documents.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(" ".join(document) + "\n" for document in documents)
        for form in ("lists",) if options.smoke else ("stream", "lists"):
            for name in FITS:
                progress(f"words: {data}; memory of {name}, {form}")
                rows[f"{name}, {form}"] = in_fresh_process(
                    memory_of_fit,
                    name,
                    form,
                    path,
                    setting,
                    threads=max(options.threads),
                )
            ours, theirs = (f"{name}, {form}" for name in FITS)
            at_most = rows[theirs]["peak MB"]
            targets.append(Target("peak MB", at_most=at_most, contestant=ours))
    return Contest(
        data=data,
        setting=f"{describe(setting)}; peak resident memory",
        quality=rows,
        targets=tuple(targets),
        notes=(
            "Each in a fresh process. 'before MB' is what it took before the fit: the "
            "imports of all contestants and, for lists, the corpus.",
            "The stream is a file, read anew each time. Word2Vec makes one epoch.",
        ),
    )


class Lines:
    """The documents of a text file, one a line, read anew each time."""

    def __init__(self, path: str):
        self.path = path

    def __iter__(self):
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                yield line.split()


def memory_of_fit(name: str, form: str, path: str, setting: dict) -> dict[str, float]:
    """Peaks of this process, which does nothing else, in millions of bytes."""
    documents = list(Lines(path)) if form == "lists" else Lines(path)
    before = peak_resident() / 1e6
    fit = partial(fit_word2vec, epochs=1) if name == "Word2Vec" else FITS[name]
    fit(documents, setting, SEEDS[0])
    peak = peak_resident() / 1e6
    return {"before MB": before, "peak MB": peak, "fit MB": peak - before}


def encoders(n_components: int) -> dict:
    """What turns documents into vectors, by name."""
    shared = {"n_components": n_components, "random_state": SEEDS[0]}
    return {
        **{f"PMIEmbedding, {p}": PMIEmbedding(**shared, pooling=p) for p in POOLINGS},
        **{
            f"SkipGramEmbedding, {pooling}": SkipGramEmbedding(
                **shared, pooling=pooling
            )
            for pooling in ("mean", "sif")
        },
        "LSA": LSA(**shared),
        "tf-idf, TruncatedSVD": make_pipeline(
            TfidfVectorizer(sublinear_tf=True), TruncatedSVD(**shared), Normalizer()
        ),
    }


def classification(texts: Texts, n_components: int) -> Contest:
    """Times of each encoder and, with labels, accuracy on the test documents."""
    rows = {}
    for name, encoder in encoders(n_components).items():
        progress(f"words: {texts.name}; {name}")
        start = perf_counter()
        train = encoder.fit_transform(texts.train)
        fitted = perf_counter()
        test = encoder.transform(texts.test)
        end = perf_counter()
        accuracy = {}
        if texts.train_labels is not None:
            classifier = make_pipeline(
                StandardScaler(), LogisticRegression(max_iter=1000)
            )
            classifier.fit(train, texts.train_labels)
            accuracy["accuracy"] = classifier.score(test, texts.test_labels)
        rows[name] = accuracy | {
            "columns": train.shape[1],
            "fit_transform seconds": fitted - start,
            "transform seconds": end - fitted,
        }
    return Contest(
        data=texts.name,
        setting=f"n_components={n_components}; vectors of documents",
        quality=rows,
        targets=accuracy_targets(rows, n_components),
        notes=(
            "Seconds are of one run each, not by turns. The target is for the pooling "
            "of LSA's width that does best on the test documents.",
        ),
    )


def accuracy_targets(rows: dict, n_columns: int) -> tuple[Target, ...]:
    """The best pooling of as many columns is at most 0.01 behind LSA."""
    if "accuracy" not in rows["LSA"]:
        return ()
    equal = [
        name
        for name, row in rows.items()
        if name.startswith("PMIEmbedding") and row["columns"] == n_columns
    ]
    best = max(equal, key=lambda name: rows[name]["accuracy"])
    at_least = rows["LSA"]["accuracy"] - 0.01
    return (Target("accuracy", at_least=at_least, contestant=best),)
