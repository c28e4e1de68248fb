"""What in an input the answer rests on."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_scalar

from sklearn_replearn._containers import dense, take_rows
from sklearn_replearn._images import sizes_by_side
from sklearn_replearn._seeds import as_seed
from sklearn_replearn.inspection._gradients import (
    evaluate,
    input_gradients,
    output_shape,
)
from sklearn_replearn.inspection._inputs import (
    class_codes,
    like,
    read_inputs,
    unit_codes,
)
from sklearn_replearn.inspection._networks import (
    class_network,
    code_network,
    fitted_steps,
    has_classes,
    n_values_of,
)

_BLOCK_ROWS = 256


def saliency_map(
    estimator,
    X,
    *,
    target=None,
    layer=None,
    method="gradient",
    n_copies=25,
    noise_level=0.15,
    image_shape=None,
    random_state=None,
):
    r"""How much the output changes with each pixel.

    The map of an image is the absolute gradient of one output,
    :math:`\lvert \partial o_k / \partial x \rvert`, at each pixel the largest over its
    channels [1]_. For a classifier the output is that of a class before the softmax;
    for a transformer, a column of its code.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        Networks (estimators with `as_module`), which scalers, PCA, ScaledPCA and
        TruncatedSVD may precede or follow; a linear classifier may come last. For
        others, see :func:`occlusion_map`.
    X : array-like of shape (n_samples, n_values) or (n_samples, height, width, ...)
        Images, signals or rows of a table.
    target : label, int or array-like of shape (n_samples,), default=None
        The class of a classifier, or the number of a column of the code or of a unit
        of the layer (of a map, the mean over all places): one, or one for each sample.
        ``None`` takes the class that is predicted, and otherwise the Euclidean norm of
        the whole code or layer.
    layer : str, default=None
        One of the names that the network's ``as_module().network.named_modules()``
        has, to ask for one of its units and not for a class or a column.
    method : {"gradient", "smooth"}, default="gradient"
        The gradient at the sample, or the mean gradient at noisy copies of it, which
        has less noise itself [2]_.
    n_copies : int, default=25
        Number of copies for "smooth".
    noise_level : float, default=0.15
        Standard deviation of the noise for "smooth", as a share of the difference of
        the largest and the smallest value of the sample.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold,
        where the estimator does not know it.
    random_state : int, RandomState instance or None, default=None
        Seed of the noise, which is the same for all samples.

    Returns
    -------
    maps : ndarray of float32
        Of shape (n_samples, height, width), or (n_samples, n_values) for signals and
        rows of a table. For bytes, which stand for [0, 1], in this unit.

    Raises
    ------
    TypeError
        If a step of the estimator has no gradients.
    ValueError
        If X, the target or the layer are not what the estimator knows.

    See Also
    --------
    occlusion_map : The same question, without gradients.
    sklearn_replearn.plotting.SaliencyDisplay : Images beside their maps.

    Notes
    -----
    Gradients are computed in single precision. A linear classifier of two classes has
    one decision function: it is the output of the second class, and minus it that of
    the first.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional
       networks: visualising image classification models and saliency maps", ICLR
       workshop, 2014.
    .. [2] D. Smilkov, N. Thorat, B. Kim, F. Viégas and M. Wattenberg, "SmoothGrad:
       removing noise by adding noise", 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_replearn.inspection import saliency_map
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> saliency_map(pipeline, X[:5], image_shape=(8, 8)).shape
    (5, 8, 8)
    """
    if method not in ("gradient", "smooth"):
        raise ValueError(f"method must be 'gradient' or 'smooth'; got {method!r}.")
    for_classes = layer is None and has_classes(estimator)
    if for_classes:
        module, classes = class_network(estimator)
    else:
        module = code_network(estimator, layer)
    inputs = read_inputs(estimator, X, image_shape)
    n_samples = len(inputs.rows)
    if for_classes and target is None:
        units = evaluate(module, inputs.rows, inputs.scale).argmax(axis=1)
    elif for_classes:
        units = class_codes(target, classes, n_samples, "target")
    elif target is None:
        units = None
    else:
        shape, _ = output_shape(module, n_values_of(estimator))
        units = unit_codes(target, shape[0], n_samples)
    noise = None
    if method == "smooth":
        check_scalar(n_copies, "n_copies", Integral, min_val=1)
        check_scalar(noise_level, "noise_level", Real, min_val=0)
        rng = np.random.default_rng(as_seed(random_state))
        noise = rng.normal(0, noise_level, (n_copies, inputs.rows.shape[1]))
    gradients = input_gradients(
        module, inputs.rows, units, scale=inputs.scale, noise=noise
    )
    return inputs.as_maps(np.abs(gradients))


def occlusion_map(
    estimator,
    X,
    *,
    target=None,
    patch_size=None,
    step=None,
    fill=0,
    image_shape=None,
):
    """How much the answer suffers when a part of the input is hidden.

    A patch is moved over the image [1]_, and what it hides is filled with one value.
    The map has at each pixel the mean, over the patches that cover it, of the drop of
    the output: what it is for the image less what it is with the patch. The estimator
    is asked for its output and for nothing else, so it may be any.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        With `predict_proba`, else with `decision_function`, else with `transform`.
    X : array-like of shape (n_samples, n_values) or (n_samples, height, width, ...)
        Images, signals or rows of a table.
    target : label, int or array-like of shape (n_samples,), default=None
        The class of a classifier, or the number of a column of a transformer: one, or
        one for each sample. ``None`` takes the class that is predicted. For a
        transformer it takes, in place of a drop, the Euclidean distance between the
        codes with and without the patch.
    patch_size : int or tuple of int, default=None
        Sides of the patch. ``None`` is a quarter of the shorter side of the image.
    step : int, default=None
        Pixels between patches; the last ones end with the image. ``None`` is half of
        the shorter side of the patch.
    fill : float or "mean", default=0
        What hides: a value, or the mean of the sample, in each channel.
    image_shape : tuple of int, default=None
        (height, width) or (height, width, channels) of the images that rows hold,
        where the estimator does not know it.

    Returns
    -------
    maps : ndarray of float64
        Of shape (n_samples, height, width), or (n_samples, n_values) for signals and
        rows of a table. Above zero where the output needs what is there.

    Raises
    ------
    TypeError
        If the estimator has none of the methods.
    ValueError
        If X or the target are not what the estimator knows, or if the patch is larger
        than the images.

    See Also
    --------
    saliency_map : The gradient, for networks and linear models; it is much faster.
    sklearn_replearn.plotting.SaliencyDisplay : Images beside their maps.

    Notes
    -----
    It asks for the output of X once for each patch: for images of 28 x 28 pixels, 81
    times by default.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
       networks", ECCV 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_replearn.inspection import occlusion_map
    >>> X, y = load_digits(return_X_y=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X, y)
    >>> maps = occlusion_map(forest, X[:5], image_shape=(8, 8))
    >>> maps.shape
    (5, 8, 8)
    """
    fitted_steps(estimator)
    inputs = read_inputs(estimator, X, image_shape)
    shape = inputs.image_shape
    sides = _check_patch(patch_size, shape)
    step = max(1, min(sides) // 2) if step is None else step
    check_scalar(step, "step", Integral, min_val=1)
    filling = _filling(fill, inputs)
    output = _output_of(estimator, target, len(inputs.rows))
    patches = [
        np.ravel_multi_index(np.ix_(*places), shape[:-1]).ravel()
        for places in _patches(shape[:-1], sides, step)
    ]
    maps = np.zeros((len(inputs.rows), *shape[:-1]))
    for start in range(0, len(maps), _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        rows = inputs.rows[part].reshape(-1, np.prod(shape[:-1]), shape[-1])
        form = take_rows(X, part)
        drop = output(form, part)
        drops = np.zeros(rows.shape[:2])
        counts = np.zeros(rows.shape[1])
        for patch in patches:
            hidden = rows.copy()
            hidden[:, patch] = filling[part]
            drops[:, patch] += drop(like(form, hidden))[:, None]
            counts[patch] += 1
        maps[part] = (drops / np.maximum(counts, 1)).reshape(maps[part].shape)
    return maps


def _check_patch(patch_size, image_shape):
    sides = image_shape[:-1]
    if patch_size is None:
        return [max(1, min(sides) // 4)] * len(sides)
    sizes = sizes_by_side(patch_size, len(sides))
    if sizes is None or any(
        size > side for size, side in zip(sizes, sides, strict=True)
    ):
        raise ValueError(
            f"patch_size must be whole numbers between 1 and the sides of an image, "
            f"{sides}; got {patch_size!r}."
        )
    return sizes


def _patches(sides, sizes, step):
    """Positions along each side that each patch covers."""
    starts = [
        sorted({*range(0, side - size, step), side - size})
        for side, size in zip(sides, sizes, strict=True)
    ]
    for corner in (
        np.array(np.meshgrid(*starts, indexing="ij")).reshape(len(sides), -1).T
    ):
        yield [
            np.arange(first, first + size)
            for first, size in zip(corner, sizes, strict=True)
        ]


def _filling(fill, inputs):
    """What hides each sample, of shape (n_samples, 1, n_channels)."""
    rows = inputs.rows
    n_samples, n_channels = len(rows), inputs.image_shape[-1]
    if isinstance(fill, str) and fill == "mean":
        values = rows.reshape(n_samples, -1, n_channels).mean(axis=1, keepdims=True)
    elif isinstance(fill, Real) and np.isfinite(fill):
        values = np.full((n_samples, 1, n_channels), float(fill))
    else:
        raise ValueError(f"fill must be a finite number or 'mean'; got {fill!r}.")
    if rows.dtype == np.uint8:
        if values.min() < 0 or values.max() > 255:
            raise ValueError(f"fill={fill} is no value of bytes, which are 0 to 255.")
        values = np.rint(values)
    return values.astype(rows.dtype)


def _output_of(estimator, target, n_samples):
    """A function that, of samples and their part of X, makes a function of others.

    The latter gives the drop of the output from the samples to the others.
    """
    method = next(
        (
            name
            for name in ("predict_proba", "decision_function", "transform")
            if hasattr(estimator, name)
        ),
        None,
    )
    if method is None:
        raise TypeError(
            f"{type(estimator).__name__} has neither predict_proba nor "
            "decision_function nor transform, so there is no output to watch."
        )
    function = getattr(estimator, method)
    by_class = method != "transform"
    units = None
    if target is not None and by_class:
        classes = np.asarray(estimator.classes_)
        units = class_codes(target, classes, n_samples, "target")

    def outputs_of(X):
        outputs = np.asarray(dense(function(X)), dtype=np.float64)
        if outputs.ndim == 1:  # the decision between two classes
            return np.stack([-outputs, outputs], axis=1)
        return outputs.reshape(len(outputs), -1)

    def drop_from(X, part):
        before = outputs_of(X)
        if target is None and not by_class:
            return lambda hidden: np.linalg.norm(outputs_of(hidden) - before, axis=1)
        if target is None:
            chosen = before.argmax(axis=1)
        elif by_class:
            chosen = units[part]
        else:
            chosen = unit_codes(target, before.shape[1], n_samples)[part]
        rows = np.arange(len(before))
        return lambda hidden: (before - outputs_of(hidden))[rows, chosen]

    return drop_from
