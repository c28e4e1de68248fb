"""The random views that networks are trained on, to look at."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_array

from sklearn_replearn._deep.input.augment import Augmentation, read_amounts
from sklearn_replearn._deep.input.changes import Values
from sklearn_replearn._deep.input.samples import as_tensor, channels_first, scaled
from sklearn_replearn._deep.training.seeding import seeded
from sklearn_replearn._images import (
    channels_first_shape,
    flatten_images,
    image_scale,
    resolve_image_shape,
)
from sklearn_replearn._seeds import as_seed


def random_views(
    X,
    augment="medium",
    *,
    n_views=1,
    image_shape=None,
    signals=False,
    random_state=None,
):
    """Random views of rows, as estimators with the parameter `augment` train on them.

    Use it to see whether the changes leave alone what matters, before a network learns
    to ignore them.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_values), (n_samples, height, width) or \
            (n_samples, height, width, channels)
        Images, signals or rows of a table.
    augment : str, sequence or None, default="medium"
        Names of changes such as "flip", pairs such as ``("rotate", 10)``, or a preset:
        "weak", "medium" or "strong" (:ref:`guide <augment>`). ``None`` is no change.
    n_views : int, default=1
        Number of views of each row.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) if X has images as rows.
    signals : bool, default=False
        Whether rows that are no images are signals, as with ``encoder="cnn"``, and no
        rows of a table.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    Returns
    -------
    views : ndarray of shape (n_samples, n_views, ...)
        Each view has the shape of its row in X. Floats; of images in bytes in [0, 1].

    Raises
    ------
    ValueError
        If X has other values than finite numbers, or if a name or an amount in
        `augment` does not suit X.

    Notes
    -----
    The standard deviation, the range and the columns that some changes need are those
    of X, and a network takes those of its training data: pass enough rows, even if you
    look at a few.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.self_supervised import random_views
    >>> images = load_digits().images[:10] / 16
    >>> augment = ["strong", ("flip", 0)]  # mirrored digits are not digits
    >>> random_views(images, augment, n_views=4, random_state=0).shape
    (10, 4, 8, 8)
    """
    if not (isinstance(n_views, Integral) and n_views >= 1):
        raise ValueError(
            f"n_views must be a whole number of at least 1; got {n_views!r}."
        )
    rows, shape = flatten_images(X)
    rows = check_array(
        rows, dtype=[np.float64, np.float32, np.uint8], input_name="X", estimator=""
    )
    image_shape = resolve_image_shape(image_shape, shape, rows.shape[1], len(rows))
    if signals and len(image_shape) == 3:
        raise ValueError("signals=True, but X has images; pass signals=False.")
    is_table = len(image_shape) == 2 and not signals
    shape = [rows.shape[1]] if is_table else channels_first_shape(image_shape)
    x = scaled(as_tensor(rows), image_scale(rows, image_shape))
    x = x if x.is_floating_point() else x.float()
    x = x if is_table else channels_first(x, shape)
    deviations = x - x.mean(0 if len(x) > 1 else None)
    spread = float(deviations.square().mean().sqrt()) or 1.0
    values = Values(spread, float(x.min()), float(x.max()), x)
    change = Augmentation(read_amounts(augment, shape), values)
    with seeded(as_seed(random_state), torch.device("cpu")):
        views = torch.stack([change(x) for _ in range(n_views)], 1)
    views = views if is_table else views.movedim(2, -1)
    return views.numpy().reshape(len(rows), n_views, *np.shape(X)[1:])
