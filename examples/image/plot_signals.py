r"""
Signals: convolutions in one dimension
======================================

A row of numbers may be a piece of time: a heartbeat, a step, a spectrum. Its shape is
what counts, and that comes a bit earlier or later, stretched, and with noise on top. A
model that compares place with place has to see each shape at each place. Convolutions
look for it everywhere. ``CNNFeatureExtractor`` reads rows without an ``image_shape`` as
signals, and convolves along them.
"""

# %%
# Five kinds of heartbeats
# ------------------------
# They are made up, like those of an electrocardiogram: a beat is a sum of five bumps,
# called P, Q, R, S and T. In four of the classes something is amiss with one of them.
# Each beat comes earlier or later, is stretched unevenly, and has a wandering baseline
# and noise. The thick line is the beat without all that.

# sphinx_gallery_thumbnail_number = 4
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.image import CNNFeatureExtractor
from sklearn_replearn.plotting import SaliencyDisplay

WAVES = {  # height, place and width in a beat that lasts from 0 to 1
    "P": (0.18, 0.25, 0.030),
    "Q": (-0.12, 0.39, 0.012),
    "R": (1.00, 0.42, 0.014),
    "S": (-0.22, 0.45, 0.012),
    "T": (0.32, 0.68, 0.050),
}
CLASSES = {  # what is other than in a normal beat
    "normal": {},
    "no P": {"P": (0.0, 0.25, 0.030)},
    "wide QRS": {"R": (0.85, 0.43, 0.030), "S": (-0.22, 0.50, 0.020)},
    "ST raised": {"ST": (0.20, 0.53, 0.050)},
    "T inverted": {"T": (-0.20, 0.68, 0.050)},
}


def beat(name, t):
    waves = WAVES | CLASSES[name]
    return sum(h * np.exp(-((t - c) ** 2) / (2 * w**2)) for h, c, w in waves.values())


def make_beats(n_samples, rng, late=0.0, length=128):
    """Beats, their classes; `late` is how much later they come, as a share."""
    t = np.linspace(0, 1, length)
    X, y = np.empty((n_samples, length)), rng.choice(list(CLASSES), n_samples)
    for i, name in enumerate(y):
        warped = t + 0.02 * rng.normal() * np.sin(2 * np.pi * t + rng.uniform(0, 6))
        stretch = np.exp(0.06 * rng.normal())
        place = (warped - 0.45) * stretch + 0.45 - rng.uniform(-0.08, 0.08) - late
        wander = 0.10 * rng.normal() * np.sin(2 * np.pi * t + rng.uniform(0, 6))
        size = np.exp(0.15 * rng.normal())
        X[i] = size * beat(name, place) + wander + 0.05 * rng.normal(size=length)
    return X, y


rng = np.random.default_rng(0)
X_train, y_train = make_beats(160, rng)
X_test, y_test = make_beats(1000, rng)

fig, axes = plt.subplots(1, 5, figsize=(10, 2.4), sharey=True, layout="constrained")
for ax, name in zip(axes, CLASSES, strict=True):
    ax.plot(X_train[y_train == name][:6].T, color="#3f90da", linewidth=0.6, alpha=0.7)
    ax.plot(beat(name, np.linspace(0, 1, 128)), color="black")
    ax.set(title=name, xlabel="Place")
axes[0].set_ylabel("Voltage")
plt.show()

# %%
# How many labelled beats does it take?
# -------------------------------------
# Two models of the raw values, and the features of two networks with a linear model
# after them. The networks differ in one parameter: with ``augment``, each training beat
# is moved, stretched and given fresh noise, anew in each epoch. That such changes do
# not matter is what we know about beats, and the network need not find out.


