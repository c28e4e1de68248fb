"""Vectors from files, gensim and dicts; what is kept of them; and every complaint."""

import gzip
import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from gensim.models import KeyedVectors, Word2Vec
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_replearn.text import PretrainedEmbedding

DOCUMENTS = ["The cat saw the dog", "a dog", "Paris and bonds", "bonds bonds fell"]
KNOWN = ["the", "cat", "the", "dog", "dog", "Paris", "bonds", "bonds", "bonds"]
WORDS = ["the", "cat", "dog", "Paris", "paris", "bonds", "café"]
VECTORS = np.random.default_rng(0).standard_normal((7, 4)).astype(np.float32)
DICT = dict(zip(WORDS, VECTORS, strict=True))
GLOVE = "the 1 2 3\ncat 4 5 6\ndog 7 8 9\n"


@pytest.fixture
def keyed():
    return fit(DICT).to_keyed_vectors()


@pytest.fixture
def written(tmp_path):
    def write(content, name="vectors.txt"):
        content = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def fit(vectors, documents=DOCUMENTS, **options):
    return PretrainedEmbedding(vectors, **options).fit(documents)


@pytest.mark.parametrize("ending", ["txt", "txt.gz", "txt.bz2", "txt.xz"])
@pytest.mark.parametrize("kind", ["word2vec", "glove", "binary"])
def test_round_trip(tmp_path, keyed, ending, kind):
    path, binary = str(tmp_path / f"vectors.{ending}"), kind == "binary"
    keyed.save_word2vec_format(path, binary=binary, write_header=kind != "glove")
    for options in ({}, {"binary": binary}):
        embedding = fit(path, **options)
        assert list(embedding.vocabulary_) == WORDS
        assert_array_equal(embedding.word_vectors_, VECTORS)
        assert embedding.word_vectors_.dtype == np.float32


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # gensim leaves a file open
@pytest.mark.parametrize(
    "name", ["test_glove.txt", "crime-and-punishment.vec", "euclidean_vectors.bin"]
)
def test_reads_what_gensim_reads(name, gensim_data):
    path = gensim_data / name
    options = {"binary": name.endswith("bin"), "no_header": "glove" in name}
    expected = KeyedVectors.load_word2vec_format(path, **options)
    words = expected.index_to_key
    every = fit(path, [words])
    assert list(every.vocabulary_) == words
    assert_array_equal(every.word_vectors_, expected.vectors)
    few = fit(path, [words], vocabulary=words[1:20:3], max_vocabulary=12)
    assert_array_equal(few.word_vectors_, expected.vectors[1:12:3])


def test_lines_that_are_unlike(written):
    path = written("the 1 2\r\n. . . 3 4 \r\n\nat me@x.org +.5 -6E-1 \n\x85 7 8\n -1 1")
    keyed = fit(path).to_keyed_vectors()
    assert keyed.index_to_key == ["the", ". . .", "at me@x.org", "\x85", ""]
    expected = np.float32([[1, 2], [3, 4], [0.5, -0.6], [7, 8], [-1, 1]])
    assert_array_equal(keyed.vectors, expected)


ODD_WORDS = ["the", ". . .", "New York", "3", "a\xa0b", "World War 2", "to infinity"]


def as_text(words, vectors, separator=" ", end="\n"):
    rows = (
        [word, *map(str, vector)] for word, vector in zip(words, vectors, strict=True)
    )
    return "".join(separator.join(row) + end for row in rows)


def as_binary(words, vectors, end=b""):
    rows = zip(words, vectors.astype("<f4"), strict=True)
    return b"".join(w.encode() + b" " + vector.tobytes() + end for w, vector in rows)


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.gz"])
@pytest.mark.parametrize("end", ["\n", " \t \r\n"])
@pytest.mark.parametrize("separator", [" ", "   ", "\t"])
@pytest.mark.parametrize("header", ["", "7 4\n", "7 4 \r\n"])
def test_words_with_spaces_in_text(written, name, end, separator, header):
    for shift in (0, 1, 2, 5):
        words = ODD_WORDS[shift:] + ODD_WORDS[:shift]
        content = (header + as_text(words, VECTORS, separator, end)).encode()
        path = written(gzip.compress(content) if name.endswith("gz") else content, name)
        embedding = fit(path, [ODD_WORDS])
        assert list(embedding.vocabulary_) == words
        assert_array_equal(embedding.word_vectors_, VECTORS)


