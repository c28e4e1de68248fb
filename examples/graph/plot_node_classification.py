r"""
Labels of nodes, from few known ones
====================================

You know who is friends with whom, and of some people the interests. What interests do
the others have? DeepWalk and its relatives were made for this test: vectors of the
nodes are learned from the whole graph, without a label, and a logistic regression goes
from vectors to labels, with few of the nodes labelled or most of them.

The second half asks for more: to label people who come after everything was fitted.
"""

# %%
# Friends with interests
# ----------------------
# If the environment variable ``SKLEARN_REPLEARN_DATA`` names a folder that holds
# ``graphs/blogcatalog.npz``, this is BlogCatalog, the bloggers of the papers, and takes
# ten minutes or more. Otherwise a graph is made that is like it in kind. Each of 1,000
# people has one to three of ten interests. Four friendships in ten join two people of
# one interest, the others any two, and some people have many more friends than others.

# sphinx_gallery_thumbnail_number = 1
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from sklearn_replearn.graph import (
    DeepWalk,
    LaplacianEigenmaps,
    NetMF,
    NodeEncoder,
    ProNE,
)


def read_blogcatalog(path):
    with np.load(path) as data:
        adjacency = data["indices"], data["indptr"]
        A = sparse.csr_array(
            (np.ones(len(adjacency[0])), *adjacency), shape=tuple(data["shape"])
        )
        Y = np.zeros((A.shape[0], int(data["n_labels"])), dtype=int)
        nodes = np.repeat(np.arange(len(Y)), np.diff(data["label_indptr"]))
        Y[nodes, data["label_indices"]] = 1
    return A, Y


