"""The n-grams that the benchmark compares language models with, against loops."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from benchmarks._kneser_ney import KneserNey, discounts_of
from benchmarks._two_sided_bigram import TwoSidedBigram

N_WORDS = 6


def draw(n_documents, seed):
    """Documents in which each word depends on the one before it."""
    rng = np.random.default_rng(seed)
    shares = np.random.default_rng(9).dirichlet(np.full(N_WORDS, 0.4), size=N_WORDS)
    documents = []
    for length in rng.integers(0, 15, size=n_documents):
        words = [0]
        for _ in range(length):
            words.append(rng.choice(N_WORDS, p=shares[words[-1]]))
        documents.append(np.array(words[1:], dtype=int))
    return documents


TRAIN, TEST = draw(30, seed=0), draw(8, seed=1)


class SlowKneserNey:
    """Counts in dicts, and the formula as a recursion."""

    def __init__(self, order, documents):
        self.order = order
        streams = [[N_WORDS, *document.tolist()] for document in documents]
        self.counts = []
        for length in range(1, order + 1):
            if length == order:
                grams = self._grams(streams, length)
            else:
                grams = {gram[1:]: set() for gram in self._grams(streams, length + 1)}
                for gram in self._grams(streams, length + 1):
                    grams[gram[1:]].add(gram[0])
                grams = [gram for gram, words in grams.items() for _ in words]
            counts = Counter(gram for gram in grams if gram[-1] != N_WORDS)
            by_history = defaultdict(dict)
            for gram, count in counts.items():
                by_history[gram[:-1]][gram[-1]] = count
            all_counts = np.array(list(counts.values()))
            self.counts.append((by_history, discounts_of(all_counts)))

    @staticmethod
    def _grams(streams, length):
        return [
            tuple(stream[end - length : end])
            for stream in streams
            for end in range(length, len(stream) + 1)
        ]

    def probability(self, word, history):
        if history is None:
            return 1 / N_WORDS
        shorter = history[1:] if history else None
        lower = self.probability(word, shorter)
        by_history, discounts = self.counts[len(history)]
        behind = by_history.get(history)
        if behind is None:
            return lower
        total = sum(behind.values())
        own = behind.get(word, 0)
        own -= discounts[min(own, 3)]
        rest = sum(discounts[min(count, 3)] for count in behind.values())
        return own / total + rest / total * lower

    def probabilities(self, documents):
        found = []
        for document in documents:
            stream = [N_WORDS, *document.tolist()]
            for place in range(1, len(stream)):
                start = max(0, place - self.order + 1)
                history = tuple(stream[start:place])
                found.append(self.probability(stream[place], history))
        return np.array(found)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_by_loop(order):
    model = KneserNey(order, N_WORDS).fit(TRAIN)
    expected = SlowKneserNey(order, TRAIN).probabilities(TEST)
    np.testing.assert_allclose(model.probabilities(TEST), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_sum_to_one(order):
    model = KneserNey(order, N_WORDS).fit(TRAIN)
    for before in ([], [2], [1, 3, 3]):
        texts = [np.array([*before, word]) for word in range(N_WORDS)]
        total = sum(model.probabilities([text])[-1] for text in texts)
        assert total == pytest.approx(1, rel=1e-12)


def test_discounts():
    counts = np.repeat([1, 2, 3, 4, 7], [10, 6, 4, 3, 2])
    y = 10 / (10 + 2 * 6)
    expected = [0, 1 - 2 * y * 6 / 10, 2 - 3 * y * 4 / 6, 3 - 4 * y * 3 / 4]
    np.testing.assert_allclose(discounts_of(counts), expected)
    np.testing.assert_allclose(discounts_of(np.array([1, 1])), [0, 0.5, 0.5, 0.5])


def test_a_word_from_both_neighbors():
    left = np.concatenate([[N_WORDS, *document] for document in TEST])
    right = np.concatenate([[*document, N_WORDS] for document in TEST])
    words = left[1:].clip(max=N_WORDS - 1)
    sides = left[:-1], right[1:]
    model = TwoSidedBigram(N_WORDS).fit(TRAIN, (*sides, words))
    hidden = np.full_like(words, TwoSidedBigram.HIDDEN)
    losses = []
    for pair in (sides, (sides[0], hidden), (hidden, hidden)):
        logs = np.concatenate([part for _, part in model.log_probabilities(*pair)])
        np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-10)
        losses.append(-logs[np.arange(len(words)), words].mean())
    assert losses == sorted(losses)
