"""Captions: texts as the second view, one or several for each item."""

from collections.abc import Mapping, Set
from numbers import Number
from textwrap import shorten
from typing import NamedTuple

import numpy as np

from sklearn_replearn._missing import is_missing
from sklearn_replearn._warnings import warn


class Captions(NamedTuple):
    """The captions of items.

    Attributes
    ----------
    texts : list of str, or of lists of str
        Of all items, one after another.
    counts : ndarray of int, of shape (n_items,)
        How many captions each item has, at least one.
    tokenized : bool
        Whether they are lists of tokens.
    """

    texts: list
    counts: np.ndarray
    tokenized: bool

    def item_of(self, caption):
        """Number of the item that a caption belongs to."""
        return int(np.searchsorted(self.counts.cumsum(), caption, side="right"))

    def named(self, caption):
        """A caption with its place, for messages."""
        item = self.item_of(caption)
        return f"y[{item}] ({shorten(repr(self.texts[caption]), 50)})"


def holds_texts(y):
    """Whether a second view has texts, rather than numbers."""
    if isinstance(y, str | bytes):
        raise ValueError(
            f"y is a single {type(y).__name__}, but one caption for each item is "
            "expected; pass [y] for one item."
        )
    if isinstance(y, Mapping | Set) or hasattr(y, "__next__"):
        raise ValueError(
            f"y is a {type(y).__name__}, but the captions of all items are expected in "
            "their order; pass a list."
        )
    if not hasattr(y, "columns") and hasattr(y, "__array__"):
        y = np.asarray(y)
    if getattr(y, "ndim", 1) != 1 or hasattr(y, "columns"):
        _refuse_table_of_texts(y)
        return False
    try:
        items = iter(y)
    except TypeError:
        raise ValueError(
            f"y is of type {type(y).__name__}, but the second view of each row of X is "
            "expected: texts, a table or images."
        ) from None
    position = -1
    for position, item in enumerate(items):
        inner = _as_list(item)
        while isinstance(inner, list | tuple) and len(inner):
            inner = _as_list(inner[0])
        if isinstance(inner, str | bytes):
            return True
        if isinstance(inner, Number | np.ndarray):
            return False
        if not (isinstance(inner, list | tuple) or is_missing(inner)):
            raise ValueError(
                f"y[{position}] is of type {type(item).__name__}, but the second view "
                "of a row is a text, numbers or an image."
            )
    if position < 0:
        raise ValueError("y is empty; pass the second view of one row at least.")
    return False


def _refuse_table_of_texts(y):
    kinds = {y.dtype.kind} if hasattr(y, "dtype") else set()
    if hasattr(y, "columns"):
        kinds = {np.asarray(y[name][:1]).dtype.kind for name in y.columns}
    if kinds & {"U", "S"} or (kinds == {"O"} and _first_is_text(y)):
        raise ValueError(
            f"y has shape {np.shape(y)} and holds texts, which form a single column; "
            "pass that column, such as y['caption'], or a list of captions for each "
            "item if there are several."
        )


def _first_is_text(y):
    values = np.asarray(y).ravel()
    return len(values) > 0 and isinstance(values[0], str)


def read_captions(y):
    """The captions of a second view.

    Parameters
    ----------
    y : iterable of str, or of lists of str or of lists of tokens
        An item is a caption, or a list of captions.

    Raises
    ------
    ValueError
        If an item is neither, or has no caption, or if strings are mixed with lists of
        tokens; the message names the item.
    """
    texts, counts, tokenized = [], [], None
    for position, item in enumerate(y):
        captions = [item] if isinstance(item, str) else _as_list(item)
        if not isinstance(captions, list | tuple):
            raise ValueError(_no_caption(position, item))
        if not len(captions):
            raise ValueError(
                f"y[{position}] is an empty list, but an item needs at least one "
                "caption; leave the item out, or pass [] inside for an empty one."
            )
        for caption in captions:
            caption = str(caption) if isinstance(caption, str) else _as_list(caption)
            if not isinstance(caption, str):
                _check_tokens(position, caption)
            is_tokenized = not isinstance(caption, str)
            if tokenized is None:
                tokenized = is_tokenized
            elif tokenized != is_tokenized:
                raise ValueError(
                    f"y[{position}] has a caption that is a "
                    f"{'list of tokens' if is_tokenized else 'string'}, but captions "
                    f"before it are {'lists of tokens' if tokenized else 'strings'}; "
                    "all must be of one kind."
                )
            texts.append(caption)
        counts.append(len(captions))
    return Captions(texts, np.array(counts, dtype=np.int64), bool(tokenized))


