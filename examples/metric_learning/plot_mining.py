r"""
Hard and semi-hard triplets, and a collapse
===========================================

Most triplets teach nothing after a few epochs: the positive is already nearer than the
negative. *Mining* chooses those that do. The hardest ones teach most, as it seems. But
among the hardest are those with a wrong label, and a network that is shown little else
has a way out: to put everything at one point.
"""

# %%
# Three ways to choose, with and without wrong labels
# ---------------------------------------------------
# Two thirds of the digits are for training. ``mining="all"`` takes all triplets of a
# batch; ``"hard"`` for each image the farthest of its class and the nearest of another;
# ``"semihard"`` for each pair of a class the nearest negative that is farther than the
# positive. Then the same again, with two labels in five replaced at random. `fit` warns
# if all ends at one point; we keep what it says.

# sphinx_gallery_thumbnail_number = 1
import textwrap
import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from sklearn_replearn.metric_learning import TripletTransformer
from sklearn_replearn.plotting import EmbeddingDisplay

X, y = load_digits(return_X_y=True)
X /= 16
X_train, X_test, y_train, y_test = X[:1197], X[1197:], y[:1197], y[1197:]


def replace_labels(y, share):
    """Labels of which a share is drawn anew, from all ten."""
    rng = np.random.default_rng(0)
    drawn = rng.random(len(y)) < share
    y = y.copy()
    y[drawn] = rng.integers(10, size=drawn.sum())
    return y


def train(mining, labels):
    """A fitted transformer, and what `fit` warned of."""
    embedder = TripletTransformer(8, mining=mining, max_epochs=10, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        embedder.fit(X_train, labels)
    return embedder, [str(warning.message) for warning in caught]


minings = ["all", "semihard", "hard"]
labels = {"right labels": y_train, "40 % replaced": replace_labels(y_train, 0.4)}
embedders, messages = {}, {}
for name, y_given in labels.items():
    for mining in minings:
        embedders[name, mining], messages[name, mining] = train(mining, y_given)

fig, axes = plt.subplots(
    2, 3, figsize=(8.4, 5.9), layout="constrained", sharex=True, sharey=True
)
for ax, ((name, mining), embedder) in zip(axes.flat, embedders.items(), strict=True):
    Z = embedder.transform(X_test)
    display = EmbeddingDisplay.from_embedding(
        PCA(2).fit_transform(Z), y_test, ax=ax, legend=False, point_size=12
    )
    precision = embedder.score(X_test, y_test)
    ax.set_title(f'"{mining}", {name}\nMAP@R {precision:.2f}', fontsize="medium")
    ax.set(xlabel="", ylabel="", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
fig.legend(
    *display.ax_.get_legend_handles_labels(),
    loc="outside right center",
    title="Digit",
)
plt.show()

# %%
# All six panels have the same scale; they show the two principal components of eight
# numbers, for images that were held out, with their true classes. With right labels,
# the three are about as good, though the hardest triplets keep everything closer
# together. With wrong labels the classes are less clear with any of them, and with the
# hardest triplets nearly everything lies at one point. `fit` noticed:

for (name, mining), texts in messages.items():
    for text in texts:
        print(f'mining="{mining}", {name}:')
        print(textwrap.fill(text, 76, initial_indent="  ", subsequent_indent="  "))

# %%
# How it could have been seen
# ---------------------------
# If all rows have one embedding, all distances are 0, and the loss is the margin, here
# 0.2. A loss that comes to rest there says that the network has found this way out.
# ``health_curve_`` has the share of the chosen triplets that cost something: with right
# labels it falls, as there is less and less to learn. Where it stays at 1, nothing
# chosen is ever learned.

colors = {"all": "#717581", "semihard": "#3f90da", "hard": "#bd1f01"}
lines = {"all": ":", "semihard": "-", "hard": "--"}
fig, axes = plt.subplots(
    2, 2, figsize=(8.4, 5), layout="constrained", sharex=True, sharey="row"
)
for (name, mining), embedder in embedders.items():
    column = list(labels).index(name)
    style = {"color": colors[mining], "linestyle": lines[mining], "label": mining}
    epochs = np.arange(embedder.n_iter_) + 1
    shares = [health["active_share"] for health in embedder.health_curve_]
    axes[0, column].plot(epochs, embedder.loss_curve_, **style)
    axes[1, column].plot(epochs, shares, **style)
    axes[0, column].set_title(name.capitalize())
for ax in axes[0]:
    ax.axhline(0.2, color="black", linewidth=0.8, label="the margin")
axes[0, 0].set_ylabel("Loss")
axes[1, 0].set_ylabel("Share that costs something")
for ax in axes[1]:
    ax.set_xlabel("Epoch")
axes[0, 0].legend(title="mining")
plt.show()

# %%
# Why the hardest?
# ----------------
# Take the embedding of the semi-hard triplets, which is good, and look which triplets
# would be the hardest in it. An image is rarely wrong itself, but the farthest of its
# class is wrong nearly always, and the nearest of another class is, as often, an image
# of the same digit with a wrong label.

noisy = labels["40 % replaced"]
wrong = noisy != y_train
Z = embedders["40 % replaced", "semihard"].transform(X_train)
distances = cdist(Z, Z)
same = noisy[:, None] == noisy
farthest = np.where(same, distances, -np.inf).argmax(axis=1)
nearest = np.where(same, np.inf, distances).argmin(axis=1)
print(f"wrong labels:                                  {wrong.mean():.0%}")
print(f"wrong among the farthest of the class:         {wrong[farthest].mean():.0%}")
print(f"wrong among the nearest of another class:      {wrong[nearest].mean():.0%}")

# %%
# Where the farthest positive is farther than the nearest negative, whatever the network
# does, the loss is above the margin, and grows with all distances. Smaller distances
# are then the only way to a smaller loss. Of all triplets of a batch, the wrong ones
# are a part, and the right ones pull the other way. A semi-hard negative is never
# nearer than its positive unless there is no other, which leaves out most of the wrong
# ones.
#
# How many wrong labels does it take?
# -----------------------------------

shares = [0.0, 0.1, 0.2, 0.4]
known = {0.0: "right labels", 0.4: "40 % replaced"}
fig, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for mining in minings:
    precisions, collapsed = [], []
    for share in shares:
        if share in known:
            embedder = embedders[known[share], mining]
            texts = messages[known[share], mining]
        else:
            embedder, texts = train(mining, replace_labels(y_train, share))
        precisions.append(embedder.score(X_test, y_test))
        collapsed.append(bool(texts))
    style = {"color": colors[mining], "linestyle": lines[mining]}
    ax.plot(shares, precisions, marker="o", label=mining, **style)
    warned = np.array(collapsed)
    ax.plot(
        np.array(shares)[warned],
        np.array(precisions)[warned],
        "x",
        color="black",
        markersize=11,
        label="warned of a collapse" if warned.any() else None,
    )
ax.xaxis.set_major_formatter("{x:.0%}")
ax.set_xticks(shares)
ax.set(xlabel="Labels replaced", ylabel="MAP@R", ylim=(0, 1), title="Held-out digits")
ax.legend(title="mining", fontsize="small")
plt.show()

# %%
# One in ten is enough. The larger a batch, the more surely the hardest in it is wrong.
# If `fit` warns, take ``mining="semihard"``, which is the default, or ``"all"``; a
# lower learning rate alone only makes this collapse slower. And look at the images that
# :class:`~sklearn_replearn.plotting.RetrievalDisplay` shows beside others of their
# class: wrong labels are easy to find in a good embedding.
