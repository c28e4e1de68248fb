r"""
Filters by hand, and three ways to learn them
=============================================

The first thing that any network does with an image is to move small filters over it.
Where do these come from? They can be written down; they can be the principal components
or the k-means centroids of small patches, for which nobody has to say what is in the
images; or a network learns them together with all that follows, from classes.
"""

# %%
# Photographs
# -----------
# Patches of 8 by 8 pixels of two photographs in colour. Neighbouring pixels are nearly
# alike; ``FilterBank`` therefore takes the mean from each patch, and whitens the
# patches, before it looks for centroids. A larger ``whiten_epsilon`` leaves more of the
# fine grain alone.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_images
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_replearn.image import CNNFeatureExtractor, FilterBank
from sklearn_replearn.plotting import FilterDisplay

photographs = np.stack(load_sample_images().images)
fig, axes = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
for ax, filters in zip(axes, ["pca", "kmeans"], strict=True):
    bank = FilterBank(
        filters, n_filters=100, patch_size=8, whiten_epsilon=1.0, random_state=0
    ).fit(photographs)
    FilterDisplay(bank.components_.reshape(-1, 8, 8, 3)).plot(ax=ax, n_columns=10)
    ax.set_title(f'FilterBank("{filters}")')
plt.show()

# %%
# Principal components are waves over the whole patch, ordered by how much of the
# variance they have. Centroids look like what there is in a photograph: a line or an
# edge at some place and angle, a grating, a boundary of two colours. Cells of the
# visual cortex answer to much the same things.
#
# Digits
# ------
# Now filters of 5 by 5 pixels for handwritten digits: cosines and sines made by hand;
# components and centroids of patches; and the first layer of a convolutional network
# that was trained to tell the digits apart.

digits = load_digits()
images, y = digits.images / 16, digits.target
X_train, X_test, y_train, y_test = train_test_split(
    images, y, test_size=1 / 3, stratify=y, random_state=0
)
banks = {
    "by hand": FilterBank("fourier"),
    "principal components": FilterBank("pca", patch_size=5),
    "centroids": FilterBank(
        "kmeans", n_filters=64, patch_size=5, whiten_epsilon=1.0, random_state=0
    ),
}
for bank in banks.values():
    bank.set_params(padding="same", pool_size=2).fit(X_train)
network = CNNFeatureExtractor(64, channels=(32, 64), max_epochs=20, random_state=0).fit(
    X_train, y_train
)

fig, axes = plt.subplots(1, 4, figsize=(11, 2.4), layout="constrained")
for ax, (name, bank) in zip(axes, banks.items(), strict=False):
    FilterDisplay(bank.filters_[:15]).plot(ax=ax, name=name, n_columns=5)
FilterDisplay.from_estimator(
    network, ax=axes[3], name="network", n_filters=15, n_columns=5
)
plt.show()

# %%
# The network's filters are the least pretty. They start from random numbers, and the
# layers after them can make do with nearly any filters that are different enough.
#
# How many labels does each need?
# -------------------------------
# A logistic regression reads what the filters find; the network is a classifier itself.
# Components and centroids are learned from all training images, since they need no
# labels; the rest has only the images with a label, of which three draws are averaged.
# With fewer images, the network gets more epochs.

features = {
    name: (bank.transform(X_train), bank.transform(X_test))
    for name, bank in banks.items()
}
features["pixels"] = X_train.reshape(-1, 64), X_test.reshape(-1, 64)
features["network"] = X_train, X_test
sizes = [50, 150, 450, len(X_train)]


def make_model(name, n_labels):
    if name == "network":
        return clone(network).set_params(max_epochs=60 if n_labels < 400 else 20)
    return LogisticRegression(max_iter=2000)


def accuracies(name, n_labels):
    Z_train, Z_test = features[name]
    for seed in range(3 if n_labels < len(X_train) else 1):
        rows = np.random.default_rng(seed).permutation(len(X_train))[:n_labels]
        model = make_model(name, n_labels).fit(Z_train[rows], y_train[rows])
        yield model.score(Z_test, y_test)


styles = {
    "pixels": ("0.6", "s"),
    "by hand": ("#ffa90e", "^"),
    "principal components": ("#832db6", "D"),
    "centroids": ("#bd1f01", "o"),
    "network": ("#3f90da", "v"),
}
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, (color, marker) in styles.items():
    means = [np.mean([*accuracies(name, n_labels)]) for n_labels in sizes]
    print(f"{name:21s}" + "".join(f"{mean:7.3f}" for mean in means))
    ax.plot(sizes, 1 - np.array(means), color=color, marker=marker, label=name)
ax.set(xscale="log", yscale="log", xlabel="Images with a label", ylabel="Errors")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.set_yticks([0.01, 0.02, 0.05, 0.1, 0.2], ["1 %", "2 %", "5 %", "10 %", "20 %"])
ax.grid(color="0.9")
ax.legend(fontsize="small")
ax.set_title("Held-out digits taken for others")
plt.show()

# %%
# Filters of any kind are better than pixels, and it matters little where they come
# from: what helps is to look at small neighbourhoods, to rectify, and to pool. The
# network pays for learning everything from labels where there are few of them. It
# catches up as they become more, and on larger and more varied images than these it
# gets ahead: there the second and third layers have something to find.
