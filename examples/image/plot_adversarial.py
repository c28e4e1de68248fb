r"""
Adversarial examples
====================

A network that reads nearly all digits right can be made to read nearly all of them
wrong, by changes over which a person would not stumble. This shows how, how large they
have to be, and what helps a little.
"""

# %%
# One step along the gradient
# ---------------------------
# The gradient of the loss says in which direction each pixel has to go for the answer
# to become worse. The fast gradient sign method moves every pixel by the same small
# amount, ``epsilon``, up or down as the gradient says. Pixels are from 0 to 1 here.

# sphinx_gallery_thumbnail_number = 1
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_replearn.image import CNNFeatureExtractor
from sklearn_replearn.inspection import adversarial_examples, robust_score, saliency_map
from sklearn_replearn.plotting import SaliencyDisplay

digits = load_digits()
images, y = digits.images / 16, digits.target
X_train, X_test, y_train, y_test = train_test_split(
    images, y, test_size=1 / 3, stratify=y, random_state=0
)


def make_network(**changes):
    return CNNFeatureExtractor(
        64, channels=(32, 64), kernel_size=3, max_epochs=20, random_state=0, **changes
    )


network = make_network().fit(X_train, y_train)
epsilon = 0.15
attacked = adversarial_examples(network, X_test, y_test, epsilon=epsilon)
print(f"as they are:    {network.score(X_test, y_test):.3f}")
print(f"one step:       {network.score(attacked, y_test):.3f}")
noise = np.random.default_rng(0).choice([-epsilon, epsilon], X_test.shape)
noisy = (X_test + noise).clip(0, 1)
print(f"random signs:   {network.score(noisy, y_test):.3f}")


fooled = network.predict(attacked) != y_test
chosen = [np.flatnonzero(fooled & (y_test == digit))[0] for digit in range(10)]
pictures = {
    "image": X_test[chosen],
    "change": (attacked - X_test)[chosen] / (2 * epsilon) + 0.5,
    "attacked": attacked[chosen],
}
fig, axes = plt.subplots(3, 10, figsize=(9, 3.4), layout="constrained")
for row, (name, rows) in zip(axes, pictures.items(), strict=True):
    read = [""] * 10 if name == "change" else network.predict(rows)
    row[0].set_ylabel(name)
    for ax, picture, title in zip(row, rows, read, strict=True):
        cmap = "RdBu_r" if name == "change" else "gray_r"
        ax.imshow(picture, cmap=cmap, vmin=0, vmax=1)
        ax.set_title(title)
        ax.set(xticks=[], yticks=[])
fig.suptitle("What the network reads, before and after one step")
plt.show()

# %%
# Changes of the same size with random signs do next to nothing. It is not the size of
# the change that misleads the network, it is the direction. In images as small as these
# the change can be seen; larger ones have more pixels whose small changes add up, and
# there it cannot. Pixels without ink, or full of it, can only go one way, and stay as
# they are where they should go the other.
#
# To any digit
# ------------
# ``method="pgd"`` takes many smaller steps and is stronger. With a ``target``, they go
# to a class of one's choice. One image, led to each of the ten digits in turn, with
# what the network reads and how sure it is; most get where they should:

one = X_test[[chosen[3]] * 10]
led = adversarial_examples(
    network, one, None, target=np.arange(10), method="pgd", epsilon=0.3, random_state=0
)
fig, axes = plt.subplots(1, 10, figsize=(9, 1.4), layout="constrained")
for ax, image, answer in zip(axes, led, network.predict_proba(led), strict=True):
    ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(f"{answer.argmax()}: {answer.max():.0%}", fontsize="small")
    ax.set_axis_off()
plt.show()

# %%
# Trained on what misleads it
# ---------------------------
# The best known remedy is to train on such images. ``warm_start`` goes on from the
# weights of before, so a loop of a few lines can attack the network anew, again and
# again, and let it learn from that.

robust = make_network(warm_start=True).set_params(max_epochs=5).fit(X_train, y_train)
for _ in range(5):
    misleading = adversarial_examples(robust, X_train, y_train, epsilon=epsilon)
    robust.fit(np.concatenate([X_train, misleading]), np.tile(y_train, 2))

# %%
# ``robust_score`` is the share of images that are read right and stay so under attack.
# A logistic regression has gradients, too, and can be attacked like the networks.

linear = LogisticRegression(max_iter=2000).fit(X_train.reshape(-1, 64), y_train)
rows_test = X_test.reshape(-1, 64)
models = {
    "network": (network, X_test, "#3f90da"),
    "network, trained on attacks": (robust, X_test, "#bd1f01"),
    "logistic regression": (linear, rows_test, "#717581"),
}
sizes = [0, 0.05, 0.1, 0.15, 0.2]
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, (model, X, color) in models.items():
    curve = [
        robust_score(model, X, y_test, epsilon=size, n_iter=10, random_state=0)
        for size in sizes
    ]
    ax.plot(sizes, curve, marker="o", color=color, label=name)
    print(f"{name:28s}" + "".join(f"{value:6.2f}" for value in curve))
ax.set(xlabel="epsilon: largest change of a pixel", ylabel="Accuracy under attack")
ax.set_xticks(sizes)
ax.grid(color="0.9")
ax.legend(fontsize="small")
ax.set_title("Projected gradient descent, held-out digits")
plt.show()

# %%
# A network that is better on clean images is not safer: under larger changes it is the
# first to fall. The training on attacks costs next to no accuracy here, and moves the
# curve to the right; it does not make the network safe.
#
# Do others fall for it?
# ----------------------
# Images that were made to mislead one model, shown to all three, with the strength of
# the first attack:

print(" " * 28 + "".join(f"{name.split()[-1]:>12s}" for name in models))
for name, (model, X, _) in models.items():
    misleading = adversarial_examples(model, X, y_test, epsilon=epsilon)
    scores = [
        other.score(misleading.reshape(shape.shape), y_test)
        for other, shape, _ in models.values()
    ]
    print(f"{name:28s}" + "".join(f"{value:12.2f}" for value in scores))

# %%
# They do, to a degree: whoever attacks need not know the model.
#
# What they look at
# -----------------
# How much the score of the right digit depends on each pixel.

shown = X_test[chosen]
maps = {
    name: saliency_map(
        model, shown, target=np.arange(10), method="smooth", random_state=0
    )
    for name, model in {"network": network, "trained on attacks": robust}.items()
}
SaliencyDisplay(shown, maps, labels=np.arange(10)).plot()
plt.show()

# %%
# Bright are the pixels where more or less ink would make another digit of it, such as
# the middle of the zero. They are few, but no pixel is quite without a say, and an
# attack makes use of all.
