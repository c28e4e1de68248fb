"""Word pieces, on written-out cases and against the library where it is installed."""

import random
import unicodedata

import pytest

from sklearn_replearn.language._word_piece import WordPiece, split_punctuation

PIECES = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("un", "##aff", "##able", "##a", "the", "cafe", "café", "uber", "##s", "'", "t"),
    *(
        "don",
        "$",
        "1",
        "##0",
        ".",
        ",",
        "中",
        "文",
        "λ",
        "##\u03c3",
        "##ς",
        "a",
        "b",
        "ab",
    ),
    *("-", "^", "##ing", "#", "ing", "İ", "i", "ß", "x", "##x", "A"),
]
VOCABULARY = {piece: number for number, piece in enumerate(PIECES)}
SPECIAL = PIECES[:5]


def pieces(text, **options):
    tokenizer = WordPiece(VOCABULARY, special=SPECIAL, **options)
    ids = tokenizer(text)
    assert tokenizer(text) == ids  # now from what is remembered
    return [PIECES[id] for id in ids]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unaffable", "un ##aff ##able"),
        ("unaffables", "un ##aff ##able ##s"),
        ("the unaffable", "the un ##aff ##able"),
        ("THE Thé", "the the"),
        ("café cafe\u0301 Über", "cafe cafe uber"),
        ("don't $100.0", "don ' t $ 1 ##0 ##0 . [UNK]"),
        ("^a-b,", "^ a - b ,"),
        ("a中文b", "a 中 文 b"),
        ("中a", "中 a"),
        ("ΛΣ Λς", "λ ##\u03c3 λ ##ς"),  # no sigma at the end by position
        ("the qqq", "the [UNK]"),
        ("unaffq", "[UNK]"),  # one bad piece, and the word is unknown
        ("", ""),
        (" \t\n\r ", ""),
        ("a\tb\nb\rb", "a b b b"),
        ("a\u00a0b\u3000b\u2028b", "a b b b"),  # other blanks
        ("a\x00b a\x1cb a\x0bb a\u200bb a\ufffdb", "ab ab ab ab ab"),  # controls
        ("a\u00adb", "ab"),
        ("[MASK] a[SEP]b [mask]", "[MASK] a [SEP] b [UNK] [UNK] [UNK]"),
        ("##ing", "# # ing"),
        ("İ", "i"),
        ("ß", "ß"),
    ],
)
def test_written_out(text, expected):
    assert pieces(text) == expected.split()


def test_longest_first():
    assert pieces("ab") == ["ab"]
    assert pieces("a b") == ["a", "b"]


def test_long_words():
    assert pieces("x" * 100) == ["x"] + ["##x"] * 99
    assert pieces("x" * 101) == ["[UNK]"]
    assert pieces("x" * 4, max_characters=3) == ["[UNK]"]


def test_case_and_accents():
    assert pieces("A a", lowercase=False) == ["A", "a"]
    assert pieces("café", lowercase=False) == ["café"]
    assert pieces("café", lowercase=False, strip_accents=True) == ["cafe"]
    assert pieces("Café", strip_accents=False) == ["café"]


def test_chinese_characters_as_letters():
    assert pieces("中文", chinese_characters=False) == ["[UNK]"]


def test_control_characters_that_stay():
    assert pieces("a\x1cb a", clean_text=False) == ["[UNK]", "a"]


def test_punctuation():
    assert split_punctuation("a.b - c") == ["a", ".", "b", "-", "c"]
    assert split_punctuation("..") == [".", "."]
    assert split_punctuation("«a»¿b") == ["«", "a", "»", "¿", "b"]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("sklearn_replearn.language._word_piece.N_REMEMBERED", 3)
    tokenizer = WordPiece(VOCABULARY)
    for text in ("a", "b", "ab", "the", "un", "a b ab the un"):
        tokenizer(text)
        assert len(tokenizer._known) <= 3
    assert len(tokenizer("x" * 60)) == 60
    assert "x" * 60 not in tokenizer._known


def test_equal_to_the_library():
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {piece: number for number, piece in enumerate(SPECIAL)}
    letters = "abcdefghijklmnopqrstuvwxyzäéλ中文가日本0123456789.,-$'"
    for letter in letters:
        for piece in (letter, f"##{letter}"):
            vocabulary.setdefault(piece, len(vocabulary))
    rng = random.Random(0)
    # Of letters that are newer, the tables of the library know nothing.
    known = [
        chr(code)
        for code in range(0x3000)
        if unicodedata.ucd_3_2_0.category(chr(code)) != "Cn" and code != 0x166D
    ]
    parts = [*letters, *letters, " ", " ", "[MASK]", "É", "e\u0301", *known[::17]]
    for lowercase in (True, False):
        ours = WordPiece(vocabulary, lowercase=lowercase, special=SPECIAL)
        theirs = tokenizers.Tokenizer(
            tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]")
        )
        theirs.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase)
        theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        theirs.add_special_tokens(SPECIAL)
        for _ in range(2000):
            text = "".join(rng.choices(parts, k=rng.randrange(20)))
            assert ours(text) == theirs.encode(text).ids, repr(text)
