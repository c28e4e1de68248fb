"""Word vectors against human judgement: similarity of pairs, and analogies."""

from collections.abc import Mapping, Set
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._word_scores import analogy_scores, as_units

_BLOCK_SIZE = 10_000_000  # numbers in a block of scores: 80 megabytes in float64


class WordScore(NamedTuple):
    """A score, and on how many rows it rests; ``float()`` gives the score alone."""

    score: float
    n_covered: int

    def __float__(self):
        return self.score


def word_similarity(estimator, pairs):
    """Rank correlation of cosines with human judgement.

    People have scored how similar, or how related, the words of each pair are
    ([1]_, [2]_). The score is Spearman's correlation between these numbers and the
    cosines of the word vectors: 1 if both order the pairs alike, about 0 if the
    vectors say nothing.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted estimator of word vectors, with `vocabulary_` and `embed_words`, such
        as :class:`~sklearn_replearn.text.LSA`. Of a pipeline, the first step with
        `embed_words` is asked.
    pairs : sequence, array or DataFrame of shape (n_pairs, 3)
        Rows (word, word, score). Scores are finite numbers, or strings that read as
        numbers (which is what an array of strings holds), larger for more similar.

    Returns
    -------
    result : namedtuple of (score, n_covered)
        The correlation, in [-1, 1], and the number of pairs that it rests on.
        ``float(result)`` is the correlation.

    Raises
    ------
    ValueError
        If a row is malformed, if fewer than two pairs have both words in the
        vocabulary, or if all their human scores or all their cosines are equal.
    TypeError
        If the estimator has no word vectors.
    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    make_word_similarity_scorer : The same, for ``scoring=``.

    Notes
    -----
    A word that is not in the vocabulary is looked up in lower case. A pair with an
    unknown word is left out, so compare settings only where `n_covered` agrees. A zero
    vector has the cosine 0 with every other. Cosines that differ by less than about
    1e-12 count as equal.

    References
    ----------
    .. [1] H. Rubenstein and J. B. Goodenough, "Contextual correlates of synonymy",
       Communications of the ACM 8, 1965.
    .. [2] L. Finkelstein, E. Gabrilovich, Y. Matias, E. Rivlin, Z. Solan, G. Wolfman
       and E. Ruppin, "Placing search in context: the concept revisited", ACM
       Transactions on Information Systems 20, 2002 (WordSim-353).

    Examples
    --------
    >>> from sklearn_replearn.metrics import word_similarity
    >>> from sklearn_replearn.text import LSA
    >>> documents = [
    ...     "cats and dogs are pets", "dogs chase cats", "pets need care",
    ...     "cats purr", "stocks and bonds fell", "bonds are safe", "stocks rose",
    ...     "banks sell bonds",
    ... ]
    >>> lsa = LSA(n_components=2).fit(documents)
    >>> pairs = [
    ...     ("Cats", "dogs", 9.0), ("stocks", "bonds", 8.0), ("dogs", "banks", 0.5),
    ...     ("cats", "tigers", 7.0),
    ... ]
    >>> result = word_similarity(lsa, pairs)
    >>> round(result.score, 2), result.n_covered
    (1.0, 3)
    """
    return _similarity(estimator, _check_pairs(pairs))


def word_analogy_accuracy(estimator, questions, *, method="add"):
    r"""Share of the analogies that word vectors complete.

    A question is "a is to b as c is to d". The word vectors answer with the word
    :math:`w`, other than a, b and c, of the largest

    .. math:: \cos(w, b) - \cos(w, a) + \cos(w, c)

    (3CosAdd, [1]_), or, with cosines shifted to [0, 1], of the largest

    .. math:: \frac{\cos(w, b) \cos(w, c)}{\cos(w, a) + 0.001}

    (3CosMul, [2]_). They are right if this word is d; of words with equal scores, the
    first in the vocabulary is the answer. The estimators' method `analogy` gives the
    same answers, one at a time.

    Parameters
    ----------
    estimator : estimator or Pipeline
        A fitted estimator of word vectors, with `vocabulary_` and `embed_words`, such
        as :class:`~sklearn_replearn.text.LSA`. Of a pipeline, the first step with
        `embed_words` is asked.
    questions : sequence, array or DataFrame of shape (n_questions, 4 or 5)
        Rows of words (a, b, c, d), or (section, a, b, c, d); sections are not used.
    method : {"add", "multiply"}, default="add"
        3CosAdd or 3CosMul.

    Returns
    -------
    result : namedtuple of (score, n_covered)
        The share of right answers, in [0, 1], and the number of questions that it
        rests on. ``float(result)`` is the share.

    Raises
    ------
    ValueError
        If a row is malformed, if no question has all its words in the vocabulary, or
        if the method is unknown.
    TypeError
        If the estimator has no word vectors.
    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    make_word_analogy_scorer : The same, for ``scoring=``.

    Notes
    -----
    A word that is not in the vocabulary is looked up in lower case. A question with an
    unknown word is left out, so compare settings only where `n_covered` agrees. The
    larger the vocabulary, the harder the questions.

    References
    ----------
    .. [1] T. Mikolov, K. Chen, G. Corrado and J. Dean, "Efficient estimation of word
       representations in vector space", ICLR workshop, 2013.
    .. [2] O. Levy and Y. Goldberg, "Linguistic regularities in sparse and explicit
       word representations", CoNLL 2014.

    Examples
    --------
    >>> from sklearn_replearn.metrics import word_analogy_accuracy
    >>> from sklearn_replearn.text import LSA
    >>> documents = [
    ...     "king throne", "queen throne", "man street", "woman street",
    ...     "king he", "man he", "queen she", "woman she",
    ... ]
    >>> lsa = LSA(n_components=3).fit(documents)
    >>> questions = [
    ...     ("man", "king", "woman", "queen"), ("king", "man", "queen", "woman"),
    ...     ("king", "throne", "queen", "woman"), ("boy", "man", "girl", "woman"),
    ... ]
    >>> result = word_analogy_accuracy(lsa, questions)
    >>> round(result.score, 2), result.n_covered
    (0.67, 3)
    """
    _check_method(method)
    return _analogy_accuracy(estimator, _check_questions(questions), method)


