"""Text files of word vectors: a word and its numbers a line."""

import re
from collections import Counter
from itertools import groupby, islice

import numpy as np

FINITE = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
NUMBER = re.compile(FINITE.pattern + rb"|[+-]?(nan|inf|infinity)", re.IGNORECASE)

#: The end of a word that is a number behind a no-break space or the like.
HIDDEN_NUMBER = re.compile(r"[^\S\x00-\x7f][+-]?[\d.]+(e[+-]?\d+)?$", re.IGNORECASE)

#: Bytes that only files of another kind have.
CONTROL = re.compile(rb"[\0-\x08]")

NEWLINE, RETURN, TAB, SPACE = b"\n\r\t "

#: Lines that decide how many numbers follow a word.
SAMPLE_SIZE = 100


def looks_like_text(data):
    """Whether most lines at the start of a file end with a number in digits."""
    lines = islice(filter(None, map(bytes.strip, data.split(b"\n"))), SAMPLE_SIZE)
    are_text = [_n_numbers(line) > 0 for line in lines]
    return 2 * sum(are_text) > len(are_text) or not are_text


def read_lines(blocks, selection, limit, header):
    """Read a text file into a selection.

    Parameters
    ----------
    blocks : iterable of bytes
        The file after its header.
    selection : Selection
        Takes the words that are wanted.
    limit : int
        Number of words to look at.
    header : tuple of (n_words, n_numbers) or None
    """
    n_words = header[0] if header else None
    line, n_done, parser = 1 if header is None else 2, 0, None
    for block in _whole_lines(blocks):
        n_lines, *columns = _index_lines(block)
        columns[0] += line
        line += n_lines
        if parser is None and len(columns[0]):
            parser = _Parser(block, columns, header, selection)
        columns = [column[: limit - n_done] for column in columns]
        n_done += len(columns[0])
        if n_words is not None and n_done > n_words:
            raise selection.error(
                columns[0][n_words - n_done],
                f"the header says that there are {n_words} words, but here is another; "
                f"correct the header, or set max_vocabulary={n_words}.",
            )
        if len(columns[0]):
            parser.take_lines(block, columns)
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
    lines = rest = b""
    for block in blocks:
        block = rest + block
        length = block.rfind(b"\n") + 1
        rest = block[length:]
        if length:
            if lines:
                yield lines
            lines = block[:length]
    if lines or rest:
        yield lines + rest + b"\n" * bool(rest)


def _index_lines(block):
    """Where lines and their words are, for those lines that are not blank.

    Returns
    -------
    n_lines : int
        Blank ones included.
    lines : ndarray
        Their numbers in the block, from 0.
    starts, word_ends, ends : ndarray
        Where each begins, has its first space, and ends.
    widths : ndarray
        Their numbers of spaces, or -1 with a tab or two spaces in a row.
    """
    text = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    while True:
        trailing = np.isin(text[ends - 1], (SPACE, TAB, RETURN)) & (ends > starts)
        if not trailing.any():
            break
        ends -= trailing
    spaces = np.flatnonzero(text == SPACE)
    first = np.searchsorted(spaces, starts)
    widths = np.searchsorted(spaces, ends) - first
    word_ends = np.append(spaces, len(text))[first]
    odd = (spaces[:-1][np.diff(spaces) == 1], np.flatnonzero(text == TAB))
    odd = np.concatenate(odd)
    rows = np.searchsorted(starts, odd, side="right") - 1
    widths[rows[odd < ends[rows]]] = -1
    filled = np.flatnonzero(starts < ends)
    columns = (starts, word_ends, ends, widths)
    return len(starts), filled, *(column[filled] for column in columns)


