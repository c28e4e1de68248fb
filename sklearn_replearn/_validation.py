"""Checks of input and parameters that several families share."""

import numbers
import warnings

import numpy as np


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
    if hasattr(X, "columns") or getattr(X, "ndim", 1) != 1:
        raise ValueError(
            f"X has shape {np.shape(X)}, but documents form a single column; pass that "
            "column alone, such as X['text'] or X[:, 0]."
        )
    try:
        documents = list(X)
    except TypeError:
        raise ValueError(
            f"X is of type {type(X).__name__}, but a list of documents is expected."
        ) from None
    if not documents:
        raise ValueError("X holds no documents; at least one is needed.")
    tokenized = not isinstance(documents[0], str)
    for position, document in enumerate(documents):
        if isinstance(document, str):
            if tokenized:
                raise ValueError(_mixed_documents(position, "string", "list of tokens"))
            continue
        tokens = document.tolist() if isinstance(document, np.ndarray) else document
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
    elif document is None or repr(document) in ("nan", "np.float64(nan)", "<NA>"):
        what, mend = f"missing ({document!r})", "drop it, or pass '' for a zero row"
    elif isinstance(document, numbers.Number):
        what, mend = f"a number ({document!r})", "pass str(number) if it is a word"
    return f"Document {position} is {what}, but a document is text; {mend}."