def make_word_similarity_scorer(pairs):
    """Scorer by :func:`word_similarity`, to choose the settings of word vectors.

    Parameters
    ----------
    pairs : sequence, array or DataFrame of shape (n_pairs, 3)
        Rows (word, word, score); checked here, once.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None)`` gives the correlation as a float, for
        ``scoring=`` of ``GridSearchCV`` and ``cross_validate``. It can be pickled.

    Raises
    ------
    ValueError
        If a row is malformed.

    See Also
    --------
    make_word_analogy_scorer : Scorer by analogies.

    Notes
    -----
    The score looks at words, not at the test documents: ``cv=ShuffleSplit(1)``, or a
    few splits, is enough. Settings whose vocabularies cover different numbers of pairs
    are not strictly comparable; :func:`word_similarity` tells the number.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV, ShuffleSplit
    >>> from sklearn_replearn.metrics import make_word_similarity_scorer
    >>> from sklearn_replearn.text import LSA
    >>> documents = 3 * [
    ...     "cats and dogs are pets", "dogs chase cats", "pets need care",
    ...     "cats purr", "stocks and bonds fell", "bonds are safe", "stocks rose",
    ...     "banks sell bonds",
    ... ]
    >>> scorer = make_word_similarity_scorer([
    ...     ("cats", "dogs", 9), ("cats", "pets", 8.5), ("stocks", "bonds", 8),
    ...     ("banks", "bonds", 7), ("pets", "stocks", 1.5), ("dogs", "banks", 1),
    ...     ("purr", "rose", 0.5),
    ... ])
    >>> scorer
    make_word_similarity_scorer(<7 pairs>)
    >>> search = GridSearchCV(
    ...     LSA(), {"n_components": [2, 3, 8]}, scoring=scorer,
    ...     cv=ShuffleSplit(1, test_size=0.1, random_state=1),
    ... )
    >>> search.fit(documents).best_params_
    {'n_components': 3}
    """
    return _WordSimilarityScorer(_check_pairs(pairs))


def make_word_analogy_scorer(questions, *, method="add"):
    """Scorer by :func:`word_analogy_accuracy`, to choose settings of word vectors.

    Parameters
    ----------
    questions : sequence, array or DataFrame of shape (n_questions, 4 or 5)
        Rows (a, b, c, d), or (section, a, b, c, d); checked here, once.
    method : {"add", "multiply"}, default="add"
        3CosAdd or 3CosMul.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None)`` gives the share of right answers as a float,
        for ``scoring=`` of ``GridSearchCV`` and ``cross_validate``. It can be pickled.

    Raises
    ------
    ValueError
        If a row is malformed, or if the method is unknown.

    See Also
    --------
    make_word_similarity_scorer : Scorer by the similarity of pairs.

    Notes
    -----
    The score looks at words, not at the test documents: ``cv=ShuffleSplit(1)``, or a
    few splits, is enough. Settings whose vocabularies cover different numbers of
    questions are not strictly comparable; :func:`word_analogy_accuracy` tells the
    number.

    Examples
    --------
    >>> from sklearn_replearn.metrics import make_word_analogy_scorer
    >>> from sklearn_replearn.text import LSA
    >>> documents = [
    ...     "king throne", "queen throne", "man street", "woman street",
    ...     "king he", "man he", "queen she", "woman she",
    ... ]
    >>> scorer = make_word_analogy_scorer(
    ...     [("man", "king", "woman", "queen"), ("king", "man", "queen", "woman")]
    ... )
    >>> scorer
    make_word_analogy_scorer(<2 questions>, method='add')
    >>> scorer(LSA(n_components=3).fit(documents), documents)
    1.0
    """
    _check_method(method)
    return _WordAnalogyScorer(_check_questions(questions), method)