def make_friends(rng, n_people=1_000, n_interests=10, n_friendships=16_000):
    popularity = np.sqrt(np.arange(n_interests, 0, -1))
    popularity /= popularity.sum()
    Y = np.zeros((n_people, n_interests), dtype=int)
    for interests in Y:
        size = rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])
        interests[rng.choice(n_interests, size, replace=False, p=popularity)] = 1
    sociable = 1 + rng.pareto(3, size=n_people)
    n_alike = int(0.4 * n_friendships)
    groups = np.column_stack([Y, np.ones(n_people)])  # the last: everyone
    counts = [*(n_alike * Y.sum(axis=0) // Y.sum()), n_friendships - n_alike]
    pairs = []
    for members, count in zip(groups.T, counts, strict=True):
        weights = members * sociable
        pairs.append(rng.choice(n_people, (count, 2), p=weights / weights.sum()))
    source, target = np.concatenate(pairs).T
    weights = (source != target).astype(float)
    shape = (n_people, n_people)
    A = sparse.coo_array((weights, (source, target)), shape=shape).tocsr()
    return A + A.T, Y


rng = np.random.default_rng(0)
folder = os.environ.get("SKLEARN_REPLEARN_DATA")
path = Path(folder or "", "graphs", "blogcatalog.npz")
if folder and path.is_file():
    name, n_components = "BlogCatalog", 128
    A, Y = read_blogcatalog(path)
else:
    name, n_components = "Generated friends", 32
    A, Y = make_friends(rng)
n_nodes, n_labels = Y.shape
print(f"{name}: {n_nodes} people, {A.nnz // 2} pairs of friends, {n_labels} interests")
print(f"{Y.sum(axis=1).mean():.2f} interests a person; {A.nnz / n_nodes:.0f} friends")

# %%
# The vectors
# -----------
# ``NodeEncoder`` looks up the vectors of the ids that it is given, here all of them.
# The graph holds the people whose interests are asked for as well as the others; that
# is fair, since no interest is in it. DeepWalk reads its walks three times, as those of
# a small graph are little to read.

methods = {
    "NetMF": NetMF(n_components, random_state=0),
    "DeepWalk": DeepWalk(n_components, max_epochs=3, random_state=0),
    "ProNE": ProNE(n_components, random_state=0),
    "LaplacianEigenmaps": LaplacianEigenmaps(n_components),
}
people = np.arange(n_nodes)[:, np.newaxis]
encoders = {
    label: NodeEncoder(A, method).fit(people) for label, method in methods.items()
}
vectors = {label: encoder.transform(people) for label, encoder in encoders.items()}

# %%
# More and more labels
# --------------------
# As in the papers, a person's number of interests is taken as known: of k, the k most
# probable are predicted. Micro-F1 counts all right and wrong answers together, Macro-F1
# is the mean over the interests, so that rare ones count as much as common ones.
#
# As a baseline without vectors, each person gets the interests most frequent among the
# friends whose interests are known.


def most_probable(scores, n_true):
    """The n_true largest scores of each row, as 0 and 1."""
    ranks = (-scores).argsort(axis=1).argsort(axis=1)
    return (ranks < n_true[:, np.newaxis]).astype(int)


def classify(V_train, Y_train, V_test, Y_test):
    """Micro-F1 and Macro-F1 of logistic regressions, one for each label."""
    scale = V_train.std()
    model = OneVsRestClassifier(LogisticRegression(C=0.1, max_iter=1_000))
    model.fit(V_train / scale, Y_train)
    scores = model.predict_proba(V_test / scale)
    return f1_scores(Y_test, scores)


def f1_scores(Y_test, scores):
    predicted = most_probable(scores, Y_test.sum(axis=1))
    return [
        f1_score(Y_test, predicted, average=average, zero_division=0)
        for average in ("micro", "macro")
    ]


def labels_of_friends(train, test):
    known = np.zeros(Y.shape)
    known[train] = Y[train]
    return f1_scores(Y[test], (A @ known)[test] + 1e-3 * Y[train].mean(axis=0))


shares = [0.1, 0.2, 0.4, 0.6, 0.8]
results = {label: [] for label in [*methods, "friends' interests"]}
for share in shares:
    scores = {label: [] for label in results}
    for _ in range(3):
        train, test = np.split(rng.permutation(n_nodes), [int(share * n_nodes)])
        for label, V in vectors.items():
            scores[label].append(classify(V[train], Y[train], V[test], Y[test]))
        scores["friends' interests"].append(labels_of_friends(train, test))
    for label, repeats in scores.items():
        results[label].append(np.mean(repeats, axis=0))

print("Micro-F1 / Macro-F1 " + "".join(f"{share:14.0%}" for share in shares))
for label, curve in results.items():
    cells = (f"{micro:7.1%}{macro:7.1%}" for micro, macro in curve)
    print(f"{label:20s}" + "".join(cells))

styles = {
    "NetMF": ("#3f90da", "o"),
    "DeepWalk": ("#bd1f01", "s"),
    "ProNE": ("#832db6", "D"),
    "LaplacianEigenmaps": ("#ffa90e", "^"),
    "friends' interests": ("#717581", None),
}
fig, axes = plt.subplots(
    1, 2, figsize=(8.5, 3.6), sharex=True, sharey=True, layout="constrained"
)
for i, (ax, title) in enumerate(zip(axes, ("Micro-F1", "Macro-F1"), strict=True)):
    for label, curve in results.items():
        color, marker = styles[label]
        ax.plot(
            shares,
            [scores[i] for scores in curve],
            color=color,
            marker=marker,
            linestyle="-" if marker else "--",
            label=label,
        )
    ax.set(title=title, xlabel="Share of people whose interests are known")
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
axes[1].legend(loc="lower right", fontsize="small")
fig.suptitle(f"{name}: interests predicted from vectors")
plt.show()

# %%
# With few labels, vectors are ahead by far: they know a person's place in the graph,
# even if no friend has told an interest. The more friends have, the less there is to
# guess. In the generated graph, where interests show in nothing but friendships, their
# labels say as much in the end; a classifier may well have both.
#
# People who come later
# ---------------------
# Now a fifth of the people are not there when vectors are learned and classifiers
# trained. They come later, and their friendships with those who are there are rows for
# ``transform``. To compare with, there is what the classifiers would say if these
# people had been there from the beginning, in the graph of all; and what they say from
# the mean of the friends' vectors, which anybody would try first.
#
# A model should be trained on the kind of vectors that it will meet. So here DeepWalk's
# are those of the formula that ``transform`` uses, and not those that were trained.

here, later = np.split(rng.permutation(n_nodes), [int(0.8 * n_nodes)])
A_here, A_later = A[here][:, here], A[later][:, here]
n_friends = np.maximum(A_later.sum(axis=1), 1)[:, np.newaxis]
print("Micro-F1              transform   there before   friends' mean")
for label, method in methods.items():
    V = method.fit_transform(A_here)
    whole = encoders[label].embedder_.embedding_
    micro = [
        classify(V_train, Y[here], V_test, Y[later])[0]
        for V_train, V_test in (
            (V, method.transform(A_later)),
            (whole[here], whole[later]),
            (V, A_later @ V / n_friends),
        )
    ]
    print(f"{label:22s}{micro[0]:9.1%}{micro[1]:15.1%}{micro[2]:16.1%}")

# %%
# The rows of new people are worth more than the mean of their friends' vectors, for
# every method. Something is lost against having been there: in a small graph, some of
# what a vector says comes from the person's own edges, which new people have not had a
# say in. On BlogCatalog, with 65 friends a person, it is 0 to 2 points (see the user
# guide).
