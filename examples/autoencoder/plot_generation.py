r"""
Generating digits
=================

A variational autoencoder says not only how to draw an image from a code, but also how
probable a code is: codes are standard normal numbers. So new images are drawn from
random codes, and a step along one of the numbers always leads to another image.
"""

# %%
# Training
# --------
# What is maximised is the evidence lower bound (ELBO) of the log-likelihood of an
# image: how probable the image is given its code, less the divergence of the code from
# the prior, in nats:
#
# .. math:: \mathbb{E}_{z \sim q(z \mid x)} \log p(x \mid z)
#           - \beta \sum_j \mathrm{KL}_j .
#
# The loss is minus that. It is a density of 64 pixels, so that it may well be negative.
# Rows that early stopping holds out have a loss, too.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_replearn.autoencoder import VariationalAutoencoder
from sklearn_replearn.plotting import LatentTraversalDisplay, LossCurveDisplay

X, y = load_digits(return_X_y=True)
X /= 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1 / 3, stratify=y, random_state=0
)


def make_autoencoder(beta=1.0, **options):
    return VariationalAutoencoder(
        8,
        beta=beta,
        hidden_layer_sizes=(256,),
        max_epochs=40,
        lr=0.006,
        random_state=0,
        **options,
    )


autoencoder = make_autoencoder(early_stopping=True).fit(X_train)
LossCurveDisplay.from_estimator(autoencoder)
plt.show()

# %%
# New images
# ----------
# ``sample`` draws codes from the prior and decodes them.


def draw(images, n_columns, title):
    lines = images.reshape(-1, n_columns, 8, 8)
    mosaic = np.block([[np.pad(image, 1) for image in line] for line in lines])
    size = 0.5 * n_columns, 0.5 * len(lines) + 0.4
    ax = plt.figure(figsize=size, layout="constrained").add_subplot()
    ax.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(title)
    ax.axis("off")


draw(autoencoder.sample(60, random_state=0), 15, "Generated")
draw(X_test[:60], 15, "Real")
plt.show()

# %%
# Many can be read, some are on the way from one digit to another, and all are softer
# than real ones: what is drawn is the mean of the images that a code may stand for.
#
# What do the numbers mean?
# -------------------------
# Each line goes along one number of the code, from -2 to 2, the others being 0. All
# lines meet in the middle, at the code of no digit in particular. No number is that of
# a digit, since nobody has named any; but each moves strokes that go together.

LatentTraversalDisplay.from_estimator(
    autoencoder, image_shape=(8, 8), cmap="gray_r", vmin=0, vmax=1
)
plt.show()

# %%
# From one digit to another
# -------------------------
# Codes between those of two images are codes of images, too. Half of one image and half
# of another, pixel by pixel, are one on top of the other.

four, nine = (X_test[y_test == digit][0] for digit in (4, 9))
LatentTraversalDisplay.interpolation(
    autoencoder,
    four,
    nine,
    image_shape=(8, 8),
    cmap="gray_r",
    name="Between the codes of a 4 and a 9",
)
share = np.linspace(0, 1, 9)
mixtures = (1 - share[:, np.newaxis]) * four + share[:, np.newaxis] * nine
LatentTraversalDisplay(
    mixtures[np.newaxis],
    share,
    image_shape=(8, 8),
    step_name="share of the 9",
    estimator_name="Between the pixels of a 4 and a 9",
).plot(cmap="gray_r")
plt.show()

# %%
# How much may a code say?
# ------------------------
# ``beta`` is the price of a nat. With a low one, codes tell more of an image, but are
# less like the prior, so that random codes are less like theirs. With a high one, one
# number of the code after the other falls back to the prior, and says nothing any more;
# ``n_active_components_`` counts those that still do, and a warning says so when there
# is none. The ELBO of held-out images, always with a price of 1, tells which is best.


def distance_to_training(images):
    squares = (images**2).sum(axis=1)[:, None] + (X_train**2).sum(axis=1)
    return np.sqrt((squares - 2 * images @ X_train.T).min(axis=1).clip(0))


betas = [0.1, 1, 3, 5]
fits = {beta: make_autoencoder(beta).fit(X_train) for beta in betas}
print("beta   ELBO   error   nats  active numbers  distance of samples")
for beta, fit in fits.items():
    distance = distance_to_training(fit.sample(1000, random_state=0)).mean()
    print(
        f"{beta:4.1f} {fit.elbo(X_test, random_state=0).mean():6.1f}"
        f"{-fit.score_samples(X_test).mean():8.4f}"
        f"{fit.kl_per_component_.sum():7.1f}"
        f"{fit.n_active_components_:10d}{distance:20.2f}"
    )
print(f"distance of held-out images: {distance_to_training(X_test).mean():.2f}")

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for beta, color in zip(betas, plt.cm.viridis(np.linspace(0, 0.9, 4)), strict=True):
    nats = np.sort(fits[beta].kl_per_component_)[::-1]
    ax.plot(range(1, 9), nats, "o-", color=color, markersize=4, label=f"beta = {beta}")
ax.set(xlabel="Numbers of the code, by what they say", ylabel="Nats an image")
ax.set_ylim(bottom=0)
fig.legend(loc="outside right center", frameon=False)
ax.set_title("What each number says of an image")

for beta in (0.1, 1, 5):
    draw(fits[beta].sample(30, random_state=0), 15, f"Generated, beta = {beta}")
plt.show()

# %%
# The distance is that to the nearest training image. The images generated are farther
# from it than real new ones, in the mean, so they are no copies. At 0.1, codes tell
# nearly twice as much as at 1, and images are drawn again hardly better for it. At 5,
# they are soft, and alike; codes of about three nats tell little more than which digit
# it is. The ELBO is highest at 1, which is the price that it counts with.
