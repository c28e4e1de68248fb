r"""
The same person in another camera
=================================

A person walks out of the picture of one camera and into that of another. Which of all
people that the first camera has seen is this? The people of the training are others, so
that nothing can be learned about those to be found, only what makes two images those of
one person.
"""

# %%
# Two cameras
# -----------
# People are made up, to have no strangers' pictures here: the colors of hair, skin,
# jacket, trousers and shoes, and whether the jacket has stripes, make a person. Each
# camera has its own light, color and background, and a person stands a little
# elsewhere in each image. The network is trained with 300 people, and the search is for
# 100 others: images of the second camera are queries, and the gallery has two images of
# each person by the first camera.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator

from sklearn_replearn.metric_learning import SupConTransformer
from sklearn_replearn.metrics import cumulative_match
from sklearn_replearn.retrieval import EmbeddingIndex

HEIGHT, WIDTH = 24, 16
rng = np.random.default_rng(0)


def make_people(n):
    """Colors of five parts and of stripes, and whether there are stripes."""
    colors = rng.uniform(0.1, 0.9, size=(n, 6, 3))
    skin = rng.uniform(0.35, 1, size=(n, 1))
    colors[:, 1] = skin * [0.95, 0.75, 0.6]
    return colors, rng.random(n) < 0.4


def photograph(people, camera):
    """An image of each person."""
    images = np.empty((len(people[0]), HEIGHT, WIDTH, 3))
    light = [np.array([1, 0.95, 0.85]), np.array([0.55, 0.65, 0.8])][camera]
    wall = [np.array([0.8, 0.75, 0.6]), np.array([0.35, 0.45, 0.4])][camera]
    for image, colors, striped in zip(images, *people, strict=True):
        image[:] = wall * rng.uniform(0.8, 1.2)
        image[-rng.integers(2, 6) :] *= 0.7  # the floor
        top, left = rng.integers(0, 4), rng.integers(2, 8)
        body = image[top : top + 21, left : left + 6]
        body[:2, 1:5] = colors[0]
        body[2:5, 2:4] = colors[1]
        body[5:12] = colors[2]
        if striped:
            body[6:12:2] = colors[5]
        body[12:19, 1:5] = colors[3]
        body[19:21, 1:5] = colors[4]
        image *= light * rng.uniform(0.7, 1.3)
    images += rng.normal(scale=0.12, size=images.shape)
    return images.clip(0, 1)


people = make_people(300)
X_train = np.concatenate([photograph(people, camera) for camera in [0, 0, 1, 1]])
y_train = np.tile(np.arange(300), 4)

strangers = make_people(100)
X_gallery = np.concatenate([photograph(strangers, 0) for _ in range(2)])
y_gallery = np.tile(np.arange(100), 2)
X_query, y_query = photograph(strangers, 1), np.arange(100)

network = SupConTransformer(
    32,
    channels=(16, 32),
    hidden_layer_sizes=(),
    max_epochs=12,
    lr=3e-3,
    random_state=0,
).fit(X_train, y_train)

# %%
# How deep must one look?
# -----------------------
# ``cumulative_match`` is the share of the queries with an image of their person among
# the first 1, 2, and so on. The cameras differ more than people do; so pixels are
# compared a second time, less the mean image of each camera.


def flatten(images):
    return images.reshape(len(images), -1)


def less_mean(images, mean):
    return flatten(images - mean)


means = [X_train[:600].mean(axis=0), X_train[600:].mean(axis=0)]
vectors = {
    "Learned embedding": [network.transform(X) for X in (X_query, X_gallery)],
    "Pixels less the mean": [
        less_mean(X_query, means[1]),
        less_mean(X_gallery, means[0]),
    ],
    "Pixels": [flatten(X_query), flatten(X_gallery)],
}
ranks = np.arange(1, 21)
styles = zip("osD", ["#3f90da", "#ffa90e", "#717581"], strict=True)
fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
print("                         rank 1  rank 5  rank 20")
for (name, (Z_query, Z_gallery)), (marker, color) in zip(
    vectors.items(), styles, strict=True
):
    shares = cumulative_match(
        Z_query,
        y_query,
        max_rank=20,
        X_gallery=Z_gallery,
        y_gallery=y_gallery,
        metric="cosine",
    )
    print(f"{name:25s}{shares[0]:6.2f}{shares[4]:8.2f}{shares[-1]:9.2f}")
    ax.plot(ranks, shares, label=name, marker=marker, color=color, markersize=5)
ax.plot(ranks, ranks / 100, color="0.5", linestyle=":", label="chance (about)")
ax.set(xlabel="Images looked at", ylabel="Share of queries with their person")
ax.set(ylim=(0, 1.02), title="Cumulative match, people never seen in training")
ax.set_xticks([1, 5, 10, 15, 20])
ax.grid(color="0.9")
ax.set_axisbelow(True)
ax.legend(loc=(0.55, 0.6))
plt.show()

# %%
# What is found
# -------------
# An ``EmbeddingIndex`` takes images as queries. The network is fitted, and is to stay
# so: a ``FrozenEstimator``. Five queries, on the left, and the six nearest images of
# the gallery; a blue frame is the right person, an orange one with a cross is another.

index = EmbeddingIndex(FrozenEstimator(network)).fit(X_gallery)
chosen = np.arange(5)
_, positions = index.kneighbors(X_query[chosen], n_neighbors=6)

fig, axes = plt.subplots(5, 7, figsize=(6.5, 7), layout="constrained")
for row, query, found in zip(axes, chosen, positions, strict=True):
    row[0].imshow(X_query[query])
    for ax, position in zip(row[1:], found, strict=True):
        ax.imshow(X_gallery[position])
        right = y_gallery[position] == y_query[query]
        ax.spines[:].set(color="#3f90da" if right else "#ffa90e", linewidth=3)
        if not right:
            ax.plot(WIDTH - 2.5, 2, "x", color="#ffa90e", markersize=7, mew=2)
    for ax in row:
        ax.set(xticks=[], yticks=[])
axes[0, 0].set_title("query")
for rank, ax in enumerate(axes[0, 1:], start=1):
    ax.set_title(rank)
plt.show()

# %%
# Light and noise move the pixels more than another person does. The network looks
# through them, at people whom it has not seen, since what it has learned is which
# differences are those between cameras. Where the first hit is another person, the
# right one mostly follows among the first five. The pictures are made up, and so are
# the shares: they show how to measure, not how well this works in a street.
