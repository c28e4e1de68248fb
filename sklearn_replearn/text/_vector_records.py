"""word2vec's binary files: a word, a space and the bytes of its vector."""

import re

import numpy as np

#: Text that may be the rest of a word, up to the next space.
TEXT_AND_SPACE = re.compile(rb"[^\0-\x08\x0b\x0c\x0e-\x20\x7f]* ")

#: Bytes that no text has.
CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")

#: Words, from the first, that are looked at to see whether the header is right.
SAMPLE_SIZE = 20

#: Bytes of a word that are looked at for spaces.
LONGEST_WORD = 1000

NEWLINE = ord("\n")

#: A vector is plausible if its numbers are 0 or between these in absolute value. Bytes
#: that are taken for numbers at the wrong place seldom are.
USUAL_MAGNITUDES = 1e-15, 1e6


def read_records(blocks, selection, limit, n_words, n_numbers, mend):
    """Read a binary file into a selection.

    A header that is wrong can be told from the end of the file only. If not all words
    are read, and any of the first ones is odd, the file is read on to its end for that.

    Parameters
    ----------
    blocks : iterable of bytes
        The file after its header.
    selection : Selection
        Takes the words that are wanted.
    limit : int
        Number of words to look at.
    n_words, n_numbers : int
        What the header says.
    mend : str
        What to do about a file that is cut off.
    """
    records, is_odd = _Records(blocks, 4 * n_numbers), False
    for place in range(1, n_words + 1):
        if place > max(limit, SAMPLE_SIZE) and not is_odd:
            return
        try:
            record = records.read()
        except ValueError as error:
            raise selection.error(place, str(error)) from None
        if record is None:
            raise ValueError(
                f"{selection.name} ends early, in word {place} of the {n_words} that "
                f"its header says there are, with vectors of length {n_numbers}; "
                f"{mend}."
            )
        word, numbers = record
        if place <= SAMPLE_SIZE:
            is_odd |= bool(CONTROL.search(word)) or not _are_usual(numbers)
        if place <= limit and selection.takes(word, place):
            selection.numbers += numbers
    if records.are_left() and (limit != n_words or is_odd or records.read() is None):
        raise selection.error(
            n_words + 1,
            f"the header says that there are {n_words} words, with vectors of length "
            f"{n_numbers}, but here is more; correct the header, or set "
            f"max_vocabulary={n_words}.",
        )


class _Records:
    """Words and vectors of a binary file, one after another.

    A space ends the word, and nothing tells it from a space within the word but the
    numbers that it leads to: the bytes of text, and those of numbers that are read from
    a place between two numbers, are implausible ones.

    word2vec writes a newline after each vector, and gensim does not.
    """

    def __init__(self, blocks, n_bytes):
        self._blocks = iter(blocks)
        self._n_bytes = n_bytes
        self._margin = 1 + n_bytes + LONGEST_WORD
        self._data = b""
        self._position = 0
        self._newlines = None

    def read(self):
        """The next word and the bytes of its vector; None if the file ends before."""
        space = self._data.find(b" ", self._position)
        if space < 0 or space + self._margin > len(self._data):
            space = self._load()
            if space is None:
                return None
        if self._newlines:
            if self._data[self._position] != NEWLINE:
                raise ValueError(
                    "there is no newline before the word, as there is before word 2; "
                    "if that is a word that starts with a newline, this format cannot "
                    "hold it: get the vectors as gensim's KeyedVectors."
                )
            self._position += 1
        match = TEXT_AND_SPACE.match(self._data, space + 1)
        if match is not None:
            space = self._choose(space, match)
        word = self._data[self._position : space]
        self._position = space + 1 + self._n_bytes
        numbers = self._data[space + 1 : self._position]
        if self._newlines is None:
            self._newlines = self._data.startswith(b"\n", self._position)
        return word, numbers

    def are_left(self):
        """Whether anything but newlines comes after the last vector."""
        parts = (self._data[self._position :], *self._blocks)
        return any(part.strip(b"\r\n") for part in parts)

    def _load(self):
        """Read on until the next word and its vector are there, and tell where it ends.

        So is what comes behind, up to the length of a long word.
        """
        while True:
            block = next(self._blocks, b"")
            self._data, self._position = self._data[self._position :] + block, 0
            space = self._data.find(b" ")
            if space >= 0 and space + self._margin <= len(self._data):
                return space
            if not block:
                is_there = 0 <= space < len(self._data) - self._n_bytes
                return space if is_there else None

    def _choose(self, space, match):
        """The space that ends the next word, of those that have text before them."""
        spaces = [space]
        while match is not None and match.end() + self._n_bytes <= len(self._data):
            spaces.append(match.end() - 1)
            if spaces[-1] > self._position + LONGEST_WORD:
                break
            match = TEXT_AND_SPACE.match(self._data, match.end())
        plausible = [space for space in spaces if self._is_plausible(space)]
        if len(plausible) > 1 and plausible[1] <= plausible[0] + self._n_bytes:
            first, second = (self._data[self._position : end] for end in plausible[:2])
            raise ValueError(
                f"the word may be {first.decode(errors='replace')!r} or "
                f"{second.decode(errors='replace')!r}, since this format does not tell "
                "a space in a word from the one after it; get the vectors as text, or "
                "as gensim's KeyedVectors."
            )
        return plausible[0] if plausible else space

    def _is_plausible(self, space):
        """Whether a vector begins after this space."""
        end = space + 1 + self._n_bytes
        if self._newlines and not self._data.startswith(b"\n", end):
            return False
        return _are_usual(self._data[space + 1 : end])


def _are_usual(numbers):
    """Whether bytes are numbers of magnitudes that vectors have; not with NaN."""
    sizes = np.abs(np.frombuffer(numbers, dtype="<f4"))
    least, largest = USUAL_MAGNITUDES
    return bool(((sizes == 0) | ((sizes >= least) & (sizes <= largest))).all())