@pytest.mark.parametrize(
    "lines", [*permutations(["the 1 2", ". . . 3 4", "a b 2 5 6"])]
)
def test_any_line_may_be_the_first(written, lines):
    embedding = fit(written("\n".join(lines)))
    expected = {"the": [1, 2], ". . .": [3, 4], "a b 2": [5, 6]}
    for word in expected:
        assert_array_equal(embedding.embed_words(word), expected[word])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # How many numbers there are cannot be told.
        (
            "New York 1 2\nSan Jose 1 2 3\n",
            "2: .* 'San Jose' has length 3, but that of",
        ),
        (
            "top 10 4 5 6\nthe 1 2 3\n",
            "2: .* 'the' has length 3, but that of line 1 has",
        ),
        # Numbers that may be part of the word or not.
        (GLOVE + "10 000 1 2 3\n", "line 4: the vector of '10' has length 4, but"),
        ("10 000 1 2 3\n" + GLOVE, "line 1: the vector of '10' has length 4, but that"),
        # Two lines that have become one.
        (
            GLOVE + "a 1 2 3 b 4 5 6\n",
            "line 4: the word 'a 1 2 3 b' holds a vector its",
        ),
        (
            GLOVE + "a 1 2 3b 4 5 6\n",
            "line 4: the word 'a 1 2 3b' holds a vector itself",
        ),
        ("a 1 2 3\rb 4 5 6\r", r"line 1: the word 'a 1 2 3\\rb' holds a vector itself"),
        # Other separators.
        (
            "the\xa01 2 3\na\xa04 5 6\n",
            r"line 1: the word 'the.*xa01' ends in white space",
        ),
        ("the 1,2\na 4,5\n", "line 1: '1,2' is not a number after 'the'"),
        ("the 1 2\t,\na 4 5 ,\n", "line 1: ',' is not a number after 'the'"),
        # Headers.
        ("2 2\nNew York 1 2 3\nSan Jose 1 2 3\n", "2: .* 'New York' has length 3, but"),
        ("2 4\nNew York 1 2 3\nSan Jose 1 2 3\n", "2: .* 'New York' has length 3, but"),
        (
            "3 3\nNew York 1 2 3\n",
            "line 2: the file ends here, with word 1, but its hea",
        ),
        ("1 3\n. . 1 2 3\na b 4 5 6\n", "line 3: the header says that there are 1 w"),
        # Numbers that are missing.
        (GLOVE + "New York 1 2\n", "line 4: 'York' is not a number"),
        (GLOVE + "San Luis Rey 1 2\n", "line 4: .* 'San Luis Rey' has length 2, but"),
        (GLOVE + "a  1 2\n", "line 4: the vector of 'a' has length 2, but"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"binary": False, "encoding": "latin-1"}])
def test_lines_that_cannot_be_told_apart(written, content, message, options):
    with pytest.raises(ValueError, match=rf"vectors.txt, (line )?{message}"):
        fit(written(content), **options)


@pytest.mark.parametrize("options", [{}, {"binary": True}, {"max_vocabulary": 7}])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_words_with_spaces_in_binary_files(written, end, options):
    vectors = np.random.default_rng(1).standard_normal((7, 50)).astype(np.float32)
    words = [*ODD_WORDS[1:], "los angeles, ca"]
    for _ in range(7):
        words = words[1:] + words[:1]
        path = written(b"7 50\n" + as_binary(words, vectors, end))
        embedding = fit(path, [words], **options)
        assert list(embedding.vocabulary_) == words
        assert_array_equal(embedding.word_vectors_, vectors)
        some = fit(path, [words], vocabulary=words[3:5], encoding="utf-8")
        assert_array_equal(some.word_vectors_, vectors[3:5])


