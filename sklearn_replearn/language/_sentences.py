"""Documents as sentences, and sentences as tokens."""

import re

from sklearn_replearn._documents import bad_token, stream_documents

#: Where a sentence ends: behind . ! ? or an ellipsis, and the quotes and brackets that
#: close there, if whitespace follows; behind the full stops of Chinese and Japanese; at
#: an empty line. A period behind a single letter belongs to an initial or abbreviation.
END_OF_SENTENCE = re.compile(
    r"(?:(?<!\b[^\W\d_])\.|[!?\u2026])[.!?\u2026]*[\"'\u2019\u201d\u00bb)\]]*\s+"
    r"|[\u3002\uff01\uff1f]+[\u201d\u2019\u300d\u300f\uff09]*"
    r"|\n[^\S\n]*\n"
)

#: Pictures: flags, keys, and symbols with what changes and joins them.
_SYMBOL = (
    "[\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50"
    "\u2b55\U0001f000-\U0001f0ff\U0001f300-\U0001f3fa\U0001f400-\U0001f64f"
    "\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7f0\U0001f900-\U0001faff]"
    "\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*"
)
EMOJI = re.compile(
    f"[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_SYMBOL}(?:\u200d{_SYMBOL})*"
)

#: Whether a symbol is shown in color, and the color of skin.
_SHADES = re.compile("[\ufe0f\U0001f3fb-\U0001f3ff]")


def split_sentences(text):
    """The sentences of a string, without the whitespace around them."""
    sentences, start = [], 0
    for end in END_OF_SENTENCE.finditer(text):
        sentences.append(text[start : end.end()].strip())
        start = end.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if sentence]


def take_out_emoji(sentence):
    """A sentence, string or list of tokens, without its emoji; and the distinct ones.

    Colors of skin are left out.
    """
    if isinstance(sentence, str):
        found, rest = EMOJI.findall(sentence), EMOJI.sub(" ", sentence)
    else:
        found = [token for token in sentence if _is_emoji(token)]
        rest = [token for token in sentence if not _is_emoji(token)]
    return rest, list(dict.fromkeys(_SHADES.sub("", emoji) for emoji in found))


def _is_emoji(token):
    return isinstance(token, str) and EMOJI.fullmatch(token) is not None


def read_sentences(X, *, split=True):
    """The documents of X as lists of sentences, one by one.

    Parameters
    ----------
    X : iterable of str, or of lists of sentences
        A sentence is a string or a list of tokens.
    split : bool, default=True
        Whether a string is split into sentences, rather than a sentence itself.

    Yields
    ------
    sentences : list of str, or of lists of str
        At least one: an empty document is one empty sentence.

    Raises
    ------
    ValueError
        If X is no list of documents, or a document is neither a string nor a list of
        sentences, or some sentences are strings and others lists of tokens.
    """
    documents, in_lists = stream_documents(X, check_tokens=False)
    first = None
    for position, document in enumerate(documents):
        if not in_lists:
            yield (split_sentences(document) if split else [document]) or [""]
            continue
        sentences = [_as_sentence(position, sentence) for sentence in document]
        for sentence in filter(None, sentences):
            if first is None:
                first = position, type(sentence)
            if type(sentence) is not first[1]:
                kinds = {str: "strings", list: "lists of tokens"}
                raise ValueError(
                    f"The sentences of document {first[0]} are {kinds[first[1]]}, but "
                    f"document {position} holds {kinds[type(sentence)]}; all sentences "
                    "must be strings, or all lists of tokens."
                )
        yield sentences or [[]]


def _as_sentence(position, sentence):
    """A string, or a list of tokens."""
    if isinstance(sentence, str):
        return str(sentence)
    # numpy arrays, and the rows of pandas and polars columns of lists
    tokens = sentence.tolist() if hasattr(sentence, "tolist") else sentence
    tokens = tokens.to_list() if hasattr(tokens, "to_list") else tokens
    if not isinstance(tokens, list | tuple):
        raise ValueError(
            f"Document {position} holds {sentence!r}, which is no sentence; pass "
            "strings, or lists of tokens."
        )
    for token in tokens:
        if not isinstance(token, str):
            raise bad_token(position, token)
    return list(tokens)
