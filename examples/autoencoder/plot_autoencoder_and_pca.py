r"""
An autoencoder beside PCA
=========================

Both turn an image into :math:`k` numbers, and draw it again from these. PCA does so
with one linear map each way, and finds the best ones there are. An autoencoder puts
hidden layers into both maps, so that the surface on which the codes lie may bend. What
does the bend buy?
"""

# %%
# Less error, or fewer numbers
# ----------------------------
# Both are fitted on two thirds of the digits, images of 8 × 8 pixels from 0 to 1, and
# judged by the others: by the squared error of the images drawn again, and by what a
# classifier of nearest neighbours reads from the codes.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import subspace_angles
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, ShuffleSplit, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from sklearn_replearn.autoencoder import Autoencoder
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import EmbeddingDisplay, ReconstructionDisplay

X, y = load_digits(return_X_y=True)
X /= 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1 / 3, stratify=y, random_state=0
)


def error(coder):
    decoded = coder.inverse_transform(coder.transform(X_test))
    return np.mean((decoded - X_test) ** 2)


def accuracy(coder):
    classifier = KNeighborsClassifier().fit(coder.transform(X_train), y_train)
    return classifier.score(coder.transform(X_test), y_test)


sizes = [2, 4, 8, 16, 32]
coders = {
    "PCA": [ScaledPCA(k, with_std=False) for k in sizes],
    "Autoencoder": [
        Autoencoder(
            k, hidden_layer_sizes=(256,), max_epochs=40, lr=0.006, random_state=0
        )
        for k in sizes
    ],
}
errors, accuracies = {}, {}
for name, fits in coders.items():
    for coder in fits:
        coder.fit(X_train)
    errors[name] = [error(coder) for coder in fits]
    accuracies[name] = [accuracy(coder) for coder in fits]
    print(name)
    for k, mse, share in zip(sizes, errors[name], accuracies[name], strict=True):
        print(f"{k:4d} numbers: error {mse:.4f}, {share:.1%} recognised")

styles = {
    "PCA": {"color": "#717581", "marker": "s"},
    "Autoencoder": {"color": "#3f90da", "marker": "o"},
}
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for name, style in styles.items():
    left.plot(sizes, errors[name], label=name, **style)
    right.plot(sizes, accuracies[name], label=name, **style)
left.set(ylabel="Squared error per pixel", title="Drawn again")
left.set_ylim(bottom=0)
right.set(ylabel="Digits recognised", title="Read by nearest neighbours")
right.yaxis.set_major_formatter("{x:.0%}")
for ax in (left, right):
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(k) for k in sizes])
    ax.set_xlabel("Numbers in a code")
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
left.legend()
fig.suptitle("Held-out digits")
plt.show()

# %%
# Up to 16 numbers, the autoencoder leaves half to two thirds of PCA's error: four of
# its numbers keep more than eight principal components do, and a classifier sees it.
# With more numbers there is less to gain: a flat surface of 32 dimensions has room for
# nearly all of an image, and from 16 on both kinds of codes are read equally well.
#
# The same images, from eight numbers:

k = sizes.index(8)
decoded = {
    name: fits[k].inverse_transform(fits[k].transform(X_test))
    for name, fits in coders.items()
}
ReconstructionDisplay.from_reconstructions(
    X_test, decoded, image_shape=(8, 8), cmap="gray_r", name="Digits in eight numbers"
)
plt.show()

# %%
# Without hidden layers it is PCA
# -------------------------------
# With ``hidden_layer_sizes=()`` both maps are linear, and no two linear maps beat
# PCA's. The training finds them by small steps where PCA solves an eigenvalue problem,
# but it comes to the same place: the images of the decoder span the same subspace. What
# differs are the axes within it, which the error does not care about.

pca = coders["PCA"][k]
linear = Autoencoder(
    8,
    hidden_layer_sizes=(),
    lr=0.03,
    batch_size=24,
    max_epochs=40,
    random_state=0,
).fit(X_train)
zero, units = np.zeros((1, 8)), np.eye(8)
axes_of_decoder = linear.inverse_transform(units) - linear.inverse_transform(zero)
angles = np.degrees(subspace_angles(axes_of_decoder.T, pca.components_.T))
print(f"error, linear autoencoder / PCA: {error(linear) / error(pca):.3f}")
print(f"largest angle between the subspaces: {angles.max():.1f} degrees")

# %%
# Which network?
# --------------
# ``score`` is the share of the variance that the images drawn again keep, on any data.
# So at one size of code a grid search finds the layers and the function of the units
# without labels. Here it is for codes of two numbers, where the surface has to bend
# most.

search = GridSearchCV(
    Autoencoder(2, max_epochs=40, lr=0.006, random_state=0),
    {
        "hidden_layer_sizes": [(64,), (128, 64)],
        "activation": ["tanh", "relu"],
    },
    cv=ShuffleSplit(1, test_size=0.25, random_state=0),
).fit(X_train)
results = search.cv_results_
for setting, score in zip(results["params"], results["mean_test_score"], strict=True):
    layers, activation = setting["hidden_layer_sizes"], setting["activation"]
    print(f"{layers!s:10s}{activation:6s}{score:.1%} of the variance kept")

# %%
# A second layer is worth more than the choice of the function. More numbers in the code
# would raise the score in any case, so it does not choose *their* number; a classifier
# behind the code can, in a pipeline.
#
# Two numbers, drawn
# ------------------
# The held-out digits on the plane of PCA, and on the surface of the network that was
# found, laid flat.

best = search.best_estimator_
pairs = {"PCA": coders["PCA"][0], "Autoencoder": best}
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for ax, (name, coder) in zip(axes, pairs.items(), strict=True):
    EmbeddingDisplay.from_estimator(
        coder,
        X_test,
        y_test,
        name=f"{name}: {accuracy(coder):.0%} recognised",
        label_name="digit",
        legend=ax is axes[1],
        ax=ax,
    )
plt.show()

# %%
# In the middle of the plane, most kinds of digits lie on top of each other. The bent
# surface keeps most of them apart, though no label told it that there are any.
