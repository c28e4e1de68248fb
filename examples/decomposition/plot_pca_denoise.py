r"""
PCA to denoise
==============

White noise spreads evenly over all directions, while digits fill only a few of them.
Projecting a noisy image onto the few and back removes most of the noise, and little of
the digit. The components are learnt from noisy images alone, and clean other noisy
images.
"""

# %%
# Noisy images
# ------------
# The digits are images of 8 × 8 pixels with values from 0 to 16. Noise with a standard
# deviation of 4 is added to all of them, and half of the images are held out.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_replearn.decomposition import ScaledPCA

rng = np.random.default_rng(0)
noise_level = 4.0
clean, _ = load_digits(return_X_y=True)
noisy = clean + rng.normal(scale=noise_level, size=clean.shape)
noisy_train, noisy_test, clean_train, clean_test = train_test_split(
    noisy, clean, test_size=0.5, random_state=0
)

# %%
# How many components?
# --------------------
# Write :math:`\lambda_j` for the variance of the clean images along component
# :math:`j`, and :math:`\sigma^2` for that of the noise. Keeping :math:`k` of :math:`d`
# components leaves the mean squared error
#
# .. math:: \sum_{j > k} \lambda_j + k \sigma^2 ,
#
# the signal that is lost and the noise that is kept. It is smallest where
# :math:`\lambda_k` falls below :math:`\sigma^2`. We know neither in practice, but the
# likelihood of held-out noisy images does: ``score`` is the mean log-likelihood of
# probabilistic PCA, so cross-validation chooses :math:`k` without one clean image. All
# pixels have the same unit, so they are not scaled (``with_std=False``).

search = GridSearchCV(
    ScaledPCA(with_std=False), {"n_components": range(2, 41, 2)}, cv=5
).fit(noisy_train)
pca = search.best_estimator_
print(f"components chosen by cross-validation: {pca.n_components_}")

# %%
# Had we the clean images, would we have chosen the same? The left curve needs them, the
# right one does not. The error is smallest at 16 components; the likelihood, nearly
# flat from 12 to 30, takes half as many again. That raises the error by a tenth (8.1
# instead of 7.4), while the noisy images have twice as much (16.0).


def error(images):
    return np.mean((images - clean_test) ** 2)


def denoise(pca, images):
    return pca.inverse_transform(pca.transform(images))


k_range = search.param_grid["n_components"]
errors = [
    error(denoise(ScaledPCA(k, with_std=False).fit(noisy_train), noisy_test))
    for k in k_range
]

fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.plot(k_range, errors, "o-", markersize=3, label="denoised")
left.axhline(error(noisy_test), color="0.5", linestyle=":", label="noisy")
left.set(ylabel="Squared error per pixel", title="Error against the clean images")
left.set_ylim(bottom=0)
right.plot(k_range, search.cv_results_["mean_test_score"], "o-", markersize=3)
right.set(ylabel="Log-likelihood per image", title="Score of noisy images alone")
for ax in (left, right):
    ax.axvline(pca.n_components_, color="C1", linestyle="--", label="chosen")
    ax.set_xlabel("Components")
    ax.legend(loc="lower right" if ax is right else "lower left")

# %%
# Clean again
# -----------
# The held-out images, which took no part in the fit.

denoised_test = denoise(pca, noisy_test)
print(f"squared error per pixel, noisy:    {error(noisy_test):5.2f}")
print(f"squared error per pixel, denoised: {error(denoised_test):5.2f}")

fig, axes = plt.subplots(3, 10, figsize=(8, 2.7), layout="constrained")
for row, (name, images) in enumerate(
    {"clean": clean_test, "noisy": noisy_test, "denoised": denoised_test}.items()
):
    for ax, image in zip(axes[row], images, strict=False):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
    axes[row, 0].set_ylabel(name)
fig.suptitle("Held-out digits")

plt.show()
