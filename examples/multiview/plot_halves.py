"""
Left and right halves
=====================

Cut images in two: which right half belongs to a left half? Nobody has labelled
anything, but the question can only be answered by what both halves know, which is
mostly what the image shows.
"""

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.metrics import cumulative_match
from sklearn_replearn.multiview import CLIP, RegularizedCCA

# %%
# Three pairs of networks or maps
# -------------------------------
# A fourth of the digits is held out. Canonical correlations are linear, in closed form;
# :class:`~sklearn_replearn.multiview.CLIP` trains a network for each side, so that a
# left half finds its right one among those of a batch. Its untrained self is beside it.

images, labels = load_digits(return_X_y=True)
halves = images.reshape(-1, 8, 8).astype(np.float32) / 16
left, right = (half.reshape(len(half), -1) for half in np.split(halves, 2, axis=2))
train, test = train_test_split(np.arange(len(left)), stratify=labels, random_state=0)

options = {"hidden_layer_sizes": (512,), "augment": [("noise", 0.3)], "random_state": 0}
models = {
    "CLIP": CLIP(64, lr=0.01, max_epochs=40, **options),
    "RegularizedCCA": RegularizedCCA(20),
    "CLIP, untrained": CLIP(64, lr=1e-12, max_epochs=1, **options),
}
for model in models.values():
    model.fit(left[train], right[train])

# %%
# How soon the right one is found
# -------------------------------
# The same curve as for persons who are looked up among the photographs of another
# camera: the share of left halves whose own right half is among the first 1, 2, and so
# on, of 450.

numbers = np.arange(len(test))
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, model in models.items():
    shares = cumulative_match(
        model.transform(left[test]),
        numbers,
        max_rank=20,
        X_gallery=model.transform_y(right[test]),
        y_gallery=numbers,
        metric="cosine",
    )
    ax.plot(range(1, 21), shares, marker="o", markersize=3, label=name)
    print(f"{name:16s} first {shares[0]:.2f}, among ten {shares[9]:.2f}")
ax.set(xlabel="Rank", ylabel="Share of left halves", ylim=(0, 1), xticks=[1, 5, 10, 20])
ax.set_title("Own right half among the first")
ax.legend(frameon=False)
plt.show()

# %%
# What is found
# -------------
# Left halves, their own right half, and the eight that the network puts first. What is
# found is nearly always a half of the same digit.

clip = models["CLIP"]
cosines = clip.transform(left[test]) @ clip.transform_y(right[test]).T
rows = [np.flatnonzero(labels[test] == digit)[1] for digit in range(0, 10, 2)]
fig, axes = plt.subplots(len(rows), 9, figsize=(8, 4.6), layout="constrained")
for row, panels in zip(rows, axes, strict=True):
    found = [row, *cosines[row].argsort()[::-1][:8]]
    for column, (panel, other) in enumerate(zip(panels, found, strict=True)):
        whole = np.hstack([halves[test][row][:, :4], halves[test][other][:, 4:]])
        panel.imshow(whole, cmap="gray_r", vmin=0, vmax=1)
        panel.axvline(3.5, color="#3f90da", linewidth=1)
        panel.set(xticks=[], yticks=[])
        if other == row and column:
            panel.spines[:].set(color="#bd1f01", linewidth=2.5)
for column, panel in enumerate(axes[0]):
    panel.set_title("as it is" if column == 0 else f"found {column}", fontsize=9)
fig.suptitle("Left halves with right halves; a red frame is the own one", fontsize=11)
plt.show()

# %%
# What the halves have learned
# ----------------------------
# The vectors of left halves, in front of a logistic regression with ten labels of each
# digit. They are better than the pixels of the left half, and of the untrained network;
# the whole image is better still.

rng = np.random.default_rng(0)
features = {name: model.transform(left) for name, model in models.items()}
features |= {"pixels, left half": left, "pixels, whole image": images}
scores = {name: [] for name in features}
for _ in range(10):
    few = np.concatenate(
        [rng.permutation(train[labels[train] == digit])[:10] for digit in range(10)]
    )
    for name, Z in features.items():
        classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        classifier.fit(Z[few], labels[few])
        scores[name].append(classifier.score(Z[test], labels[test]))
for name, values in scores.items():
    error = np.std(values, ddof=1) / len(values) ** 0.5
    print(f"{name:20s} {np.mean(values):.3f} ± {error:.3f}")
