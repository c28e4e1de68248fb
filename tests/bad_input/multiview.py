"""Bad input of two views, and of search."""

CASES = [
    (
        "Other numbers of rows in both views",
        "RegularizedCCA().fit(table, table[:-1])",
        ValueError,
    ),
    ("No second view", "RegularizedCCA().fit(table, None)", ValueError),
    ("One row", "RegularizedCCA().fit(table[:1], table[:1])", ValueError),
    (
        "NaN in the second view",
        "RegularizedCCA().fit([[1.0], [2.0]], [[np.nan], [2.0]])",
        ValueError,
    ),
    (
        "A view that is the same in all rows",
        "RegularizedCCA().fit(table, np.ones(len(table)))",
        ValueError,
    ),
    (
        "Words as the second view",
        "RegularizedCCA().fit([[1.0], [2.0]], ['cat', 'dog'])",
        ValueError,
    ),
    (
        "More components than a view has",
        "RegularizedCCA(5).fit(table, table[:, :2])",
        UserWarning,
    ),
    ("A negative ridge", "RegularizedCCA(alpha=-1).fit(table, table)", ValueError),
    ("transform_y before fit", "RegularizedCCA().transform_y(table)", ValueError),
    (
        "A second view of another width",
        "RegularizedCCA().fit(table, table).transform_y(table[:, :2])",
        ValueError,
    ),
    (
        "Views of other rows to score",
        "RegularizedCCA().fit(table, table).score(table, table[:-1])",
        ValueError,
    ),
    (
        "Other numbers of captions than rows",
        "CLIP().fit(table, captions[:-1])",
        ValueError,
    ),
    ("Rows without captions", "CLIP().fit(table)", ValueError),
    ("One row and its caption", "CLIP().fit(table[:1], captions[:1])", ValueError),
    ("An empty caption", "CLIP().fit(table, ['', *captions[1:]])", ValueError),
    ("No captions of an item", "CLIP().fit(table, [[], *captions[1:]])", ValueError),
    ("A missing caption", "CLIP().fit(table, [None, *captions[1:]])", ValueError),
    ("A number as a caption", "CLIP().fit(table, [*captions[:-1], 3])", ValueError),
    ("A caption of bytes", "CLIP().fit(table, [b'a cat', *captions[1:]])", ValueError),
    (
        "A caption of marks alone",
        "CLIP().fit(table, ['?!', *captions[1:]])",
        ValueError,
    ),
    (
        "Captions of words that are too rare",
        "CLIP(min_count=5).fit(table, ['a dog', *captions[1:]])",
        ValueError,
    ),
    (
        "Items with one caption",
        "small_clip().fit(table, ['a cat', 'a cat', *captions[2:]])",
        UserWarning,
    ),
    (
        "Items with one caption for a transformer",
        "small_clip(y_encoder=LSA(2)).fit(table, ['a cat', 'a cat', *captions[2:]])",
        UserWarning,
    ),
    (
        "Captions of single words",
        "small_clip().fit(table, [[f'red{row}', f'cat{row}'] for row in range(20)])",
        UserWarning,
    ),
    ("One string as captions", "CLIP().fit(table, 'a cat')", ValueError),
    ("Captions as a set", "CLIP().fit(table, set(captions))", ValueError),
    (
        "A table of captions",
        "CLIP().fit(table, np.array(captions).reshape(-1, 2))",
        ValueError,
    ),
    (
        "Strings beside lists of tokens",
        "CLIP().fit(table, [[['a', 'cat']], *captions[1:]])",
        ValueError,
    ),
    (
        "A number among tokens",
        "CLIP().fit(table, [[['a', 3]]] * 20)",
        ValueError,
    ),
    ("No items at all", "CLIP().fit(table, [])", ValueError),
    ("Items of another kind", "CLIP().fit(table, [{'a': 1}] * 20)", ValueError),
    (
        "Items of several lengths",
        "CLIP().fit(table, [[1, 2], [3]] * 10)",
        ValueError,
    ),
    (
        "Groups of validation data that are not there",
        "CLIP().fit(table, captions, groups_val=classes)",
        ValueError,
    ),
    (
        "Empty captions to encode",
        "small_clip().fit(table, captions).transform_y([])",
        ValueError,
    ),
    (
        "A prompt of bytes",
        "ZeroShotClassifier(small_clip().fit(table, captions),"
        " prompts={0: b'red', 1: 'blue'}).fit(table, classes)",
        ValueError,
    ),
    (
        "Images as captions of words",
        "CLIP(y_encoder='words').fit(table, images)",
        ValueError,
    ),
    ("Captions for a CNN", "CLIP(y_encoder='cnn').fit(table, captions)", ValueError),
    (
        "A sparse second view",
        "CLIP(y_encoder=TfidfVectorizer()).fit(table, captions)",
        ValueError,
    ),
    (
        "Given vectors without words",
        "CLIP(init=ScaledPCA()).fit(table, captions)",
        ValueError,
    ),
    (
        "Given vectors that are not fitted",
        "CLIP(init=PMIEmbedding()).fit(table, captions)",
        ValueError,
    ),
    (
        "Given vectors of other words",
        "CLIP(init=PMIEmbedding(2, min_count=1).fit(documents[:2]))"
        ".fit(table, [f'red{row}' for row in range(20)])",
        ValueError,
    ),
    ("Groups of other rows", "CLIP().fit(table, captions, groups=[1, 2])", ValueError),
    (
        "Rows of one group",
        "CLIP().fit(table, captions, groups=np.zeros(20))",
        ValueError,
    ),
    (
        "A missing group",
        "CLIP().fit(table, captions, groups=[None, *'abcdefghijklmnopqrs'])",
        ValueError,
    ),
    ("Batches of one", "CLIP(batch_size=1).fit(table, captions)", ValueError),
    ("A temperature of 0", "CLIP(temperature=0).fit(table, captions)", ValueError),
    ("All words left out", "CLIP(caption_dropout=1).fit(table, captions)", ValueError),
    (
        "NaN in a second table",
        "CLIP().fit(table, np.where(table > 2, np.nan, table + np.nan))",
        ValueError,
    ),
    ("transform_y of CLIP before fit", "CLIP().transform_y(['a cat'])", ValueError),
    (
        "A caption of unknown words alone",
        "small_clip().fit(table, captions).transform_y(['xyz'])",
        UserWarning,
    ),
    (
        "Numbers after captions",
        "small_clip().fit(table, captions).transform_y(table)",
        ValueError,
    ),
    (
        "Captions after numbers",
        "small_clip().fit(table, table).transform_y(captions)",
        ValueError,
    ),
    (
        "A second table of another width",
        "small_clip().fit(table, table).transform_y(table[:, :2])",
        ValueError,
    ),
    (
        "Images of another size as the second view",
        "small_clip().fit(table, images).transform_y(images[:, :4])",
        ValueError,
    ),
    (
        "Texts of other rows",
        "TextTargetTransformer(LSA(2)).fit(table, captions[:-1])",
        ValueError,
    ),
    ("Rows without texts", "TextTargetTransformer(LSA(2)).fit(table)", ValueError),
    (
        "No text embedder",
        "TextTargetTransformer(None).fit(table, captions)",
        ValueError,
    ),
    (
        "Sparse vectors of texts",
        "TextTargetTransformer(TfidfVectorizer()).fit(table, captions)",
        ValueError,
    ),
    (
        "Texts that are all the same",
        "TextTargetTransformer(ScaledPCA()).fit(table, np.ones((20, 2)))",
        ValueError,
    ),
    (
        "Cross-entropy of vectors that are no shares",
        "TextTargetTransformer(ScaledPCA(), loss='cross_entropy').fit(table, table)",
        ValueError,
    ),
    (
        "Predictions before fit",
        "TextTargetTransformer(LSA(2)).predict(table)",
        ValueError,
    ),
    (
        "A single class to describe",
        "ZeroShotClassifier(small_clip().fit(table, captions)).fit(None, ['cat1'])",
        ValueError,
    ),
    (
        "A class without a prompt",
        "ZeroShotClassifier(small_clip().fit(table, captions), prompts={0: 'red'})"
        ".fit(table, classes)",
        ValueError,
    ),
    (
        "Templates without a place for the class",
        "ZeroShotClassifier(small_clip().fit(table, captions), prompts=['a cat'])"
        ".fit(table, classes)",
        ValueError,
    ),
    (
        "Numbers as classes for an embedder of texts",
        "ZeroShotClassifier(small_clip().fit(table, captions)).fit(table, classes)",
        ValueError,
    ),
    (
        "An embedder of one view",
        "ZeroShotClassifier(ScaledPCA()).fit(table, classes)",
        ValueError,
    ),
    (
        "No rows for an embedder that is not fitted",
        "ZeroShotClassifier(CLIP()).fit(None, ['red', 'blue'])",
        ValueError,
    ),
    (
        "Queries of another width",
        "MIPSTransformer().fit(table).transform_queries(table[:, :2])",
        ValueError,
    ),
    ("An index of no items", "EmbeddingIndex().fit(np.empty((0, 3)))", ValueError),
    (
        "More neighbors than items",
        "EmbeddingIndex().fit(table).kneighbors(table, 100)",
        ValueError,
    ),
    ("A search for nothing", "EmbeddingIndex().fit(table).search([])", ValueError),
    (
        "A search for a word that nobody knows",
        "EmbeddingIndex(LSA(2), n_neighbors=1).fit(['a cat', 'a dog']).search('xyz')",
        ValueError,
    ),
    (
        "An item that is not there",
        "EmbeddingIndex().fit(table).search(100)",
        ValueError,
    ),
    (
        "A second view where there is one",
        "EmbeddingIndex(ScaledPCA(2)).fit(table).kneighbors(table, view='y')",
        ValueError,
    ),
    (
        "Sparse vectors in a graph of neighbors",
        "EmbeddingIndex(method='hnsw').fit(sp.csr_array(table))",
        ValueError,
    ),
    (
        "Inner products as a graph of distances",
        "EmbeddingIndex(metric='dot', mode='connectivity').fit(table)"
        ".kneighbors_graph(table, mode='distance')",
        ValueError,
    ),
    (
        "NaN in a query",
        "EmbeddingIndex().fit(table).kneighbors(np.nan * table[:1])",
        ValueError,
    ),
    ("A search before fit", "EmbeddingIndex().search(0)", ValueError),
    (
        "Queries before fit",
        "MIPSTransformer().transform_queries(table)",
        ValueError,
    ),
]