class _WordSimilarityScorer:
    def __init__(self, pairs):
        self._pairs = pairs

    def __call__(self, estimator, X=None, y=None):
        return float(_similarity(estimator, self._pairs))

    def __repr__(self):
        return f"make_word_similarity_scorer(<{len(self._pairs)} pairs>)"


class _WordAnalogyScorer:
    def __init__(self, questions, method):
        self._questions = questions
        self._method = method

    def __call__(self, estimator, X=None, y=None):
        return float(_analogy_accuracy(estimator, self._questions, self._method))

    def __repr__(self):
        return (
            f"make_word_analogy_scorer(<{len(self._questions)} questions>, "
            f"method={self._method!r})"
        )


def _similarity(estimator, pairs):
    model = _word_model(estimator)
    known = _known_words([words for *words, _ in pairs], model.vocabulary_)
    if not known:
        raise ValueError(_none_covered(pairs, "pairs", "both words", model.vocabulary_))
    n_covered = len(known)
    if n_covered < 2:
        raise ValueError(
            f"Only 1 of the {len(pairs)} pairs has both words in the vocabulary, but a "
            "rank correlation needs at least 2."
        )
    judged = np.array([pairs[row][-1] for row in known])
    first, second = zip(*known.values(), strict=True)
    vectors = np.asarray(model.embed_words([*first, *second]), dtype=np.float64)
    units = as_units(vectors)
    cosines = (units[:n_covered] * units[n_covered:]).sum(axis=1)
    cosines = cosines.round(12)  # so that rounding makes no order among equal ones
    for values, name in ((judged, "human score"), (cosines, "cosine")):
        if (values == values[0]).all():
            raise ValueError(
                f"All {n_covered} pairs in the vocabulary have the same {name} "
                f"({values[0]:g}), so that no rank correlation is defined."
            )
    return WordScore(float(spearmanr(judged, cosines).statistic), n_covered)


def _analogy_accuracy(estimator, questions, method):
    model = _word_model(estimator)
    vocabulary = model.vocabulary_
    known = _known_words(questions, vocabulary)
    if not known:
        raise ValueError(
            _none_covered(questions, "questions", "all four words", vocabulary)
        )
    rows = np.array([[vocabulary[word] for word in words] for words in known.values()])
    vectors = getattr(model, "word_vectors_", None)
    if vectors is None:
        vectors = model.embed_words(sorted(vocabulary, key=vocabulary.get))
    right = _right_answers(np.asarray(vectors), rows, method)
    return WordScore(float(right.mean()), len(rows))


def _right_answers(vectors, rows, method):
    """Whether each question's last word is the answer to its first three.

    Parameters
    ----------
    vectors : ndarray of shape (n_words, n_components)
    rows : ndarray of shape (n_questions, 4)
        Row in `vectors` of each word of each question.
    method : {"add", "multiply"}

    Returns
    -------
    right : ndarray of bool of shape (n_questions,)
    """
    units = as_units(vectors)
    right = np.empty(len(rows), dtype=bool)
    blocks = 1 if method == "add" else 3
    n_at_once = max(1, _BLOCK_SIZE // (blocks * len(units)))
    for start in range(0, len(rows), n_at_once):
        chunk = rows[start : start + n_at_once]
        each = np.arange(len(chunk))
        scores, rounding = (_sums if method == "add" else _ratios)(units, chunk)
        scores[each[:, np.newaxis], chunk[:, :3]] = -np.inf
        expected = scores[each, chunk[:, 3]]
        scores[each, chunk[:, 3]] = -np.inf
        best_other = scores.max(axis=1)
        right[start : start + len(chunk)] = expected > best_other
        # Where rounding may decide, compute as `analogy` does, question by question.
        close = (expected >= best_other - rounding) & (expected > -np.inf)
        close &= expected <= best_other + rounding
        for question in np.flatnonzero(close):
            right[start + question] = _answer(vectors, chunk[question], method)
    return right


def _sums(units, rows):
    """Scores by 3CosAdd, a row a question, and a bound on their rounding errors."""
    a, b, c = (units[rows[:, i]] for i in range(3))
    return (b - a + c) @ units.T, _rounding(units)


def _ratios(units, rows):
    """Scores by 3CosMul, a row a question, and a bound on their rounding errors."""
    # Twice the score of the definition: (1 + cos) / 2 stands once below, twice above.
    given, where = np.unique(rows[:, :3], return_inverse=True)
    shifted = units[given] @ units.T
    shifted += 1
    scores = shifted[where[:, 1]]
    scores *= shifted[where[:, 2]]
    to_a = shifted[where[:, 0]]
    to_a += 0.002
    scores /= to_a
    steepest = (4 + scores.max(axis=1)) / to_a.min(axis=1)
    return scores, _rounding(units) * steepest


def _rounding(units):
    return 64 * np.finfo(units.dtype).eps * np.sqrt(units.shape[1])


def _answer(vectors, rows, method):
    """Whether the last word is the answer, by the very operations of `analogy`."""
    given, expected = rows[:3], rows[3]
    scores = analogy_scores(vectors, as_units(vectors[given]), method)
    scores[given] = -np.inf
    return scores.argmax() == expected


def _word_model(estimator):
    """The estimator, or the first step of a pipeline, that knows words; fitted."""
    steps = [estimator]
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps]
    model = next((step for step in steps if hasattr(step, "embed_words")), None)
    if model is None:
        has = "has no step with" if isinstance(estimator, Pipeline) else "has no"
        raise TypeError(
            f"{type(estimator).__name__} {has} embed_words; pass a fitted estimator of "
            "word vectors, with vocabulary_ and embed_words, or a Pipeline with such a "
            "step."
        )
    if not hasattr(model, "vocabulary_"):
        if hasattr(model, "fit"):
            check_is_fitted(model)
        raise TypeError(
            f"{type(model).__name__} has embed_words but no vocabulary_, the dict of "
            "word to row; both are needed."
        )
    return model


