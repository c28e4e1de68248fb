r"""
The karate club by every method
===============================

Wayne Zachary watched the 34 members of a karate club for two years, in which it split:
some stayed with the instructor, "Mr. Hi", and the others followed the officer. His
network of who met whom outside the club is small enough to be drawn, so it shows what
the methods of :mod:`sklearn_replearn.graph` have in common and where they differ.
"""

# %%
# Two dimensions
# --------------
# The weight of an edge is the number of places at which two members met. No method sees
# who went where; only the colours know.
#
# Defaults are made for graphs of thousands of nodes. In this one, ten steps reach
# everyone, so windows are shorter, and a tour of 34 nodes is no long text, so the walks
# are more and are read more often.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke

from sklearn_replearn.graph import (
    DeepWalk,
    LaplacianEigenmaps,
    NetMF,
    Node2Vec,
    ProNE,
    as_adjacency,
)

club = nx.karate_club_graph()
A, members = as_adjacency(club)
side = np.array([club.nodes[member]["club"] for member in members])
walks = {"n_walks": 40, "window": 5, "max_epochs": 20, "lr": 0.05, "random_state": 0}
methods = {
    "NetMF": NetMF(2, window=3, random_state=0),
    "DeepWalk": DeepWalk(2, **walks),
    "Node2Vec, q = 0.25": Node2Vec(2, q=0.25, **walks),
    "LaplacianEigenmaps": LaplacianEigenmaps(2),
    "LaplacianEigenmaps, random_walk": LaplacianEigenmaps(
        2, normalization="random_walk"
    ),
    "ProNE, normalize=False": ProNE(2, normalize=False, random_state=0),
}
COLORS = {"Mr. Hi": "#3f90da", "Officer": "#ffa90e"}
MARKERS = {"Mr. Hi": "o", "Officer": "s"}

fig, axes = plt.subplots(2, 3, figsize=(9, 6.2), layout="constrained")
for ax, (title, method) in zip(axes.flat, methods.items(), strict=True):
    method.fit(A)
    vectors = getattr(method, "node_vectors_", method.embedding_)  # as trained
    edges = vectors[np.transpose(A.nonzero())]
    ax.add_collection(LineCollection(edges, color="0.8", linewidths=0.4, zorder=0))
    for name in COLORS:
        ax.scatter(
            *vectors[side == name].T,
            s=22,
            color=COLORS[name],
            marker=MARKERS[name],
            edgecolor="white",
            linewidth=0.4,
            label=f"went with {name}" if name == "Mr. Hi" else "went with the officer",
        )
    for member, letter in ((0, "H"), (33, "O")):
        ax.annotate(
            letter,
            vectors[member],
            (7, 5),
            textcoords="offset points",
            weight="bold",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    ax.margins(0.12)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize="medium")
handles, labels = axes[0, 0].get_legend_handles_labels()
fig.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
fig.suptitle("34 members, two heads: the instructor (H) and the officer (O)")
plt.show()

# %%
# All of them tell the two sides apart, and all put five members at the far end of Mr.
# Hi's side: they meet one another and the instructor, but nobody else.
#
# * **NetMF** has an axis for each group, as factors of a matrix of no negative entries
#   have; members near the origin have neighbours everywhere.
# * **DeepWalk** and **Node2Vec** have trained such vectors walk by walk. Only angles
#   and products mean something in them: another seed turns the picture. A low ``q``
#   sends the walks of Node2Vec outwards, a high one keeps them near where they were.
# * **LaplacianEigenmaps** are the two smoothest functions on the graph that are
#   orthogonal to the constant. By default a vector grows with the root of the weighted
#   degree, which puts the two heads far from the middle; with ``"random_walk"``, or
#   ``None``, it does not, and each member is near the mean of the neighbours.
# * **ProNE**'s vectors really are the mean of something over the neighbours, which
#   keeps hubs and those who know them together. By default all would be scaled to
#   length 1, on a circle.
#
# A new member
# ------------
# Next week someone joins who has met members 32 and 33, twice each. None of the models
# is trained again; a row of weights to the 34 known members is all they need.

newcomer = np.zeros((1, len(members)))
newcomer[0, [32, 33]] = 2
for title, method in methods.items():
    vector = method.transform(newcomer)
    distances = np.linalg.norm(method.embedding_ - vector, axis=1)
    nearest = distances.argsort()[:5]
    share = np.mean(side[nearest] == "Officer")
    print(f"{title:33s}nearest: {list(members[nearest])}, {share:.0%} officer's")

# %%
# The vectors with which the new one is compared are those of ``embedding_``, which come
# from the formula that ``transform`` uses. For DeepWalk and Node2Vec these differ from
# the trained vectors, ``node_vectors_``, that are drawn above.
