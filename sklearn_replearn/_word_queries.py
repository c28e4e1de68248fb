"""Questions to word vectors: similarity, nearest words, analogies."""

from difflib import get_close_matches

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._counts import check_count
from sklearn_replearn._word_scores import analogy_scores, as_units, cosines, largest

#: Above this, only words that begin alike are compared to suggest one.
MANY_WORDS = 50_000


class WordQueriesMixin:
    """Query methods of the estimators that fit one vector a word.

    They need the fitted `vocabulary_`, a dict of word to row, and `word_vectors_`, an
    array of shape (n_words, n_components_).
    """

    def embed_words(self, words):
        """Vectors of single words.

        Parameters
        ----------
        words : str or sequence of str
            Words of the vocabulary.

        Returns
        -------
        vectors : ndarray of shape (n_words, n_components_)
            For a single string, of shape (n_components_,).

        Raises
        ------
        ValueError
            If a word is not in the vocabulary; the message suggests similar ones.
        """
        check_is_fitted(self)
        rows = self._word_rows(_as_list(words))
        vectors = self._vectors_of(rows)
        return vectors[0] if isinstance(words, str) else vectors

    def similarity(self, a, b):
        """Cosine of the angle between the vectors of two words.

        Parameters
        ----------
        a, b : str
            Words of the vocabulary.

        Returns
        -------
        similarity : float
            In [-1, 1]; 0 if either vector is zero.
        """
        first, second = as_units(self.embed_words([a, b]))
        return float(first @ second)

    def most_similar(self, positive, negative=(), topn=10):
        """Words nearest to a sum of word vectors, by cosine similarity.

        Each given word counts as a unit vector, added or subtracted; the given words
        themselves are left out of the answer.

        Parameters
        ----------
        positive : str or sequence of str
            Words to be near to.
        negative : str or sequence of str, default=()
            Words to be far from.
        topn : int, default=10
            How many words to return, at most.

        Returns
        -------
        words : list of (str, float)
            Words with their similarities, nearest first.
        """
        check_is_fitted(self)
        positive, negative = _as_list(positive), _as_list(negative)
        rows = self._word_rows(positive + negative)
        if not rows:
            raise ValueError("most_similar needs at least one word.")
        weights = np.repeat([1.0, -1.0], [len(positive), len(negative)])
        units = as_units(self._vectors_of(rows))
        target = as_units((weights @ units)[np.newaxis])
        vectors, scale = self._scaled_vectors()
        [scores] = cosines(vectors, target, scale)
        return self._best_words(scores, rows, topn)

    def analogy(self, a, b, c, *, method="add", topn=10):
        """Words that answer "a is to b as c is to ...".

        Parameters
        ----------
        a, b, c : str
            Words of the vocabulary.
        method : {"add", "multiply"}, default="add"
            "add" ranks words by cos(w, b) - cos(w, a) + cos(w, c) (3CosAdd, [1]_);
            "multiply" by cos(w, b) cos(w, c) / cos(w, a), with cosines shifted to
            [0, 1] (3CosMul, [2]_).
        topn : int, default=10
            How many words to return, at most.

        Returns
        -------
        words : list of (str, float)
            Words with their scores, best first; a, b and c are left out.

        References
        ----------
        .. [1] T. Mikolov, W. Yih and G. Zweig, "Linguistic regularities in continuous
           space word representations", NAACL 2013.
        .. [2] O. Levy and Y. Goldberg, "Linguistic regularities in sparse and explicit
           word representations", CoNLL 2014.
        """
        check_is_fitted(self)
        if method not in ("add", "multiply"):
            raise ValueError(f"method must be 'add' or 'multiply', got {method!r}.")
        rows = self._word_rows([a, b, c])
        vectors, scale = self._scaled_vectors()
        units = as_units(self._vectors_of(rows))
        scores = analogy_scores(vectors, units, method, scale)
        return self._best_words(scores, rows, topn)

    def to_keyed_vectors(self):
        """The word vectors as gensim's ``KeyedVectors``, words in vocabulary order.

        Returns
        -------
        vectors : gensim.models.KeyedVectors
        """
        check_is_fitted(self)
        from sklearn_replearn._gensim import keyed_vectors

        return keyed_vectors(self._words(), self.word_vectors_)

    def _vectors_of(self, rows):
        """Vectors of some words; to be overridden where all of them cost more."""
        return self.word_vectors_[rows]

    def _scaled_vectors(self):
        """All vectors without the scale of their columns, and this scale."""
        return self.word_vectors_, None

    def _words(self):
        return list(self.vocabulary_)  # which is in the order of rows

    def _word_rows(self, words):
        for word in words:
            if not isinstance(word, str) or word not in self.vocabulary_:
                raise ValueError(
                    f"The word {word!r} is not in the vocabulary"
                    f"{self._suggestion(str(word))}."
                )
        return [self.vocabulary_[word] for word in words]

    def _suggestion(self, word):
        word, candidates = word.lower(), self.vocabulary_
        if len(candidates) > MANY_WORDS:  # comparing takes microseconds a word
            candidates = [
                other
                for other in candidates
                if other[:1].lower() == word[:1] and abs(len(other) - len(word)) < 3
            ]
        close = get_close_matches(word, candidates, n=3)
        if not close:
            return ", nor anything like it; vocabulary_ lists the words"
        return f"; did you mean {' or '.join(map(repr, close))}"

    def _best_words(self, scores, excluded, topn):
        check_count("topn", topn)
        words = self._words()
        order = largest(scores, topn + len(excluded))
        order = order[~np.isin(order, excluded)][:topn]
        return [(words[row], float(scores[row])) for row in order]


def _as_list(words):
    if isinstance(words, str):
        return [words]
    try:
        return list(words)
    except TypeError:
        raise ValueError(
            f"A word or a list of words is expected, got {words!r}."
        ) from None