def make_models():
    settings = {
        "n_components": 64,
        "channels": (16, 32, 32),
        "kernel_size": 7,
        "max_epochs": 40,
        "random_state": 0,
    }
    augment = [("shift", 0.1), ("scale", 0.1), "noise"]
    networks = {
        "CNN": CNNFeatureExtractor(**settings),
        "CNN, augmented": CNNFeatureExtractor(augment=augment, **settings),
    }
    models = {
        "logistic regression": make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=2000)
        ),
        "nearest neighbour": KNeighborsClassifier(1),
    }
    for name, network in networks.items():
        models[name] = make_pipeline(network, LogisticRegression(max_iter=2000))
    return models


sizes = [20, 40, 80, 160]
models = {}
accuracies = {name: [] for name in make_models()}
for size in sizes:
    for name, model in make_models().items():
        models[name] = model.fit(X_train[:size], y_train[:size])
        accuracies[name].append(model.score(X_test, y_test))
print("beats               " + "".join(f"{size:7d}" for size in sizes))
for name, values in accuracies.items():
    print(f"{name:20s}" + "".join(f"{value:7.3f}" for value in values))

styles = {
    "logistic regression": {"color": "#717581", "marker": "s"},
    "nearest neighbour": {"color": "#ffa90e", "marker": "^"},
    "CNN": {"color": "#3f90da", "marker": "o", "linestyle": "--"},
    "CNN, augmented": {"color": "#3f90da", "marker": "o"},
}
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, style in styles.items():
    ax.plot(sizes, accuracies[name], label=name, **style)
ax.set(xscale="log", xlabel="Labelled beats", ylabel="Accuracy on 1,000 new beats")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.grid(color="0.9")
ax.legend(loc="lower right", fontsize="small")
ax.set_title("Five kinds of heartbeats")
plt.show()

# %%
# The nearest neighbour has the hardest time: two beats of one class are far apart if
# their R waves do not meet, whatever else they have in common. With a few dozen labels
# the convolutions are well ahead. Augmentation helps most where labels are few, and
# takes more epochs, since no beat is seen twice as it is.
#
# Beats that come late
# --------------------
# What if the recorder cuts the beats differently from one day on, so that all come
# later than in the training? These are the models that have seen all training beats;
# the dotted line is chance.

delays = [0.0, 0.04, 0.08, 0.12, 0.16]
late_accuracies = {name: [] for name in models}
for delay in delays:
    X_late, y_late = make_beats(500, rng, late=delay)
    for name, model in models.items():
        late_accuracies[name].append(model.score(X_late, y_late))

fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for name, style in styles.items():
    ax.plot(delays, late_accuracies[name], label=name, **style)
ax.axhline(1 / len(CLASSES), color="0.5", linestyle=":")
ax.set(xlabel="Delay, as a share of the signal", ylabel="Accuracy", ylim=(0, 1.02))
ax.grid(color="0.9")
ax.legend(loc="lower left", fontsize="small")
ax.set_title("Beats that come later than in the training")
plt.show()

# %%
# A convolution finds a wave anywhere, and pooling forgives a few places; but the dense
# layer after the last maps knows roughly where things are, and the network without
# augmentation does not stand much of a delay. The other one was trained on beats that
# came up to a tenth of the signal earlier or later than they did, and holds about as
# far as that.
#
# Where does it look?
# -------------------
# Parts of the signal are hidden, one after the other, and the drop of the probability
# of the class tells how much each was needed. Here are the beats without noise, one of
# each class.

clean = np.stack([beat(name, np.linspace(0, 1, 128)) for name in CLASSES])
network = models["CNN, augmented"]
SaliencyDisplay.from_estimator(
    network,
    clean,
    method="occlusion",
    patch_size=12,
    step=2,
    name="What the answer rests on: red is needed",
)
plt.show()

# %%
# A normal beat has to show its P, and a wide QRS or a raised ST is found where we would
# look for it, too. What is absent cannot be hidden: in a beat without P the answer
# rests on other waves. And an inverted T counts for less than the R before it. A map
# says what an answer needs to stay as it is, without which it would go to another
# class; that need not be the feature that a physician would name.
