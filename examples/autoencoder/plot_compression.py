r"""
Compressing photographs
=======================

``VQAutoencoder`` turns a row into a few integers, each the number of a vector in a
codebook. So its codes have a length in bits, and it is a compressor: how many bits does
it take for a pixel, and how large is the error? Beside it stand rounded principal
components, and JPEG.
"""

# %%
# Patches
# -------
# The two photographs that come with scikit-learn, in grey. Everything is learnt from
# patches of 8 × 8 pixels of the first, at random places; the second is cut into such
# patches, and compressed. (Pillow, which matplotlib brings along, reads photographs and
# writes JPEG.)

# sphinx_gallery_thumbnail_number = 2
import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_images

from sklearn_replearn.autoencoder import VQAutoencoder
from sklearn_replearn.decomposition import ScaledPCA

SIDE = 8
palace, flower = (
    np.round(photo[:424] @ [0.299, 0.587, 0.114])
    for photo in load_sample_images().images
)


def draw_patches(photo, n_patches, rng):
    rows = rng.integers(photo.shape[0] - SIDE + 1, size=n_patches)
    columns = rng.integers(photo.shape[1] - SIDE + 1, size=n_patches)
    patches = [
        photo[i : i + SIDE, j : j + SIDE].ravel()
        for i, j in zip(rows, columns, strict=True)
    ]
    return np.array(patches) / 255


