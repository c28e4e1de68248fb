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

from sklearn_replearn.self_supervised import (
    Inpainting,
    Jigsaw,
    PretextTransformer,
    RelativePosition,
)

photographs = load_sample_images().images
patches = np.concatenate(
    [
        extract_patches_2d(image[::4, ::4], (32, 32), max_patches=200, random_state=0)
        for image in photographs
    ]
)
tasks = {
    "rotation": "rotation",
    "relative position": RelativePosition(gray_share=0),
    "jigsaw": Jigsaw(gray_share=0),
    "colorization": "colorization",
    "inpainting": Inpainting(),
}
shown = patches[[250, 320, 20]]
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
        task, channels=(16, 32), max_epochs=10, lr=1e-2, random_state=0
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
# On the left are the filters of the first stage; on the right a digit, and those of the
# others whose features are nearest.

fig = plt.figure(figsize=(9, 7), layout="constrained")
for part, (name, encoder) in zip(fig.subfigures(3, 1), encoders.items(), strict=True):
    part.suptitle(name)
    left, right = part.subfigures(1, 2, width_ratios=[1, 1.6])
    filters = encoder.as_module().network.encoder.stage1.convolution1.weight
    for ax, kernel in zip(left.subplots(2, 8).flat, filters.detach(), strict=True):
        ax.imshow(kernel[0], cmap="gray")
        ax.set_axis_off()
    features = encoder.transform(digits)
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    _, nearest = (
        NearestNeighbors(n_neighbors=8).fit(features).kneighbors(features[[4, 2]])
    )
    for ax, image in zip(right.subplots(2, 8).flat, nearest.ravel(), strict=True):
        ax.imshow(digits[image], cmap="gray_r")
        ax.set_axis_off()

# %%
# Which task to take
# ------------------
# The score of a task says how well it is solved, not how useful its features are. A few
# labels say that: here the share of digits whose nearest neighbor is of their class.

for name, encoder in encoders.items():
    features = encoder.transform(digits)
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    _, nearest = NearestNeighbors(n_neighbors=1).fit(features).kneighbors()
    print(f"{name:12s} {(labels[nearest[:, 0]] == labels).mean():.3f}")