def _known_words(questions, vocabulary):
    """For each row whose words are all known, by number, the words as they are known.

    A word is known as it stands or else in lower case.
    """
    words = {word for row in questions for word in row}
    known_as = {word: word if word in vocabulary else word.lower() for word in words}
    return {
        number: tuple(known_as[word] for word in row)
        for number, row in enumerate(questions)
        if all(known_as[word] in vocabulary for word in row)
    }


def _none_covered(rows, name, needed, vocabulary):
    unknown = next(
        word
        for word in rows[0]
        if word not in vocabulary and word.lower() not in vocabulary
    )
    return (
        f"None of the {len(rows)} {name} has {needed} in the vocabulary of "
        f"{len(vocabulary)} words; {unknown!r}, for one, is not in it."
    )


def _check_method(method):
    if method not in ("add", "multiply"):
        raise ValueError(f"method must be 'add' or 'multiply', got {method!r}.")


def _check_pairs(pairs):
    """Rows (word, word, score), as strings and floats."""
    rows = _as_rows(pairs, "pairs", {3: "(word, word, score)"})
    return [
        (*_check_words(row[:2], number, "pairs"), _check_score(row[2], number))
        for number, row in enumerate(rows)
    ]


def _check_questions(questions):
    """Rows (a, b, c, d), as strings."""
    rows = _as_rows(
        questions, "questions", {4: "(a, b, c, d)", 5: "(section, a, b, c, d)"}
    )
    return [
        _check_words(row[-4:], number, "questions") for number, row in enumerate(rows)
    ]


def _as_rows(table, name, formats):
    """The rows of a table as tuples, all of the first one's length."""
    expected = " or ".join(formats.values())
    if hasattr(table, "columns"):  # of pandas or polars
        table = np.asarray(table, dtype=object)
    if isinstance(table, np.ndarray):
        table = table.tolist()
    if isinstance(table, str | bytes | Mapping | Set) or not hasattr(table, "__iter__"):
        raise ValueError(
            f"{name} is of type {type(table).__name__}, but rows {expected} are "
            "expected."
        )
    rows = list(table)
    if not rows:
        raise ValueError(f"{name} holds no rows; at least one {expected} is needed.")
    for number, row in enumerate(rows):
        where = f"Row {number} of {name}"
        if isinstance(row, str | bytes | Mapping | Set) or not hasattr(row, "__iter__"):
            raise ValueError(f"{where} is {row!r:.60}, but {expected} is expected.")
        rows[number] = row = tuple(row)
        if len(row) not in formats:
            columns = "column" if len(row) == 1 else "columns"
            raise ValueError(
                f"{where} has {len(row)} {columns}, but {expected} is expected."
            )
        if len(row) != len(rows[0]):
            raise ValueError(
                f"{where} has {len(row)} columns, but row 0 has {len(rows[0])}."
            )
    return rows


def _check_words(words, number, name):
    for word in words:
        if not isinstance(word, str):
            raise ValueError(
                f"Row {number} of {name} has {word!r:.60} for a word, which is not a "
                "string."
            )
    return tuple(str(word) for word in words)


def _check_score(score, number):
    try:
        value = float(score)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise ValueError(
            f"Row {number} of pairs has the score {score!r:.60}, which is not a finite "
            "number."
        )
    return value
