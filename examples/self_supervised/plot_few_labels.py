r"""
Few labels: features that no label had a part in
================================================

There are 1,257 digits, and somebody has to say which digit each one is. How many do
they have to look at? A network can learn from all digits before anybody looks at one.
A classifier then learns from its features of the few that have a label. Whether that
helps depends on the data: at the end are some where it does not.
"""

# %%
# Features from all rows
# ----------------------
# The digits are taken as rows of a table here, whose columns happen to be pixels. Three
# methods compare views of a row, in which a share of the values is replaced by those of
# other rows, each from the same column; the fourth fills gaps. All have to learn what
# the columns have to do with each other.
#
# Beside them is the same network without training: one pass at a rate at which no
# weight moves. Its features are random combinations of the columns, and a result says
# something about a method only where it is better than these.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_replearn.self_supervised import (
    InstanceDiscrimination,
    PretextTransformer,
    SimCLR,
    VICReg,
)

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X.astype(np.float32) / 16, y, test_size=0.3, stratify=y, random_state=0
)
untrained = SimCLR(max_epochs=1, lr=1e-12, random_state=0)
encoders = {
    "inpainting": PretextTransformer("inpainting", max_epochs=20, random_state=0),
    "SimCLR": SimCLR(max_epochs=20, random_state=0),
    "InstanceDiscrimination": InstanceDiscrimination(max_epochs=20, random_state=0),
    "VICReg": VICReg(max_epochs=20, random_state=0),
    "untrained": untrained,
}
encoders = {
    name: make_pipeline(encoder, StandardScaler()).fit(X_train)
    for name, encoder in encoders.items()
}
encoders["PCA"] = PCA(20).fit(X_train)
encoders["pixels"] = FunctionTransformer().fit(X_train)

# %%
# Labels for some of them
# -----------------------
# Some digits of each class are drawn and get their labels, ten times anew. A logistic
# regression learns from these alone, and is tested on 540 others. The last competitor
# is a network as wide that is trained with nothing but the labeled digits.


def draw_labeled(y, n_labels, draw):
    """Rows that get a label, so many of each class."""
    rng = np.random.default_rng(draw)
    rows = [rng.permutation(np.flatnonzero(y == c))[:n_labels] for c in np.unique(y)]
    return np.concatenate(rows)


def accuracies(classifier, train, y_train, test, y_test, n_labels, n_draws=10):
    """Test accuracy with so many labels a class, for each draw."""
    found = []
    for draw in range(n_draws):
        rows = draw_labeled(y_train, n_labels, draw)
        classifier.fit(train[rows], y_train[rows])
        found.append(classifier.score(test, y_test))
    return np.array(found)


n_labels = [1, 2, 5, 10, 20, 50]
logistic = LogisticRegression(max_iter=1000, tol=1e-3)
results = {}
for name, encoder in encoders.items():
    train, test = encoder.transform(X_train), encoder.transform(X_test)
    results[name] = np.array(
        [accuracies(logistic, train, y_train, test, y_test, n) for n in n_labels]
    )
network = MLPClassifier(256, learning_rate_init=0.01, tol=1e-3, random_state=0)
results["supervised network"] = np.array(
    [accuracies(network, X_train, y_train, X_test, y_test, n) for n in n_labels]
)
print("labels a class          " + "".join(f"{n:7d}" for n in n_labels))
for name, values in results.items():
    print(f"{name:24s}" + "".join(f"{mean:7.3f}" for mean in values.mean(axis=1)))

styles = {
    "inpainting": {"color": "#bd1f01", "marker": "o"},
    "SimCLR": {"color": "#3f90da", "marker": "o"},
    "InstanceDiscrimination": {"color": "#832db6", "marker": "o"},
    "VICReg": {"color": "#ffa90e", "marker": "o"},
    "untrained": {"color": "#3f90da", "marker": "o", "linestyle": "--"},
    "PCA": {"color": "#a96b59", "marker": "s"},
    "supervised network": {"color": "0.1", "marker": "^"},
}
fig, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
ax.axhline(0, color="#717581", linewidth=1)
for position, (name, style) in enumerate(styles.items()):
    gains = 100 * (results[name] - results["pixels"])
    places = np.array(n_labels) * 1.025 ** (position - 3)
    ax.errorbar(
        places,
        gains.mean(axis=1),
        gains.std(axis=1, ddof=1) / 10**0.5,
        label=name,
        capsize=2,
        **style,
    )
ax.set(xscale="log", xlabel="Labels a class", ylabel="Points of accuracy above pixels")
ax.set_xticks(n_labels, n_labels)
ax.minorticks_off()
ax.grid(color="0.9")
ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small", frameon=False)
ax.set_title("1,257 digits, of which few have a label")
plt.show()

# %%
# Filling gaps is worth most: with one label a class its features gain three points,
# about a third of what a second label gives, and they are still ahead with 50.
# ``InstanceDiscrimination`` helps as long as there are at most five, ``SimCLR`` and
# ``VICReg`` with one or two, and from ten on they are below the pixels. The untrained
# network is far below all of these with one label or two, so what they gain is
# learned. The network that sees nothing but labels needs 50 of each class to be as
# good. The bars are standard errors of the differences over the draws, which are the
# same for all.
#
# Data where it helps, and where it does not
# ------------------------------------------
# The digits once more and two tables of measurements, with five labels a class. Numbers
# are percentages: the accuracy with the raw columns, and the gain of each method with
# its standard error over ten draws.

compared = ["PCA", "untrained", "inpainting", "SimCLR"]
found = {"digits": {name: results[name][2] for name in ["pixels", *compared]}}
for name, load in {"breast cancer": load_breast_cancer, "wine": load_wine}.items():
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.4, stratify=y, random_state=0
    )
    scaler = StandardScaler().fit(X_train)
    X_train = scaler.transform(X_train).astype(np.float32)
    X_test = scaler.transform(X_test).astype(np.float32)
    of_table = {
        "pixels": FunctionTransformer(),
        "PCA": PCA(5),
        "untrained": make_pipeline(untrained, StandardScaler()),
        "inpainting": make_pipeline(
            PretextTransformer("inpainting", max_epochs=20, random_state=0),
            StandardScaler(),
        ),
        "SimCLR": make_pipeline(
            SimCLR(max_epochs=20, random_state=0), StandardScaler()
        ),
    }
    found[name] = {}
    for method, encoder in of_table.items():
        train, test = encoder.fit_transform(X_train), encoder.transform(X_test)
        found[name][method] = accuracies(logistic, train, y_train, test, y_test, 5)

print(f"{'':15s}columns" + "".join(f"{method:>15s}" for method in compared))
for name, values in found.items():
    base = 100 * values["pixels"]
    cells = []
    for method in compared:
        gains = 100 * values[method] - base
        cells.append(f"{gains.mean():+.1f} ± {gains.std(ddof=1) / 10**0.5:.1f}")
    print(f"{name:15s}{base.mean():7.1f}" + "".join(f"{cell:>15s}" for cell in cells))

# %%
# The pixels of digits depend on each other in many ways, which rows alone can teach.
# On breast cancer every network is below the columns as they are: there are few
# columns, and each of them says something about the class. Wine gains a little by
# filling gaps, but it has only 72 rows to test on, and the errors do not include those
# of another split. Put up such a table for your own data, with the columns as they are
# and the untrained network in it.
