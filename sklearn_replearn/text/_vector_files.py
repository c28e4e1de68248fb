"""Files of word vectors: GloVe's text, word2vec's text and binary formats."""

import codecs
import os
import sys
from importlib import import_module
from itertools import chain

import numpy as np

from sklearn_replearn._progress import progress_bar
from sklearn_replearn._warnings import warn
from sklearn_replearn.text._vector_lines import looks_like_text, read_lines
from sklearn_replearn.text._vector_records import read_records

#: Bytes, after decompression, that are read at a time.
BLOCK = 1 << 20

#: By the ending of a file's name, the module that opens it.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}


def read_word_vectors(
    path,
    *,
    wanted=None,
    unwanted=frozenset(),
    limit=None,
    binary="auto",
    encoding="utf-8",
    verbose=0,
):
    """Read words and their vectors from a file, in its order.

    Only the vectors that are wanted are parsed and kept; of the other lines of a text
    file, the number of fields is checked.

    Parameters
    ----------
    path : str or os.PathLike
        A text file of a word and its numbers a line, separated by single spaces, with
        or without a first line of the numbers of words and of dimensions; or
        word2vec's binary file. Plain, or compressed as the ending of its name says.
    wanted : set of str or None
        The words to read; all of them if ``None``.
    unwanted : set of str
        Words to leave out.
    limit : int or None
        How many words of the file to look at.
    binary : bool or "auto"
        Whether the file is word2vec's binary one.
    encoding : str
        Of the words.
    verbose : int
        Whether to show a progress bar.

    Returns
    -------
    words : list of str
    vectors : ndarray of shape (n_words, n_dimensions), float32

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or has none of the words; the message says where.
    """
    path = os.fsdecode(path)
    _check_encoding(encoding)
    selection = Selection(os.path.basename(path), wanted, unwanted, encoding)
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        with progress_bar(verbose, size, "bytes", selection.name) as advance:
            _read(file, selection, limit or sys.maxsize, binary, advance)
    return selection.words_and_vectors()


class Selection:
    """The words of a file that are wanted, as they are come across.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    places : dict of str to int
        The line of each word that is kept, or its number in a binary file.
    numbers : bytearray
        Their vectors.
    unit : {"line", "word"}
        What places count.
    place : int
        The place that was come to.
    encoding : str
        Of the words.
    """

    def __init__(self, name, wanted, unwanted, encoding):
        self.name = name
        self.places = {}
        self.numbers = bytearray()
        self.unit = "line"
        self.place = 0
        self.encoding = encoding
        self._wanted = wanted
        self._unwanted = unwanted
        self._first_words = []
        self._repeated = []

    def takes(self, word, place):
        """Whether the word at a place, in bytes, is wanted and new."""
        try:
            word, decoded = word.decode(self.encoding), True
        except UnicodeDecodeError:
            if self._wanted is None:
                raise self.error(
                    place,
                    f"the word {word[:40]!r} is not {self.encoding}; pass the encoding "
                    "of the file, such as encoding='latin-1', or the words that you "
                    "need as vocabulary.",
                ) from None
            word, decoded = word.decode(self.encoding, "replace"), False
        self.place = place
        if len(self._first_words) < 3:
            self._first_words.append(word)
        if not decoded or word in self._unwanted:
            return False
        if self._wanted is not None and word not in self._wanted:
            return False
        if word in self.places:
            self._repeated.append(word)
            return False
        self.places[word] = place
        return True

    def error(self, place, message):
        """An error at a place of the file."""
        return ValueError(f"{self.name}, {self.unit} {place}: {message}")

    def words_and_vectors(self):
        """The words that were kept, and their vectors."""
        if not self._first_words:
            raise ValueError(f"{self.name} holds no words.")
        words = list(self.places)
        if not words:
            raise nothing_found(self.name, self._wanted, self._first_words)
        vectors = np.frombuffer(self.numbers, dtype="<f4").reshape(len(words), -1)
        row = first_not_finite(vectors)
        if row is not None:
            raise self.error(
                self.places[words[row]],
                f"the vector of {words[row]!r} holds NaN, infinity or a number that is "
                "too large for float32.",
            )
        if self._repeated:
            warn(
                f"{self.name} repeats words, such as {self._repeated[0]!r}; the first "
                f"vector of each is kept, and {len(self._repeated)} left out.",
            )
        return words, vectors


