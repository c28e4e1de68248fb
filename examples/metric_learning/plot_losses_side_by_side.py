r"""
Losses of metric learning side by side
======================================

A loss of metric learning says what is wrong with an arrangement of points: two of a
class that are apart, two of different classes that are near. The losses say it in
different ways. With only two numbers for an embedding, there is no need to imagine what
comes of it.
"""

# %%
# In the plane
# ------------
# Images of digits, 8 × 8 pixels, are mapped to the plane: by PCA, which does not know
# the classes; by linear discriminant analysis and ``MahalanobisTransformer``, which
# know them, but have a linear map only; and by networks with one hidden layer, one for
# each loss. ``normalize=False`` leaves the embeddings where the network puts them.
#
# We look at images that were held out. 1-NN is how many of them are of the class of
# the nearest training image. MAP@R is the mean average precision at R: each image asks
# for the others of its class, and it is 1 if no other image is nearer than these. A
# softmax over cosines, as in ``SupConTransformer``, sees angles alone, and is measured
# by them.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from sklearn_replearn.metric_learning import (
    MahalanobisTransformer,
    NPairTransformer,
    SiameseTransformer,
    SupConTransformer,
    TripletTransformer,
)
from sklearn_replearn.metrics import mean_average_precision_at_r
from sklearn_replearn.plotting import EmbeddingDisplay

X, y = load_digits(return_X_y=True)
X /= 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1 / 3, stratify=y, random_state=0
)


def judge(embedder, metric="euclidean"):
    """MAP@R and 1-NN accuracy on the images held out."""
    Z_train, Z = embedder.transform(X_train), embedder.transform(X_test)
    neighbor = KNeighborsClassifier(1, metric=metric).fit(Z_train, y_train)
    precision = mean_average_precision_at_r(Z, y_test, metric=metric)
    return precision, neighbor.score(Z, y_test)


def name_classes(ax, Z):
    """Write each digit in the middle of its points."""
    for digit in range(10):
        middle = np.median(Z[y_test == digit], axis=0)
        text = ax.text(*middle, digit, ha="center", va="center", weight="bold")
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def title(name, scores):
    return f"{name}\nMAP@R {scores[0]:.2f}, 1-NN {scores[1]:.2f}"


plane = {"normalize": False, "max_epochs": 40, "random_state": 0}
embedders = {
    "PCA": PCA(2),
    "LDA": LinearDiscriminantAnalysis(n_components=2),
    "Mahalanobis": MahalanobisTransformer(2, random_state=0),
    "Siamese": SiameseTransformer(2, **plane),
    "Triplet": TripletTransformer(2, margin=1, **plane),
    "N-pair": NPairTransformer(2, similarity="euclidean", temperature=1, **plane),
    "SupCon": SupConTransformer(2, **plane),
}
fig, axes = plt.subplots(2, 4, figsize=(10.5, 5.9), layout="constrained")
legend_ax = axes[0, 3]
panels = [*axes[0, :3], *axes[1]]
for ax, (name, embedder) in zip(panels, embedders.items(), strict=True):
    embedder.fit(X_train, y_train)
    display = EmbeddingDisplay.from_embedding(
        embedder.transform(X_test), y_test, ax=ax, legend=False, point_size=14
    )
    if ax in axes[1]:
        name_classes(ax, embedder.transform(X_test))
    scores = judge(embedder, "cosine" if name == "SupCon" else "euclidean")
    ax.set_title(title(name, scores), fontsize="medium")
    ax.set(xlabel="", ylabel="", xticks=[], yticks=[])
legend_ax.set_axis_off()
legend_ax.legend(
    *display.ax_.get_legend_handles_labels(), ncols=2, loc="center", title="Digit"
)
plt.show()

# %%
# A linear map has no room for ten classes in a plane, with or without knowing them. The
# networks do. They all start from the same weights, so that their arrangements are
# related, but each has its own idea of order:
#
# * Siamese: two different images should be one unit apart, the ``margin``, and farther
#   is no better. Most classes come to lie one unit from the nearest other.
# * Triplet: an image should be nearer to its class than to any other, by a margin, here
#   one, too. There is no reward for a class that is shorter than the space around it
#   allows, so that these are longer, and the whole is larger.
# * N-pair, here with squared distances: a softmax. More distance always helps a little,
#   and the classes are farthest apart.
# * SupCon: a class is a direction, and how far out along the ray a point lies says
#   nothing.
#
# On the circle
# -------------
# ``normalize=True``, the default, gives every embedding the length 1. No distance is
# above 2, so that a margin or a temperature means the same for all data. With two
# numbers this leaves a circle; the points are drawn as a ring, to see how many there
# are. (The Siamese network has ``loss="hadsell"`` here, which gets along better where
# it is as narrow as this.)

circle = {"max_epochs": 25, "random_state": 0}
losses = {
    "Siamese": lambda k: SiameseTransformer(k, loss="hadsell", **circle),
    "Triplet": lambda k: TripletTransformer(k, **circle),
    "N-pair": lambda k: NPairTransformer(k, **circle),
    "SupCon": lambda k: SupConTransformer(k, **circle),
}
rng = np.random.default_rng(0)
distance = rng.uniform(0.8, 1.2, size=(len(X_test), 1))
precisions = {}
fig, axes = plt.subplots(1, 4, figsize=(10.5, 3.2), layout="constrained")
for ax, (name, make) in zip(axes, losses.items(), strict=True):
    embedder = make(2).fit(X_train, y_train)
    Z = embedder.transform(X_test)
    EmbeddingDisplay.from_embedding(
        distance * Z, y_test, ax=ax, legend=False, point_size=14
    )
    for digit in range(10):
        middle = Z[y_test == digit].mean(axis=0)
        outside = 1.42 * middle / np.linalg.norm(middle)
        ax.text(*outside, digit, ha="center", va="center")
    scores = judge(embedder)
    precisions[name] = [scores[0]]
    ax.set_title(title(name, scores), fontsize="medium")
    ax.set(xlabel="", ylabel="", xticks=[], yticks=[], aspect="equal")
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
plt.show()

# %%
# On a circle each class has two neighbours, and one that is in the wrong place has to
# go through others to get to its own. Some stay crowded where they met in the first
# epochs. Triplets ask only for the right order of what is near, and find more room
# here.
#
# More numbers
# ------------
# Two are for looking at. What do the losses make of more?

sizes = [2, 4, 16]
for name, make in losses.items():
    embedders = [make(k).fit(X_train, y_train) for k in sizes[1:]]
    precisions[name] += [embedder.score(X_test, y_test) for embedder in embedders]

fig, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
styles = zip("osD^", ["#3f90da", "#ffa90e", "#832db6", "#bd1f01"], strict=True)
for (name, curve), (marker, color) in zip(precisions.items(), styles, strict=True):
    ax.plot(sizes, curve, marker=marker, color=color, label=name)
pixels = mean_average_precision_at_r(X_test, y_test)
ax.axhline(pixels, color="0.5", linestyle=":", label="64 pixels")
ax.set_xscale("log", base=2)
ax.set_xticks(sizes, sizes)
ax.set(xlabel="Numbers of an embedding", ylabel="MAP@R", title="Held-out digits")
ax.legend(fontsize="small")
plt.show()

# %%
# With four numbers the classes get out of each other's way, and from then on the losses
# differ by a few hundredths. For most data, how long and on what a network is trained
# matters more. Take the loss whose distances you need: comparable with a number
# (Siamese), right in their order (triplet), or compared with many other classes at once
# (N-pair, SupCon).