def test_words_with_newlines_in_binary_files(written):
    vectors = np.random.default_rng(1).standard_normal((5, 20)).astype(np.float32)
    words = ["\n\n", "the", "\n", "a\nb", "\nx"]
    embedding = fit(written(b"5 20\n" + as_binary(words, vectors)), [words])
    assert list(embedding.vocabulary_) == words
    assert_array_equal(embedding.word_vectors_, vectors)
    for words in (["the", "\n", "a", "b", "c"], ["the", "\nx", "\ny", "b", "c"]):
        path = written(b"5 20\n" + as_binary(words, vectors))
        for options in ({}, {"max_vocabulary": 2}, {"vocabulary": ["b"]}):
            with pytest.raises(
                ValueError, match=r"vectors.txt, word [34]: .* KeyedVec"
            ):
                fit(path, [words], **options)


def test_binary_words_that_cannot_be_told_apart(written):
    # The word a with the vector 6.8e-4, or the word "a B" with the vector 0.24.
    path = written(b"2 1\na B 1:x> B 1:")
    with pytest.raises(ValueError, match="word 1: the word may be 'a' or 'a B', since"):
        fit(path)


@pytest.mark.parametrize(
    "options", [{}, {"max_vocabulary": 2}, {"encoding": "latin-1"}]
)
@pytest.mark.parametrize("header", ["7 3", "7 5", "7 1", "7 9", "6 4", "8 4"])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_wrong_headers_of_binary_files(written, header, end, options):
    path = written(f"{header}\n".encode() + as_binary(WORDS, VECTORS, end))
    with pytest.raises(
        ValueError, match=r"vectors.txt(, word \d:| ends early, in word)"
    ):
        fit(path, **options)


def test_text_is_not_read_as_binary_nor_binary_as_text(written, keyed, tmp_path):
    with pytest.raises(ValueError, match=r"is not word2vec's binary file: .*'auto'"):
        fit(written("3 3\n" + GLOVE), binary=True)
    keyed.save_word2vec_format(tmp_path / "full", binary=True)
    with pytest.raises(ValueError, match=r"full is not a text file; set binary='auto'"):
        fit(tmp_path / "full", binary=False)


def test_words_of_another_encoding(written, keyed, tmp_path):
    odd = GLOVE.encode() + b"caf\xe9 1 2 3\n"
    for options in ({"vocabulary": ["cat"]}, {"min_count": 1}):
        assert "cat" in fit(written(odd), **options).vocabulary_
    with pytest.raises(ValueError, match=r"none of .* 'cat'; its own are .* 'caf"):
        fit(written(b"caf\xe9 1 2"), vocabulary=["cat"])
    keyed.save_word2vec_format(tmp_path / "full", binary=True)
    odd = (tmp_path / "full").read_bytes().replace(b"\xc3\xa9", b"\xe9")
    assert list(fit(written(odd), vocabulary=["cat"]).vocabulary_) == ["cat"]


@pytest.mark.parametrize("header", ["", "3 3\n"])
def test_byte_order_mark(written, header):
    embedding = fit(written(b"\xef\xbb\xbf" + (header + GLOVE).encode()))
    assert list(embedding.vocabulary_) == ["the", "cat", "dog"]


@pytest.mark.parametrize("line", ["new yörk 1 2", "yörk 1 2 ", "\r\nnew å 1 2\r"])
def test_text_is_not_taken_for_binary(written, line):
    embedding = fit(written(f"2 2\n{line}\ncat 3 4\n"))
    assert_array_equal(embedding.word_vectors_, [[1, 2], [3, 4]])


