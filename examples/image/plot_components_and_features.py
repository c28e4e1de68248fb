r"""
Eigenfaces and learned features
===============================

Principal components of images are images again. Those of faces, "eigenfaces", were the
features of choice before networks learned their own. They keep as much of the picture
as can be kept in so many numbers; but what is large in a picture need not be what one
wants to know about it.
"""

# %%
# Faces
# -----
# These faces are drawn by a few lines of code, so that we know all that is in them:
# the shape of the head, eyes, nose and hair are different in each, the light comes from
# anywhere, and the head is not quite in the middle. The question is the expression:
# sad, neutral or happy.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import CNNFeatureExtractor
from sklearn_replearn.plotting import EmbeddingDisplay, FilterDisplay, SaliencyDisplay

SIDE = 24
EXPRESSIONS = np.array(["sad", "neutral", "happy"])


def draw_faces(n_faces, seed):
    """Grey faces, of shape (n_faces, SIDE, SIDE), and their expressions."""
    rng = np.random.default_rng(seed)

    def vary(low, high):
        return rng.uniform(low, high, (n_faces, 1, 1))

    def spot(x, y, width, height):
        return np.exp(-((x / width) ** 2) - (y / height) ** 2)

    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    x, y = x + vary(-0.12, 0.12), y + vary(-0.12, 0.12)
    distance = (x / vary(0.6, 0.75)) ** 2 + (y / vary(0.8, 0.95)) ** 2
    head = 1 / (1 + np.exp(12 * (distance - 1)))
    skin = vary(0.6, 0.85) * (1 + x * vary(-0.6, 0.6) + y * vary(-0.4, 0.4))
    skin *= 1 - vary(0.2, 0.8) / (1 + np.exp(20 * (y + vary(0.5, 0.65))))  # hair
    apart, level = vary(0.24, 0.34), vary(-0.25, -0.15)
    eyes = sum(spot(x + side, y - level, 0.13, 0.09) for side in (-apart, apart))
    nose = spot(x - 0.03, y - 0.1, 0.05, 0.16)
    codes = rng.integers(3, size=n_faces)
    bend = (codes - 1)[:, None, None] * vary(0.7, 1.3)
    mouth = spot(0, y - vary(0.42, 0.5) + bend * (x**2 - 0.05), 1, 0.07)
    mouth *= 1 / (1 + np.exp(30 * (np.abs(x) - vary(0.26, 0.34))))
    face = skin * (1 - 0.7 * eyes - 0.25 * nose - 0.6 * mouth)
    images = head * face + (1 - head) * vary(0.1, 0.5)
    images += rng.normal(scale=0.03, size=images.shape)
    return images.clip(0, 1), EXPRESSIONS[codes]


X_train, y_train = draw_faces(1000, seed=0)
X_test, y_test = draw_faces(1000, seed=1)

fig, axes = plt.subplots(2, 9, figsize=(9, 2.4), layout="constrained")
for ax, image, expression in zip(axes.ravel(), X_test, y_test, strict=False):
    ax.imshow(image, cmap="gray", vmin=0, vmax=1)
    ax.set_title(expression, fontsize="small")
    ax.set_axis_off()
plt.show()

# %%
# Components
# ----------
# The first components of the faces. Grey is zero: a component says what becomes
# brighter where it is white, and darker where it is black.

rows_train, rows_test = X_train.reshape(1000, -1), X_test.reshape(1000, -1)
pca = ScaledPCA(64, with_std=False).fit(rows_train)
share = pca.explained_variance_ratio_[:18].sum()
FilterDisplay(pca.components_[:18].reshape(-1, SIDE, SIDE)).plot(
    n_columns=9, name=f"18 components, {share:.0%} of the variance"
)
plt.show()

# %%
# The background, the light from the side and from above, the hair, the place of the
# head. The mouth is a handful of pixels, which hardly count among all.
#
# Features
# --------
# A convolutional network learns from the expressions; its last hidden layer has as many
# features as there were components. Both, seen from the two directions in which they
# vary most, on faces that were not in the training:

network = CNNFeatureExtractor(64, channels=(16, 32), max_epochs=15, random_state=0).fit(
    X_train, y_train
)

fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
for ax, (name, codes) in zip(
    axes,
    {
        "Components": pca.transform(rows_test),
        "Features of the network": network.transform(X_test),
    }.items(),
    strict=True,
):
    EmbeddingDisplay.from_embedding(codes, y_test, ax=ax, name=name)
plt.show()

# %%
# How many are needed?
# --------------------
# A logistic regression reads the first few components, or the first few principal
# components of the network's features. Discriminant analysis is there for fairness: it
# is as linear as PCA, but knows the expressions; with three classes it has at most two
# components.


def score(transformer, train, test):
    model = make_pipeline(
        transformer, StandardScaler(), LogisticRegression(max_iter=1000)
    )
    return model.fit(train, y_train).score(test, y_test)


features_train, features_test = network.transform(X_train), network.transform(X_test)
counts = [1, 2, 4, 8, 16, 32, 64, 128, 256]
curves = {"components of the pixels": [], "components of the features": []}
for k in counts:
    pca_k = ScaledPCA(k, with_std=False)
    curves["components of the pixels"].append(score(pca_k, rows_train, rows_test))
    if k <= network.n_components_:
        curves["components of the features"].append(
            score(pca_k, features_train, features_test)
        )
discriminant = score(
    LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto"), rows_train, rows_test
)

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, curve), color in zip(curves.items(), ("#717581", "#3f90da"), strict=True):
    ax.plot(counts[: len(curve)], curve, marker="o", color=color, label=name)
ax.plot(2, discriminant, "^", color="#ffa90e", label="discriminant analysis")
ax.axhline(1 / 3, color="0.5", linestyle=":", label="chance")
ax.set(xscale="log", xlabel="Number of features", ylabel="Accuracy", ylim=(0.25, 1.02))
ax.set_xticks(counts, counts)
ax.minorticks_off()
ax.legend(fontsize="small", loc="center", bbox_to_anchor=(0.38, 0.62))
ax.set_title("The expression of faces that were not in the training")
plt.show()
for name, curve in curves.items():
    print(f"{name:27s}" + "".join(f"{value:6.3f}" for value in curve))
print(f"discriminant analysis      {discriminant:6.3f}")

# %%
# The first eight components know nothing of the expression: they are the variance that
# one would rather be rid of. It comes with the small components, late, and a linear
# model of them does not get far, as the mouth is in another place in each face. Knowing
# the expressions does not help discriminant analysis over that, for it is linear too.
#
# Where does the network look?
# ----------------------------
# The gradient of the winning class, averaged over noisy copies of each face, over the
# face itself.

SaliencyDisplay.from_estimator(
    network,
    X_test,
    method="smooth",
    n_samples=9,
    overlay=True,
    name="What the answer depends on",
)
plt.show()

# %%
# It has found the mouth, and nobody has told it where that is. Eigenfaces remain what
# they are good for: with few numbers they tell how a face looks, whatever the question
# will be.
