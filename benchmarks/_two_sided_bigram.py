"""A word from its two neighbors: a log-linear mixture of bigrams of both sides."""

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

#: Predictions for all words that are made at a time.
AT_A_TIME = 256


class TwoSidedBigram:
    """p(w | l, r) in proportion to p(w | l)^a p(w | r)^b p(w)^c.

    The bigrams are smoothed by interpolated Kneser-Ney, and a, b and c are those that
    make held-out words most probable. In place of a neighbor that is hidden, too, and
    beyond a document, there is p(w) and the number `n_words`, the boundary.

    Parameters
    ----------
    n_words : int
        Words are numbers below it.
    """

    HIDDEN = -1

    def __init__(self, n_words: int):
        self.n_words = n_words

    def fit(self, documents: list[np.ndarray], held_out: tuple):
        """Count pairs in documents, and choose the exponents by held-out words.

        Parameters
        ----------
        documents : list of ndarray
        held_out : tuple (left, right, words)
            Of some places.
        """
        n = self.n_words
        parts = [np.concatenate([[n], document, [n]]) for document in documents]
        first = np.concatenate([part[:-1] for part in parts])
        second = np.concatenate([part[1:] for part in parts])
        counts = np.bincount(first[first < n], minlength=n) + 1.0
        self.log_shares = np.log(counts / counts.sum())
        self.left = self._conditional(first, second)
        self.right = self._conditional(second, first)
        sides = self._sides(*held_out[:2])
        rows = np.arange(len(held_out[2])), held_out[2]

        def loss(exponents):
            return -self._mix(sides, exponents)[rows].mean()

        found = minimize(loss, [0.8, 0.8, -0.5], method="Nelder-Mead", tol=1e-3)
        self.exponents = found.x
        return self

    def log_probabilities(self, left, right):
        """Of all words at places with these neighbors, some places at a time."""
        for start in range(0, len(left), AT_A_TIME):
            part = slice(start, start + AT_A_TIME)
            yield part, self._mix(self._sides(left[part], right[part]), self.exponents)

    def _conditional(self, given, words):
        """Discounted shares of words by neighbor, the rest, and what it goes to."""
        n = self.n_words
        kept = words < n
        pairs = sparse.coo_array(
            (np.ones(kept.sum()), (given[kept], words[kept])), shape=(n + 1, n)
        ).tocsr()
        once, twice = ((pairs.data == count).sum() for count in (1, 2))
        discount = once / (once + 2 * twice) if once else 0.5
        totals = np.maximum(pairs.sum(axis=1), 1)
        n_kinds = np.diff(pairs.indptr)
        behind = np.bincount(pairs.indices, minlength=n) + 0.1
        rest = np.where(n_kinds > 0, discount * n_kinds / totals, 1.0)
        pairs.data -= discount
        own = sparse.diags_array(1 / totals) @ pairs
        return own.tocsr(), rest, behind / behind.sum()

    def _sides(self, left, right):
        return [
            self._log_conditional(model, given)
            for model, given in ((self.left, left), (self.right, right))
        ]

    def _log_conditional(self, model, given):
        own, rest, shares = model
        at = np.where(given == self.HIDDEN, 0, given)
        found = np.log(own[at].toarray() + rest[at][:, np.newaxis] * shares)
        return np.where((given == self.HIDDEN)[:, np.newaxis], self.log_shares, found)

    def _mix(self, sides, exponents):
        a, b, c = exponents
        logits = a * sides[0] + b * sides[1] + c * self.log_shares
        top = logits.max(axis=1, keepdims=True)
        return logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
