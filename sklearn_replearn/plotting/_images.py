"""Pictures as arrays: their shapes, units and ranges, and mosaics of them."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches

from sklearn_replearn._containers import dense


def check_images(images, what):
    """Grey pictures (n, height, width), or colour with 3 or 4 channels last."""
    try:
        images = np.asarray(images)
    except ValueError as error:
        raise ValueError(f"{what} must all have the same shape") from error
    shape = images.shape
    if images.ndim == 4 and shape[3] == 1:
        images = images[..., 0]
    if images.ndim != 3 and (images.ndim != 4 or images.shape[3] not in (3, 4)):
        raise ValueError(
            f"{what} must have shape (n_samples, height, width) or (n_samples, "
            f"height, width, 1 | 3 | 4); got {shape}; flat images can be given as "
            f"{what}.reshape(-1, height, width)"
        )
    if 0 in shape[1:]:
        raise ValueError(f"{what} have no pixels: shape {shape}")
    return images


def as_floats(values, what, requirement):
    """An array of floats; a ValueError names what the values must be."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} must be {requirement}") from error


def check_finite(values, what):
    """Raise a ValueError when there is NaN or infinity."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{what} has NaN or infinite values")


def check_samples(values, what, image_shape=None):
    """Samples as images, or as rows (n_samples, n_features) without an image shape.

    Parameters
    ----------
    values : array-like or sparse matrix
        (n_samples, height, width[, n_channels]), or rows of features.
    what : str
        What they are, for messages.
    image_shape : tuple of int or None
        Shape of the image in each row; None leaves rows as they are.

    Returns
    -------
    samples : ndarray of bool, int or float
    """
    values = _as_numbers(values, what)
    if values.ndim < 2 or values.shape[0] == 0:
        raise ValueError(
            f"{what} must hold at least one sample, a row or an image each; got shape "
            f"{values.shape}"
        )
    check_finite(values, what)
    if values.ndim > 2:
        return check_images(values, what)
    if values.shape[1] == 0:
        raise ValueError(f"{what} has no features: shape {values.shape}")
    if image_shape is None:
        return values
    image_shape = check_image_shape(image_shape)
    if np.prod(image_shape) != values.shape[1]:
        raise ValueError(
            f"image_shape={image_shape} has {np.prod(image_shape)} values, but the "
            f"rows of {what} have {values.shape[1]}"
        )
    return check_images(values.reshape(-1, *image_shape), what)


def _as_numbers(values, what):
    try:
        values = np.asarray(dense(values))
        if values.dtype.kind not in "buif":
            values = values.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{what} must be numbers, with the same number of them in each sample"
        ) from error
    return values


def check_image_shape(image_shape):
    """The shape as a tuple of two or three positive ints."""
    sizes = tuple(image_shape) if np.iterable(image_shape) else ()
    if len(sizes) not in (2, 3) or not all(
        isinstance(size, Integral) and size > 0 for size in sizes
    ):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, n_channels), "
            f"positive integers; got {image_shape!r}"
        )
    return sizes


def match_shape(values, what, reference):
    """Samples in the shape of others, such as flat reconstructions of images."""
    values = _as_numbers(values, what)
    if values.size != reference.size or len(values) != len(reference):
        raise ValueError(
            f"{what} has shape {values.shape}, but the originals have "
            f"{reference.shape}; give one for each original, of the same size"
        )
    check_finite(values, what)
    return values.reshape(reference.shape)


def row_errors(a, b, scale_a=1.0, scale_b=1.0):
    """Mean squared difference of each sample of two arrays of the same shape."""
    errors = np.empty(len(a))
    for rows in gen_batches(len(a), 1000):
        difference = a[rows] * scale_a - b[rows] * scale_b
        errors[rows] = np.square(difference.reshape(len(difference), -1)).mean(axis=1)
    return errors


def common_scales(originals, others):
    """Factors that bring originals and others to one unit.

    Some estimators take uint8 as values in [0, 1] and give it back as such fractions,
    others, as PCA, as 0 to 255. Which of the two an array holds is told by the
    originals, for it lies nearer to them in its own unit.

    Parameters
    ----------
    originals : ndarray
    others : list of ndarray
        Reconstructions or inputs, of the shape of the originals.

    Returns
    -------
    scale : float
        What to multiply the originals by: 1, or 1 / 255 where bytes meet fractions.
    scales : list of float
        What to multiply each of the others by.
    """
    if originals.dtype != np.uint8:
        return 1.0, [1.0] * len(others)
    fractions = [
        other.dtype.kind == "f"
        and row_errors(originals, other, 1 / 255).sum()
        < row_errors(originals, other).sum()
        for other in others
    ]
    scale = 1 / 255 if any(fractions) else 1.0
    return scale, [1.0 if fraction else scale for fraction in fractions]


def to_common_unit(originals, others):
    """Originals and others in one unit, as :func:`common_scales` finds it."""
    scale, scales = common_scales(originals, others)
    return [
        values if factor == 1 else values * factor
        for values, factor in zip([originals, *others], [scale, *scales], strict=True)
    ]


def natural_limits(reference, *, as_fractions=False):
    """What is black and what is white in images.

    0 and 255 for uint8, or 0 and 1 where these are drawn as fractions; 0 and 1 for
    colours in this range; the smallest and the largest value for all others.
    """
    if reference.dtype == np.uint8:
        return 0.0, 1.0 if as_fractions else 255.0
    low, high = float(reference.min()), float(reference.max())
    if reference.ndim == 4 and low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high


def choose_limits(natural, vmin=None, vmax=None):
    """The limits that are given, and the natural ones for those that are not."""
    check_limits(vmin, vmax)
    low = natural[0] if vmin is None else float(vmin)
    high = natural[1] if vmax is None else float(vmax)
    if low >= high:  # nothing varies, or one limit was given beyond all values
        if vmax is None:
            high = low + 1
        else:
            low = high - 1
    return low, high


def check_limits(vmin, vmax):
    """Raise a ValueError when limits are not numbers in order, or None."""
    for what, value in (("vmin", vmin), ("vmax", vmax)):
        if value is not None and not (isinstance(value, Real) and np.isfinite(value)):
            raise ValueError(f"{what} must be a finite number or None; got {value!r}")
    if vmin is not None and vmax is not None and vmin >= vmax:
        raise ValueError(f"vmin must be below vmax; got {vmin} and {vmax}")


def tile(rows, limits, *, gap, room_below):
    """Rows of pictures as one array, with nothing between them.

    Parameters
    ----------
    rows : list of ndarray of shape (n_columns, height, width[, n_channels])
        The pictures of each row, all of one shape.
    limits : tuple of (float, float)
        What colours show as black and white. Grey values stay as they are.
    gap : int
        Pixels between columns.
    room_below : list of int
        Pixels below each row.

    Returns
    -------
    mosaic : ndarray of shape (total_height, total_width) or (..., 4)
        Grey values with NaN in the gaps, or RGBA that is transparent there.
    tops : ndarray of shape (n_rows,)
        First pixel row of each row of pictures.
    lefts : ndarray of shape (n_columns,)
        First pixel column of each column.
    """
    n_columns, height, width = rows[0].shape[:3]
    tops = np.cumsum([0, *(height + below for below in room_below)])[:-1]
    lefts = np.arange(n_columns) * (width + gap)
    size = (tops[-1] + height + room_below[-1], lefts[-1] + width)
    in_colour = rows[0].ndim == 4
    mosaic = np.zeros((*size, 4)) if in_colour else np.full(size, np.nan)
    for top, row in zip(tops, rows, strict=True):
        for left, picture in zip(lefts, row, strict=True):
            place = mosaic[top : top + height, left : left + width]
            place[...] = _rgba(picture, limits) if in_colour else picture
    return mosaic, tops, lefts


def _rgba(picture, limits):
    """Colours as fractions between the limits; what has no alpha is opaque."""
    low, high = limits
    channels = np.clip((picture - low) / (high - low), 0, 1)
    if channels.shape[-1] == 4:
        return channels
    return np.concatenate([channels, np.ones((*channels.shape[:2], 1))], axis=-1)
