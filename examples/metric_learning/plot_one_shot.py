r"""
New characters from a single example
====================================

A person who sees one character of an unknown script recognises it the next time. A
classifier that was trained on other characters cannot even name it. An embedding can:
what it has learned of the old characters, that slant, size and a trembling hand do not
matter, holds for new ones.
"""

# %%
# An invented script
# ------------------
# A character is one to three strokes of a pen, each a smooth curve through a few
# points. Whenever it is drawn, the strokes are bent, moved, turned and stretched a
# little. There are 150 known characters with ten drawings of each, and 60 new ones.

# sphinx_gallery_thumbnail_number = 3
import matplotlib.pyplot as plt
import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_replearn.metric_learning import PrototypeClassifier, SupConTransformer
from sklearn_replearn.model_selection import few_shot_score

SIDE = 20


def invent(rng):
    """The strokes of a new character: points in the unit square."""
    n_points = rng.integers(2, 5, size=rng.integers(1, 4))
    return [rng.uniform(0.15, 0.85, size=(n, 2)) for n in n_points]


def vary(strokes, rng):
    """The same strokes as a hand draws them."""
    angle, size = rng.normal(scale=0.2), rng.uniform(0.75, 1.05, size=2)
    turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    place = 0.5 + rng.normal(scale=0.05, size=2)
    drawn = []
    for points in strokes:
        points = points - 0.5 + rng.normal(scale=0.04, size=points.shape)
        drawn.append((points + rng.normal(scale=0.03, size=2)) * size @ turn + place)
    return drawn


def draw(strokes):
    """An image of SIDE x SIDE pixels in [0, 1]."""
    curves = []
    for points in strokes:
        times = np.arange(len(points))
        path = CubicSpline(times, points)
        curves.append(path(np.linspace(0, times[-1], 40 * len(points))))
    x, y = np.concatenate(curves).T
    edges = np.linspace(0, 1, 2 * SIDE + 1)
    ink = np.histogram2d(y, x, bins=(edges, edges))[0] > 0
    fine = gaussian_filter(ink.astype(np.float32), 1.2)
    return np.minimum(2 * fine.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3)), 1)


def write(n_characters, n_drawings, seed):
    """Images of invented characters, and which character each is."""
    rng = np.random.default_rng(seed)
    characters = [invent(rng) for _ in range(n_characters)]
    images = [
        draw(vary(strokes, rng)) for strokes in characters for _ in range(n_drawings)
    ]
    return np.array(images), np.repeat(np.arange(n_characters), n_drawings)


X_known, y_known = write(150, 10, seed=0)
X_new, y_new = write(60, 20, seed=1)

fig, axes = plt.subplots(4, 12, figsize=(9, 3.2), layout="constrained")
for row, character in zip(axes, range(4), strict=True):
    for ax, image in zip(row, X_new[y_new == character], strict=False):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set_axis_off()
fig.suptitle("Four of the new characters, a row each", fontsize="medium")
plt.show()

# %%
# Learn the old, judge the new
# ----------------------------
# ``SupConTransformer`` is trained on the known characters. For the new ones nothing is
# trained: ``few_shot_score`` chooses 20 of them and a few drawings of each, the
# support, takes the mean of their embeddings as a prototype, and looks which prototype
# is nearest to other drawings. It does so many times. The same is done with the pixels,
# and with their principal components.


def learn(X, y):
    """An embedding of images."""
    return SupConTransformer(
        64,
        temperature=0.07,
        channels=(16, 32, 64),
        hidden_layer_sizes=(),
        augment=["shift", "rotate", "scale"],
        batch_size=128,
        lr=2e-3,
        max_epochs=20,
        random_state=0,
    ).fit(X, y)


def flatten(images):
    return images.reshape(len(images), -1)