def sums_of_items(vectors, counts):
    """The sum of the vectors of the captions of each item.

    Parameters
    ----------
    vectors : ndarray of shape (n_captions, n_components)
    counts : ndarray of int, of shape (n_items,)
        How many captions each item has, at least one.

    Returns
    -------
    sums : ndarray of shape (n_items, n_components)
    """
    return np.add.reduceat(vectors, counts.cumsum() - counts, axis=0)


def _as_list(item):
    """A list of an array, or of a pandas or polars column; anything else as it is."""
    if isinstance(item, np.ndarray) and item.ndim:
        return item.tolist()
    return item.to_list() if hasattr(item, "to_list") else item


def _no_caption(position, item):
    what, mend = f"of type {type(item).__name__}", "pass a string, or a list of strings"
    if is_missing(item):
        what, mend = f"missing ({item!r})", "leave the item out of X and y"
    elif isinstance(item, bytes):
        what, mend = "bytes", "decode it to a string"
    elif isinstance(item, Number):
        what, mend = f"a number ({item!r})", "pass str(number) if it is a word"
    return f"y[{position}] is {what}, but a caption is text; {mend}."


def _check_tokens(position, caption):
    if not isinstance(caption, list | tuple):
        raise ValueError(_no_caption(position, caption))
    for token in caption:
        if not isinstance(token, str):
            raise ValueError(
                f"y[{position}] has a caption with the token {token!r}, which is not a "
                "string; an item is a caption, a list of captions, or a list of lists "
                "of tokens."
            )


def warn_of_tokens_as_captions(captions):
    """Warn if an item seems to be a list of tokens, which is read as captions."""
    if captions.tokenized or captions.counts.max() < 2:
        return
    if all(len(text.split()) < 2 for text in captions.texts):
        warn(
            "All captions of y are single words: a list of strings is a list of "
            "captions here; pass [tokens] for one caption of tokens."
        )


def warn_of_duplicates(captions, groups):
    """Warn if items of different groups have one caption, and are negatives.

    Parameters
    ----------
    captions : Captions
    groups : ndarray of shape (n_items,) or None
        ``None`` if each item is a group.
    """
    first, found = {}, []
    items = np.arange(len(captions.counts))
    groups = items if groups is None else groups
    for item, text in zip(items.repeat(captions.counts), captions.texts, strict=True):
        key = tuple(text) if captions.tokenized else text
        other = first.setdefault(key, item)
        if groups[other] != groups[item]:
            found.append((other, item, text))
    if found:
        other, item, text = found[0]
        them = "1 caption is" if len(found) == 1 else f"{len(found)} captions are"
        warn(
            f"{them} also of another item, such as "
            f"{shorten(repr(text), 50)} of y[{other}] and y[{item}], which are told "
            "apart in training; pass one of `groups` for items that belong together, "
            "or other captions."
        )


def refuse_unknown(captions, is_unknown, reason):
    """Raise if captions to learn from have no known word.

    Parameters
    ----------
    captions : Captions
    is_unknown : ndarray of bool, of shape (n_captions,)
    reason : str
    """
    if is_unknown.any():
        raise ValueError(
            f"{captions.named(is_unknown.argmax())} has {reason}, so that there is "
            "nothing to learn from; leave the item out, or give it another caption."
        )


def warn_of_unknown(captions, is_unknown):
    """Warn that captions have no known word, and therefore vectors of zeros."""
    if is_unknown.any():
        warn(
            f"{is_unknown.sum()} of {len(is_unknown)} captions have no known word, "
            f"such as {captions.named(is_unknown.argmax())}; their vectors are zero."
        )
