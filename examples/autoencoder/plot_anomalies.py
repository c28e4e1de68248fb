r"""
Anomaly scores
==============

An autoencoder that was trained on normal rows draws these well, and others badly: it
has learnt how features go together, and whatever breaks the habit cannot be told in its
codes. ``score_samples`` is minus the error of each row, so that lower is less normal,
as in scikit-learn's detectors.
"""

# %%
# A digit that was never seen
# ---------------------------
# Ten times, one of the ten digits is left out of the training, and is to be found among
# held-out images of all ten. The area under the ROC curve is the probability that an
# image of the new digit gets a lower score than one of the known ones: 0.5 is chance.
#
# PCA has the same eight numbers for a code, and the same score. An isolation forest
# asks how few random cuts it takes to part a row from all others.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import ReconstructionDisplay

X, y = load_digits(return_X_y=True)
X /= 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1 / 3, stratify=y, random_state=0
)


def pca_scores(X_normal, X, k=8):
    pca = ScaledPCA(k, with_std=False).fit(X_normal)
    return -np.mean((pca.inverse_transform(pca.transform(X)) - X) ** 2, axis=1)


def forest_scores(X_normal, X):
    return IsolationForest(random_state=0).fit(X_normal).score_samples(X)


def make_autoencoder():
    return Autoencoder(
        8, hidden_layer_sizes=(128,), max_epochs=40, lr=0.006, random_state=0
    )


areas = {"Isolation forest": [], "PCA": [], "Autoencoder": []}
detectors = {}
for new in range(10):
    X_normal = X_train[y_train != new]
    detectors[new] = make_autoencoder().fit(X_normal)
    scores = {
        "Isolation forest": forest_scores(X_normal, X_test),
        "PCA": pca_scores(X_normal, X_test),
        "Autoencoder": detectors[new].score_samples(X_test),
    }
    for name, values in scores.items():
        areas[name].append(roc_auc_score(y_test != new, values))

styles = {
    "Isolation forest": {"color": "#ffa90e", "marker": "^"},
    "PCA": {"color": "#717581", "marker": "s"},
    "Autoencoder": {"color": "#3f90da", "marker": "o"},
}
fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, style in styles.items():
    label = f"{name}, mean {np.mean(areas[name]):.3f}"
    ax.plot(areas[name], linestyle="none", label=label, **style)
ax.axhline(0.5, color="0.5", linestyle=":")
ax.set(xlabel="New digit", ylabel="Area under the ROC curve", ylim=(0.3, 1.02))
ax.set_xticks(range(10))
ax.grid(axis="x", color="0.9")
ax.set_axisbelow(True)
ax.legend(loc="lower left", fontsize="small")
ax.set_title("How well is a new digit told from the known ones?")
plt.show()

# %%
# The autoencoder is ahead, for some digits by far. Eight principal components draw
# everything a little wrong, known digits as well. More of them do not help: they draw
# new digits as well as known ones, and with 32 the mean is about 0.75. The forest looks
# at one pixel at a time, and each pixel of a new digit is nothing special; what is new
# is how they go together. It even takes eights, which lie in the middle of all digits,
# for the most normal ones.
#
# The least normal
# ----------------
# With the threes left out, these are the held-out images with the lowest scores, and
# what the autoencoder makes of them. The numbers on top say what they are.

new = 3
detector = detectors[new]
ReconstructionDisplay.from_estimator(
    detector,
    X_test,
    image_shape=(8, 8),
    selection="worst",
    labels=y_test,
    cmap="gray_r",
    name="The lowest scores, from an autoencoder that has seen no 3",
)
plt.show()

# %%
# It draws threes as something between the digits that it knows. Where an image of
# another digit is among them, it is an odd one for its kind.
#
# Where to draw the line?
# -----------------------
# Say that one normal row in twenty may be reported. The scores of the training rows say
# where that is, but training rows are drawn better than new ones are, so the line is
# too strict: more normal rows are reported than was meant. Rows that were kept out of
# the training have no such advantage.

X_normal = X_train[y_train != new]
X_fit, X_kept = train_test_split(X_normal, test_size=0.25, random_state=0)
detector = make_autoencoder().fit(X_fit)
scores = detector.score_samples(X_test)
thresholds = {
    name: np.quantile(detector.score_samples(rows), 0.05)
    for name, rows in {"training rows": X_fit, "rows kept out": X_kept}.items()
}
for name, threshold in thresholds.items():
    reported = scores < threshold
    print(
        f"line from {name}: reported {reported[y_test != new].mean():4.0%} of the "
        f"known digits, {reported[y_test == new].mean():4.0%} of the new one"
    )

fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
bins = np.linspace(scores.min(), 0, 41)
known = y_test != new
colors = {"known digits": "#3f90da", "the new digit, 3": "#bd1f01"}
for (name, color), rows in zip(colors.items(), (known, ~known), strict=True):
    ax.hist(scores[rows], bins, density=True, alpha=0.6, color=color, label=name)
for (name, threshold), line in zip(thresholds.items(), (":", "--"), strict=True):
    ax.axvline(threshold, color="black", linestyle=line, label=f"5 % of the {name}")
ax.set(xlabel="Score: minus the squared error per pixel", ylabel="Density")
ax.legend(loc="upper left", fontsize="small")
ax.set_title("Scores of held-out images")
plt.show()

# %%
# Values that do not go together
# ------------------------------
# In a table, too, a row may be odd though each of its values is usual. Here are thirty
# measurements of cells; in half of the test rows, three of them are exchanged for those
# of another row.

X, _ = load_breast_cancer(return_X_y=True)
X_train, X_test = train_test_split(X, test_size=0.5, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
rng = np.random.default_rng(0)
mixed = np.arange(len(X_test)) % 2 == 0
X_mixed = X_test.copy()
for i in np.flatnonzero(mixed):
    other, features = rng.integers(len(X_test)), rng.choice(30, 3, replace=False)
    X_mixed[i, features] = X_test[other, features]

autoencoder = Autoencoder(
    8, hidden_layer_sizes=(64,), max_epochs=80, lr=0.006, random_state=0
).fit(X_train)
table_scores = {
    "isolation forest": forest_scores(X_train, X_mixed),
    "PCA": pca_scores(X_train, X_mixed),
    "autoencoder": autoencoder.score_samples(X_mixed),
}
for name, values in table_scores.items():
    print(f"{name:17s}{roc_auc_score(~mixed, values):.3f}")

# %%
# Both kinds of codes find more of them than the forest does. But in this small table
# the measurements depend on each other in a nearly linear way, and there is nothing
# that an autoencoder could add to PCA. Try PCA first.
