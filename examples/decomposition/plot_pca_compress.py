r"""
PCA to compress
===============

An image is kept as :math:`k` numbers instead of its :math:`d` pixels, and drawn again
from them. No other :math:`k` linear numbers give the training images back with a
smaller squared error: this is the theorem of Eckart and Young. Whether it also holds
for images that were not there is what held-out data tell.
"""

# %%
# How much do the components keep?
# --------------------------------
# The components are fitted on two thirds of the digits. With the others as ``X``, the
# display draws a second curve, for the share of *their* variance that the components
# keep. Here the two agree, so what was learnt is what digits have in common.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import SpectrumDisplay

X, _ = load_digits(return_X_y=True)
X_train, X_test = train_test_split(X, test_size=1 / 3, random_state=0)

pca = ScaledPCA(with_std=False).fit(X_train)
display = SpectrumDisplay.from_estimator(pca, X_test, threshold=0.9)

# %%
# The theorem, checked
# --------------------
# With the singular values :math:`\sigma_1 \ge \sigma_2 \ge \dots` of the centred
# training table :math:`Z`, :math:`k` components leave the squared error
#
# .. math:: \min_{\operatorname{rank} B \le k} \|Z - B\|_F^2 = \sum_{i > k} \sigma_i^2 .
#
# ``reconstruction_errors`` gives the error for every :math:`k` at once, for any data.

squares = pca.singular_values_**2
for k in (4, 8, 16, 32):
    error = pca.reconstruction_errors(X_train)[k - 1]
    print(f"{k:2d} components: error {error:9.1f}, theorem {squares[k:].sum():9.1f}")

# %%
# Digits from fewer numbers
# -------------------------
# The images come as a byte for each of 64 pixels. That is generous: a pixel has one of
# 17 values, for which 5 bits would do, hence 40 bytes without any loss. We round each
# component to one of 256 steps over the range that it has on the training images, store
# these codes of the held-out images, a byte for each component, and draw the images
# again. So 32 bytes save little, and 8 bytes are a fifth.

codes = pca.transform(X_train)
low, high = codes.min(axis=0), codes.max(axis=0)


def compress(images, k):
    share = (pca.transform(images)[:, :k] - low[:k]) / (high - low)[:k]
    return np.round(255 * share.clip(0, 1)).astype(np.uint8)


def decompress(stored):
    k = stored.shape[1]
    codes = np.zeros((len(stored), pca.n_components_))
    codes[:, :k] = low[:k] + stored / 255 * (high - low)[:k]
    return pca.inverse_transform(codes)


rows = {"original\n40 bytes": X_test}
for k in (32, 16, 8, 4):
    stored = compress(X_test, k)
    restored = decompress(stored)
    rows[f"{stored.nbytes // len(X_test)} bytes"] = restored
    error = np.sqrt(np.mean((restored - X_test) ** 2))
    print(f"{k:2d} bytes: root mean squared error {error:.2f} (pixels go up to 16)")

fig, axes = plt.subplots(len(rows), 10, figsize=(8, 4.2), layout="constrained")
for line, (name, images) in zip(axes, rows.items(), strict=True):
    for ax, image in zip(line, images, strict=False):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
fig.suptitle("Held-out digits, stored and drawn again")

plt.show()