class _Parser:
    """Takes lines apart, once the first ones have told how many numbers they have.

    The header says how many, if at least one of the first lines ends with so many;
    without a header, most of the first lines do. One line alone could not decide, since
    words may hold spaces, and end with numbers.

    Parameters
    ----------
    block : bytes
        The first lines.
    columns : list of ndarray
        Where they are; see :func:`_index_lines`.
    header : tuple of (n_words, n_numbers) or None
    selection : Selection
    """

    def __init__(self, block, columns, header, selection):
        self._selection = selection
        lines, starts, _, ends, _ = (
            column[:SAMPLE_SIZE].tolist() for column in columns
        )
        sample = [block[start:end] for start, end in zip(starts, ends, strict=True)]
        counts = [_n_numbers(line) for line in sample]
        [(most_common, n_votes)] = Counter(counts).most_common(1)
        agreed = most_common > 0 and 2 * n_votes > len(counts)
        if header is not None:
            self._n_numbers = header[1]
            self._source = f"the header says {header[1]}"
            agreed, wrong = header[1] in counts, 0
        else:
            self._n_numbers = most_common if agreed else counts[0]
            place = lines[counts.index(self._n_numbers)]
            self._source = f"that of line {place} has length {self._n_numbers}"
            wrong = next((i for i, n in enumerate(counts) if n != counts[0]), 0)
        if agreed:
            self._check_separator(lines, sample)
            return
        if not agreed and CONTROL.search(b"".join(sample)):
            raise ValueError(
                f"{selection.name} holds neither text nor word2vec's binary format; "
                "load what gensim or fastText saved with them, and pass the "
                "KeyedVectors."
                if header is None
                else f"{selection.name} is not a text file; set binary='auto'."
            )
        if counts[0] == 0:
            raise self._not_a_vector(lines[0], sample[0])
        raise self._wrong_length(lines[wrong], sample[wrong])

    def take_lines(self, block, columns):
        """Parse the numbers of the lines whose words are wanted."""
        irregular = self._split_irregular(block, columns)
        taken = []
        *places, _ = (column.tolist() for column in columns)
        for i, (line, start, word_end, end) in enumerate(zip(*places, strict=True)):
            if i in irregular:
                word, numbers = irregular[i]
                if self._selection.takes(word, line):
                    taken.append((line, numbers))
            elif self._selection.takes(block[start:word_end], line):
                taken.append((line, block[word_end + 1 : end]))
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
                        raise self._selection.error(
                            line,
                            f"{_quote(field)} is not a number; get the file again, or "
                            "mend the line.",
                        ) from None
            raise
        self._selection.numbers += vectors.tobytes()

    def _split_irregular(self, block, columns):
        """Words and numbers of the lines that are not a word and single spaces."""
        lines, starts, _, ends, widths = columns
        return {
            i: self._split(lines[i], block[starts[i] : ends[i]])
            for i in np.flatnonzero(widths != self._n_numbers).tolist()
        }

    def _split(self, place, line):
        """Word and numbers of one line, separated by any spaces and tabs.

        The word may hold spaces, but those around it are not part of it.
        """
        word, *numbers = line.rsplit(None, self._n_numbers)
        if line[:1].isspace() and len(numbers) == self._n_numbers - 1:
            word, numbers = b"", [word, *numbers]
        if len(numbers) < self._n_numbers or not all(map(NUMBER.fullmatch, numbers)):
            raise self._wrong_length(place, line)
        word = word.strip()
        are_numbers = [bool(FINITE.fullmatch(field)) for field in word.split()[1:]]
        if are_numbers and all(are_numbers):
            raise self._wrong_length(place, line)
        runs = (sum(run) for _, run in groupby(are_numbers))
        if max(runs, default=0) >= self._n_numbers - (self._n_numbers > 2):
            raise self._selection.error(
                place,
                f"the word {_quote(word)} holds a vector itself, as if two lines were "
                "one; get the file again, or mend the line.",
            )
        return word, b" ".join(numbers)

    def _check_separator(self, lines, sample):
        """Raise if most words end in a number behind white space of another kind."""
        words = (line.rsplit(None, self._n_numbers)[0] for line in sample)
        words = [word.decode(self._selection.encoding, "replace") for word in words]
        hidden = [bool(HIDDEN_NUMBER.search(word)) for word in words]
        if 2 * sum(hidden) > len(hidden):
            first = hidden.index(True)
            raise self._selection.error(
                lines[first],
                f"the word {words[first]!r} ends in white space that is no space and a "
                "number; separate words and numbers by single spaces.",
            )

    def _wrong_length(self, place, line):
        first, *fields = _fields(line)
        wrong = [field for field in fields if not NUMBER.fullmatch(field)]
        if wrong and wrong[0] is not fields[0] and len(fields) == self._n_numbers:
            return self._selection.error(
                place,
                f"{_quote(wrong[0])} is not a number; get the file again, or mend the "
                "line.",
            )
        n_numbers = _n_numbers(line)
        word = b" ".join([first, *fields][: -n_numbers or None])
        return self._selection.error(
            place,
            f"the vector of {_quote(word)} has length {n_numbers}, but {self._source}; "
            "get the file again, or mend the line.",
        )

    def _not_a_vector(self, place, line):
        word, *fields = line.split()
        wrong = [field for field in fields if not NUMBER.fullmatch(field)]
        what = "there are no numbers"
        if wrong:
            what = f"{_quote(wrong[0])} is not a number"
        return self._selection.error(
            place,
            f"{what} after {_quote(word)}; a line is to be a word and the numbers of "
            "its vector, separated by single spaces.",
        )


def _n_numbers(line):
    """How many numbers a line ends with, after at least one other field."""
    n_numbers = 0
    for field in reversed(_fields(line)[1:]):
        if not NUMBER.fullmatch(field):
            break
        n_numbers += 1
    return n_numbers


def _fields(line):
    """The fields of a line, of which the first is empty if it begins with a space."""
    return [b""] * line[:1].isspace() + line.split()


def _quote(field):
    return repr(field[:40].decode(errors="replace"))
