"""Bad texts and files of word vectors."""

CASES = [
    ("No documents", "LSA().fit([])", ValueError),
    (
        "Nothing but stop words",
        "LSA(vectorizer=TfidfVectorizer(stop_words='english')).fit(['the', 'and'])",
        ValueError,
    ),
    ("One string instead of a list", "LSA().fit('the cat sat')", ValueError),
    ("`None` among the documents", "LSA().fit(['the cat sat', None])", ValueError),
    ("A number among the documents", "LSA().fit(['the cat sat', 7])", ValueError),
    ("Bytes", "LSA().fit([b'the cat sat', b'the dog ran'])", ValueError),
    (
        "A generator, which can be read only once",
        "LSA(2).fit_transform(text for text in documents).shape",
        None,
    ),
    (
        "More components than the terms or documents allow",
        "LSA(50).fit(documents).n_components_",
        UserWarning,
    ),
    ("Not fitted", "LSA().transform(documents)", ValueError),
    (
        "A document with no known word",
        "LSA(2).fit(documents).transform(['zebra', ''])",
        None,
    ),
    (
        "Strings in `fit`, tokens in `transform`",
        "LSA(2).fit(documents).transform([['the', 'cat']])",
        ValueError,
    ),
    ("A table", "LSA().fit(frame)", ValueError),
    (
        "An unknown word in a query",
        "LSA(2).fit(documents).most_similar('cats')",
        ValueError,
    ),
    (
        "Strings and lists of tokens together",
        "PMIEmbedding(2).fit(['the cat sat', ['the', 'dog']])",
        ValueError,
    ),
    (
        "No word that occurs often enough",
        "PMIEmbedding(min_count=5).fit(documents)",
        ValueError,
    ),
    (
        "A generator where documents must be read more than once",
        "PMIEmbedding().fit(text for text in documents)",
        ValueError,
    ),
    (
        "More components than words",
        "PMIEmbedding(50, min_count=1).fit(documents).n_components_",
        UserWarning,
    ),
    (
        "Documents of one word each, where none has a neighbour",
        "PMIEmbedding(1, min_count=1).fit(['cat', 'dog']).word_vectors_",
        UserWarning,
    ),
    ("No file", "PretrainedEmbedding('glove.txt').fit(documents)", FileNotFoundError),
    (
        "A file of word vectors that is cut off",
        r"PretrainedEmbedding(file_with('3 2\nthe 1 2\ncat 3 4\n')).fit(documents)",
        ValueError,
    ),
    (
        "Word vectors of two widths",
        r"PretrainedEmbedding(file_with('the 1 2\ncat 3\n')).fit(documents)",
        ValueError,
    ),
    (
        "A word where a number is expected",
        r"PretrainedEmbedding(file_with('the 1 2\ncat 3 four\n')).fit(documents)",
        ValueError,
    ),
    (
        "A line of word vectors that may be read in two ways",
        r"PretrainedEmbedding(file_with('cat 1 2\n10 000 3 4\n')).fit(documents)",
        ValueError,
    ),
    (
        "Two lines of word vectors that have become one",
        r"PretrainedEmbedding(file_with('a 1 2 3\nb 1 2 3c 1 2 3\n')).fit(documents)",
        ValueError,
    ),
    (
        "A header that tells another width than the lines have",
        r"PretrainedEmbedding(file_with('1 3\nNew York 1 2\n')).fit(documents)",
        ValueError,
    ),
    (
        "Text that is said to be word2vec's binary format",
        r"PretrainedEmbedding(file_with('1 1\ncat 1\n'), binary=True).fit(documents)",
        ValueError,
    ),
    (
        "The vectors of a word twice",
        r"PretrainedEmbedding(file_with('cat 1\ncat 2')).fit(documents).word_vectors_",
        UserWarning,
    ),
    (
        "Word vectors for none of the words",
        "PretrainedEmbedding({'Katze': [1.0, 2.0]}).fit(documents)",
        ValueError,
    ),
    (
        "Threads whose result cannot be repeated, with a fixed `random_state`",
        "SkipGramEmbedding(n_jobs=2, random_state=0).fit(documents)",
        ValueError,
    ),
    (
        "Nothing to train: neither negative sampling nor hierarchical softmax",
        "SkipGramEmbedding(negative=0).fit(documents)",
        ValueError,
    ),
    (
        "Subsampling that leaves no words",
        "SkipGramEmbedding(4, min_count=1, subsample=1e-9).fit(documents)",
        UserWarning,
    ),
]
