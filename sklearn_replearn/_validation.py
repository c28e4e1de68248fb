"""Checks of input and parameters that several families share."""

import numbers
import warnings
from collections.abc import Mapping, Set

import numpy as np
from scipy import sparse


def available_components(n_components, limit, reason, *, stacklevel=5):
    """The number of components that the data allow, with a warning if it is lower.

    Parameters
    ----------
    n_components : int
        The number asked for.
    limit : int
        The largest possible number.
    reason : str
        What sets the limit, for the message.
    """
    if n_components <= limit:
        return n_components
    warnings.warn(
        f"n_components={n_components} is more than the {limit} that the data allow "
        f"({reason}); {limit} are kept.",
        UserWarning,
        stacklevel=stacklevel,
    )
    return limit


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
        documents = list(X)
    except TypeError:
        raise ValueError(
            f"X is of type {type(X).__name__}, but a list of documents is expected; "
            "pass strings or lists of tokens."
        ) from None
    if not documents:
        raise ValueError("X holds no documents; at least one is needed.")
    tokenized = not isinstance(documents[0], str)
    for position, document in enumerate(documents):
        if isinstance(document, str):
            if tokenized:
                raise ValueError(_mixed_documents(position, "string", "list of tokens"))
            continue
        # numpy arrays, and the rows of pandas and polars columns of lists
        tokens = document.tolist() if hasattr(document, "tolist") else document
        tokens = tokens.to_list() if hasattr(tokens, "to_list") else tokens
        if not isinstance(tokens, list | tuple):
            raise ValueError(_not_a_document(position, document))
        if not tokenized:
            raise ValueError(_mixed_documents(position, "list of tokens", "string"))
        for token in tokens:
            if not isinstance(token, str):
                raise ValueError(
                    f"Document {position} holds the token {token!r}, which is not a "
                    "string."
                )
        documents[position] = tokens
    return documents, tokenized


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
    elif _is_missing(document):
        what, mend = f"missing ({document!r})", "drop it, or pass '' for a zero row"
    elif isinstance(document, numbers.Number):
        what, mend = f"a number ({document!r})", "pass str(number) if it is a word"
    return f"Document {position} is {what}, but a document is text; {mend}."


def _is_missing(value):
    """None, NaN of any float type, and what pandas has for missing values."""
    if isinstance(value, numbers.Real):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")
