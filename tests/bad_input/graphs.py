"""Bad graphs, tables of edges, ids of nodes and pairs of them."""

CASES = [
    ("An adjacency that is not square", "NetMF().fit(adjacency[:4])", ValueError),
    ("A negative weight", "NetMF().fit(-adjacency)", ValueError),
    (
        "NaN among the weights",
        "ProNE().fit(np.where(adjacency, adjacency, np.nan))",
        ValueError,
    ),
    (
        "Infinity among the weights",
        "LaplacianEigenmaps().fit(np.where(adjacency, np.inf, 0))",
        ValueError,
    ),
    ("Complex weights", "Node2Vec().fit(np.array([[0, 1j], [1j, 0]]))", ValueError),
    ("No nodes", "NetMF().fit(np.empty((0, 0)))", ValueError),
    (
        "Rows with another number of columns than the fitted graph has nodes",
        "NetMF(2).fit(adjacency).transform(adjacency[:, :5])",
        ValueError,
    ),
    ("Not fitted", "NetMF().transform(adjacency)", ValueError),
    (
        "More components than the graph allows",
        "NetMF(128, random_state=0).fit(adjacency).n_components_",
        UserWarning,
    ),
    (
        "As many eigenvectors as there are nodes",
        "LaplacianEigenmaps(6).fit(adjacency).n_components_",
        UserWarning,
    ),
    (
        "Nodes without any edge",
        "NetMF(2).fit(np.zeros((3, 3))).embedding_",
        UserWarning,
    ),
    (
        "A new node without an edge",
        "ProNE(2, random_state=0).fit(adjacency).transform(np.zeros((1, 6)))",
        None,
    ),
    (
        "Directions, for a method that takes undirected graphs",
        "LaplacianEigenmaps().fit(np.triu(adjacency))",
        ValueError,
    ),
    (
        "Nodes that edges lead to, but that no edge leaves",
        "ProNE(2, random_state=0).fit(np.triu(adjacency)).embedding_.round(1)",
        UserWarning,
    ),
    (
        "Clusters of a graph with directions",
        "GraphClusterEncoder(2).fit(np.triu(adjacency))",
        ValueError,
    ),
    (
        "More clusters than there are different nodes",
        "GraphClusterEncoder(20, random_state=0).fit(adjacency).n_clusters_",
        UserWarning,
    ),
    (
        "Threads whose result cannot be repeated, with a fixed `random_state`",
        "DeepWalk(n_jobs=2, random_state=0).fit(adjacency)",
        ValueError,
    ),
    (
        "The same edge twice in a table, or in both directions",
        "as_adjacency([('a', 'b'), ('a', 'b'), ('b', 'a')])[0].toarray()",
        None,
    ),
    ("An edge table of one column", "as_adjacency([('a',), ('b',)])", ValueError),
    (
        "A DataFrame of an adjacency, with the names of its nodes",
        "as_adjacency(friends)",
        ValueError,
    ),
    (
        "The same, given as an adjacency and the names of its nodes",
        "as_adjacency((friends, friends.columns))[0].toarray()",
        None,
    ),
    (
        "An array of numbers that may be an adjacency, or a table of edges",
        "as_adjacency(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))",
        ValueError,
    ),
    (
        "The same in a graph of an encoder",
        "NodeEncoder([[0, 1], [1, 2]]).fit([[0]])",
        ValueError,
    ),
    (
        "The same as levels of a tree",
        "tree_to_adjacency(friends)",
        ValueError,
    ),
    (
        "A table of edges in place of an adjacency",
        "path_lengths(np.array([[0, 1], [2, 1]]))",
        ValueError,
    ),
    (
        "An adjacency whose rows are in another order than its columns",
        "as_adjacency((friends.iloc[::-1], friends.columns))",
        ValueError,
    ),
    (
        "A missing id in an edge table",
        "as_adjacency([('a', 'b'), ('b', None)])",
        ValueError,
    ),
    (
        "A weight that is not a number",
        "as_adjacency([('a', 'b', 'strong')])",
        ValueError,
    ),
    (
        "Two nodes of one name",
        "as_adjacency((np.eye(2), ['a', 'a']))",
        ValueError,
    ),
    (
        "A leaf of a tree under two parents",
        "tree_to_adjacency([('WA', '98001'), ('OR', '98001')])",
        ValueError,
    ),
    (
        "Paths from a node that is not there",
        "path_lengths(as_adjacency(people), ['dora'])",
        ValueError,
    ),
    ("An unknown id", "NodeEncoder(people).fit([['ann'], ['dora']])", ValueError),
    (
        "An unknown id of 5,000 digits",
        "NodeEncoder(people).fit([[10**5000]])",
        ValueError,
    ),
    (
        "An unknown id, allowed for",
        "NodeEncoder(people, NetMF(2, window=1, random_state=0), "
        "handle_unknown='zero').fit_transform([['dora']])",
        None,
    ),
    (
        "Ids of another type than the names of the nodes",
        "NodeEncoder([('1', '2'), ('2', '3')], ProNE(1), "
        "handle_unknown='zero').fit_transform([[1], [2]])",
        UserWarning,
    ),
    ("Pairs without labels", "EdgeEncoder().fit(people)", ValueError),
    (
        "Pairs of three columns",
        "EdgeEncoder().fit([('ann', 'bob', 'cy')], [1])",
        ValueError,
    ),
    (
        "Pairs that are all edges",
        "EdgeEncoder().fit(people, [1, 1, 1])",
        ValueError,
    ),
    (
        "A node that is in no training pair",
        "EdgeEncoder(embedder=ProNE(1)).fit(people, [1, 1, 0])"
        ".transform([('ann', 'dora')])",
        ValueError,
    ),
    (
        "An edge in both directions",
        "EdgeEncoder(embedder=ProNE(1))"
        ".fit(people + [('bob', 'ann')], [1, 1, 0, 1]).node_names_",
        UserWarning,
    ),
    (
        "A pair that is an edge in one direction and none in the other",
        "EdgeEncoder(embedder=ProNE(1))"
        ".fit(people + [('bob', 'ann')], [1, 1, 0, 0]).node_names_",
        UserWarning,
    ),
    (
        "Edges to be predicted that are in the graph",
        "EdgeEncoder(people).fit([('ann', 'bob'), ('bob', 'bob')], [1, 0])"
        ".transform([('cy', 'ann')]).shape",
        UserWarning,
    ),
    (
        "Three columns of nodes for folds of edges",
        "edge_groups([('ann', 'bob', 'cy')])",
        ValueError,
    ),
]