@pytest.mark.parametrize("start", [b"\n", b"A\n", b" \n", b"1  "])
def test_binary_is_not_taken_for_text(written, start):
    vectors = np.ones((2, 3), "<f4").tobytes()
    vector = start + vectors[len(start) : 12]
    embedding = fit(written(b"2 3\ncat " + vector + b"\ndog " + vectors[12:]))
    assert embedding.word_vectors_[0].tobytes() == vector


def test_large_files(written):
    lines = [f"word{i} {i} {-i}.5\n" for i in range(70_000)]  # several blocks
    vectors = fit(written("".join(lines)), ["word7"]).word_vectors_
    assert_array_equal(vectors[:, 0], np.arange(70_000))
    lines[65_000] = "odd 1\n"
    path, few = written("".join(lines)), {"vocabulary": ["word7"]}
    with pytest.raises(ValueError, match=r"vectors.txt, line 65001: .* 'odd' has len"):
        fit(path, ["word7"], **few)
    tracemalloc.start()
    fit(path, ["word7"], **few, max_vocabulary=65_000)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def test_repeated_words_and_the_progress_bar(written, capsys):
    path = written(GLOVE + "cat 0 0 0\ndog 0 0 0\n")
    with pytest.warns(
        UserWarning, match=r"repeats words, .* 'cat'; .* and 2 left"
    ) as seen:
        embedding = fit(path)
    assert [warning.filename for warning in seen] == [__file__]
    assert_array_equal(embedding.embed_words("cat"), [4, 5, 6])
    assert not capsys.readouterr().err
    fit(written(gzip.compress(GLOVE.encode()), "v.gz"), verbose=1)
    assert "v.gz: 100%" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["dict", "keyed", "file"])
def test_vocabulary_filters(source, keyed, tmp_path):
    vectors = {"dict": DICT, "keyed": keyed, "file": tmp_path / "vectors.gz"}[source]
    keyed.save_word2vec_format(tmp_path / "vectors.gz")

    def kept(**options):
        embedding = fit(vectors, **options)
        words = list(embedding.vocabulary_)
        assert_array_equal(embedding.word_vectors_, [DICT[word] for word in words])
        counts = [KNOWN.count(word) for word in words]
        assert_array_equal(embedding.word_counts_, counts)
        Z = embedding.fit_transform(DOCUMENTS)
        assert_array_equal(Z, embedding.transform(DOCUMENTS))
        return " ".join(words)

    assert kept() == " ".join(WORDS)
    assert kept(max_vocabulary=2) == "the cat"
    assert kept(vocabulary={"CAT", "bonds", "zebra"}) == "cat bonds"
    assert kept(vocabulary=np.array(["dog", "bonds"]), min_count=3) == "bonds"
    assert kept(min_count=1) == "the cat dog Paris bonds"
    assert kept(min_count=2) == "the dog bonds"
    assert kept(stop_words="english") == "cat dog Paris paris bonds café"
    assert kept(stop_words=["cat"], max_vocabulary=3, min_count=1) == "the dog"


def test_lower_case_fallback():
    Z = fit(DICT).transform(["CAT", "Paris", "PARIS", "CaFÉ", "Zebra"])
    assert_array_equal(Z, [*VECTORS[[1, 3, 4, 6]], np.zeros(4)])
    exact = fit(DICT, lowercase_fallback=False)
    assert_array_equal(exact.transform(["CAT", "Paris"]), [np.zeros(4), VECTORS[3]])
    with pytest.raises(ValueError, match="'dog' has; set lowercase_fallback=True"):
        exact.fit(["DOG"])
    # A stop word does not come back in lower case.
    assert not fit(DICT, stop_words=["CAT"]).transform(["CAT"]).any()
    # A word that min_count drops has its lower-case form, in fit as in transform.
    embedding = PretrainedEmbedding(DICT, min_count=2)
    assert_array_equal(embedding.fit_transform(["Paris paris paris"]), VECTORS[[4]])
    assert_array_equal(embedding.transform(["Paris cat"]), VECTORS[[4]])
    assert list(embedding.word_counts_) == [3]


