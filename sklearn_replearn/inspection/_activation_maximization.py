"""Inputs that excite a unit as much as they can."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_scalar

from sklearn_replearn._images import resolve_image_shape
from sklearn_replearn._seeds import as_seed
from sklearn_replearn._warnings import warn
from sklearn_replearn.inspection._gradients import maximize, output_shape
from sklearn_replearn.inspection._inputs import (
    as_images,
    own_image_shape,
    unit_numbers,
    value_bounds,
)
from sklearn_replearn.inspection._networks import code_network, n_values_of

_START_NOISE = 0.05  # standard deviation, in units of the bounds


def activation_maximization(
    estimator,
    units,
    *,
    layer=None,
    image_shape=None,
    n_iter=200,
    lr=0.05,
    tv_weight=None,
    norm_weight=0.1,
    bounds=(0, 1),
    start=None,
    random_state=None,
):
    r"""Inputs that excite units.

    For each unit an input x is sought, by gradient ascent [1]_ [2]_, that makes its
    output :math:`a(x)` large (of a map, the mean over all places) and is itself smooth
    and of little contrast. With :math:`x = l + (h - l) u` for the bounds l and h, each
    step moves :math:`u \in [0, 1]^d` along

    .. math:: \frac{\nabla a}{s} - \lambda \nabla \sum_j \big(u_j - \tfrac12\big)^2
       - \mu \nabla \sum_{j \sim k} (u_j - u_k)^2 ,

    where the last sum is over neighbouring pixels, the total variation [3]_, and
    :math:`s` is the root mean square of the values of :math:`\nabla a`: whether a unit
    puts out large numbers or small ones, the weights mean the same.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        Networks (estimators with `as_module`), which scalers, PCA, ScaledPCA and
        TruncatedSVD may precede or follow; a linear classifier may come last.
    units : int or sequence of int
        Which units: columns of the code, or outputs or maps of the layer.
    layer : str, default=None
        One of the names that the network's ``as_module().network.named_modules()``
        has, "head" for the classes of a
        :class:`~sklearn_replearn.image.CNNFeatureExtractor`. ``None`` takes the code,
        or one column for each class where a linear classifier comes last.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the image that a row holds,
        where the estimator does not know it.
    n_iter : int, default=200
        Steps of the ascent, by Adam.
    lr : float, default=0.05
        Its learning rate, in units of the bounds.
    tv_weight : float, default=None
        The weight :math:`\mu` of the total variation. ``None`` is 1 for images and
        signals, and 0 for rows of a table, which have no neighbours.
    norm_weight : float, default=0.1
        The weight :math:`\lambda` of the squared distance to the middle of the bounds.
    bounds : (low, high) or None, default=(0, 1)
        Smallest and largest value of an input: numbers, or arrays in the shape of a
        sample. (0, 1) is right for estimators that were fitted with bytes, too.
        ``None`` sets no bounds: the middle is then 0, and the unit 1.
    start : array-like, default=None
        Where to start from: one input, or one for each unit. ``None`` is the middle of
        the bounds and a little noise, the same for all units.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise.

    Returns
    -------
    inputs : ndarray of float32
        Shape (n_units, height, width) for images of one channel, (n_units, height,
        width, channels) for others, (n_units, n_values) for signals and rows.

    Raises
    ------
    TypeError
        If a step of the estimator has no gradients.
    ValueError
        If there is no such layer or unit, or if the start or the bounds do not fit.

    Warns
    -----
    UserWarning
        If units have no gradient at the start, as where a ReLU gives zero: the input
        is then as the costs alone have it.

    See Also
    --------
    top_activations : Samples that excite units.

    References
    ----------
    .. [1] D. Erhan, Y. Bengio, A. Courville and P. Vincent, "Visualizing higher-layer
       features of a deep network", technical report, Université de Montréal, 2009.
    .. [2] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional
       networks: visualising image classification models and saliency maps", ICLR
       workshop, 2014.
    .. [3] A. Mahendran and A. Vedaldi, "Understanding deep image representations by
       inverting them", CVPR 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import ConvAutoencoder
    >>> from sklearn_replearn.inspection import activation_maximization
    >>> images = load_digits().images[:400] / 16
    >>> autoencoder = ConvAutoencoder(
    ...     n_components=4, channels=(8,), max_epochs=3, random_state=0
    ... ).fit(images)
    >>> inputs = activation_maximization(
    ...     autoencoder, units=[0, 1], n_iter=50, random_state=0
    ... )
    >>> inputs.shape
    (2, 8, 8)
    >>> codes = autoencoder.transform(inputs)
    >>> bool(codes[0, 0] > autoencoder.transform(images)[:, 0].max())
    True
    """
    module = code_network(estimator, layer)
    check_scalar(n_iter, "n_iter", Integral, min_val=1)
    check_scalar(lr, "lr", Real, min_val=0, include_boundaries="neither")
    check_scalar(norm_weight, "norm_weight", Real, min_val=0)
    n_values = n_values_of(estimator)
    shape, has_neighbours = _layout(estimator, image_shape, n_values)
    tv_weight = _check_tv_weight(tv_weight, has_neighbours)
    outputs, _ = output_shape(module, n_values)
    units = unit_numbers(units, outputs[0], "units")
    low, high = value_bounds(bounds, shape)
    clamp = bounds is not None
    if not clamp:
        low, high = np.full(n_values, -0.5), np.full(n_values, 0.5)
    noise = np.random.default_rng(as_seed(random_state)).normal(size=n_values)
    places = 0.5 + _START_NOISE * noise
    if start is not None:
        places = (_check_start(start, len(units), n_values) - low) / (high - low)
        if clamp and (places.min() < 0 or places.max() > 1):
            raise ValueError(f"start has values outside bounds={bounds}; widen them.")
    inputs, moved = maximize(
        module,
        np.broadcast_to(places, (len(units), n_values)),
        units,
        low=low,
        high=high,
        clamp=clamp,
        image_shape=shape if has_neighbours else None,
        n_iter=n_iter,
        lr=lr,
        tv_weight=tv_weight,
        norm_weight=norm_weight,
    )
    if not moved.all():
        warn(
            f"Units {units[~moved].tolist()} have no gradient at the start; give "
            "another start, or a layer before the activation.",
        )
    return as_images(inputs, shape)


def _layout(estimator, image_shape, n_values):
    """Shape of an image or of a row, and whether it has neighbours."""
    if image_shape is not None:
        return resolve_image_shape(image_shape, None, n_values), True
    own = own_image_shape(estimator)
    return ((n_values, 1), False) if own is None else (own, True)


def _check_tv_weight(tv_weight, has_neighbours):
    if tv_weight is None:
        return 1.0 if has_neighbours else 0.0
    check_scalar(tv_weight, "tv_weight", Real, min_val=0)
    if tv_weight and not has_neighbours:
        raise ValueError(
            f"tv_weight={tv_weight} is for images and signals, but the estimator was "
            "fitted with a table, whose columns are no neighbours; pass image_shape, "
            "or leave tv_weight=None."
        )
    return tv_weight


def _check_start(start, n_units, n_values):
    start = np.asarray(start, dtype=np.float64)
    if start.size not in (n_values, n_units * n_values):
        raise ValueError(
            f"start has shape {start.shape}, but an input has {n_values} values; give "
            f"one, or one for each of the {n_units} units."
        )
    return start.reshape(-1, n_values)
