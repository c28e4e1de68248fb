"""Bad classes, pairs and questions about similar rows."""

from sklearn.exceptions import ConvergenceWarning

CASES = [
    ("No classes", "TripletTransformer().fit(table)", ValueError),
    ("One class", "TripletTransformer().fit(table, np.zeros(20))", ValueError),
    (
        "Classes with one member each",
        "TripletTransformer().fit(table, np.arange(20))",
        ValueError,
    ),
    (
        "Labels that are strings, and one of a kind among them",
        "SupConTransformer(2, max_epochs=1).fit("
        "table, ['a', *np.repeat(['b', 'c'], [9, 10])]).n_components_",
        None,
    ),
    (
        "A missing label",
        "TripletTransformer().fit(table, [None, *'ab' * 9, 'a'])",
        ValueError,
    ),
    ("NaN", "SupConTransformer().fit(table * np.nan, classes)", ValueError),
    (
        "A module with outputs of the wrong shape",
        "TripletTransformer(2, encoder=torch.nn.Linear(4, 3)).fit(table, classes)",
        ValueError,
    ),
    (
        "No room for two classes in a batch",
        "TripletTransformer(batch_size=6).fit(table, classes)",
        ValueError,
    ),
    (
        "Images to be augmented, where there are none",
        "TripletTransformer(augment='flip').fit(table, classes)",
        ValueError,
    ),
    (
        "Rows that are all the same",
        "TripletTransformer(2, max_epochs=10).fit(np.ones((20, 3)), classes).n_iter_",
        ConvergenceWarning,
    ),
    (
        "Rows where pairs are expected",
        "SiameseTransformer(input='pairs').fit(table, classes)",
        ValueError,
    ),
    (
        "Indices, and no table that they point into",
        "SiameseTransformer(input='pairs').fit([[0, 1], [2, 3]], [1, 0])",
        ValueError,
    ),
    (
        "Indices beyond the table",
        "MahalanobisTransformer(input='pairs', preprocessor=table)"
        ".fit([[0, 1], [2, 30]], [1, 0])",
        ValueError,
    ),
    (
        "Labels of pairs that do not say which are the same",
        "SiameseTransformer(input='pairs').fit(pairs, is_same + 1)",
        ValueError,
    ),
    (
        "Pairs that are all the same",
        "PairClassifier().fit(pairs, np.ones(10))",
        ValueError,
    ),
    (
        "Embeddings of pairs",
        "SiameseTransformer(input='pairs').fit_transform(pairs, is_same)",
        ValueError,
    ),
    (
        "More linear components than columns",
        "MahalanobisTransformer(9, max_epochs=1).fit(table, classes).n_components_",
        UserWarning,
    ),
    (
        "More examples than a class has rows",
        "few_shot_score(ScaledPCA(2).fit(table), table, classes, n_way=2, k_shot=10)",
        ValueError,
    ),
    (
        "More classes in an episode than there are",
        "few_shot_score(ScaledPCA(2).fit(table), table, classes, n_way=5)",
        ValueError,
    ),
    (
        "An embedding that is not fitted, in episodes with new classes",
        "few_shot_score(ScaledPCA(2), table, classes, n_way=2)",
        ValueError,
    ),
    (
        "One class to search in",
        "mean_average_precision_at_r(table, np.zeros(20))",
        ValueError,
    ),
    (
        "More neighbours than there are",
        "recall_at_k(table, classes, k=20)",
        ValueError,
    ),
    (
        "Whole numbers that no double can tell apart",
        "recall_at_k(np.array([[2**60], [2**60 + 1], [0]]), [0, 0, 1])",
        ValueError,
    ),
    (
        "Folds that do not cover each row once",
        "CrossFitTransformer(ScaledPCA(2), cv=[([0, 1], [2, 3])]).fit_transform(table)",
        ValueError,
    ),
]