def cut(photo):
    height, width = photo.shape
    blocks = photo.reshape(height // SIDE, SIDE, width // SIDE, SIDE)
    return blocks.swapaxes(1, 2).reshape(-1, SIDE**2) / 255


def paste(patches, shape):
    blocks = patches.reshape(shape[0] // SIDE, shape[1] // SIDE, SIDE, SIDE)
    return 255 * blocks.swapaxes(1, 2).reshape(shape)


def error(photo):
    """Root mean squared error of the flower, in steps of grey."""
    return np.sqrt(np.mean((photo - flower) ** 2))


rng = np.random.default_rng(0)
X_train, X_flower = draw_patches(palace, 6000, rng), cut(flower)
print(f"{len(X_flower)} patches of the flower; error of its mean: {flower.std():.1f}")

fig, axes = plt.subplots(1, 2, figsize=(8, 2.9), layout="constrained")
for ax, photo, title in zip(
    axes, (palace, flower), ("Learnt from", "Compressed"), strict=True
):
    ax.imshow(photo, cmap="gray", vmin=0, vmax=255)
    ax.set(title=title, xticks=[], yticks=[])
plt.show()

# %%
# Integer codes
# -------------
# A patch of 64 pixels becomes one, two, four or eight integers from 0 to 255, a byte
# each. ``encode_codes`` gives them, and ``decode_codes`` turns them into patches.

results = {"VQAutoencoder": [], "PCA, rounded": [], "JPEG": []}
photos = {}
autoencoders = {}
for n_codes in (1, 2, 4, 8):
    autoencoder = VQAutoencoder(
        8 * n_codes,
        n_codes=n_codes,
        codebook_size=256,
        commitment=1.0,
        hidden_layer_sizes=(256,),
        max_epochs=12,
        batch_size=128,
        lr=0.008,
        random_state=0,
    ).fit(X_train)
    codes = autoencoder.encode_codes(X_flower).astype(np.uint8)
    decoded = paste(autoencoder.decode_codes(codes), flower.shape)
    bits = 8 * codes.nbytes / flower.size
    results["VQAutoencoder"].append((bits, error(decoded)))
    photos["VQAutoencoder", bits] = decoded
    autoencoders[bits] = autoencoder
    print(
        f"bytes a patch: {n_codes}, bits a pixel: {bits:.3f}, "
        f"error {error(decoded):.1f}, "
        f"{autoencoder.codebook_usage_:.0%} of the codebooks used"
    )

# %%
# The same for principal components: each gets a number of bits, and its values are
# rounded to that many levels. A bit halves an error, so the next one always goes to the
# component with the largest; the levels are the centres that k-means finds.

pca = ScaledPCA(with_std=False).fit(X_train)
Z_train, Z_flower = pca.transform(X_train), pca.transform(X_flower)


def share_bits(n_bits):
    bits = np.zeros(SIDE**2, dtype=int)
    for _ in range(n_bits):
        bits[np.argmax(pca.explained_variance_ / 4.0**bits)] += 1
    return bits


def round_components(n_bits):
    rounded = np.zeros_like(Z_flower)
    for i, bits in enumerate(share_bits(n_bits)):
        if bits:
            levels = KMeans(2**bits, n_init=1, random_state=0).fit(Z_train[:, [i]])
            nearest = levels.predict(Z_flower[:, [i]])
            rounded[:, i] = levels.cluster_centers_[nearest, 0]
    return paste(pca.inverse_transform(rounded), flower.shape)


for bits in autoencoders:
    decoded = round_components(round(bits * SIDE**2))
    results["PCA, rounded"].append((bits, error(decoded)))
    photos["PCA, rounded", bits] = decoded

# %%
# And JPEG, whose files are as long as they are.

for quality in (2, 5, 10, 20, 40, 60):
    file = io.BytesIO()
    Image.fromarray(flower.astype(np.uint8)).save(file, "JPEG", quality=quality)
    bits = 8 * len(file.getvalue()) / flower.size
    decoded = np.asarray(Image.open(file), dtype=float)
    results["JPEG"].append((bits, error(decoded)))
    photos["JPEG", bits] = decoded

# %%
# Codes of different lengths
# --------------------------
# JPEG gives short codes to what is frequent, and long ones to what is rare. An ideal
# coder of this kind needs :math:`-\log_2 p` bits for what has the probability
# :math:`p`, here that in the patches of the first photograph. What would it save? For
# components, it then pays to round all of them to steps of one size, most of the values
# to zero.


def ideal_bits(train, codes):
    """Bits a pixel, each column coded by its frequencies in the training patches."""
    total = 0.0
    for seen, column in zip(train.T, codes.T, strict=True):
        low = min(seen.min(), column.min())
        counts = np.bincount(seen - low, minlength=column.max() - low + 1) + 0.5
        total -= np.log2(counts / counts.sum())[column - low].mean()
    return total / SIDE**2


results["VQAutoencoder, ideal coder"] = [
    (
        ideal_bits(fit.encode_codes(X_train), fit.encode_codes(X_flower)),
        error(photos["VQAutoencoder", bits]),
    )
    for bits, fit in autoencoders.items()
]
results["PCA, ideal coder"] = []
for step in (0.1, 0.2, 0.3, 0.6, 1.2):
    steps_train, steps = (np.round(Z / step).astype(int) for Z in (Z_train, Z_flower))
    bits = ideal_bits(steps_train, steps)
    decoded = paste(pca.inverse_transform(steps * step), flower.shape)
    results["PCA, ideal coder"].append((bits, error(decoded)))
    photos["PCA, ideal coder", bits] = decoded

styles = {
    "PCA, rounded": {"color": "#717581", "marker": "s"},
    "PCA, ideal coder": {"color": "#717581", "marker": "s", "linestyle": "--"},
    "VQAutoencoder": {"color": "#3f90da", "marker": "o"},
    "VQAutoencoder, ideal coder": {
        "color": "#3f90da",
        "marker": "o",
        "linestyle": "--",
    },
    "JPEG": {"color": "#bd1f01", "marker": "D"},
}
fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for name, style in styles.items():
    face = "white" if "linestyle" in style else style["color"]
    ax.plot(*np.transpose(results[name]), label=name, markerfacecolor=face, **style)
ax.set(xscale="log", yscale="log")
ax.set_xticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
ax.set_yticks([3, 5, 10, 20], ["3", "5", "10", "20"])
ax.minorticks_off()
ax.grid(color="0.9")
ax.set_axisbelow(True)
ax.set(xlabel="Bits a pixel", ylabel="Root mean squared error (of 255)")
fig.legend(loc="outside right center", frameon=False)
ax.set_title("The flower, compressed")
plt.show()

# %%
# With codes of one length, the autoencoder's integers have a smaller error than rounded
# components at every length: a codebook is made for the patches that there are, and
# spends nothing on those that there are not.
#
# An ideal coder turns the order round. The autoencoder uses nearly all of its codes
# alike, so there is little to save, and it spends as much on a piece of plain
# background as on a petal. Evenly rounded components of the background are zeros, which
# then cost hardly anything, and the bits go where there is something to be seen.
#
# JPEG does the same, and better, but for the shortest files, of which its tables fill a
# good part. It codes whole runs of zeros at once, and the mean of a patch by its
# difference from that of the patch before, where all others code each number as if it
# stood alone. And both photographs come from JPEG files, so some of what it throws away
# was gone already.
#
# So for photographs take JPEG. (Nor did we count what the receiver needs to have:
# codebooks and decoder, or components.) What the autoencoder gives is something else:
# patches as a few integers, which other models can count, compare and predict.
#
# At a quarter of a bit
# ---------------------
# A piece of the flower, at about 0.25 bits a pixel, 16 bits for a patch.

shown = {"Original, 8 bits": flower}
for name in ("PCA, rounded", "VQAutoencoder", "PCA, ideal coder", "JPEG"):
    bits = min((b for n, b in photos if n == name), key=lambda b: abs(b - 0.25))
    decoded = photos[name, bits]
    shown[f"{name}\n{bits:.2f} bits, error {error(decoded):.1f}"] = decoded
fig, axes = plt.subplots(1, 5, figsize=(11, 2.8), layout="constrained")
for ax, (title, photo) in zip(axes, shown.items(), strict=True):
    ax.imshow(photo[120:248, 240:368], cmap="gray", vmin=0, vmax=255)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize="medium")
plt.show()
