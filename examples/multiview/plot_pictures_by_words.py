"""
Pictures by words
=================

Images with captions teach what words look like. Then words find images without a
caption, a sum of two words finds images that show both, and images are classified by
the names of the classes alone.

The pictures are emoji with their names and keywords if the environment variable
``SKLEARN_REPLEARN_DATA`` names a folder that has them (``images/emoji32.npz`` and
``images/emoji.tsv``). Otherwise they are signs made here: shapes in colors, in several
sizes and numbers.
"""

# sphinx_gallery_thumbnail_number = 1
import os
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.image import FilterBank
from sklearn_replearn.metrics import recall_at_k
from sklearn_replearn.multiview import CLIP, RegularizedCCA, ZeroShotClassifier
from sklearn_replearn.plotting import EmbeddingDisplay, SearchDisplay
from sklearn_replearn.retrieval import EmbeddingIndex
from sklearn_replearn.text import LSA

# %%
# The pictures
# ------------
# A fifth of the pictures is held out to search in. Copies of a sign, at another place,
# are on one side; emoji come without skin tones.

COLORS = {
    "red": (220, 40, 40),
    "green": (40, 160, 60),
    "blue": (50, 80, 220),
    "yellow": (240, 200, 40),
    "purple": (150, 60, 180),
    "gray": (130, 130, 130),
}
SHAPES = {
    "disk": lambda x, y: x**2 + y**2 < 1,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) < 0.85,
    "diamond": lambda x, y: abs(x) + abs(y) < 1.1,
    "cross": lambda x, y: (np.minimum(abs(x), abs(y)) < 0.35) & (abs(x) + abs(y) < 1.3),
    "ring": lambda x, y: abs(np.hypot(x, y) - 0.75) < 0.25,
    "triangle": lambda x, y: (y < 0.8) & (y > 2 * abs(x) - 1),
}
COUNTS = {
    "one": [(0, 0)],
    "two": [(-7, 0), (7, 0)],
    "three": [(-7, 7), (7, 7), (0, -7)],
}
SIZES = {"small": 4, "large": 6.5}


def make_signs(n_copies=3):
    """Signs of 32 x 32 pixels, their captions, and which are copies of each other."""
    rng = np.random.default_rng(0)
    images, captions, groups = [], [], []
    kinds = product(COLORS, SHAPES, COUNTS, SIZES)
    for group, (color, shape, count, size) in enumerate(kinds):
        for _ in range(n_copies):
            image = np.full((32, 32, 3), 255.0)
            shift = rng.uniform(-2, 2, 2)
            for place in COUNTS[count]:
                middle = 15.5 + np.array(place) + shift
                y, x = (np.mgrid[:32, :32] - middle[::-1, None, None]) / SIZES[size]
                image[SHAPES[shape](x, y)] = COLORS[color]
            images.append((image + rng.normal(0, 6, image.shape)).clip(0, 255))
            captions.append(f"{count} {size} {color} {shape}")
            groups.append(group)
    return np.array(images).astype(np.uint8), np.array(captions), np.array(groups)


def read_emoji(folder):
    """Emoji without skin tones, their names and keywords, and their numbers."""
    import pandas as pd

    table = pd.read_csv(
        folder / "emoji.tsv", sep="\t", quoting=3, keep_default_na=False
    )
    words = table["keywords"].str.replace("[|_]", " ", regex=True)
    plain = (table["skin_tone"] == "").to_numpy()
    captions = (table["name"] + " " + words).str.lower().to_numpy()
    with np.load(folder / "emoji32.npz") as file:
        images = file["twitter"]
    return images[plain], captions[plain], np.arange(plain.sum())


