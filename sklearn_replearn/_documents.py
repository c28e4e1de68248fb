"""Documents: strings, or lists of tokens."""

import numbers
from collections.abc import Iterator, Mapping, Set
from itertools import chain

import numpy as np
from scipy import sparse

from sklearn_replearn._missing import is_missing


def check_documents(X):
    """List the documents of X, each a string or each a list of tokens.

    Parameters
    ----------
    X : iterable of str, or of sequences of str

    Returns
    -------
    documents : list
    tokenized : bool
        Whether the documents are lists of tokens.

    Raises
    ------
    ValueError
        If X is one string or a table, is empty, mixes strings and lists, or holds
        anything else; the message names the document.
    """
    documents, tokenized = stream_documents(X)
    return list(documents), tokenized


def stream_documents(X, *, check_tokens=True):
    """The documents of X one by one, and whether they are lists of tokens.

    As :func:`check_documents`, but nothing is kept: each document is checked when its
    turn comes. With ``check_tokens=False`` the caller sees to it that every token is a
    string, and says so by :func:`bad_token`.
    """
    if isinstance(X, str | bytes):
        raise ValueError(
            "X is a single string, but a list of documents is expected; pass [X] for "
            "one document."
        )
    if isinstance(X, Mapping | Set):
        raise ValueError(
            f"X is a {type(X).__name__}, but a list of documents is expected; pass "
            "the texts in it alone, such as X['data']."
        )
    if sparse.issparse(X):
        raise ValueError(
            "X is a matrix of numbers, but raw texts are expected: they are split and "
            "weighed here; leave out the vectorizer before this step."
        )
    if hasattr(X, "columns") or getattr(X, "ndim", 1) != 1:
        raise ValueError(
            f"X has shape {np.shape(X)}, but documents form a single column; pass that "
            "column alone, such as X['text'] (in a ColumnTransformer 'text', not "
            "['text'])."
        )
    try:
        documents = iter(X)
    except TypeError:
        raise ValueError(
            f"X is of type {type(X).__name__}, but a list of documents is expected; "
            "pass strings or lists of tokens."
        ) from None
    try:
        first = next(documents)
    except StopIteration:
        raise ValueError("X holds no documents; at least one is needed.") from None
    tokenized = not isinstance(first, str)
    documents = chain([first], documents)
    return _checked_documents(documents, tokenized, check_tokens), tokenized


def _checked_documents(documents, tokenized, check_tokens):
    needs_no_check = str if not tokenized else None if check_tokens else list
    for position, document in enumerate(documents):
        if type(document) is needs_no_check:
            yield document
            continue
        if isinstance(document, str):
            if tokenized:
                raise ValueError(_mixed_documents(position, "string", "list of tokens"))
            yield document
            continue
        # numpy arrays, and the rows of pandas and polars columns of lists
        tokens = document.tolist() if hasattr(document, "tolist") else document
        tokens = tokens.to_list() if hasattr(tokens, "to_list") else tokens
        if not isinstance(tokens, list | tuple):
            raise ValueError(_not_a_document(position, document))
        if not tokenized:
            raise ValueError(_mixed_documents(position, "list of tokens", "string"))
        if check_tokens and set(map(type, tokens)) - {str}:  # rare: look closer
            for token in tokens:
                if not isinstance(token, str):
                    raise bad_token(position, token)
        yield tokens


def bad_token(position, token):
    """The error that a token of the document at a position is not a string."""
    return ValueError(
        f"Document {position} holds the token {token!r}, which is not a string."
    )


def _mixed_documents(position, kind, first_kind):
    return (
        f"Document {position} is a {kind}, but document 0 is a {first_kind}; all "
        "documents must be strings, or all lists of tokens."
    )


def _not_a_document(position, document):
    what = f"of type {type(document).__name__}"
    mend = "pass strings or lists of tokens"
    if isinstance(document, bytes):
        what, mend = "bytes", "decode it to a string"
    elif is_missing(document):
        what, mend = f"missing ({document!r})", "drop it, or pass '' for a zero row"
    elif isinstance(document, numbers.Number):
        what, mend = f"a number ({document!r})", "pass str(number) if it is a word"
    return f"Document {position} is {what}, but a document is text; {mend}."


def check_reiterable(X):
    """Raise unless X can be read more than once."""
    if isinstance(X, Iterator):
        raise ValueError(
            f"X is a {type(X).__name__}, which is used up by one reading; pass a list, "
            "or an object whose __iter__ opens the documents anew."
        )


def check_same_kind(estimator, fitted_on_tokens, tokenized):
    """Raise where `fit` had strings and `transform` has tokens, or the reverse."""
    if tokenized == fitted_on_tokens:
        return
    raise ValueError(
        f"{type(estimator).__name__} was fitted on "
        + (
            "lists of tokens, but X holds strings; split them as in fit."
            if fitted_on_tokens
            else "strings, but X holds lists of tokens; pass ' '.join(tokens)."
        )
    )
