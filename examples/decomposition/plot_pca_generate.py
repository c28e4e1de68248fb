r"""
PCA to generate
===============

Principal components describe data as a Gaussian cloud: along component :math:`i` the
training images have the variance :math:`\lambda_i`, and the components are not
correlated. So new images are drawn by

.. math:: t \sim \mathcal{N}(0, \operatorname{diag}(\lambda_1, \dots, \lambda_k)),
          \qquad x = \mu + s \odot \sum_i t_i v_i ,

which is ``inverse_transform`` of random codes :math:`t` (:math:`s` holds the columns'
scales, all 1 here, since the pixels share a unit).
"""

# %%
# One cloud for all the digits
# ----------------------------

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import logsumexp
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_replearn.decomposition import ScaledPCA

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=1 / 3, stratify=y, random_state=0
)


def sample(pca, n_samples, seed):
    """Images from Gaussian codes with the variances of the training images."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(n_samples, pca.n_components_))
    images = pca.inverse_transform(codes * np.sqrt(pca.explained_variance_))
    return images.clip(0, 16)


def draw(rows, title):
    """Draw rows of images, given by name."""
    fig, axes = plt.subplots(
        len(rows), 12, figsize=(7, 0.6 * len(rows) + 0.5), layout="constrained"
    )
    for line, (name, images) in zip(np.atleast_2d(axes), rows.items(), strict=True):
        for ax, image in zip(line, images, strict=False):
            ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    fig.suptitle(title)


one_cloud = ScaledPCA(n_components=20, with_std=False).fit(X_train)
draw(
    {"real": X_test, "generated": sample(one_cloud, 12, seed=0)},
    "One Gaussian for ten digits",
)

# %%
# These are strokes in the right places, but hardly digits: the ten kinds of digits are
# ten clouds, and the middle between a 3 and a 6 is neither.
#
# A cloud for each digit
# ----------------------
# A Gaussian describes one kind of digit better than all ten. The log-likelihood of
# images that were not in the fit measures how well: by ``score``, cross-validation
# chooses the number of components, digit by digit.

clouds = {}
for digit in range(10):
    search = GridSearchCV(
        ScaledPCA(with_std=False), {"n_components": range(5, 31, 5)}, cv=3
    )
    clouds[digit] = search.fit(X_train[y_train == digit]).best_estimator_
print("components:", [pca.n_components_ for pca in clouds.values()])

# %%
# How good is the description by ten clouds? The density of an image is now the average
# of the ten, weighted by how frequent the digits are.

log_densities = [
    pca.score_samples(X_test) + np.log(np.mean(y_train == digit))
    for digit, pca in clouds.items()
]
print("mean log-likelihood of the held-out images")
print(f"one cloud:  {one_cloud.score(X_test):.1f}")
print(f"ten clouds: {logsumexp(log_densities, axis=0).mean():.1f}")

# %%
# The digits that the ten clouds generate can be read.

generated = {digit: sample(pca, 100, seed=digit) for digit, pca in clouds.items()}
draw(generated, "One Gaussian for each digit")

# %%
# Would they pass?
# ----------------
# A classifier is trained on real images alone. It then reads the held-out real images
# and the generated ones.

classifier = LogisticRegression(max_iter=1000).fit(X_train / 16, y_train)
X_generated = np.vstack(list(generated.values()))
y_generated = np.repeat(list(generated), 100)
for name, images, labels in (
    ("held-out real", X_test, y_test),
    ("generated", X_generated, y_generated),
):
    print(f"{name:13s}: {classifier.score(images / 16, labels):.1%} read as meant")

# %%
# More of the generated digits are read as meant, but they are not better digits: they
# are more typical ones. A Gaussian draws variations of the average digit, and hardly
# any of the odd shapes that people write and that a classifier is likely to get wrong.
#
# Are they new? A copy of a training image would have no distance to the nearest one;
# held-out images show which distance is right.


def distance_to_training(images):
    squares = (images**2).sum(axis=1)[:, None] + (X_train**2).sum(axis=1)
    return np.sqrt((squares - 2 * images @ X_train.T).min(axis=1))


fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
bins = np.linspace(0, 45, 46)
for name, images in (("held-out real", X_test), ("generated", X_generated)):
    ax.hist(distance_to_training(images), bins, density=True, alpha=0.6, label=name)
ax.set(xlabel="Distance to the nearest training image", ylabel="Density")
ax.legend()

plt.show()

# %%
# The generated images are as far from the training images as real new ones are, or a
# little farther: none is a copy.
