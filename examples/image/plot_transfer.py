r"""
From known classes to new ones, with five labels each
=====================================================

Labels are dear, and a new task often has only a few. A network that was trained on a
related task, for which there were many, has learned what images of this kind have in
common. Its features can be taken as they are, or be trained a little further.
"""

# %%
# Two tasks
# ---------
# Handwritten digits, thrown: turned, enlarged, anywhere on a larger image, in any
# contrast, with noise. From 0 to 4 there are many with a label. From 5 to 9 there are
# five of each.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import CNNFeatureExtractor, PretrainedFeatureExtractor
from sklearn_replearn.plotting import EmbeddingDisplay

SIDE = 20
digits = load_digits()
neat = digits.images / 16


def throw(images, seed):
    """Images of SIDE x SIDE pixels with the given ones somewhere on them."""
    rng = np.random.default_rng(seed)
    thrown = np.empty((len(images), SIDE, SIDE))
    for image, target in zip(images, thrown, strict=True):
        angle, size = rng.uniform(-0.3, 0.3), rng.uniform(1.4, 1.8)
        turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turn = np.array(turn) / size
        middle = (SIDE - 1) / 2 + rng.uniform(-3, 3, size=2)
        affine_transform(
            image, turn, offset=3.5 - turn @ middle, output=target, order=1
        )
    dark = rng.uniform(0, 0.3, (len(images), 1, 1))
    bright = rng.uniform(0.6, 1, (len(images), 1, 1))
    thrown = dark + (bright - dark) * thrown
    return (thrown + rng.normal(scale=0.05, size=thrown.shape)).clip(0, 1)


known = digits.target < 5
X_known = np.concatenate([throw(neat[known], seed) for seed in range(2)])
y_known = np.tile(digits.target[known], 2)
X_new, y_new = throw(neat[~known], seed=2), digits.target[~known]

fig, axes = plt.subplots(2, 10, figsize=(9, 2), layout="constrained")
for row, images in zip(axes, (X_known, X_new), strict=True):
    for ax, image in zip(row, images, strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()
fig.suptitle("Known digits, above, and new ones, below", fontsize="medium")
plt.show()

# %%
# What is known of the known
# --------------------------
# A network learns to tell the known digits apart. ``as_module()`` gives it to
# ``PretrainedFeatureExtractor``, which would also take a network that was trained
# elsewhere. By default it is used as it is, so that there is nothing to fit.

cnn = CNNFeatureExtractor(128, channels=(32, 64), max_epochs=10, random_state=0).fit(
    X_known, y_known
)
module = cnn.as_module()
frozen = PretrainedFeatureExtractor(module).fit(X_new)
rows_known, rows_new = X_known.reshape(-1, SIDE**2), X_new.reshape(-1, SIDE**2)
pca = ScaledPCA(30, with_std=False).fit(rows_known)

fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
for ax, (name, codes) in zip(
    axes,
    {"Pixels": rows_new, "Features of the network": frozen.transform(X_new)}.items(),
    strict=True,
):
    EmbeddingDisplay.from_embedding(
        codes[:500], y_new[:500], reduce="tsne", ax=ax, name=name
    )
fig.suptitle("Digits that the network has never seen, by t-SNE")
plt.show()

# %%
# A few labels
# ------------
# A logistic regression on pixels, on principal components and on the frozen features;
# and fine-tuning, where a new head is trained alone, with the last layers before it,
# or with the whole network. All are tested on the new digits that have no label. The
# labels are drawn three times, the same for all, and the accuracies averaged.

counts = [2, 5, 20]
features = {
    "pixels": rows_new,
    "principal components": pca.transform(rows_new),
    "frozen features": frozen.transform(X_new),
}


def draw_labels(n_labels, seed):
    """A mask of the rows that get a label, as many of each class."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(y_new), dtype=bool)
    for digit in range(5, 10):
        chosen[rng.choice(np.flatnonzero(y_new == digit), n_labels, False)] = True
    return chosen


def score(model, X, n_labels, n_draws=3):
    """Mean accuracy over several draws of the labels."""
    scores = []
    for seed in range(n_draws):
        chosen = draw_labels(n_labels, seed)
        model.fit(X[chosen], y_new[chosen])
        scores.append(model.score(X[~chosen], y_new[~chosen]))
    return np.mean(scores)


curves = {}
for name, Z in features.items():
    model = LogisticRegression(max_iter=2000)
    curves[name] = [score(model, Z, n_labels) for n_labels in counts]
for part in ("head", "last_block", "all"):
    model = PretrainedFeatureExtractor(module, fine_tune=part, random_state=0)
    curves[f'fine_tune="{part}"'] = [
        score(model, X_new, n_labels) for n_labels in counts
    ]

colors = ["#717581", "#ffa90e", "#3f90da", "#92dadd", "#832db6", "#bd1f01"]
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, curve), color in zip(curves.items(), colors, strict=True):
    ax.plot(counts, curve, marker="o", color=color, label=name)
    print(f"{name:23s}" + "".join(f"{value:6.2f}" for value in curve))
ax.axhline(0.2, color="0.5", linestyle=":", label="chance")
ax.set(xscale="log", xlabel="Labels of each new digit", ylabel="Accuracy")
ax.set_xticks(counts, counts)
ax.minorticks_off()
ax.legend(fontsize="small")
ax.set_title("Telling 5 to 9 apart, after a training on 0 to 4")
plt.show()

# %%
# From five labels on, the frozen features are far ahead of pixels and components, of
# which little can be learned: the network knows that place, size, angle and contrast do
# not matter, and that holds for digits that it has never seen. A head that is trained
# by gradients does not do better than a logistic regression. To train more of the
# network takes more labels, and pays with more: what is right for 0 to 4 is then
# adapted to 5 to 9.
#
# How far up?
# -----------
# The later a layer, the less it has of the things that do not matter, and the more it
# is about the classes of its training. ``layer`` chooses one. Here with five labels
# each, for the thrown digits and for the neat ones as they are in the data set, which
# have a network of their own.

neat_cnn = CNNFeatureExtractor(
    128, channels=(32, 64), kernel_size=3, max_epochs=20, random_state=0
)
neat_cnn.fit(neat[known], digits.target[known])
tasks = {"thrown": (module, X_new), "neat": (neat_cnn.as_module(), neat[~known])}
layers = ["pixels", "stage1", "stage2", "penultimate"]
model = LogisticRegression(max_iter=2000)
print("        " + "".join(f"{layer:>12s}" for layer in layers))
for task, (network, X) in tasks.items():
    accuracies = []
    for layer in layers:
        if layer == "pixels":
            Z = X.reshape(len(X), -1)
        else:
            extractor = PretrainedFeatureExtractor(network, layer=layer)
            Z = extractor.fit_transform(X)
        accuracies.append(score(model, Z, n_labels=5))
    print(f"{task:8s}" + "".join(f"{value:12.2f}" for value in accuracies))

# %%
# Where much does not matter, the last layer is the best. The neat digits are all in
# their place, and five of them are easily told apart by their pixels. There the last
# layer has thrown away what it takes to tell the new ones apart, and the first helps
# most. Compare layers, and compare with the pixels.
