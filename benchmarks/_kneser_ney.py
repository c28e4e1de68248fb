"""Interpolated Kneser-Ney smoothing of n-grams, and a bigram of both sides."""

import numpy as np


class KneserNey:
    """Probabilities of the next word by interpolated Kneser-Ney.

    With c the counts of n-grams (of the highest order: how often they occur; of the
    others: how many words they occur behind), D(c) the discount of a count, and h' the
    history h without its first word,

        p(w | h) = (c(hw) - D(c(hw))) / c(h.) + sum_v D(c(hv)) / c(h.) p(w | h')

    and below the first order all words have equal probabilities. The discounts of
    1, of 2 and of more follow from the numbers of n-grams with counts of 1 to 4
    (S. Chen and J. Goodman, "An empirical study of smoothing techniques for language
    modeling", Computer Speech and Language 13, 1999).

    Parameters
    ----------
    order : int
    n_words : int
        Words are numbers below it. The number `n_words` itself is the boundary before a
        document, which is part of histories and never predicted.
    """

    def __init__(self, order: int, n_words: int):
        self.order = order
        self.n_words = n_words

    def fit(self, documents: list[np.ndarray]):
        stream, reach = self._lay_out(documents)
        self.keys, numbers = [], np.zeros(len(stream), dtype=np.int64)
        firsts, grams = [], []  # of each n-gram, a place; of each place, its n-gram
        for order in range(1, self.order + 1):
            keys = self._key(numbers, stream)
            ends = np.flatnonzero(reach >= order)
            known, first, inverse = np.unique(
                keys[ends], return_index=True, return_inverse=True
            )
            numbers = np.full(len(stream), -1)
            numbers[ends] = inverse
            self.keys.append(known)
            firsts.append(ends[first])
            grams.append(numbers)
        self.counts = []
        for order in range(self.order):
            n_grams = len(self.keys[order])
            if order + 1 < self.order:
                places = firsts[order + 1]  # one for each word before
            else:
                places = np.flatnonzero(grams[order] >= 0)
            places = places[stream[places] != self.n_words]
            counts = np.bincount(grams[order][places], minlength=n_grams)
            self.counts.append(counts)
        self._sum_up(stream, firsts, grams)
        return self

    def _sum_up(self, stream, firsts, grams):
        """Discounts, and for each history the sums of its counts and discounts."""
        self.discounts, self.totals, self.rests = [], [], []
        for order in range(self.order):
            counts, places = self.counts[order], firsts[order]
            discounts = discounts_of(counts)[counts.clip(max=3)]
            self.discounts.append(discounts)
            histories = np.zeros(len(counts), dtype=np.int64)
            n_histories = 1
            if order:
                histories = grams[order - 1][places - 1]
                n_histories = len(self.keys[order - 1])
            self.totals.append(np.bincount(histories, counts, n_histories))
            self.rests.append(np.bincount(histories, discounts, n_histories))

    def probabilities(self, documents: list[np.ndarray]) -> np.ndarray:
        """The probability of each word of documents, one after another."""
        stream, reach = self._lay_out(documents)
        is_word = stream != self.n_words
        result = np.full(len(stream), 1 / self.n_words)
        history = np.zeros(len(stream), dtype=np.int64)  # the n-gram before, or -1
        numbers = np.zeros(len(stream), dtype=np.int64)
        for order in range(1, self.order + 1):
            usable = (reach >= order) & (history >= 0)
            keys = self._key(numbers, stream)
            place = np.searchsorted(self.keys[order - 1], keys)
            place = place.clip(max=len(self.keys[order - 1]) - 1)
            found = usable & (self.keys[order - 1][place] == keys)
            counts = self.counts[order - 1] - self.discounts[order - 1]
            counts = np.where(found, counts[place], 0)
            at = np.where(usable, history, 0)
            totals = np.where(usable, self.totals[order - 1][at], 0)
            seen = totals > 0
            own = counts / np.where(seen, totals, 1)
            rest = self.rests[order - 1][at] / np.where(seen, totals, 1)
            result = np.where(seen, own + rest * result, result)
            numbers = np.where(found, place, -1)
            history = np.append(-1, numbers[:-1])
        return result[is_word]

    def _lay_out(self, documents):
        """Documents behind boundaries, and how long an n-gram may be at each place."""
        parts = [np.append(self.n_words, document) for document in documents]
        reach = [np.arange(1, len(part) + 1) for part in parts]
        return np.concatenate(parts).astype(np.int64), np.concatenate(reach)

    def _key(self, numbers, stream):
        """Number of the n-gram that ends at each place, by the one before and a word.

        Unique where there is one; of places without, it is below 0.
        """
        before = np.append(0, numbers[:-1]) if len(numbers) else numbers
        return before * (self.n_words + 1) + stream


def discounts_of(counts: np.ndarray) -> np.ndarray:
    """Discounts of the counts 0, 1, 2, and 3 or more."""
    n = np.bincount(counts.clip(max=5), minlength=6).astype(float)
    if not n[1:4].all():  # hardly any n-grams
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n[1] / (n[1] + 2 * n[2])
    found = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
    return np.clip([0.0, *found], 0, [0, 1, 2, 3])
