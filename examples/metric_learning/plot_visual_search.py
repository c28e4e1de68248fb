r"""
Visual search
=============

Here is an image; show me more of the same. A search engine compares the query with
everything in a gallery, and shows what is nearest. What is near, the pixels say badly:
an object that has moved by its own width has no pixel in common with itself.
"""

# %%
# Thrown digits
# -------------
# Handwritten digits, turned, enlarged, and anywhere on a larger image, in any contrast,
# with noise. There are images to train with; a gallery of others; and queries.

# sphinx_gallery_thumbnail_number = 3
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklearn_replearn.metric_learning import SupConTransformer
from sklearn_replearn.metrics import cumulative_match, mean_average_precision_at_r
from sklearn_replearn.plotting import RetrievalDisplay

SIDE = 20
digits = load_digits()
neat, y = digits.images / 16, digits.target


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


X_train = np.concatenate([throw(neat[:900], seed) for seed in range(3)])
y_train = np.tile(y[:900], 3)
X_gallery, y_gallery = throw(neat[900:1500], seed=3), y[900:1500]
X_query, y_query = throw(neat[1500:], seed=4), y[1500:]

network = SupConTransformer(
    32,
    channels=(16, 32, 64),
    hidden_layer_sizes=(),
    max_epochs=12,
    lr=3e-3,
    random_state=0,
).fit(X_train, y_train)

# %%
# What is found
# -------------
# Five queries, on the left, and the eight nearest images of the gallery: by the
# distance of the pixels, then by that of the embeddings. A blue frame is the right
# digit, an orange one with a cross is another.


def flatten(images):
    return images.reshape(len(images), -1)


vectors = {
    "Pixels": (flatten(X_query), flatten(X_gallery)),
    "Learned embedding": (network.transform(X_query), network.transform(X_gallery)),
}
for name, (Z_query, Z_gallery) in vectors.items():
    RetrievalDisplay.from_embedding(
        Z_query,
        X_query,
        y_query,
        Z_gallery=Z_gallery,
        X_gallery=X_gallery,
        y_gallery=y_gallery,
        n_queries=5,
        random_state=5,
        name=name,
        vmin=0,
        vmax=1,
    )
    plt.show()

# %%
# Pixels find what is in the same place, in the same contrast: the digit matters little.
# The embedding finds the digit wherever it is. Where it errs, it may err all along
# the row, since the query lies among the images of another digit.
#
# How deep must one look?
# -----------------------
# Recall at k is the share of the queries with an image of their digit among the k
# nearest, and ``cumulative_match`` gives it for k = 1, 2, and so on. MAP@R looks at all
# images of the digit in the gallery, about sixty: are they the nearest ones?

pca = PCA(32).fit(flatten(X_train))
vectors["32 principal components"] = tuple(
    pca.transform(flatten(images)) for images in (X_query, X_gallery)
)
styles = {
    "Learned embedding": {"color": "#3f90da", "marker": "o"},
    "32 principal components": {"color": "#ffa90e", "marker": "s"},
    "Pixels": {"color": "#717581", "marker": "D"},
}
ranks = np.arange(1, 21)
fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
print("                         recall@1  recall@5   MAP@R")
for name, style in styles.items():
    Z_query, Z_gallery = vectors[name]
    gallery = {"X_gallery": Z_gallery, "y_gallery": y_gallery}
    shares = cumulative_match(Z_query, y_query, max_rank=20, **gallery)
    precision = mean_average_precision_at_r(Z_query, y_query, **gallery)
    print(f"{name:25s}{shares[0]:8.2f}{shares[4]:10.2f}{precision:8.2f}")
    ax.plot(ranks, shares, label=name, markersize=5, **style)
chance = 1 - 0.9**ranks
ax.plot(ranks, chance, color="0.5", linestyle=":", label="chance")
ax.set(xlabel="Images looked at", ylabel="Share of queries with one of their digit")
ax.set(ylim=(0, 1.02), title="Cumulative match")
ax.set_xticks([1, 5, 10, 15, 20])
ax.grid(color="0.9")
ax.set_axisbelow(True)
ax.legend()
plt.show()

# %%
# The first hit of the embedding is as likely to be right as one among eight of the
# pixels. The curve then rises slowly, for the reason seen above: a query that is not
# understood is not understood by looking further. The curves meet where so much is
# looked at that something right is among it in any case; a single hit is then a weak
# test, and MAP@R says how much better the order is.
#
# Principal components keep what varies most, and that is place and contrast. Thirty-two
# of them find what the pixels find, no more.
