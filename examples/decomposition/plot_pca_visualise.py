r"""
PCA to visualise
================

Two components make a map of a table. As the map is a function of the pixels, images
that were not in the fit have their place on it, too: all the pictures below show
held-out digits.
"""

# %%
# A map of digits
# ---------------
# Two components are fitted on half of the digits; ``EmbeddingDisplay`` puts the other
# half on the map, as many of them as pictures as there is room for.

# sphinx_gallery_thumbnail_number = 3
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import EmbeddingDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)

pca = ScaledPCA(n_components=2, with_std=False).fit(X_train)
display = EmbeddingDisplay.from_estimator(
    pca, X_test, y_test, thumbnails=X_test.reshape(-1, 8, 8), label_name="digit"
)

# %%
# The axes bear the names of the columns that ``transform`` gives, counted from 0 as
# ``get_feature_names_out`` does, and say how much of the variance they show: about a
# quarter together. What is missing? Each component is an image itself, :math:`v_i`,
# and the coordinate :math:`t_i = \langle x - \mu, v_i \rangle` tells how much of it, in
# red, an image has, and how little of what is blue.

full = ScaledPCA(n_components=20, with_std=False).fit(X_train)
fig, axes = plt.subplots(2, 6, figsize=(8, 3.2), layout="constrained")
names = full.get_feature_names_out()
for i, ax in enumerate(axes.flat):
    picture = ax.imshow(
        full.components_[i].reshape(8, 8), cmap="RdBu_r", vmin=-0.4, vmax=0.4
    )
    ax.set(xticks=[], yticks=[])
    ax.set_title(
        f"{names[i]}\n({full.explained_variance_ratio_[i]:.0%})", fontsize="small"
    )
fig.colorbar(picture, ax=axes, label="Weight of the pixel")
fig.suptitle("The first components, with their share of the variance")
plt.show()

# %%
# Later components draw finer strokes, which tell digits apart. A classifier of nearest
# neighbours sees on a flat map how much is lost.

for k in (2, 5, 10, 20):
    model = make_pipeline(ScaledPCA(k, with_std=False), KNeighborsClassifier())
    accuracy = model.fit(X_train, y_train).score(X_test, y_test)
    print(f"{k:2d} components: {accuracy:.1%} of the held-out digits recognised")

# %%
# More than two components in a picture
# -------------------------------------
# t-SNE shows which images are neighbours in all twenty dimensions. It has no place for
# further images, so it is only a way to *look* at the codes, which do: the display
# takes the fitted transformer, encodes 500 held-out images, and arranges the codes.
# Mind that the sizes of the clusters and the distances between them mean nothing here.

display = EmbeddingDisplay.from_estimator(
    full,
    X_test[:500],
    y_test[:500],
    reduce="tsne",
    thumbnails=X_test[:500].reshape(-1, 8, 8),
    thumbnail_size=0.05,
    label_name="digit",
)

plt.show()
