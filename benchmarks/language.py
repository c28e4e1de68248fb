"""Language models beside n-grams, embeddings of sentences, and vectors of documents.

Six questions:

- next words (Brown, the last 50 of its 500 files to test on, lower case, the 10,000
  most frequent words of the others): the perplexity of `CausalLanguageModel` after one
  pass and after more, beside interpolated Kneser-Ney, and of both mixed;
- hidden words (AG News): the perplexity of `MaskedLanguageModel` and how often its
  first answer is right, beside a log-linear mixture of bigrams of both sides;
- neighboring sentences (Brown, every tenth file to test on): how often
  `SentenceEmbedding` tells the next sentence from a random one, beside cosines of
  `PMIEmbedding`, and in which order two neighbors are;
- encoders that others have trained (AG News): their speed beside transformers, and
  whether their vectors are the same, if SKLEARN_REPLEARN_TEXT_MODEL names a folder;
- documents (AG News, 20 Newsgroups): the accuracy of a logistic regression on the
  vectors of all of these, of tf-idf, LSA and `PMIEmbedding`, with few and all labels;
- costs: how much longer training takes than a bare loop, and its memory.

Without a data folder, a made-up corpus takes their place.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import chain
from time import perf_counter, process_time

import numpy as np

from sklearn_replearn.language import (
    CausalLanguageModel,
    MaskedLanguageModel,
    SentenceEmbedding,
)
from sklearn_replearn.language._masked_language_model import MASK, hidden_groups
from sklearn_replearn.text import PMIEmbedding

from ._contest import Contest, Options, Target
from ._data import Texts, read_table, read_texts
from ._documents import Setting, classification
from ._kneser_ney import KneserNey
from ._language_costs import MODELS, memory, training
from ._report import progress
from ._text_encoders import ENVIRONMENT_VARIABLE, find_model, speed
from ._two_sided_bigram import TwoSidedBigram

#: Stands behind each sentence of Brown, and is predicted as a word is.
END = "</s>"


@dataclass(frozen=True)
class Sizes:
    """How much of everything: what a full run takes, and a smoke run."""

    n_words: int = 10_000
    n_test: int = 50
    n_tuning: int = 10
    epochs: tuple[int, ...] = (1, 4)
    masked_epochs: int = 10
    n_texts: int = 2000
    n_held_out: int = 1000
    sentence_epochs: int = 3
    word_components: int = 128
    documents: Setting = field(default_factory=Setting)
    by_turns: int = 40
    memory_tokens: int = 10_000_000


TINY = Sizes(
    n_words=40,
    n_test=3,
    n_tuning=3,
    epochs=(1,),
    masked_epochs=1,
    n_texts=10,
    n_held_out=50,
    sentence_epochs=1,
    word_components=8,
    documents=Setting(n_components=4, epochs=1, quick=True, n_labels=4, n_draws=2),
    by_turns=5,
    memory_tokens=2000,
)


def run(options: Options) -> Iterator[Contest]:
    """Yield the contests."""
    sizes = TINY if options.smoke else Sizes()
    if options.data is None:
        name = "made-up texts"
        brown, news = make_up(20), (make_up(60), make_up(20, seed=1))
        labeled = [made_up_texts()]
    else:
        name, brown, news = "Brown", read_brown(options), read_news(options)
        labeled = [
            read_texts(options.data, "agnews", "AG News"),
            read_texts(options.data, "newsgroups20", "20 Newsgroups"),
        ]
    yield next_words(brown, name, sizes)
    of_hidden = name if options.data is None else "AG News"
    yield hidden_words(news[0], news[1][: sizes.n_texts], of_hidden, sizes)
    yield sentences([as_sentences(words) for words in brown], name, sizes)
    folder = None if options.smoke else find_model()
    if folder is None:
        progress(f"No text encoder: set {ENVIRONMENT_VARIABLE}.")
    elif find_spec("transformers") is None:
        progress("transformers is not installed: no race against it.")
    else:
        yield speed(labeled[0], folder)
    for texts in labeled:
        setting = sizes.documents
        if "Newsgroups" in texts.name:  # four times as many words
            setting = replace(setting, epochs=1)
        yield classification(texts, setting, folder)
    of_costs = {"max_epochs": 1, "vocabulary_size": sizes.n_words, "min_count": 1}
    for model in MODELS:
        yield training(model, brown[: sizes.by_turns], name, of_costs)
    yield memory(sizes.memory_tokens, sizes.n_words, options)


# -- data ------------------------------------------------------------------------------


def make_up(n_documents: int, seed: int = 0) -> list[list[str]]:
    """Documents in which a word depends on the one before it."""
    rng = np.random.default_rng(seed)
    steps = np.random.default_rng(0).integers(50, size=(50, 4))
    documents = []
    for _ in range(n_documents):
        words = [0]
        for _ in range(60):
            words.append(int(rng.choice(steps[words[-1]])))
        documents.append([f"w{word}" for word in words])
    return documents


def made_up_texts() -> Texts:
    """Documents as strings, with labels that say nothing."""
    parts = [
        [
            " ".join(f"{' '.join(sentence)}." for sentence in as_sentences(words))
            for words in make_up(10, seed=seed)
        ]
        for seed in range(4)
    ]
    labels = np.repeat([0, 1], 10)
    return Texts(
        "made-up texts", parts[0] + parts[1], parts[2] + parts[3], labels, labels
    )


def read_brown(options: Options) -> list[list[str]]:
    """The files of Brown as lists of words in lower case, in their order."""
    table = read_table(options.data, "text/brown.tsv.xz")
    files = {}
    for file, sentence in zip(table["file"], table["sentence"], strict=True):
        files.setdefault(file, []).extend([*sentence.lower().split(), END])
    return list(files.values())


def read_news(options: Options) -> tuple[list[list[str]], list[list[str]]]:
    """The words and marks of the texts of AG News, to learn from and to test on."""
    table = read_table(options.data, "text/agnews.tsv.xz")
    texts = [re.findall(r"\w+|[^\w\s]", text.lower()) for text in table["text"]]
    is_train = (table["split"] == "train").tolist()
    return tuple(
        [text for text, chosen in zip(texts, is_train, strict=True) if chosen == part]
        for part in (True, False)
    )


def frequent_words(documents: list[list[str]], n_words: int) -> dict[str, int]:
    counts = Counter(word for document in documents for word in document)
    return {word: row for row, (word, _) in enumerate(counts.most_common(n_words))}


def as_numbers(documents: list[list[str]], vocabulary: dict) -> list[np.ndarray]:
    """Unknown words are the number behind the last."""
    unknown = len(vocabulary)
    return [
        np.array([vocabulary.get(word, unknown) for word in document], dtype=np.int64)
        for document in documents
    ]


# -- next words ------------------------------------------------------------------------


def next_words(documents: list[list[str]], name: str, sizes: Sizes) -> Contest:
    """Perplexities of the test documents, by model, and of mixtures."""
    train, test = documents[: -sizes.n_test], documents[-sizes.n_test :]
    # The end of a sentence comes on top of the words.
    n_words = sizes.n_words + (END in train[0])
    vocabulary = frequent_words(train, n_words)
    options = {"vocabulary_size": n_words, "min_count": 1, "random_state": 0}
    numbers = as_numbers(test, vocabulary)
    by_order = {
        order: n_gram(train, vocabulary, order).probabilities(numbers)
        for order in (3, 5)
    }
    found = {
        f"Kneser-Ney, {order}-gram": {"perplexity": perplexity(probabilities)}
        for order, probabilities in by_order.items()
    }
    counts = np.bincount(np.concatenate(as_numbers(train, vocabulary)))
    shares = np.log(counts / counts.sum())
    of_words = shares[np.concatenate(numbers)]
    found["unigram"] = {"perplexity": float(np.exp(-of_words.mean()))}
    weight = choose_weight(train, vocabulary, options, sizes)
    rows, targets = {}, []
    for epochs, most, seconds in zip(sizes.epochs, (97, 90), (120, 480), strict=False):
        progress(f"language: {name}; {epochs} epoch(s)")
        model = CausalLanguageModel(max_epochs=epochs, **options)
        start, started = process_time(), perf_counter()
        model.fit(train)
        row = f"CausalLanguageModel, {epochs} epoch(s)"
        elapsed, of_processor = perf_counter() - started, process_time() - start
        by_model = np.exp(np.concatenate(model.log_likelihoods(test)))
        mixed = weight * by_model + (1 - weight) * by_order[5]
        rows[row] = {
            "perplexity": perplexity(by_model),
            "with the 5-gram": perplexity(mixed),
            "fit seconds": elapsed,
            "of the processor": of_processor,
            "tokens a second": epochs * sum(map(len, train)) / elapsed,
        }
        targets += [
            Target("perplexity", at_most=most, contestant=row),
            Target("fit seconds", at_most=seconds, contestant=row),
        ]
    return Contest(
        data=name,
        setting=f"next words; the last {sizes.n_test} of {len(documents)} documents to "
        f"test on, {n_words} words",
        quality=rows | found,
        targets=tuple(targets),
        notes=(
            "Unknown words are one word, and the ends of sentences are predicted. "
            "Kneser-Ney is interpolated, with three discounts an order.",
            f"The mixture has {weight:.2f} of the language model, chosen with models "
            f"of all but the last {sizes.n_tuning} training documents, by these.",
        ),
    )


def n_gram(documents, vocabulary, order) -> KneserNey:
    return KneserNey(order, len(vocabulary) + 1).fit(as_numbers(documents, vocabulary))


def perplexity(probabilities: np.ndarray) -> float:
    return float(np.exp(-np.log(probabilities, dtype=np.float64).mean()))


def choose_weight(train, vocabulary, options: dict, sizes: Sizes) -> float:
    """The share of a language model in a mixture that is best for held-out texts."""
    progress("language: the weight of the mixture")
    first, last = train[: -sizes.n_tuning], train[-sizes.n_tuning :]
    words = frequent_words(first, len(vocabulary))
    model = CausalLanguageModel(max_epochs=1, **options).fit(first)
    by_model = np.exp(np.concatenate(model.log_likelihoods(last)))
    by_grams = n_gram(first, words, 5).probabilities(as_numbers(last, words))
    weights = np.arange(0.05, 1.0, 0.05)
    found = [perplexity(w * by_model + (1 - w) * by_grams) for w in weights]
    return float(weights[np.argmin(found)])


# -- hidden words ----------------------------------------------------------------------


def hidden_words(train, test, name: str, sizes: Sizes) -> Contest:
    """Perplexity and first answers for hidden words of the test texts."""
    progress(f"language: {name}; hidden words")
    options = {"vocabulary_size": sizes.n_words, "random_state": 0}
    model = MaskedLanguageModel(max_epochs=sizes.masked_epochs, **options)
    start, started = process_time(), perf_counter()
    model.fit(train)
    elapsed, of_processor = perf_counter() - started, process_time() - start
    known = dict(model.vocabulary_)
    found = np.concatenate(model.log_likelihoods(test))
    words = np.concatenate(as_numbers(test, known))
    right = []
    for group in range(hidden_groups(1000).max() + 1):
        hidden, answers = [], []
        for text in test:
            is_hidden = hidden_groups(len(text)) == group
            if is_hidden.any():
                pairs = zip(text, is_hidden, strict=True)
                hidden.append([MASK if h else word for word, h in pairs])
                answers += [word for word, h in zip(text, is_hidden, strict=True) if h]
        guesses = [
            pairs[0][0] for text in model.fill_mask(hidden, topn=1) for pairs in text
        ]
        right += [a == g for a, g in zip(answers, guesses, strict=True)]
    rows = {
        "MaskedLanguageModel": {
            "perplexity": float(np.exp(-found.mean(dtype=np.float64))),
            "first answer right": float(np.mean(right)),
            "fit seconds": elapsed,
            "of the processor": of_processor,
        },
        "bigrams of both sides": bigrams(train, test, known, sizes),
    }
    counts = np.bincount(
        np.concatenate(as_numbers(train, known)), minlength=len(known) + 1
    )
    shares = np.log((counts + 1) / (counts + 1).sum())
    rows["unigram"] = {"perplexity": float(np.exp(-shares[words].mean()))}
    baseline = rows["bigrams of both sides"]
    return Contest(
        data=name,
        setting=f"hidden words of {len(test)} texts, {len(known)} words",
        quality=rows,
        targets=(
            Target("perplexity", at_most=baseline["perplexity"]),
            Target("first answer right", at_least=baseline["first answer right"]),
            Target("fit seconds", at_most=600),
        ),
        notes=(
            "Each token is hidden once, together with about a seventh of the others. "
            "Unknown words are one word, which is never an answer of fill_mask.",
        ),
    )


def bigrams(train, test, vocabulary: dict, sizes: Sizes) -> dict:
    """The same figures of a mixture of bigrams, whose exponents are fitted."""
    n_held_out = max(1, len(train) // 20)
    parts = as_numbers(train, vocabulary)
    left, right, words = neighbors(parts[-n_held_out:], len(vocabulary) + 1)
    chosen = np.random.RandomState(0).permutation(len(words))[: sizes.n_held_out]
    held_out = left[chosen], right[chosen], words[chosen]
    model = TwoSidedBigram(len(vocabulary) + 1).fit(parts[:-n_held_out], held_out)
    left, right, words = neighbors(as_numbers(test, vocabulary), len(vocabulary) + 1)
    total = n_right = 0
    for part, logs in model.log_probabilities(left, right):
        answers = words[part]
        total += logs[np.arange(len(answers)), answers].sum()
        guesses = logs[:, : len(vocabulary)].argmax(axis=1)
        n_right += (guesses == answers).sum()
    return {
        "perplexity": float(np.exp(-total / len(words))),
        "first answer right": float(n_right / len(words)),
    }


def neighbors(documents: list[np.ndarray], boundary: int):
    """Neighbors of each word as they are shown while it is hidden, and the word."""
    found = []
    for document in documents:
        groups = np.concatenate([[-1], hidden_groups(len(document)), [-1]])
        words = np.concatenate([[boundary], document, [boundary]])
        here = slice(1, len(words) - 1)
        sides = [
            np.where(groups[side] == groups[here], TwoSidedBigram.HIDDEN, words[side])
            for side in (slice(0, len(words) - 2), slice(2, len(words)))
        ]
        found.append([*sides, document])
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


# -- neighboring sentences -------------------------------------------------------------


def as_sentences(words: list[str]) -> list[list[str]]:
    """A document as lists of words; made-up ones have sentences of six."""
    if END not in words:
        return [words[start : start + 6] for start in range(0, len(words), 6)]
    found = [[]]
    for word in words:
        if word == END:
            found.append([])
        else:
            found[-1].append(word)
    return found[:-1]


def sentences(documents, name: str, sizes: Sizes) -> Contest:
    """Shares of right answers about held-out documents."""
    test = documents[9::10]
    train = [document for i, document in enumerate(documents) if i % 10 != 9]
    rows = {}
    for task in ("neighbor", "next", "order"):
        progress(f"language: {name}; sentences, {task}")
        model = SentenceEmbedding(
            task=task, max_epochs=sizes.sentence_epochs, random_state=0
        )
        start, started = process_time(), perf_counter()
        model.fit(train)
        rows[f"SentenceEmbedding, {task}"] = {
            "right": model.score(test),
            "fit seconds": perf_counter() - started,
            "of the processor": process_time() - start,
        }
    words = [list(chain.from_iterable(document)) for document in train]
    for pooling in ("mean", "idf"):
        model = PMIEmbedding(
            sizes.word_components, pooling=pooling, random_state=0
        ).fit(words)
        vectors = [model.transform(document) for document in test]
        rows[f"cosines of PMIEmbedding, {pooling}"] = {"right": told_by_cosine(vectors)}
    return Contest(
        data=name,
        setting=f"neighboring sentences of every tenth of {len(documents)} documents",
        quality=rows,
        targets=(
            Target("right", at_least=0.82, contestant="SentenceEmbedding, neighbor"),
            Target("right", at_least=0.60, contestant="SentenceEmbedding, order"),
        ),
        notes=(
            "neighbor and cosines: how often the next sentence is nearer than a random "
            "one of the test documents. next: whether a sentence is the next one, half "
            "of them being random. order: whether two neighbors are swapped, half of "
            "them being so.",
        ),
    )


def told_by_cosine(vectors: list[np.ndarray]) -> float:
    """How often the next sentence has a larger cosine than a random one."""
    vectors = [
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        for rows in vectors
    ]
    first = np.concatenate([rows[:-1] for rows in vectors])
    second = np.concatenate([rows[1:] for rows in vectors])
    random = second[np.random.RandomState(0).permutation(len(second))]
    true, other = (first * second).sum(1), (first * random).sum(1)
    return float(np.mean((true > other) + 0.5 * (true == other)))
