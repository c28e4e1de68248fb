"""From documents to token ids: splitting, stop words and the vocabulary."""

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from textwrap import shorten
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from sklearn_replearn._documents import bad_token, stream_documents

#: Token ids that are worked on at a time.
IDS_AT_A_TIME = 1_000_000


class TokenIds(NamedTuple):
    """Documents as numbers.

    Attributes
    ----------
    ids : ndarray of shape (n_tokens,), int32
        Rows of the vocabulary, one document after another.
    ends : ndarray of shape (n_documents,), int64
        Where each document ends in `ids`.
    """

    ids: np.ndarray
    ends: np.ndarray

    @property
    def lengths(self):
        """Number of tokens of each document."""
        return np.diff(self.ends, prepend=0)


def make_splitter(tokenizer, lowercase, token_pattern):
    """A function from one string to its tokens."""
    if tokenizer is None:
        split = _compile(token_pattern).findall
    else:
        split = partial(_tokenize, tokenizer)
    if not lowercase:
        return split
    return lambda document: split(document.lower())


def _compile(token_pattern):
    try:
        pattern = re.compile(token_pattern)
    except re.error as error:
        raise ValueError(
            f"token_pattern={token_pattern!r} is not a regular expression: {error}."
        ) from None
    if pattern.groups > 1:
        raise ValueError(
            f"token_pattern={token_pattern!r} has {pattern.groups} capturing groups, "
            "but only one can be the token; write the others as (?:...)."
        )
    return pattern


def _tokenize(tokenizer, document):
    """What a user's tokenizer makes of a string, if it is a list of strings."""
    tokens = tokenizer(document)
    if isinstance(tokens, Iterable) and not isinstance(tokens, str):
        tokens = list(tokens)
        if all(isinstance(token, str) for token in tokens):
            return tokens
    raise ValueError(
        f"The tokenizer returned {shorten(repr(tokens), 60)} for the string "
        f"{shorten(repr(document), 60)}; it must return a list of strings."
    )


def as_stop_words(stop_words):
    """The stop words as a set."""
    if stop_words is None:
        return frozenset()
    if isinstance(stop_words, str):  # "english", the one list that there is
        return ENGLISH_STOP_WORDS
    for word in stop_words:
        if not isinstance(word, str):
            raise ValueError(f"stop_words holds {word!r}, which is not a string.")
    return frozenset(stop_words)


def read_tokens(X, split):
    """The documents of X as tokens, one after another, and whether X had them so.

    Parameters
    ----------
    X : iterable of str, or of lists of str
    split : callable
        From a string to its tokens; not used on lists. That these hold strings only is
        seen to by :func:`number_words`.
    """
    documents, tokenized = stream_documents(X, check_tokens=False)
    return (documents if tokenized else map(split, documents)), tokenized


def number_words(documents):
    """Number the distinct words of documents in order of appearance.

    Parameters
    ----------
    documents : iterable of lists of str
        Read once; only numbers are kept.

    Returns
    -------
    words : list of str
    tokens : TokenIds
    """
    numbers = defaultdict()
    numbers.default_factory = numbers.__len__  # a new word, a new number
    ids, ends = array("i"), array("q")
    for document in documents:
        try:
            ids.extend(map(numbers.__getitem__, document))
        except TypeError:  # a token that is not even hashable
            token = next(token for token in document if not isinstance(token, str))
            raise bad_token(len(ends), token) from None
        ends.append(len(ids))
    tokens = TokenIds(_as_array(ids), _as_array(ends))
    for word, number in numbers.items():  # far fewer than there are tokens
        if not isinstance(word, str):
            first = np.flatnonzero(tokens.ids == number)[0]
            document = np.searchsorted(tokens.ends, first, side="right")
            raise bad_token(document, word)
    return list(numbers), tokens


def look_up_words(documents, vocabulary):
    """Ids of the known words of documents; the unknown ones are left out.

    Returns
    -------
    tokens : TokenIds
    """
    words, tokens = number_words(documents)
    rows = np.array([vocabulary.get(word, -1) for word in words], dtype=np.int32)
    return renumber(tokens, rows)


def select_words(words, tokens, *, min_count, max_vocabulary, stop_words):
    """Keep the frequent words, most frequent first.

    Parameters
    ----------
    words : list of str
    tokens : TokenIds
        Of documents, by positions in `words`; overwritten.
    min_count : int
        Occurrences that a word needs to be kept.
    max_vocabulary : int or None
        The most words to keep.
    stop_words : set of str
        Words to leave out.

    Returns
    -------
    words : list of str
        By decreasing number of occurrences.
    counts : ndarray of shape (n_words,)
        Their occurrences.
    tokens : TokenIds
        The documents without the words that were left out.
    """
    n_documents = len(tokens.ends)
    counts = np.zeros(len(words), dtype=np.int64)
    for part in _parts(tokens.ids):
        counts += np.bincount(part, minlength=len(words))
    if stop_words:
        allowed = np.array([word not in stop_words for word in words], dtype=bool)
        counts = np.where(allowed, counts, 0)
    if not counts.any():
        raise ValueError(
            f"None of the {n_documents} documents has a word: they are empty, or hold "
            "only stop words and what the tokenizer does not take for a word."
        )
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= max(min_count, 1)][:max_vocabulary]
    if not len(order):
        top = counts.argmax()
        raise ValueError(
            f"No word occurs min_count={min_count} times in the "
            f"n_samples={n_documents} documents: the most frequent, {words[top]!r}, "
            f"occurs {counts[top]} times; lower min_count."
        )
    rows = np.full(len(words), -1, dtype=np.int32)
    rows[order] = np.arange(len(order), dtype=np.int32)
    words = [words[number] for number in order]
    return words, counts[order], renumber(tokens, rows)


def renumber(tokens, rows):
    """Give token i the id ``rows[i]``, or leave it out where that is negative.

    The ids given are overwritten, so that a large corpus is not held twice.
    """
    ids, ends = tokens.ids, tokens.ends.copy()
    start = n_kept = 0
    for part in _parts(ids):
        new = rows[part]
        kept = new >= 0
        first, last = np.searchsorted(tokens.ends, [start, start + len(part)], "right")
        in_part = tokens.ends[first:last] - start
        ends[first:last] = n_kept + np.append(0, np.cumsum(kept))[in_part]
        new = new[kept]
        ids[n_kept : n_kept + len(new)] = new
        start, n_kept = start + len(part), n_kept + len(new)
    return TokenIds(ids[:n_kept], ends)


def _parts(ids):
    """Views of an array one after another, so that what is made of them is small."""
    for start in range(0, len(ids), IDS_AT_A_TIME):
        yield ids[start : start + IDS_AT_A_TIME]


def _as_array(numbers):
    """A view of an ``array.array``."""
    return np.frombuffer(numbers, dtype=numbers.typecode)
