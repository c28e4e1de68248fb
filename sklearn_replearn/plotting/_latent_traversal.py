"""What the dimensions of a code stand for: decoded outputs along each of them."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._containers import dense, row_count
from sklearn_replearn._counts import check_count
from sklearn_replearn.plotting._estimators import (
    decode,
    display_name,
    encode,
    input_names,
    last_step,
    last_step_with,
    output_names,
    own_image_shape,
    require,
)
from sklearn_replearn.plotting._images import (
    as_floats,
    check_limits,
    check_samples,
    choose_limits,
    natural_limits,
)
from sklearn_replearn.plotting._matplotlib import set_title
from sklearn_replearn.plotting._strips import (
    check_names,
    draw_labeled_mosaic,
    label_colorbar,
    line_marker,
    stack_panels,
)

_LONG = 10  # letters
_MAX_DIMENSIONS = 8
_START_COLOR = "#222222"


class LatentTraversalDisplay:
    """Decoded outputs along the dimensions of a code, or from one code to another.

    Each row starts from one code and changes a single dimension of it in steps.
    Images are a mosaic with a row for each dimension; other outputs are drawn as lines
    over the features, a panel for each dimension. It is recommended to use
    :meth:`from_estimator` or :meth:`interpolation`.

    Parameters
    ----------
    decoded : array-like of shape (n_dimensions, n_steps, height, width), \
            (n_dimensions, n_steps, height, width, n_channels) or \
            (n_dimensions, n_steps, n_features)
        What was decoded at each step along each dimension.
    steps : array-like of shape (n_steps,)
        Where on the way each step is, increasing.
    dimension_names : list of str, default=None
        What the dimensions are called.
    step_name : str, default=None
        What the steps are.
    image_shape : tuple of (int, int) or (int, int, int), default=None
        Height, width and number of channels of the images, when `decoded` has them
        flat.
    feature_names : list of str, default=None
        Names of the features, for lines.
    limits : tuple of (float, float), default=None
        The natural range of the images. `None` takes 0 to 255 for uint8, 0 to 1 for
        colours in this range, and the smallest and the largest value for all others.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    decoded : ndarray
        What was decoded, images in their shape.
    dimensions : ndarray of int or None
        The dimensions of the code that are drawn, where :meth:`from_estimator` chose
        them.
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    panels_ : list of matplotlib Axes
        The panels of lines, one per dimension; empty for images.
    colorbar_ : matplotlib Colorbar or None
        The colours of the steps, for lines.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When what is decoded is empty, not finite, or does not match the steps.

    See Also
    --------
    ReconstructionDisplay : What a code keeps of samples.
    EmbeddingDisplay : Scatter plot of the codes.

    Notes
    -----
    A dimension that changes nothing is not used by the decoder: in a variational
    autoencoder it has collapsed onto the prior.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_replearn.plotting import LatentTraversalDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> pca = PCA(10).fit(X)
    >>> display = LatentTraversalDisplay.from_estimator(
    ...     pca, X, dimensions=[0, 1], image_shape=(8, 8)
    ... )
    >>> display.decoded.shape
    (2, 9, 8, 8)
    """

    def __init__(
        self,
        decoded,
        steps,
        *,
        dimension_names=None,
        step_name=None,
        image_shape=None,
        feature_names=None,
        limits=None,
        estimator_name=None,
    ):
        self.steps = _check_steps(steps)
        self.decoded = _check_decoded(decoded, len(self.steps), image_shape)
        self.dimension_names = check_names(
            "dimension_names", dimension_names, len(self.decoded), "dimension"
        )
        self.step_name = step_name
        self.feature_names = feature_names
        self.limits = _natural_limits(self.decoded) if limits is None else limits
        self.estimator_name = estimator_name
        self.dimensions = None

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        dimensions=None,
        row=None,
        span=2.0,
        n_steps=9,
        image_shape=None,
        name=None,
        ax=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw what a fitted estimator decodes along the dimensions of its code.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator with `transform` and `inverse_transform`: an
            autoencoder with a continuous code, `PCA`, or a
            :class:`~sklearn.pipeline.Pipeline` of such steps.
        X : array-like or sparse matrix of shape (n_samples, n_features), or images, \
                default=None
            At least two samples, whose codes say how far each dimension goes. `None`
            takes unit deviations about zero, the prior of a variational autoencoder;
            the number of dimensions is then the estimator's `n_components_`.
        dimensions : int or list of int, default=None
            The dimensions of the code to change, counted from 0. `None` takes up to
            eight that vary most on `X`, in this order, or the first eight without
            `X`.
        row : int, default=None
            The row of `X` from whose code to start. `None` starts from the mean code.
        span : float, default=2.0
            How far to go to either side, in standard deviations of the dimension on
            `X`.
        n_steps : int, default=9
            The number of steps along each dimension, at least 2. With an odd number,
            the one in the middle is where all start.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the images that the rows decoded
            are. `None` takes the estimator's own `image_shape` or the shape of images
            in `X`, and else draws lines.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the lines. `None`
            takes for images the range of `X`, or without it of what is decoded.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values, "gray" by default; or of the lines, "coolwarm" by
            default.

        Returns
        -------
        display : LatentTraversalDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            When the estimator is not fitted.
        TypeError
            When the estimator cannot decode, or `X` is needed.
        ValueError
            When the codes are integers or do not vary, or a parameter is out of range.
        """
        _check_number("span", span)
        check_count("n_steps", n_steps, 2)
        require(estimator, "transform", "inverse_transform")
        start, spread = _start_and_spread(estimator, X, row)
        dimensions = _choose_dimensions(dimensions, spread)
        steps = np.linspace(-span, span, n_steps)
        codes = _along(start, spread, dimensions, steps)
        decoded = decode(estimator, codes)
        image_shape = _find_image_shape(image_shape, estimator, X, decoded)
        names = output_names(estimator, len(spread))
        prefix = type(last_step(estimator)).__name__.lower()
        if len(prefix) > _LONG and names and names[0] == f"{prefix}0":
            names = None  # there is no room, and they say no more than the number
        display = cls(
            decoded.reshape(len(dimensions), n_steps, *decoded.shape[1:]),
            steps,
            dimension_names=[
                f"dimension {i}" if names is None else names[i] for i in dimensions
            ],
            step_name=_step_name(X, row),
            image_shape=image_shape,
            feature_names=input_names(estimator, X),
            limits=_limits_of(X, decoded, image_shape),
            estimator_name=display_name(estimator, name),
        )
        display.dimensions = dimensions
        return display.plot(ax=ax, vmin=vmin, vmax=vmax, cmap=cmap)

    @classmethod
    def interpolation(
        cls,
        estimator,
        a,
        b,
        *,
        n_steps=9,
        image_shape=None,
        name=None,
        ax=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw what is decoded on the straight way from one row's code to another's.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator with `transform` and `inverse_transform`.
        a, b : array-like of shape (n_features,) or (1, n_features), or an image
            The rows, of the same shape.
        n_steps : int, default=9
            The number of steps, with both ends, at least 2.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the images that the rows are.
            `None` takes the estimator's own `image_shape` or the shape of `a` if it
            is an image, and else draws lines.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the lines. `None`
            takes for images the range of `a` and `b`.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values, "gray" by default; or of the lines, "coolwarm" by
            default.

        Returns
        -------
        display : LatentTraversalDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            When the estimator is not fitted.
        TypeError
            When the estimator cannot decode.
        ValueError
            When the rows differ in shape, or the codes are integers.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.decomposition import PCA
        >>> from sklearn_replearn.plotting import LatentTraversalDisplay
        >>> X, _ = load_digits(return_X_y=True)
        >>> pca = PCA(10).fit(X)
        >>> display = LatentTraversalDisplay.interpolation(
        ...     pca, X[0], X[1], n_steps=5, image_shape=(8, 8)
        ... )
        >>> display.decoded.shape
        (1, 5, 8, 8)
        """
        check_count("n_steps", n_steps, 2)
        require(estimator, "transform", "inverse_transform")
        first, last = _as_one_row(a, "a"), _as_one_row(b, "b")
        if np.shape(first) != np.shape(last):
            raise ValueError(
                f"a and b must be rows of the same shape; got {np.shape(a)} and "
                f"{np.shape(b)}"
            )
        codes = [_check_codes(estimator, encode(estimator, z)) for z in (first, last)]
        steps = np.linspace(0, 1, n_steps)
        share = steps[:, np.newaxis].astype(codes[0].dtype)
        decoded = decode(estimator, (1 - share) * codes[0] + share * codes[1])
        ends = np.concatenate([np.asarray(dense(first)), np.asarray(dense(last))])
        image_shape = _find_image_shape(image_shape, estimator, ends, decoded)
        display = cls(
            decoded[np.newaxis],
            steps,
            step_name="share of the way from a to b",
            image_shape=image_shape,
            feature_names=input_names(estimator, first),
            limits=_limits_of(ends, decoded, image_shape),
            estimator_name=display_name(estimator, name),
        )
        return display.plot(ax=ax, vmin=vmin, vmax=vmax, cmap=cmap)

    def plot(self, ax=None, *, name=None, vmin=None, vmax=None, cmap=None):
        """Draw what was decoded.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the lines. `None`
            takes `limits` for images.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values, "gray" by default; or of the lines, "coolwarm" by
            default.

        Returns
        -------
        display : LatentTraversalDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When `vmin` is not below `vmax`.
        """
        check_limits(vmin, vmax)
        self.image_, self.panels_, self.colorbar_ = None, [], None
        draw = self._draw_images if self.decoded.ndim > 3 else self._draw_lines
        draw(ax, vmin, vmax, cmap)
        set_title(self.ax_, name, self.estimator_name)
        return self

    def _draw_images(self, ax, vmin, vmax, cmap):
        self.figure_, self.ax_, self.image_ = draw_labeled_mosaic(
            ax,
            list(self.decoded),
            choose_limits(self.limits, vmin, vmax),
            caller="LatentTraversalDisplay.plot",
            row_labels=self.dimension_names or [""] * len(self.decoded),
            column_labels=[_step_label(step) for step in self.steps],
            x_label=self.step_name or "",
            cmap=cmap,
        )

    def _draw_lines(self, ax, vmin, vmax, cmap):
        n_dimensions, _, n_features = self.decoded.shape
        self.figure_, self.ax_, self.panels_ = stack_panels(
            ax,
            n_dimensions,
            n_features,
            caller="LatentTraversalDisplay.plot",
            labels=self.dimension_names,
            feature_names=self.feature_names,
        )
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        colors = ScalarMappable(
            Normalize(self.steps[0], self.steps[-1]),
            "coolwarm" if cmap is None else cmap,
        )
        for panel, lines in zip(self.panels_, self.decoded, strict=True):
            for step, line in zip(self.steps, lines, strict=True):
                # Where all start stands out, and is not lost in the pale middle.
                color = (
                    _START_COLOR if step == 0 > self.steps[0] else colors.to_rgba(step)
                )
                panel.plot(line, color=color, linewidth=1, **line_marker(n_features))
        if vmin is not None or vmax is not None:
            self.panels_[0].set_ylim(vmin, vmax)
        self.colorbar_ = self.figure_.colorbar(colors, ax=self.ax_)
        label_colorbar(self.colorbar_, self.step_name or "")


def _check_steps(steps):
    steps = as_floats(steps, "steps", "numbers")
    if steps.ndim != 1 or len(steps) < 2 or not (np.diff(steps) > 0).all():
        raise ValueError("steps must be at least two increasing numbers")
    return steps


def _check_decoded(decoded, n_steps, image_shape):
    """What was decoded, with rows as images where they have a shape."""
    try:
        decoded = np.asarray(decoded)
    except ValueError as error:
        raise ValueError("decoded must have as many steps in each row") from error
    if decoded.ndim < 3 or 0 in decoded.shape[:2] or decoded.shape[1] != n_steps:
        raise ValueError(
            f"decoded must have shape (n_dimensions, {n_steps}, ...), with what was "
            f"decoded at each of the {n_steps} steps; got {decoded.shape}"
        )
    samples = check_samples(
        decoded.reshape(-1, *decoded.shape[2:]), "decoded", image_shape
    )
    return samples.reshape(-1, n_steps, *samples.shape[1:])


def _natural_limits(decoded):
    return natural_limits(decoded.reshape(-1, *decoded.shape[2:]))


def _check_number(what, value):
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < np.inf:
        raise ValueError(f"{what} must be a positive number; got {value!r}")


def _check_codes(estimator, codes):
    """Codes between which there are others."""
    name = type(estimator).__name__
    if codes.ndim != 2:
        raise ValueError(
            f"{name} gives codes of shape {codes.shape}; a traversal needs a row of "
            "numbers for each sample"
        )
    if codes.dtype.kind != "f":
        raise ValueError(
            f"{name} gives codes of {codes.dtype}, between which there is nothing to "
            "decode; a traversal needs a continuous code"
        )
    return codes


def _start_and_spread(estimator, X, row):
    """The code to start from, and the unit of each dimension."""
    if X is None:
        if row is not None:
            raise ValueError(f"row={row!r} is a row of X; pass X too")
        n_components = _count_components(estimator)
        return np.zeros(n_components), np.ones(n_components)
    codes = _check_codes(estimator, encode(estimator, X))
    spread = _spread(codes)
    if not spread.any():
        raise ValueError(
            f"the codes of the {len(codes)} rows of X are all the same, which says not "
            "how far to go; pass more rows, or X=None for unit deviations about zero"
        )
    if row is None:
        return codes.mean(axis=0), spread
    if (
        isinstance(row, bool)
        or not isinstance(row, Integral)
        or not 0 <= row < len(codes)
    ):
        raise ValueError(
            f"row must be an integer between 0 and {len(codes) - 1}, a row of X; got "
            f"{row!r}"
        )
    return codes[row], spread


def _spread(codes):
    """Standard deviation of each dimension, exactly zero where it is rounding."""
    rounding = 10 * np.finfo(codes.dtype).eps * np.abs(codes).max(axis=0)
    spread = codes.std(axis=0)
    return np.where(spread > rounding, spread, 0)


def _count_components(estimator):
    step = last_step_with(estimator, "n_components_")
    if step is None:
        check_is_fitted(estimator)
        raise TypeError(
            f"{type(estimator).__name__} has no n_components_, so the number of "
            "dimensions is not known; pass X"
        )
    return int(step.n_components_)


def _choose_dimensions(dimensions, spread):
    """The dimensions asked for, or those of the largest spread that have any."""
    if dimensions is None:
        order = np.argsort(-spread, kind="stable")[:_MAX_DIMENSIONS]
        return order[spread[order] > 0]
    asked = np.atleast_1d(np.asarray(dimensions))
    if asked.ndim != 1 or asked.size == 0 or asked.dtype.kind not in "iu":
        raise ValueError(
            f"dimensions must be an integer or a list of them; got {dimensions!r}"
        )
    beyond = asked[(asked < 0) | (asked >= len(spread))]
    if beyond.size:
        raise ValueError(
            f"dimensions has {beyond[0]}, but the code has dimensions 0 to "
            f"{len(spread) - 1}"
        )
    return asked


def _along(start, spread, dimensions, steps):
    """Codes of shape (n_dimensions * n_steps, n_components)."""
    codes = np.tile(start, (len(dimensions), len(steps), 1))
    for i, dimension in enumerate(dimensions):
        codes[i, :, dimension] += (steps * spread[dimension]).astype(codes.dtype)
    return codes.reshape(-1, len(start))


def _find_image_shape(image_shape, estimator, X, decoded):
    """The shape given, the estimator's, or that of the images in X; None for lines."""
    if image_shape is not None or decoded.ndim > 2:
        return image_shape
    if X is not None and np.ndim(X) > 2:
        return np.shape(X)[1:]
    return own_image_shape(estimator)


def _limits_of(X, decoded, image_shape):
    """The range of the images in X, in the unit of what was decoded."""
    if X is None or (image_shape is None and decoded.ndim == 2):
        return None
    images = check_samples(X, "X", image_shape)
    # What was trained on bytes as fractions stays well below 2, bytes do not.
    return natural_limits(images, as_fractions=decoded.max() <= 2)


def _step_name(X, row):
    if X is None:
        return "value of the dimension"
    start = "the mean code" if row is None else f"the code of row {row}"
    return f"standard deviations from {start}"


def _step_label(step):
    return f"{step:.2g}".replace("-", "\N{MINUS SIGN}")


def _as_one_row(row, what):
    """A single row or image as a batch of one."""
    if hasattr(row, "to_frame") and np.ndim(row) == 1:  # a row of a data frame
        return row.to_frame().T
    if np.ndim(row) == 1 or (np.ndim(row) > 1 and row_count(row) != 1):
        return np.asarray(dense(row))[np.newaxis]
    if np.ndim(row) == 0:
        raise ValueError(f"{what} must be one row or one image; got {row!r}")
    return row
