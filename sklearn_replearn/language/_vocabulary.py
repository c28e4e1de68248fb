"""The words that a model of language knows."""

from sklearn_replearn._tokens import select_words


def choose_words(words, tokens, *, min_count, vocabulary_size):
    """The most frequent words of texts.

    Parameters
    ----------
    words : list of str
    tokens : TokenIds
        Of texts, by positions in `words`.
    min_count, vocabulary_size : int

    Returns
    -------
    vocabulary : dict
        Row of each word, the most frequent first.
    counts : ndarray of shape (n_words,)
        Their occurrences.
    unknown_share : float
        Share of the tokens that are other words.

    Raises
    ------
    ValueError
        If there is a single word.
    """
    copied = tokens._replace(ids=tokens.ids.copy())
    chosen, counts, _ = select_words(
        words,
        copied,
        min_count=min_count,
        max_vocabulary=vocabulary_size,
        stop_words=frozenset(),
    )
    if len(chosen) < 2:
        raise ValueError(
            f"The vocabulary has a single word, {chosen[0]!r}, and there is nothing to "
            "predict; pass more texts, raise vocabulary_size or lower min_count."
        )
    vocabulary = {word: row for row, word in enumerate(chosen)}
    return vocabulary, counts, float(1 - counts.sum() / len(tokens.ids))
