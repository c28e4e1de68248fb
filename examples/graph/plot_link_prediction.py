r"""
Link prediction that does not see its answers
=============================================

Which two nodes will be joined next? The pairs with an edge and some pairs without one
are split into training and test pairs, and a classifier on the vectors of the two nodes
tells one kind from the other. It is easy to fool oneself: the vectors of the *whole*
graph contain the test edges. :class:`~sklearn_replearn.graph.EdgeEncoder` embeds the
graph of the training pairs alone, in each fold of a cross-validation anew.
"""

# %%
# Pairs
# -----
# Two graphs of 300 nodes and about 2,300 edges each. The first has six groups, within
# which most edges are, so there is something to predict. In the second the same number
# of edges lies between any two nodes at random: nothing can be predicted there, and a
# sound estimate of the area under the ROC curve (AUC) is 0.5.
#
# Of each graph a fifth of the pairs is put aside, as the future that a model will meet.

# sphinx_gallery_thumbnail_number = 1
import warnings

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.graph import EdgeEncoder, NetMF, edge_groups


def make_pairs(graph, rng):
    """All edges, and as many pairs without one, with the labels 1 and 0."""
    edges = np.array(graph.edges)
    candidates = rng.integers(len(graph), size=(4 * len(edges), 2))
    others = [
        (u, v) for u, v in candidates.tolist() if u != v and not graph.has_edge(u, v)
    ]
    pairs = np.concatenate([edges, others[: len(edges)]])
    return pairs, np.repeat([1, 0], len(edges))


rng = np.random.default_rng(0)
groups = nx.planted_partition_graph(6, 50, 0.25, 0.012, seed=0)
no_groups = nx.gnm_random_graph(300, groups.number_of_edges(), seed=0)
data = {}
for name, graph in {"six groups": groups, "no groups": no_groups}.items():
    data[name] = train_test_split(
        *make_pairs(graph, rng), test_size=0.2, random_state=0
    )
    print(f"{name}: {graph.number_of_edges()} edges")

# %%
# With the answers, and without
# -----------------------------
# The two models differ in one thing only. With ``graph=None``, ``fit`` makes the graph
# of its positive pairs, so that a cross-validation leaves the edges of the test fold
# out. The other is given a graph of all known edges beforehand, as happens when nodes
# are embedded first and pairs are split afterwards. The encoder warns of it in each
# fold, since it meets pairs that are edges of its graph and were not in ``fit``; here
# the leak is the point, and the warning is switched off.
#
# Cross-validation is asked on the 80 % that are known. Then the model is fitted to all
# of them, where both kinds are one and the same, and the pairs put aside show what it
# is really worth.


def make_model(n_components, graph=None):
    netmf = NetMF(n_components, window=4, random_state=0)
    encoder = EdgeEncoder(graph, netmf, operator="hadamard")
    return make_pipeline(encoder, StandardScaler(), LogisticRegression(C=0.1))


warnings.filterwarnings("ignore", r"X has \d+ edges of the graph that fit did not have")
sizes = [2, 4, 8, 16, 32, 64]
kinds = ["whole graph", "training pairs", "put aside"]
aucs = {}
for name, (pairs, future, y, y_future) in data.items():
    known = list(map(tuple, pairs[y == 1].tolist()))
    aucs[name] = {kind: [] for kind in kinds}
    for size in sizes:
        for kind, graph in {"whole graph": known, "training pairs": None}.items():
            model = make_model(size, graph)
            folds = cross_val_score(model, pairs, y, cv=5, scoring="roc_auc")
            aucs[name][kind].append(folds.mean())
        scores = model.fit(pairs, y).decision_function(future)
        aucs[name]["put aside"].append(roc_auc_score(y_future, scores))
    print(f"{name:15s}" + "".join(f"{size:6d}" for size in sizes))
    for kind, curve in aucs[name].items():
        print(f"{kind:15s}" + "".join(f"{auc:6.2f}" for auc in curve))

styles = {
    "whole graph": ("#ffa90e", "s-", "claimed, whole graph first"),
    "training pairs": ("#3f90da", "o-", "claimed, graph=None"),
    "put aside": ("black", "x--", "on the edges put aside"),
}
fig, axes = plt.subplots(1, 2, figsize=(8, 4), sharey=True, layout="constrained")
for ax, (name, curves) in zip(axes, aucs.items(), strict=True):
    for kind, curve in curves.items():
        color, line, label = styles[kind]
        ax.plot(sizes, curve, line, color=color, label=label)
    ax.axhline(0.5, color="0.5", linestyle=":")
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, sizes)
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.set(title=name.capitalize(), xlabel="n_components", ylim=(0.45, 1.02))
axes[0].set_ylabel("AUC")
handles, labels = axes[0].get_legend_handles_labels()
fig.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
fig.suptitle("Embedding the whole graph first claims what is not there")
plt.show()

# %%
# With the whole graph, the score rises with the number of dimensions, since more of
# them store more edges, even where there is nothing to learn. The estimate is not only
# wrong: it also chooses the wrong model, since the best number of dimensions is near
# the number of groups. With ``graph=None``, the cross-validation agrees with the edges
# put aside.
#
# Edges in both directions
# ------------------------
# Many files list each edge twice, from u to v and from v to u. Folds that are drawn row
# by row then separate the two rows of an edge, and the test edge is in the training
# graph again, even with ``graph=None``. ``fit`` warns of that. The cure is to keep one
# row of each edge, or to split by the groups of
# :func:`~sklearn_replearn.graph.edge_groups`.

warnings.filterwarnings("ignore", r"X lists \d+ edges more than once")
pairs, _, y, _ = data["no groups"]
both_pairs, both_y = np.concatenate([pairs, pairs[:, ::-1]]), np.tile(y, 2)
for name, folds, groups in [
    ("rows", StratifiedKFold(5, shuffle=True, random_state=0), None),
    ("edges", GroupKFold(5), edge_groups(both_pairs)),
]:
    auc = cross_val_score(
        make_model(16), both_pairs, both_y, groups=groups, cv=folds, scoring="roc_auc"
    )
    print(f"folds of {name:6s}{auc.mean():.2f}")

# %%
# Nothing can be predicted in this graph, which only the second line shows.
#
# Four operators
# --------------
# From the vectors u and v of its nodes, a pair gets their products, means, or absolute
# or squared differences, number by number. A grid search finds the best operator; it
# embeds the graph of the training pairs in each fold.

pairs, future, y, y_future = data["six groups"]
search = GridSearchCV(
    make_model(n_components=6),
    {"edgeencoder__operator": ["hadamard", "average", "l1", "l2"]},
    scoring="roc_auc",
    cv=5,
).fit(pairs, y)
results = search.cv_results_
for parameters, score in zip(
    results["params"], results["mean_test_score"], strict=True
):
    print(f"{parameters['edgeencoder__operator']:9s}{score:.3f}")
print(f"on the pairs put aside: {search.score(future, y_future):.3f}")

# %%
# The mean of two vectors cannot say whether they are alike: a linear model on it finds
# nodes that have many edges, but not nodes that belong together. The other three are
# about as good as each other here.