def test_weights_of_words_that_do_not_occur():
    df, documents = np.array([0, 2, 1, 0, 0, 0, 0]), ["cat dog", "cat"]
    idf = fit(DICT, documents, pooling="idf")
    assert_allclose(idf.word_weights_, np.log(3 / (1 + df)) + 1)
    expected = np.average(VECTORS[[1, 5]], 0, weights=idf.word_weights_[[1, 5]])
    assert_allclose(idf.transform(["cat bonds"]), [expected])
    sif = fit(DICT, documents, pooling="sif")
    assert_allclose(sif.word_weights_, 1e-3 / (1e-3 + df / 3))
    direction = sif.common_component_
    expected = VECTORS[5] - VECTORS[5] @ direction * direction
    assert_allclose(sif.transform(["bonds", "zebra"]), [expected, np.zeros(4)])


def test_vectors_in_memory_are_shared_and_unchanged(keyed):
    pipeline = make_pipeline(PretrainedEmbedding(keyed), LogisticRegression())
    copied = clone(pipeline).fit(DOCUMENTS, [0, 0, 1, 1])
    assert copied.score(DOCUMENTS, [0, 0, 1, 1]) == 1
    again = clone(copied[0].set_output(transform="pandas"))
    assert again.vectors is copied[0].vectors is keyed
    assert again.fit_transform(DOCUMENTS).columns[0] == "pretrainedembedding0"
    again.word_vectors_ += 1
    assert_array_equal(keyed.vectors, VECTORS)
    for dtype, expected in (("i1", "f8"), ("f8", "f8"), ("f2", "f4"), ("f4", "f4")):
        assert fit({"cat": np.ones(2, dtype)}).word_vectors_.dtype == expected


def test_a_failed_fit_changes_nothing(written):
    embedding = fit(DICT)
    before = dict(vars(embedding))
    for vectors, documents in ((written("a 1\nb"), ["cat"]), (DICT, ["zebra"])):
        with pytest.raises(ValueError, match=r"get the file|has none"):
            embedding.set_params(vectors=vectors).fit(documents)
        assert vars(embedding.set_params(vectors=DICT)) == before


