r"""
Denoising and in-painting
=========================

A denoising autoencoder sees images through noise, and is trained to draw them without.
It learns what a digit can look like, and so what the pixels that it can trust say about
the others. That cleans images it has never seen, and fills holes in them.
"""

# %%
# Noise
# -----
# Noise with a standard deviation of 0.25 is added to digits with values from 0 to 1.
# ``DenoisingAutoencoder`` adds fresh noise to its training images in each epoch; the
# held-out images get theirs from ``corrupt``. The code may be as wide as the image: it
# is the noise that keeps the network from copying.
#
# Two linear ways to compare with. PCA projects the noisy image onto the components of
# clean ones, here as many of them as are best for the very images it is judged by.
# Wiener's filter is the best linear map there is: instead of keeping a component or
# not, it shrinks each by the share of it that is noise, and so has to know how much
# noise there is.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_replearn.autoencoder import DenoisingAutoencoder
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import ReconstructionDisplay

X, y = load_digits(return_X_y=True)
X /= 16
X_train, X_test = train_test_split(X, test_size=1 / 3, stratify=y, random_state=0)
mean, covariance = X_train.mean(axis=0), np.cov(X_train.T)

noise_level = 0.25
cleaner = DenoisingAutoencoder(
    64,
    noise="gaussian",
    noise_level=noise_level,
    hidden_layer_sizes=(256,),
    max_epochs=60,
    lr=0.006,
    random_state=0,
).fit(X_train)
noisy = cleaner.corrupt(X_test, random_state=0)


def project(rows, k):
    pca = ScaledPCA(k, with_std=False).fit(X_train)
    return pca.inverse_transform(pca.transform(rows))


def error(images, where=...):
    """Squared error per pixel, of all of them or of some."""
    return np.mean((images - X_test)[where] ** 2)


def best_projection(rows, where=...):
    projections = (project(rows, k) for k in range(2, 33, 2))
    return min(projections, key=lambda images: error(images, where))


noise = noise_level**2 * np.eye(64)
filtered = mean + (noisy - mean) @ np.linalg.solve(covariance + noise, covariance)
cleaned = {
    "PCA": best_projection(noisy),
    "Wiener's filter": filtered,
    "autoencoder": cleaner.reconstruct(noisy),
}
print(f"noisy            {error(noisy):.4f}")
for name, images in cleaned.items():
    print(f"{name:16s} {error(images):.4f}")

ReconstructionDisplay.from_reconstructions(
    X_test,
    cleaned,
    inputs=noisy,
    image_shape=(8, 8),
    cmap="gray_r",
    name="Noisy digits, cleaned",
)
plt.show()

# %%
# The autoencoder leaves about a quarter of the error that the noise makes: half of what
# the projection leaves, and three quarters of what the filter does.
#
# Must the noise be that of the training? Here are other amounts of it, with the number
# of components chosen anew for each.

levels = [0.1, 0.25, 0.4, 0.55]
rng = np.random.default_rng(0)
lines = {"noisy": [], "PCA": [], "autoencoder": []}
for level in levels:
    rows = X_test + rng.normal(scale=level, size=X_test.shape)
    lines["noisy"].append(error(rows))
    lines["PCA"].append(error(best_projection(rows)))
    lines["autoencoder"].append(error(cleaner.reconstruct(rows)))
print("standard deviation " + "".join(f"{level:8.2f}" for level in levels))
for name, values in lines.items():
    print(f"{name:19s}" + "".join(f"{value:8.4f}" for value in values))

# %%
# With more noise than it was trained for, the autoencoder stays well ahead. With much
# less there is little left to remove, and the projection does it as well.
#
# Missing pixels
# --------------
# ``noise="masking"`` sets values to zero. So that zero means "as usual", the images are
# centred first: a missing pixel is then one with the mean of the training images.
# Nobody tells the network which pixels are missing; it sees those that do not fit their
# neighbours. It is trained with two pixels in five missing at random, and also asked to
# fill a square hole of 4 by 4 pixels, for which it has not been trained.
#
# PCA projects the image with the means in place of the missing pixels. The best that
# the mean and the covariance can tell needs to be told where the holes are: it is the
# expectation, in a Gaussian cloud, of the missing pixels given the others.

painter = DenoisingAutoencoder(
    64,
    noise="masking",
    noise_level=0.4,
    hidden_layer_sizes=(256,),
    max_epochs=60,
    lr=0.006,
    random_state=0,
).fit(X_train - mean)


def expect(rows, missing):
    """The Gaussian expectation of the missing pixels, given the others."""
    filled = rows.copy()
    for row, hole in zip(filled, missing, strict=True):
        seen = covariance[np.ix_(~hole, ~hole)] + 0.001 * np.eye((~hole).sum())
        weights = np.linalg.solve(seen, row[~hole] - mean[~hole])
        row[hole] = mean[hole] + covariance[np.ix_(hole, ~hole)] @ weights
    return filled


def keep_seen(decoded, missing):
    return np.where(missing, decoded, X_test)


square = np.zeros((8, 8), dtype=bool)
square[2:6, 2:6] = True
holes = {
    "two pixels in five": rng.random(X_test.shape) < 0.4,
    "a square of 4 by 4": np.tile(square.ravel(), (len(X_test), 1)),
}
for title, missing in holes.items():
    given = np.where(missing, mean, X_test)
    decoded = {
        "PCA": best_projection(given, missing),
        "Gaussian cloud": expect(given, missing),
        "autoencoder": painter.reconstruct(given - mean) + mean,
    }
    print(f"{title}: squared error of the missing pixels")
    print(f"  the mean       {error(given, missing):.4f}")
    filled = {}
    for name, images in decoded.items():
        print(f"  {name:14s} {error(images, missing):.4f}")
        filled[name] = keep_seen(images, missing)
    ReconstructionDisplay.from_reconstructions(
        X_test,
        filled,
        inputs=given,
        image_shape=(8, 8),
        cmap="gray_r",
        name=f"Missing: {title}",
    )
plt.show()

# %%
# Below the pictures stands the error of the whole image, in which the pixels that were
# there are kept. The autoencoder has a bit more than half of the projection's error in
# the missing pixels, and less than the Gaussian cloud that is told where they are. A
# square hole is harder, for all of them: nothing nearby is left to go by.
