"""Files of word vectors: GloVe's text, word2vec's text and binary formats."""

import codecs
import os
import re
import sys
from importlib import import_module
from itertools import chain

import numpy as np

from sklearn_replearn._progress import progress_bar
from sklearn_replearn._warnings import warn

#: Bytes, after decompression, that are read at a time.
BLOCK = 1 << 20

#: By the ending of a file's name, the module that opens it.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}

NUMBER = re.compile(
    rb"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE
)
CONTROL = re.compile(rb"[\0-\x08]")
NEWLINE, SPACE = b"\n "


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
    selection = _Selection(os.path.basename(path), wanted, unwanted, encoding)
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        with progress_bar(verbose, size, "bytes", selection.name) as advance:
            _read(file, selection, limit or sys.maxsize, binary, advance)
    return selection.words_and_vectors()


class _Selection:
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
    """

    def __init__(self, name, wanted, unwanted, encoding):
        self.name = name
        self.places = {}
        self.numbers = bytearray()
        self.unit = "line"
        self.place = 0
        self._wanted = wanted
        self._unwanted = unwanted
        self._encoding = encoding
        self._first_words = []
        self._repeated = []

    def takes(self, word, place):
        """Whether the word at a place, in bytes, is wanted and new."""
        try:
            word, decoded = word.decode(self._encoding), True
        except UnicodeDecodeError:
            if self._wanted is None:
                raise self.error(
                    place,
                    f"the word {word[:40]!r} is not {self._encoding}; pass the "
                    "encoding of the file, such as encoding='latin-1', or the words "
                    "that you need as vocabulary.",
                ) from None
            word, decoded = word.decode(self._encoding, "replace"), False
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
    mend = "get the file again"
    if binary == "auto":
        binary = header is not None and not _starts_like_text(head[length:], header[1])
        mend += ", or set binary=False"
    elif binary and header is None:
        raise ValueError(
            f"{selection.name} is not word2vec's binary file: that starts with a line "
            "of two numbers, of words and of dimensions; set binary='auto'."
        )
    blocks = chain([head[length:]], blocks)
    if binary:
        selection.unit = "word"
        _read_binary(blocks, selection, limit, *header, mend)
    else:
        _read_text(blocks, selection, limit, header)


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


def _starts_like_text(data, n_numbers):
    """Whether the numbers of the first word, which may have spaces, are written out."""
    line = data.lstrip(b"\r\n").partition(b"\n")[0]
    if b" " not in line:  # which follows the word in a binary file
        return True
    numbers = line.rstrip().split(b" ")[1:][-n_numbers:]
    text = b" ".join(numbers)
    return (
        text.isascii()
        and text.decode().isprintable()
        and any(map(NUMBER.fullmatch, numbers))
    )


def _read_text(blocks, selection, limit, header):
    n_words, n_numbers = header or (None, None)
    stated = f"the header says {n_numbers}"
    line, n_done = 1 if header is None else 2, 0
    for block in _whole_lines(blocks):
        n_lines, *columns = _index_lines(block)
        columns = [column[: limit - n_done] for column in columns]
        lines, starts, word_ends, ends, widths = columns
        lines += line
        line += n_lines
        if n_numbers is None and len(lines):
            first_line = block[starts[0] : ends[0]]
            n_numbers = _check_first_line(first_line, selection, lines[0])
            stated = f"that of line {lines[0]} has length {n_numbers}"
        n_done += len(lines)
        if n_words is not None and n_done > n_words:
            raise selection.error(lines[n_words - n_done], _too_many(n_words))
        for i in np.flatnonzero(widths != n_numbers):
            fields = block[starts[i] : ends[i]].split(b" ")
            length = _length_of_word(fields, n_numbers)
            if length is None:
                raise selection.error(
                    lines[i],
                    f"the vector of {_quote(fields[0])} has length {len(fields) - 1}, "
                    f"but {stated}; get the file again, or mend the line.",
                )
            word_ends[i] = starts[i] + length
        _take_lines(block, lines, starts, word_ends, ends, selection)
        if n_done == limit:
            return
    if n_words is not None and n_done < n_words:
        raise selection.error(
            line - 1,
            f"the file ends here, with word {n_done}, but its header says that there "
            f"are {n_words}; get the file again, or correct the header.",
        )


def _whole_lines(blocks):
    """Blocks that each end with the end of a line."""
    rest = b""
    for block in blocks:
        block = rest + block
        length = block.rfind(b"\n") + 1
        rest = block[length:]
        if length:
            yield block[:length]
    if rest:
        yield rest + b"\n"


def _index_lines(block):
    """Where lines and their words are, for those lines that are not blank.

    Returns
    -------
    n_lines : int
        The blank ones, too.
    lines : ndarray
        Their numbers in the block, from 0.
    starts, word_ends, ends : ndarray
        Where each begins, has its first space, and ends.
    widths : ndarray
        Their numbers of spaces, but for one at the end.
    """
    text = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    for character in b"\r ":
        ends -= text[ends - 1] == character
    spaces = np.flatnonzero(text == SPACE)
    first = np.searchsorted(spaces, starts)
    widths = np.searchsorted(spaces, ends) - first
    word_ends = np.append(spaces, len(text))[first]
    filled = np.flatnonzero(starts < ends)
    columns = (starts, word_ends, ends, widths)
    return len(starts), filled, *(column[filled] for column in columns)


def _check_first_line(line, selection, place):
    """How many numbers follow the first word of a file without a header."""
    if CONTROL.search(line):
        raise ValueError(
            f"{selection.name} holds neither text nor word2vec's binary format; load "
            "what gensim or fastText saved with them, and pass the KeyedVectors."
        )
    word, *fields = line.split(b" ")
    wrong = [field for field in fields if not NUMBER.fullmatch(field)]
    if fields and not wrong:
        return len(fields)
    what = f"{_quote(wrong[0])} is not a number" if wrong else "there are no numbers"
    raise selection.error(
        place,
        f"{what} after {_quote(word)}; a line is to be a word and the numbers of its "
        "vector, separated by single spaces.",
    )


def _length_of_word(fields, n_numbers):
    """Length of a word with spaces; None if the numbers are too few or too many."""
    if len(fields) <= n_numbers or all(map(NUMBER.fullmatch, fields[1:-n_numbers])):
        return None
    return len(b" ".join(fields[:-n_numbers]))


def _take_lines(block, lines, starts, word_ends, ends, selection):
    """Parse the numbers of the lines whose words are wanted."""
    taken = [
        (line, block[word_end + 1 : end])
        for line, start, word_end, end in zip(
            *(column.tolist() for column in (lines, starts, word_ends, ends)),
            strict=True,
        )
        if selection.takes(block[start:word_end], line)
    ]
    if not taken:
        return
    try:
        vectors = np.loadtxt(
            [numbers for _, numbers in taken],
            dtype="<f4",
            comments=None,
            delimiter=" ",
            encoding="latin-1",
        )
    except ValueError:
        for line, numbers in taken:
            for field in numbers.split(b" "):
                if not NUMBER.fullmatch(field):
                    raise selection.error(
                        line,
                        f"{_quote(field)} is not a number; get the file again, or mend "
                        "the line.",
                    ) from None
        raise
    selection.numbers += vectors.tobytes()


def _read_binary(blocks, selection, limit, n_words, n_numbers, mend):
    data, position = b"", 0
    for place in range(1, min(n_words, limit) + 1):
        while True:
            space = data.find(b" ", position)
            end = space + 1 + 4 * n_numbers
            if space >= 0 and end <= len(data):
                break
            block = next(blocks, b"")
            if not block:
                raise ValueError(
                    f"{selection.name} ends early, in word {place} of the {n_words} "
                    f"that its header says there are; {mend}."
                )
            data, position = data[position:] + block, 0
        if selection.takes(data[position:space].lstrip(b"\n"), place):
            selection.numbers += data[space + 1 : end]
        position = end
    rest = chain([data[position:]], blocks)
    if n_words < limit and any(map(bytes.strip, rest)):
        raise selection.error(n_words + 1, _too_many(n_words))


def _too_many(n_words):
    return (
        f"the header says that there are {n_words} words, but here is another; correct "
        f"the header, or set max_vocabulary={n_words}."
    )


def _quote(field):
    return repr(field[:40].decode(errors="replace"))