@pytest.mark.parametrize(
    ("vectors", "options", "message"),
    [
        ("\n", {}, "vectors.txt is empty"),
        ("3 2\n", {}, "line 1: the file ends here, with word 0, but .* there are 3"),
        (f"9 3\n{GLOVE}", {}, "line 4: the file ends here, with word 3, .* are 9; get"),
        (f"2 3\n{GLOVE}", {}, "line 4: the header says .* 2 words.*max_vocabulary=2"),
        (f"3 4\n{GLOVE}", {}, "line 2: .* 'the' has length 3, but the header says 4"),
        (GLOVE + "a 1 2 3 4", {}, "4: .* 'a' has length 4, but .* line 1 has length 3"),
        (GLOVE + "cut", {"vocabulary": ["the"]}, "line 4: .* 'cut' has length 0, but"),
        (GLOVE + "a 1 2_5 3\n", {}, "line 4: '2_5' is not a number"),
        (GLOVE + "a 1 nan 3\n", {}, "line 4: the vector of 'a' holds NaN, infinity or"),
        (GLOVE + "a 1 1e39 3\n", {}, "line 4: .* too large for float32"),
        (
            GLOVE.encode() + b"\xe9 1 2 3",
            {},
            r"4: the word b'\\xe9' is not utf-8.* as voc",
        ),
        (GLOVE, {"vocabulary": ["Zebra"]}, "none of .* 'Zebra'; its own are .* 'the'"),
        (GLOVE, {"stop_words": ["the", "cat", "dog"]}, "vectors of stop words only"),
        (GLOVE, {"binary": True}, "not word2vec's binary file: that starts with"),
        (GLOVE, {"encoding": "utf-16"}, "encoding='utf-16' does not write spaces"),
        (GLOVE, {"encoding": "utf-0"}, "encoding='utf-0' is not one that Python knows"),
        ("word,1,2\n", {}, "line 1: there are no numbers after 'word,1,2'; a line is"),
        ("some prose\n", {}, "line 1: 'prose' is not a number after 'some'"),
        (b"\x80\x04\x95\x00", {}, "neither text nor .* pass the KeyedVectors"),
        (3, {}, "vectors must be the path .* but is of type int"),
        (Word2Vec(vector_size=2), {}, "of type Word2Vec; pass its attribute wv"),
        ({}, {}, "empty dict"),
        ({"cat": [1, 2], "dog": [1]}, {}, r"'dog'\] has length 1, but .* has length 2"),
        ({"cat": [1, "2"]}, {}, r"vectors\['cat'\] is \[1, '2'\], but a list of numb"),
        ({"cat": [[1], [2, 3]]}, {}, r"vectors\['cat'\] is \[\[1\], \[2, 3\]\], b"),
        ({"cat": [1, np.inf]}, {}, r"vectors\['cat'\] holds NaN or infinity"),
        ({3: [1.0]}, {}, "the word 3, which is not a string"),
        (KeyedVectors(2, count=3), {}, "the word None, which is not a string"),
        (DICT, {"vocabulary": []}, "vocabulary holds no words"),
        (DICT, {"vocabulary": ["cat", 3]}, "vocabulary holds 3, which is not a string"),
        (DICT, {"vocabulary": ["zebra"]}, "none of the words .* such as 'zebra'"),
        (DICT, {"vocabulary": ["zebra"], "min_count": 1}, "'The', is in vocabulary"),
        (DICT, {"min_count": 9}, "'bonds', occurs 3 times; lower min_count"),
        (DICT, {"token_pattern": "z"}, "None of the 4 documents has a word"),
        ({"zebra": [1]}, {}, "most frequent, 'bonds', has none; .* such as 'zebra'"),
        ({"zebra": [1]}, {"stop_words": ["bonds"]}, "none, and it is a stop word"),
    ],
)
def test_bad_vectors(written, tmp_path, vectors, options, message):
    vectors = written(vectors) if isinstance(vectors, str | bytes) else vectors
    with pytest.raises(ValueError, match=message) as caught:
        fit(vectors, **options)
    assert str(tmp_path) not in str(caught.value)


def test_bad_binary_and_compressed_files(written, keyed, tmp_path):
    keyed.save_word2vec_format(tmp_path / "full", binary=True)
    full = (tmp_path / "full").read_bytes()
    assert len(fit(written(full + b"\n")).vocabulary_) == 7
    for content, name, message in (
        (full[:-1], "cut", "cut ends early, in word 7 of the 7 that its header says"),
        (full[:50], "cut", "cut ends early, in word 3 of the 7 that its header says"),
        (full + b"more", "cut", "cut, word 8: the header says that there are 7 words"),
        (full.replace(b"\xc3\xa9", b"\xe9"), "cut", r"cut, word 7: .* b'caf\\xe9' is"),
        (full[:-4] + b"\0\0\xc0\x7f", "cut", "word 7: the vector of 'café' holds NaN"),
        (gzip.compress(full)[:-9], "v.gz", "v.gz ends early: .* after line 0 or a li"),
        (GLOVE, "v.gz", r"is no .gz file, or is damaged \(Not a gzipped file"),
        (GLOVE, "glove.6B.zip", "is an archive; unpack it"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(written(content, name))
    for binary, end in (("auto", "again, or set binary=False."), (True, "file again.")):
        with pytest.raises(ValueError, match=rf"; get the .*{end}$"):
            fit(written(full[:-1]), binary=binary)
    with pytest.raises(FileNotFoundError, match=r"There is no file 'nowhere.txt'"):
        fit("nowhere.txt")
    with pytest.raises(IsADirectoryError, match="is a folder; pass one of the files"):
        fit(tmp_path)
