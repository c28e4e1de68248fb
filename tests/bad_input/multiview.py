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