learned = learn(X_known, y_known)
pixels = FunctionTransformer(flatten).fit(X_known)
embedders = {
    "learned embedding": learned,
    "40 principal components": make_pipeline(pixels, PCA(40)).fit(X_known),
    "pixels": pixels,
}
shots = [1, 2, 5, 10]
styles = zip("osD", ["#3f90da", "#ffa90e", "#717581"], strict=True)
fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for (name, embedder), (marker, color) in zip(embedders.items(), styles, strict=True):
    results = [
        few_shot_score(
            embedder,
            X_new,
            y_new,
            n_way=20,
            k_shot=k,
            n_query=10,
            n_episodes=200,
            random_state=0,
        )
        for k in shots
    ]
    means = [result.mean for result in results]
    errors = [result.confidence_interval.high - result.mean for result in results]
    low, high = np.quantile([result.scores for result in results], [0.05, 0.95], axis=1)
    ax.errorbar(shots, means, errors, marker=marker, color=color, label=name, capsize=3)
    ax.fill_between(shots, low, high, color=color, alpha=0.2, linewidth=0)
    print(
        f"{name:25s}"
        + "".join(
            f"  {mean:.2f} ± {error:.3f}"
            for mean, error in zip(means, errors, strict=True)
        )
    )
ax.axhline(1 / 20, color="0.5", linestyle=":", label="chance")
ax.set(xscale="log", xlabel="Examples of each character", ylabel="Accuracy")
ax.set(ylim=(0, 1), title="One of 20 new characters")
ax.set_xticks(shots, shots)
ax.minorticks_off()
ax.legend(fontsize="small")
plt.show()

# %%
# The band holds nine of ten episodes; how hard one is depends on what is chosen. The
# mean of all is known much better, and its confidence interval, the small bars, is
# hardly larger than the markers. With one example, the learned embedding does better
# than the pixels with ten.
#
# One episode
# -----------
# ``PrototypeClassifier`` is what is used in each. Above, the one example of ten new
# characters; below, other drawings of them. A blue frame is a right answer; an orange
# one is wrong, and the letter says what was answered.

n_way, n_queries = 10, 4
rng = np.random.default_rng(0)
characters = rng.choice(60, n_way, replace=False)
rows = np.array(
    [rng.choice(np.flatnonzero(y_new == c), 1 + n_queries, False) for c in characters]
)
support, queries = rows[:, 0], rows[:, 1:]
names = np.array(list("ABCDEFGHIJ"))
classifier = PrototypeClassifier(learned).fit(X_new[support], names)
answers = classifier.predict(X_new[queries.ravel()]).reshape(queries.shape)

fig, axes = plt.subplots(1 + n_queries, n_way, figsize=(8.4, 5), layout="constrained")
for (i, j), ax in np.ndenumerate(axes):
    row = rows[j, i]
    ax.imshow(X_new[row], cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    if i == 0:
        ax.set_title(names[j], weight="bold")
        continue
    is_right = answers[j, i - 1] == names[j]
    color = "#3f90da" if is_right else "#e76300"
    for spine in ax.spines.values():
        spine.set(color=color, linewidth=2.5)
    if not is_right:
        ax.text(0.5, 0.5, answers[j, i - 1], color=color, va="top", weight="bold")
axes[0, 0].set_ylabel("support")
axes[1, 0].set_ylabel("queries", loc="center")
plt.show()

# %%
# The characters with many strokes (B, C, G, J) are found every time. What is mistaken
# is small or simple: little is left of a bow when it is drawn in a hurry.
#
# Many classes, or many images of each?
# -------------------------------------
# There were 1,500 known drawings. Here is what becomes of as many, if they are of fewer
# characters.

for n_characters in (15, 50):
    X, y = write(n_characters, 1500 // n_characters, seed=2)
    result = few_shot_score(learn(X, y), X_new, y_new, n_way=20, random_state=0)
    print(f"{n_characters:4d} characters: {result.mean:.2f}")
result = few_shot_score(learned, X_new, y_new, n_way=20, random_state=0)
print(f" 150 characters: {result.mean:.2f}")

# %%
# To learn what does not matter in a character, it takes many characters. A hundred
# drawings of each of a few say much about these few. When you collect data for an
# embedding, collect classes.
