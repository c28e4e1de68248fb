"""The tokenizer of BERT: words, then the longest pieces of them in a vocabulary.

Texts become the same pieces as with the BertNormalizer, the BertPreTokenizer and the
WordPiece model of the ``tokenizers`` library (Devlin et al., 2019).
"""

import re
import unicodedata
from itertools import chain

#: Words that are remembered with their pieces, and their maximum length.
N_REMEMBERED, LONGEST_REMEMBERED = 200_000, 50

#: Control characters that `str.split` takes for blanks.
_BLANK_CONTROLS = re.compile("[\x0b\x0c\x1c-\x1f\x85]")

#: First and last characters of the blocks of Chinese characters.
_CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),  # the library leaves out the first 256
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Splits texts into pieces of words, and numbers them.

    Parameters
    ----------
    vocabulary : dict of str to int
        Id of each piece; those inside a word begin with `prefix`.
    lowercase : bool, default=True
    strip_accents : bool or None, default=None
        ``None`` strips them if `lowercase`.
    clean_text : bool, default=True
        Whether to remove control characters.
    chinese_characters : bool, default=True
        Whether each Chinese character is a word.
    prefix : str, default="##"
    unknown : str, default="[UNK]"
        Piece that stands for words that have no pieces.
    max_characters : int, default=100
        Longer words are unknown.
    special : sequence of str, default=()
        Pieces that are found in texts as they are, before anything else.
    """

    def __init__(
        self,
        vocabulary,
        *,
        lowercase=True,
        strip_accents=None,
        clean_text=True,
        chinese_characters=True,
        prefix="##",
        unknown="[UNK]",
        max_characters=100,
        special=(),
    ):
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.strip_accents = lowercase if strip_accents is None else strip_accents
        self.clean_text = clean_text
        self.chinese_characters = chinese_characters
        self.prefix = prefix
        self.unknown = vocabulary[unknown]
        self.max_characters = max_characters
        self.longest = max(map(len, vocabulary))
        special = sorted(special, key=len, reverse=True)
        self._special = re.compile(f"({'|'.join(map(re.escape, special))})")
        self._first_characters = {piece[0] for piece in special}
        self._known = {}

    def __getstate__(self):
        return vars(self) | {"_known": {}}

    def __call__(self, text):
        """Ids of the pieces of a text.

        Returns
        -------
        ids : list of int
        """
        if any(character in text for character in self._first_characters):
            parts = self._special.split(text)
            ids = [
                [self.vocabulary[part]] if number % 2 else self._ids_of(part)
                for number, part in enumerate(parts)
            ]
            return list(chain.from_iterable(ids))
        return self._ids_of(text)

    def _ids_of(self, text):
        """Ids of the pieces of a text without special pieces."""
        if self.clean_text:
            text = _BLANK_CONTROLS.sub("", text)
            words = text.split()
        else:
            words = [word for word in re.split(r"[^\S\x1c-\x1f]+", text) if word]
        known, ids = self._known, []
        for word in words:
            pieces = known.get(word)
            if pieces is None:
                pieces = self._remember(word)
            ids += pieces
        return ids

    def _remember(self, word):
        """Ids of what stands between two blanks, kept for the next time."""
        normal = self.normalize(word)
        ids = [id for part in split_punctuation(normal) for id in self._pieces(part)]
        if len(word) <= LONGEST_REMEMBERED:
            if len(self._known) >= N_REMEMBERED:
                self._known = {}
            self._known[word] = ids
        return ids

    def normalize(self, text):
        """The text without control characters, in lower case, without accents."""
        if self.clean_text:
            text = "".join(
                " " if c.isspace() else c for c in text if not _is_control(c)
            )
        if self.chinese_characters and not text.isascii():
            text = "".join(f" {c} " if _is_chinese(c) else c for c in text)
        if self.strip_accents and not text.isascii():
            text = unicodedata.normalize("NFD", text)
            text = "".join(c for c in text if unicodedata.category(c) != "Mn")
        if self.lowercase:  # one by one: a sigma at the end of a word is like any
            text = text.lower() if text.isascii() else "".join(map(str.lower, text))
        return text

    def _pieces(self, word):
        """Ids of the longest pieces from the left; unknown if one has no piece."""
        if len(word) > self.max_characters:
            return [self.unknown]
        ids, start = [], 0
        while start < len(word):
            prefix = self.prefix if start else ""
            longest = start + self.longest - len(prefix)
            for end in range(min(len(word), longest), start, -1):
                id = self.vocabulary.get(prefix + word[start:end])
                if id is not None:
                    break
            else:
                return [self.unknown]
            ids.append(id)
            start = end
        return ids


def split_punctuation(text):
    """Words of a text, and each punctuation mark as a word.

    Returns
    -------
    words : list of str
    """
    words, start = [], 0
    for place, character in enumerate(text):
        is_mark = _is_punctuation(character)
        if is_mark or (character.isspace() and not "\x1c" <= character <= "\x1f"):
            if start < place:
                words.append(text[start:place])
            if is_mark:
                words.append(character)
            start = place + 1
    if start < len(text):
        words.append(text[start:])
    return words


def _is_punctuation(character):
    """Whether it is punctuation by Unicode, or a symbol of ASCII such as "$"."""
    if character.isalnum():
        return False
    if "!" <= character <= "~":
        return True
    return unicodedata.category(character)[0] == "P"


def _is_control(character):
    if character in "\t\n\r":
        return False
    category = unicodedata.category(character)
    return character == "\ufffd" or category in ("Cc", "Cf", "Co", "Cs")


def _is_chinese(character):
    number = ord(character)
    return number > 0x33FF and any(low <= number <= high for low, high in _CHINESE)
