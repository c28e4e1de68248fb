r"""
Labels in a tree
================

The diet of some species of a made-up animal kingdom is known; that of the others is to
be guessed from where they stand in the tree of orders, families, genera and species.
Close relatives mostly eat alike, so a good guess is what most of the genus eat. What if
nobody of the genus is known, and what if something else is known of the species, too?
"""

# %%
# A kingdom
# ---------
# Diets are handed down from the orders, and on each branch drawn anew with a chance of
# 25 %. The species are the leaves. Each has a body weight, which says a little about
# its diet.

# sphinx_gallery_thumbnail_number = 1
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sklearn_replearn.graph import NetMF, NodeEncoder, path_lengths, tree_to_adjacency

DIETS = ["plants", "insects", "fish", "meat", "plankton"]
rng = np.random.default_rng(0)


def hand_down(diet):
    return str(rng.choice(DIETS)) if rng.random() < 0.25 else diet


paths, diets = [], []
for order in range(6):
    of_order = str(rng.choice(DIETS))
    for family in range(rng.integers(3, 7)):
        of_family = hand_down(of_order)
        for genus in range(rng.integers(2, 7)):
            of_genus = hand_down(of_family)
            for _ in range(rng.integers(2, 8)):
                paths.append((order, family, genus, f"species {len(paths)}"))
                diets.append(hand_down(of_genus))
diets = np.array(diets)
typical = dict(zip(DIETS, [2.0, 0.5, 1.0, 1.5, 3.0], strict=True))
animals = pd.DataFrame(
    {
        "species": [path[-1] for path in paths],
        "log_weight": [rng.normal(typical[diet], 0.7) for diet in diets],
    }
)
species = animals["species"].tolist()
tree = tree_to_adjacency(paths)
print(f"{len(species)} species in a tree of {len(tree[1])} nodes")
for diet, count in Counter(diets.tolist()).most_common():
    print(f"{diet:10s}{count:4d}")

# %%
# Ways to guess
# -------------
# * The most frequent diet of all.
# * The most frequent diet in the genus; if there is none known, in the family, and so
#   on upwards. That is the textbook answer, and it takes a loop to write.
# * The five nearest species of known diet by the length of the path between them, which
#   :func:`~sklearn_replearn.graph.path_lengths` gives for all pairs at once.
# * A logistic regression on vectors of the nodes of the tree: a pipeline that takes the
#   names of species.
# * The same with one column more, the weight, in a ``ColumnTransformer``; and, to
#   compare with, the weight alone.

between = path_lengths(tree, species)
row = {name: i for i, name in enumerate(tree[1])}
between = between[:, [row[name] for name in species]]
vectors = NodeEncoder(tree, NetMF(128, window=30, random_state=0))


def by_majority(train, test):
    most_frequent = Counter(diets[train].tolist()).most_common(1)[0][0]
    return np.full(len(test), most_frequent)


def by_rank(train, test):
    known = {}
    for i in train:
        for depth in range(4):
            known.setdefault(paths[i][:depth], []).append(diets[i])
    guesses = []
    for i in test:
        depth = max(depth for depth in range(4) if paths[i][:depth] in known)
        guesses.append(Counter(known[paths[i][:depth]]).most_common(1)[0][0])
    return np.array(guesses)


def by_paths(train, test):
    model = KNeighborsClassifier(5, metric="precomputed", weights="distance")
    model.fit(between[np.ix_(train, train)], diets[train])
    return model.predict(between[np.ix_(test, train)])


def by_regression(*columns):
    features = make_column_transformer(*columns)
    model = make_pipeline(features, LogisticRegression(C=10, max_iter=2_000))

    def guess(train, test):
        model.fit(animals.iloc[train], diets[train])
        return model.predict(animals.iloc[test])

    return guess


weight = ("passthrough", ["log_weight"])
methods = {
    "most frequent of all": by_majority,
    "most frequent of the genus": by_rank,
    "five nearest by paths": by_paths,
    "weight": by_regression(weight),
    "vectors": by_regression((vectors, ["species"])),
    "vectors and weight": by_regression((vectors, ["species"]), weight),
}
shares = [0.05, 0.1, 0.2, 0.4, 0.6, 0.8]
accuracies = {name: [] for name in methods}
for share in shares:
    splits = ShuffleSplit(5, train_size=share, test_size=1 - share, random_state=0)
    for name, guess in methods.items():
        right = [
            np.mean(guess(train, test) == diets[test])
            for train, test in splits.split(species)
        ]
        accuracies[name].append(np.mean(right))
print(" " * 28 + "".join(f"{share:7.0%}" for share in shares))
for name, curve in accuracies.items():
    print(f"{name:28s}" + "".join(f"{accuracy:7.1%}" for accuracy in curve))

styles = {
    "most frequent of all": {"color": "#94a4a2", "linestyle": ":"},
    "most frequent of the genus": {"color": "#ffa90e", "marker": "s"},
    "five nearest by paths": {"color": "#832db6", "marker": "D"},
    "weight": {"color": "#717581", "linestyle": "--"},
    "vectors": {"color": "#3f90da", "marker": "o"},
    "vectors and weight": {"color": "black", "marker": "o", "markerfacecolor": "w"},
}
fig, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
for name, curve in accuracies.items():
    ax.plot(shares, curve, label=name, **styles[name])
ax.set(
    xlabel="Share of species whose diet is known", ylabel="Accuracy", ylim=(0.15, 0.85)
)
ax.xaxis.set_major_formatter("{x:.0%}")
ax.yaxis.set_major_formatter("{x:.0%}")
ax.grid(color="0.9")
ax.set_axisbelow(True)
fig.legend(loc="outside right center", frameon=False)
ax.set_title("Diets of the other species")
plt.show()

# %%
# With very few diets known, the tree itself says most: the nearest species by paths are
# hard to beat, and need no training. From a fifth on, vectors are level with them, and
# what speaks for vectors is the last line: they are columns like any other, so that
# what else is known can stand beside them.
