r"""
Convolve, rectify, pool: the simplest pipeline
==============================================

What every convolutional network repeats, layer by layer, can be done once and without
any training: move a few small filters over the image, set the negative responses to
zero, keep one number of each neighbourhood. A linear model does the rest.
``FilterBank`` is the first three steps, and a grid search finds the filters.
"""

# %%
# One image, step by step
# -----------------------
# ``FilterBank("sobel")`` has two filters: one answers where it gets brighter from left
# to right, the other where it gets brighter downwards. Without an activation and
# without pooling, we see the plain correlations. ``output_shape_`` says how to turn a
# row of the result into maps again.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline

from sklearn_replearn.image import FilterBank
from sklearn_replearn.plotting import ActivationDisplay, FilterDisplay

digits = load_digits()
images, y = digits.images / 16, digits.target
X_train, X_test, y_train, y_test = train_test_split(
    images, y, test_size=1 / 3, stratify=y, random_state=0
)

image = X_test[:1]
banks = {
    "correlate": FilterBank("sobel", padding="same", activation=None, pool_size=1),
    "... set negative values to 0": FilterBank("sobel", padding="same", pool_size=1),
    "... keep the largest of 2 x 2": FilterBank("sobel", padding="same", pool_size=2),
}
fig, axes = plt.subplots(3, 1, figsize=(6, 5.6), layout="constrained")
for ax, (title, bank) in zip(axes, banks.items(), strict=True):
    maps = bank.fit_transform(image).reshape(bank.output_shape_)
    ActivationDisplay(maps, sample=image[0]).plot(ax=ax, vmin=-4, vmax=4, cmap="RdBu_r")
    ax.set_title(f"{title}: {maps.shape[1]} x {maps.shape[2]}", loc="right")
plt.show()

# %%
# Negative responses are edges of the other kind. Setting them to zero loses these, but
# it is the only step that is not linear: without it, a linear model of the maps could
# say nothing that a linear model of the pixels could not. Pooling gives up the exact
# place, and with it three quarters of the numbers.
#
# A shelf of filters
# ------------------
# Five of the families that are known by name, each filter in grey values of its own:
# zero is the middle grey. The waves come in pairs, a cosine and a sine, which together
# find the wave wherever it begins.

names = ["box", "sobel", "haar", "gabor", "fourier"]
shelf = FilterBank(names).fit(images)
FilterDisplay.from_estimator(shelf, n_columns=8, name="Filters made by hand")
plt.show()

# %%
# Which of them?
# --------------
# The filters, the kind of pooling and its size are parameters like all others, so
# ``GridSearchCV`` can choose them. A pool of one pixel is the same for both kinds, so
# the grid is in two parts.

model = Pipeline(
    [
        ("bank", FilterBank(padding="same")),
        ("classifier", LogisticRegression(max_iter=2000)),
    ]
)
names = ["box", "edges", "sobel", "haar", "gabor", "fourier"]
search = GridSearchCV(
    model,
    [
        {"bank__filters": names, "bank__pool_size": [1]},
        {
            "bank__filters": names,
            "bank__pooling": ["max", "mean"],
            "bank__pool_size": [2, 4],
        },
    ],
    cv=3,
).fit(X_train, y_train)

columns = ["none", "max of 2 x 2", "mean of 2 x 2", "max of 4 x 4", "mean of 4 x 4"]
table = np.zeros((len(names), len(columns)))
for setting, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    size = setting["bank__pool_size"]
    kind = setting.get("bank__pooling")
    column = "none" if kind is None else f"{kind} of {size} x {size}"
    table[names.index(setting["bank__filters"]), columns.index(column)] = score

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.imshow(table, aspect="auto", vmin=0.6, vmax=1.05, cmap="Blues")
for (row, column), score in np.ndenumerate(table):
    color = "white" if score > 0.9 else "black"
    ax.text(column, row, f"{score:.3f}", ha="center", va="center", color=color)
ax.set_xticks(range(len(columns)), columns)
ax.set_yticks(range(len(names)), names)
ax.set(xlabel="Pooling", title="Accuracy of three-fold cross-validation")
plt.show()

# %%
# Held out
# --------
# The winner against the pixels, on images that the search has not seen, and on the same
# images moved by one pixel to the side.

pixels = LogisticRegression(max_iter=2000).fit(X_train.reshape(-1, 64), y_train)
moved = np.pad(X_test, [(0, 0), (0, 0), (1, 0)])[:, :, :-1]
best = search.best_estimator_
print("chosen:", search.best_params_)
print("                 pixels   filters")
for name, rows in {"as they are": X_test, "moved by a pixel": moved}.items():
    scores = pixels.score(rows.reshape(-1, 64), y_test), best.score(rows, y_test)
    print(f"{name:17s}{scores[0]:6.3f}{scores[1]:10.3f}")

# %%
# Filters that fit the strokes are worth far more than the mean of nine pixels, and a
# little pooling does not hurt where there are enough of them. With large pools little
# is left of where things are, and only many different filters make up for it. The gain
# over the pixels is a few images in a hundred; it is much larger for images that are
# not quite where those of the training were.
