"""Bad tables."""

CASES = [
    ("NaN", "ScaledPCA().fit([[1.0, np.nan], [2.0, 3.0]])", ValueError),
    ("Infinity", "ScaledPCA().fit([[1.0, np.inf], [2.0, 3.0]])", ValueError),
    (
        "NaN in a sparse matrix",
        "ScaledPCA(1, with_mean=False).fit(sp.csr_array([[0, np.nan], [2, 0]]))",
        ValueError,
    ),
    ("No rows", "ScaledPCA().fit(np.empty((0, 3)))", ValueError),
    ("No columns", "ScaledPCA().fit(np.empty((3, 0)))", ValueError),
    ("One row", "ScaledPCA().fit([[1.0, 2.0]])", ValueError),
    ("One column", "ScaledPCA().fit_transform([[1.0], [2.0], [3.0]])", None),
    (
        "A constant column",
        "ScaledPCA(1).fit([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]).components_",
        None,
    ),
    (
        "Nothing but constant columns",
        "ScaledPCA(1).fit_transform(np.ones((3, 2)))",
        None,
    ),
    ("A one-dimensional array", "ScaledPCA().fit([1.0, 2.0, 3.0])", ValueError),
    ("Words in a table", "ScaledPCA().fit([['red'], ['blue']])", ValueError),
    (
        "More components than the data allow",
        "ScaledPCA(10).fit(table).n_components_",
        UserWarning,
    ),
    ("A fraction above 1", "ScaledPCA(1.5).fit(table)", ValueError),
    ("Not fitted", "ScaledPCA().transform(table)", ValueError),
    (
        "Another number of columns than in `fit`",
        "ScaledPCA().fit(table).transform(table[:, :3])",
        ValueError,
    ),
    (
        "Columns in another order than in `fit`",
        "ScaledPCA().fit(frame).transform(frame[['b', 'a']])",
        ValueError,
    ),
    (
        "A row far beyond the training rows",
        "ScaledPCA().fit(1e-200 * table).transform(1e150 * table)",
        ValueError,
    ),
    (
        "Components too large for their precision",
        "ScaledPCA(2).fit(1e100 * table).inverse_transform(np.ones((3, 2), 'f4'))",
        ValueError,
    ),
    (
        "Similarities that are not square",
        "SimilarityEmbedding(similarity='precomputed').fit(table)",
        ValueError,
    ),
    (
        "A similarity of two rows, where one of two tables is expected",
        "SimilarityEmbedding(similarity=lambda a, b: (a * b).sum()).fit(table)",
        ValueError,
    ),
    (
        "A similarity that overflows",
        "SimilarityEmbedding(similarity='poly', degree=400).fit(1e3 * table)",
        ValueError,
    ),
    (
        "No similarity at all",
        "SimilarityEmbedding(similarity='linear').fit(np.zeros((3, 2)))",
        ValueError,
    ),
    (
        "Negative numbers, for a kernel of histograms",
        "SimilarityEmbedding(similarity='chi2').fit(table)",
        ValueError,
    ),
    (
        "Fewer independent similarities than components",
        "SimilarityEmbedding(5, similarity='linear').fit(table).n_components_",
        UserWarning,
    ),
]