def first_not_finite(vectors):
    """First row that holds NaN or infinity; None if there is none."""
    if np.isfinite([vectors.min(), vectors.max()]).all():
        return None
    return int(np.isfinite(vectors).all(axis=1).argmin())


def nothing_found(source, wanted, first_words):
    """The error that none of the words that are wanted has a vector."""
    has = " and ".join(map(repr, first_words))
    if wanted is None:
        return ValueError(f"{source} has vectors of stop words only, such as {has}.")
    return ValueError(
        f"{source} has none of the words that are looked for, such as "
        f"{min(wanted)!r}; its own are such as {has}."
    )


def _check_encoding(encoding):
    try:
        if "\n 0".encode(encoding) == b"\n 0":
            return
        reason = "does not write spaces and digits as single bytes"
    except LookupError:
        reason = "is not one that Python knows"
    raise ValueError(f"encoding={encoding!r} {reason}; try 'utf-8' or 'latin-1'.")


def _open(path):
    if path.endswith((".zip", ".tar", ".tar.gz", ".tgz")):
        raise ValueError(
            f"{path!r} is an archive; unpack it, and pass one of the files in it."
        )
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path!r}.") from None
    except IsADirectoryError:
        raise IsADirectoryError(
            f"{path!r} is a folder; pass one of the files in it."
        ) from None


def _read(file, selection, limit, binary, advance):
    """Read a file into a selection."""
    blocks = _blocks(file, selection, advance)
    head = next(blocks, b"").removeprefix(codecs.BOM_UTF8)
    if not head.strip():
        raise ValueError(f"{selection.name} is empty.")
    header, length = _header(head)
    is_text = header is None or looks_like_text(head[length:])
    blocks = chain([head[length:]], blocks)
    if binary is False or (is_text and binary == "auto"):
        read_lines(blocks, selection, limit, header)
        return
    not_binary = ValueError(
        f"{selection.name} is not word2vec's binary file: that starts with a line of "
        "two numbers, of words and of dimensions, and goes on in bytes that are no "
        "text; set binary='auto'."
    )
    if header is None:
        raise not_binary
    selection.unit = "word"
    mend = "get the file again" + ", or set binary=False" * (binary == "auto")
    try:
        read_records(blocks, selection, limit, *header, mend)
    except ValueError:
        if is_text:
            raise not_binary from None
        raise


def _blocks(file, selection, advance):
    """The bytes of a file, decompressed, some at a time."""
    ending = os.path.splitext(selection.name)[1].lower()
    compressed = ending in COMPRESSIONS
    stream = import_module(COMPRESSIONS[ending]).open(file) if compressed else file
    done = 0
    while True:
        try:
            block = stream.read(BLOCK)
        except Exception as error:  # each kind of compression has its own
            if not compressed:
                raise
            what = f"is no {ending} file, or is damaged ({error}),"
            if isinstance(error, EOFError):
                what = "ends early: the compressed data are cut off"
            raise ValueError(
                f"{selection.name} {what} after {selection.unit} {selection.place} or "
                "a little later; get the file again."
            ) from error
        if not block:
            return
        advance(file.tell() - done, selection.name)
        done = file.tell()
        yield block


def _header(head):
    """The two numbers of a first line that has nothing else, and its length."""
    line, newline, _ = head.partition(b"\n")
    fields = line.split()
    if len(fields) == 2 and all(map(bytes.isdigit, fields)) and int(fields[1]):
        return tuple(map(int, fields)), len(line + newline)
    return None, 0
