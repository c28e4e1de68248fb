r"""
What augmentation does to images, signals and tables
====================================================

With ``augment``, a network sees each training image changed at random, anew in each
epoch. It learns to ignore the changes, so they are a statement about the data: what may
change without changing what the image is of. Look at them before you train.
:func:`~sklearn_replearn.self_supervised.random_views` draws the views that a network
would see.
"""

# %%
# Each change of color images
# ---------------------------
# Three parts of the photographs that scikit-learn ships, 64 x 64 pixels each; a part is
# the same in all rows. A row shows one change with its usual amount, or with a larger
# one that is easier to see. The first column is the part as it is, and the others are
# random views of it.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_image
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.self_supervised import random_views

flower = load_sample_image("flower.jpg")
temple = load_sample_image("china.jpg")
parts = [
    flower[100:356:4, 230:486:4],
    temple[60:252:3, 150:342:3],
    temple[220:412:3, 320:512:3],
]
photographs = np.stack(parts)  # bytes: their views are floats in [0, 1]


def draw(images, changes, *, n_views=3):
    """One row of pictures for each change: each image in red, then its views."""
    rows = []
    for change in changes:
        items = change if isinstance(change, list) else [change]
        views = random_views(images, items, n_views=n_views, random_state=0)
        rows.append(np.concatenate([random_views(images, None), views], axis=1))
    pictures = np.stack(rows).clip(0, 1)  # (changes, images, views + 1, sides, colors)
    if images.ndim == 3:
        pictures = np.stack([pictures] * 3, axis=-1)
    height, width = images.shape[1:3]
    thin = max(1, width // 32)
    frame = [(0, 0)] * 3 + [(2 * thin, 2 * thin)] * 2 + [(0, 0)]
    pictures = np.pad(pictures, frame, constant_values=1.0)
    originals = pictures[:, :, 0, thin:-thin, thin:-thin]  # a view: it is written to
    inside = originals[:, :, thin:-thin, thin:-thin].copy()
    originals[:] = (0.85, 0.15, 0.15)
    originals[:, :, thin:-thin, thin:-thin] = inside
    height, width = pictures.shape[3:5]
    n_columns = len(images) * (n_views + 1)
    sheet = pictures.transpose(0, 3, 1, 2, 4, 5)
    sheet = sheet.reshape(len(changes) * height, n_columns * width, 3)
    size = (9, 7.5 * len(changes) / n_columns + 0.1)
    _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.imshow(sheet)
    ax.set_yticks(height * (np.arange(len(changes)) + 0.5), map(label, changes))
    ax.set_xticks([])
    ax.tick_params(length=0, labelsize=7)
    ax.spines[:].set_visible(False)


def label(change):
    """The name and the amount of a change."""
    if isinstance(change, list):
        change = change[0]
    return change if isinstance(change, str) else f"{change[0]} {change[1]:g}"


changes_of_place = [("crop", 0.4), ("resized_crop", 0.8), ("scale", 0.4), "rotate"]
changes_of_place += ["flip", "shift"]
draw(photographs, changes_of_place)
plt.show()

# %%
# What moves in from outside repeats the border. "resized_crop" reaches further than
# "crop", and it changes the proportions.

changes_of_values = [("color_jitter", 0.4), ("hue", 0.2), ("grayscale", 0.5)]
changes_of_values += [("blur", 2), ("solarize", 0.5), "noise", ("cutout", 0.4)]
draw(photographs, changes_of_values)
plt.show()

# %%
# "flip", "grayscale" and "solarize" happen by chance, and so some views of these rows
# are the image as it is.
#
# Presets
# -------
# Three presets put several changes together. "medium" is what
# :class:`~sklearn_replearn.self_supervised.SimCLR` takes by default; "strong" is close
# to what its authors used for photographs.

draw(photographs, ["weak", "medium", "strong"])
plt.show()

# %%
# The right strength depends on the data. A mirrored digit is no digit, so digits take
# a preset without "flip", which an amount of 0 leaves out. And images of 8 x 8 pixels
# have little to lose: in the last row, some of the views of the 4 could be anything.

digits = load_digits().images[[3, 4, 7]] / 16
draw(digits, [[name, ("flip", 0)] for name in ("weak", "medium", "strong")])
plt.show()

# %%
# Signals
# -------
# Signals of two bursts, a slow one and a fast one, at places that differ. The gray
# line is the first signal, and the two others are views. A time mask sets a part to the
# mean, a frequency mask takes out a band: where that is the band of a burst, the burst
# is gone.

times = np.linspace(0, 1, 200)
rng = np.random.default_rng(0)
first, second = rng.uniform([0.2, 0.6], [0.4, 0.8], (50, 2)).T[:, :, None]
slow = np.sin(2 * np.pi * 12 * times) * np.exp(-(((times - first) / 0.1) ** 2))
fast = np.sin(2 * np.pi * 40 * times) * np.exp(-(((times - second) / 0.08) ** 2))
signals = slow + 0.7 * fast
changes = [("crop", 0.4), ("scale", 0.4), ("flip", 1), "shift", ("color_jitter", 0.6)]
changes += [("blur", 2), ("noise", 0.3), ("time_mask", 0.6), ("frequency_mask", 0.6)]
changes += ["weak", "medium", "strong"]
fig, axes = plt.subplots(
    4, 3, figsize=(9, 6), sharex=True, sharey=True, layout="constrained"
)
for change, ax in zip(changes, axes.flat, strict=True):
    views = random_views(signals, [change], n_views=2, signals=True, random_state=0)
    ax.plot(times, signals[0], color="0.75", linewidth=3)
    for view, color in zip(views[0], ["#3f90da", "#e76300"], strict=True):
        ax.plot(times, view, color=color, linewidth=0.8)
    ax.set_title(label(change), fontsize="medium")
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# Tables
# ------
# Columns of a table have no neighbors, and each has a unit of its own. "corrupt"
# replaces values by those of other rows in the same column, so each value stays one
# that the column may have. Here are the first columns of one digit, scaled, and three
# views of each strength; a star is on what was
# replaced.

table = StandardScaler().fit_transform(load_digits().data[:, 18:26])
for name in ("weak", "medium", "strong"):
    views = random_views(table, name, n_views=3, random_state=0)[0]
    print(f"{name:8s}", " ".join(f"{value:6.2f} " for value in table[0]))
    for view in views:
        marks = np.where(view == table[0], " ", "*")
        cells = [f"{v:6.2f}{mark}" for v, mark in zip(view, marks, strict=True)]
        print(" " * 8, " ".join(cells))
