r"""
Pretext tasks: questions whose answers are in the data
======================================================

By how much was this image turned? In which order are its tiles? What stood in the
hidden places? The answers to such questions are known without anybody giving a label,
so a network can learn from all images. What it learns is read from one of its layers
afterwards, and the answers are thrown away.
"""

# %%
# What each task asks
# -------------------
# Patches of two photographs that scikit-learn ships: a temple and a flower.
# ``make_task`` gives what a network is asked about images, and the right answers.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_images
from sklearn.feature_extraction.image import extract_patches_2d
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.plotting import FilterDisplay
from sklearn_replearn.self_supervised import (
    Inpainting,
    Jigsaw,
    PretextTransformer,
    RelativePosition,
    SimCLR,
)

photographs = load_sample_images().images
patches = np.concatenate(
    [
        extract_patches_2d(image[::4, ::4], (40, 40), max_patches=150, random_state=0)
        for image in photographs
    ]
)
tasks = {
    "rotation": "rotation",
    "relative position": RelativePosition(n_pairs=1, gray_share=0),
    "jigsaw": Jigsaw(gray_share=0),
    "colorization": "colorization",
    "inpainting": Inpainting(),
}
shown = patches[[15, 22, 158]]
fig, axes = plt.subplots(len(tasks) + 1, 3, figsize=(9, 9.5))
axes[0, 1].set_title("patches of photographs")
for ax, image in zip(axes[0], shown, strict=True):
    ax.imshow(image)


def side_by_side(parts):
    """Images in a row, with a gap between them, in shades from 0 to 1."""
    low, high = parts.min(), parts.max()
    parts = (parts - low) / (high - low)
    gap = np.ones((parts.shape[1], 2, 3))
    return np.concatenate(
        [piece for part in parts for piece in (part, gap)][:-1], axis=1
    )


solved = {}
for row, (name, task) in zip(axes[1:], tasks.items(), strict=True):
    solver = PretextTransformer(
        task, channels=(16, 32), max_epochs=2, batch_size=32, random_state=0
    ).fit(patches)
    solved[name] = solver
    inputs, answers = solver.make_task(shown)
    for ax, question, answer in zip(row, inputs, answers, strict=True):
        parts = question if question.ndim == 4 else question[None]
        ax.imshow(side_by_side(parts))
        if np.ndim(answer) < 2 and name != "inpainting":
            ax.set_xlabel(f"answer: {', '.join(map(str, np.ravel(answer)))}")
    row[1].set_title(name)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
fig.tight_layout()

# %%
# Tiles have a gap between them, are moved at random, and each is scaled to mean 0 and
# variance 1: otherwise borders and brightness would give the answer away, and nothing
# that the images show would be learned.
#
# What it learns from digits
# --------------------------
# Each network sees 1,200 digits, without a label, and answers about others. The
# accuracy of guessing is a quarter for the four turns and a twenty-fourth for the
# orders; R² of the hidden places is 0 for their mean. Pixels of digits are so few that
# tiles touch here.

digits, labels = load_digits(return_X_y=True)
digits = digits.reshape(-1, 8, 8).astype(np.float32) / 16
encoders = {
    "rotation": "rotation",
    "jigsaw": Jigsaw(gap=0, jitter=0),
    "inpainting": "inpainting",
}
for name, task in encoders.items():
    encoders[name] = PretextTransformer(
        task,
        channels=(16, 32),
        kernel_size=5,
        max_epochs=10,
        lr=1e-2,
        random_state=0,
    ).fit(digits[:1200])
    print(f"{name:12s} score {encoders[name].score(digits[1200:]):.2f}")

# %%
# ``predict_task`` fills the hidden places.

network = encoders["inpainting"]
some = digits[1200:1208]
gaps, _ = network.make_task(some)
filled = network.predict_task(some)
fig, axes = plt.subplots(3, 8, figsize=(9, 3.6))
for title, row, images in zip(
    ("shown", "filled", "true"), axes, (gaps[..., 0], filled, some), strict=True
):
    row[0].set_ylabel(title)
    for ax, image in zip(row, images, strict=True):
        ax.imshow(image, cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
fig.tight_layout()

# %%
# First filters, and nearest neighbors
# ------------------------------------
# Beside the three tasks are :class:`~sklearn_replearn.self_supervised.SimCLR`, which
# compares two views of a digit, the network as it is before any training, and the
# pixels. On the left are filters of the first stage. On the right are two digits, each
# with those of the others whose features are nearest; a red frame is around those of
# another class.

encoders["SimCLR"] = SimCLR(
    channels=(16, 32),
    kernel_size=5,
    augment=["crop", ("rotate", 10), "noise"],
    max_epochs=10,
    lr=1e-2,
    random_state=0,
).fit(digits[:1200])
encoders["untrained"] = PretextTransformer(
    channels=(16, 32), kernel_size=5, max_epochs=1, lr=1e-12, random_state=0
).fit(digits[:1200])
features = {name: encoder.transform(digits) for name, encoder in encoders.items()}
features["pixels"] = digits.reshape(len(digits), -1)

queries = [4, 2]
neighbors = {}
for name, values in features.items():
    if name != "pixels":
        values = StandardScaler().fit_transform(values)
    found = (
        NearestNeighbors(n_neighbors=7).fit(values).kneighbors(return_distance=False)
    )
    neighbors[name] = found

fig = plt.figure(figsize=(9, 8.5), layout="constrained")
parts = fig.subfigures(len(neighbors), 2, width_ratios=[1, 1.9], hspace=0.04)
for (left, right), (name, found) in zip(parts, neighbors.items(), strict=True):
    ax = left.subplots()
    if name in encoders:
        FilterDisplay.from_estimator(
            encoders[name], name=name, n_filters=8, n_columns=4, ax=ax
        )
    else:
        ax.text(0.5, 0.5, name, ha="center", va="center", fontsize="large")
        ax.set_axis_off()
    for row, query in zip(right.subplots(2, 8), queries, strict=True):
        for ax, image in zip(row, [query, *found[query]], strict=True):
            ax.imshow(digits[image], cmap="gray_r")
            ax.set(xticks=[], yticks=[])
            color = "#bd1f01" if labels[image] != labels[query] else "0.8"
            ax.spines[:].set(color=color, linewidth=2)
plt.show()

# %%
# Which task to take
# ------------------
# The score of a task says how well it is solved, not how useful its features are. A few
# labels say that: here the share of digits whose nearest neighbor is of their class,
# with its standard error.

for name, found in neighbors.items():
    is_right = labels[found[:, 0]] == labels
    error = is_right.std() / len(is_right) ** 0.5
    print(f"{name:12s} {is_right.mean():.3f} ± {error:.3f}")

# %%
# On these digits no task is better than the pixels, which are few and each in its
# place, and the network has good features before it is trained. What the training
# changes shows in the filters, which stay close to the random ones that they started
# from. Larger images, and more of them, leave more to learn: the guide has
# :ref:`figures <worth_of_self_supervision>`. How many labels the features save is
# counted in :ref:`sphx_glr_auto_examples_self_supervised_plot_few_labels.py`.
