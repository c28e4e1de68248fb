r"""
Few labels: features that no label had a part in
================================================

There are 1,257 digits, and somebody has to say which digit each one is. How many do
they have to look at? ``SimCLR`` learns from all digits before anybody looks at one: it
changes each of them twice at random, and learns to find the two views of a digit among
those of all others. A classifier then learns from its features of the few that have a
label.
"""

# %%
# Features from all rows
# ----------------------
# The digits are taken as rows of a table here, whose columns happen to be pixels. A
# view of a row has a share of its values replaced by those of other rows, each from the
# same column. To recognise a row behind such gaps, the network has to learn what the
# columns have to do with each other.
#
# Beside it is the same network without training: one pass at a rate at which no weight
# moves. Its features are random combinations of the columns, and a result says
# something about SimCLR only where it is better than these.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_replearn.self_supervised import SimCLR

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X.astype(np.float32) / 16, y, test_size=0.3, stratify=y, random_state=0
)
encoders = {
    "SimCLR": make_pipeline(SimCLR(random_state=0), StandardScaler()),
    "SimCLR, untrained": make_pipeline(
        SimCLR(max_epochs=1, lr=1e-9, random_state=0), StandardScaler()
    ),
    "pixels": FunctionTransformer(),
}
for encoder in encoders.values():
    encoder.fit(X_train)

# %%
# ``score`` needs no labels either. It says how well the views of new rows are told
# apart: in nats, with 0 for guessing and at most log(359) = 5.9 for 180 rows at a
# time, of which there are two views each.

for name in ("SimCLR", "SimCLR, untrained"):
    print(f"{name:20s} {encoders[name][0].score(X_test):.2f} nats")

# %%
# Labels for some of them
# -----------------------
# Some digits of each class are drawn and get their labels, ten times anew. A logistic
# regression learns from these alone, and is tested on 540 others.


def accuracies(encoder, n_labels, n_draws=10):
    """Test accuracy with so many labels a class, for each draw."""
    train, test = encoder.transform(X_train), encoder.transform(X_test)
    found = []
    for draw in range(n_draws):
        rng = np.random.default_rng(draw)
        rows = np.concatenate(
            [
                rng.permutation(np.flatnonzero(y_train == c))[:n_labels]
                for c in range(10)
            ]
        )
        classifier = LogisticRegression(max_iter=1000).fit(train[rows], y_train[rows])
        found.append(classifier.score(test, y_test))
    return found


n_labels = [1, 2, 5, 10, 20, 50]
results = {
    name: np.array([accuracies(encoder, n) for n in n_labels])
    for name, encoder in encoders.items()
}
print("labels a class      " + "".join(f"{n:7d}" for n in n_labels))
for name, values in results.items():
    print(f"{name:20s}" + "".join(f"{mean:7.3f}" for mean in values.mean(axis=1)))

styles = {
    "SimCLR": {"color": "#3f90da", "marker": "o"},
    "SimCLR, untrained": {"color": "#3f90da", "marker": "o", "linestyle": "--"},
    "pixels": {"color": "#717581", "marker": "s"},
}
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for name, style in styles.items():
    means = results[name].mean(axis=1)
    errors = results[name].std(axis=1, ddof=1) / 10**0.5
    ax.errorbar(n_labels, means, errors, label=name, capsize=3, **style)
ax.set(xscale="log", xlabel="Labels a class", ylabel="Accuracy on 540 new digits")
ax.set_xticks(n_labels, n_labels)
ax.minorticks_off()
ax.grid(color="0.9")
ax.legend(loc="lower right", fontsize="small")
ax.set_title("1,257 digits, of which few have a label")
plt.show()

# %%
# With one label a class, training is worth about as much as a second label is to the
# untrained network, and the pixels are beaten as long as there are at most five. From
# ten on there is nothing to gain: the digits are small, and their pixels are good
# features. The untrained network is below the pixels everywhere up to twenty, so what
# SimCLR gains is learned. The bars are standard errors over the draws of labels, which
# are the same for all three.