folder = Path(os.environ.get("SKLEARN_REPLEARN_DATA", ".")) / "images"
has_emoji = (folder / "emoji.tsv").is_file()
images, captions, groups = read_emoji(folder) if has_emoji else make_signs()
chosen = np.random.default_rng(1).permutation(np.unique(groups))
is_test = np.isin(groups, chosen[: len(chosen) // 5])
train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
print(f"{len(train)} pictures to learn from, {len(test)} to search in")
for row in test[:3]:
    print("  ", captions[row])

# %%
# Two ways to learn
# -----------------
# Features of images come first, from filters that are learned without captions. Then
# :class:`~sklearn_replearn.multiview.RegularizedCCA` finds, in closed form, directions
# of these and of LSA of the captions that correlate most, and
# :class:`~sklearn_replearn.multiview.CLIP` trains networks to find the caption of an
# image among those of a batch.

filters = make_pipeline(
    FilterBank("kmeans", n_filters=64, random_state=0), ScaledPCA(100, random_state=0)
)
X_train, X_test = filters.fit_transform(images[train]), filters.transform(images[test])
n_texts, n_both = (200, 100) if has_emoji else (17, 14)
texts = LSA(n_texts, random_state=0).fit(captions[train])

cca = RegularizedCCA(n_both, power=1).fit(X_train, texts.transform(captions[train]))
clip = CLIP(64, augment=[("corrupt", 0.3)], max_epochs=20, random_state=0)
clip.fit(X_train, captions[train], groups=groups[train])

vectors = {
    "RegularizedCCA": (
        cca.transform(X_test),
        cca.transform_y(texts.transform(captions[test])),
    ),
    "CLIP": (clip.transform(X_test), clip.transform_y(captions[test])),
}
# An image is right if its caption is the same; copies of a sign have one caption.
_, labels = np.unique(captions[test], return_inverse=True)
for name, (Z, Z_y) in vectors.items():
    found = [
        recall_at_k(A, labels, k, X_gallery=B, y_gallery=labels, metric="cosine")
        for A, B in ((Z_y, Z), (Z, Z_y))
        for k in (1, 10)
    ]
    print(
        f"{name:15s} captions find images at 1 {found[0]:.2f}, at 10 {found[1]:.2f}; "
        f"images find captions at 1 {found[2]:.2f}, at 10 {found[3]:.2f}"
    )

# %%
# Search
# ------
# An index embeds the held-out pictures once. Words find them, and a sum of words finds
# pictures that show all of them.

index = EmbeddingIndex(FrozenEstimator(clip)).fit(X_test)
queries = [["cat"], ["heart"], ["cat", "heart"], ["flag", "red"]]
if not has_emoji:
    queries = [["triangle"], ["blue"], ["blue", "triangle"], ["three", "large", "red"]]
display = SearchDisplay.from_index(index, queries, images[test], topn=8, name="")
plt.show()

# %%
# Subtracting a word changes little: captions do not say what a picture lacks.

cut = ["cat", ("face", -1.0)] if has_emoji else ["blue", ("triangle", -1.0)]
SearchDisplay.from_index(index, [cut], images[test], topn=8, name="")
plt.show()

# %%
# Both views in one map
# ---------------------
# Words lie nearest to the pictures that they are about. A gap remains between both
# views: the training asks which word is nearest, not how near.

words = ["cat", "heart", "flag", "food", "hand", "face", "arrow", "moon", "music"]
if not has_emoji:
    words = [*COLORS, *SHAPES]
EmbeddingDisplay.from_two_views(
    clip,
    X_test,
    words,
    thumbnails=images[test],
    view_names=("pictures", "words"),
    reduce="tsne",
    name="Pictures and words, by t-SNE",
)
plt.show()

# %%
# Classes by name
# ---------------
# :class:`~sklearn_replearn.multiview.ZeroShotClassifier` needs texts that describe the
# classes, and no picture of any of them.

classes = ["cat", "heart", "flag", "moon", "arrow"] if has_emoji else [*SHAPES]
classifier = ZeroShotClassifier(clip).fit(None, classes)
has_word = np.array([[name in text.split() for name in classes] for text in captions])
rows = np.flatnonzero(has_word[test].sum(axis=1) == 1)
truth = np.array(classes)[has_word[test][rows].argmax(axis=1)]
score = classifier.score(X_test[rows], truth)
majority = max(np.mean(truth == name) for name in classes)
print(f"{len(classes)} classes: {score:.2f} right; the largest has {majority:.2f}")
