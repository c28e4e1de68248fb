"""Filters, and the weights of layers, as small pictures or curves."""

import numpy as np

from sklearn_replearn._counts import check_count
from sklearn_replearn.plotting._estimators import display_name, last_step_with
from sklearn_replearn.plotting._images import as_floats, check_finite, check_image_shape
from sklearn_replearn.plotting._matplotlib import figure_and_axes, set_title
from sklearn_replearn.plotting._strips import check_names, draw_mosaic, mosaic_size

_LINE_COLOR = "#222222"
_SMALLEST_PICTURE = 16  # pixels a side, so that the gaps between pictures stay narrow
_MAX_NAMES = 40


class FilterDisplay:
    """Filters as small pictures in a mosaic, or as curves.

    Zero is the middle grey, and what is above it is brighter. Filters of colours are
    drawn in colour; those of any other number of channels have a row each, with a
    picture for each channel. One-dimensional filters are drawn as curves. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    filters : array-like of shape (n_filters, height, width), \
            (n_filters, height, width, n_channels) or (n_filters, length)
        The filters.
    names : list of str, default=None
        A name for each.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    filters : ndarray
        The filters, without a single channel.
    image_ : matplotlib AxesImage or None
        The mosaic of pictures.
    panels_ : list of matplotlib Axes
        The panels of curves; empty for pictures.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When the filters have another shape, or are not finite numbers.

    See Also
    --------
    ActivationDisplay : What the filters of a layer make of an image.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import ConvAutoencoder
    >>> from sklearn_replearn.plotting import FilterDisplay
    >>> images = load_digits().images[:200] / 16
    >>> autoencoder = ConvAutoencoder(
    ...     n_components=4, channels=(8,), max_epochs=2, random_state=0
    ... ).fit(images)
    >>> FilterDisplay.from_estimator(autoencoder).filters.shape
    (8, 3, 3)
    """

    def __init__(self, filters, *, names=None, estimator_name=None):
        self.filters = _check_filters(filters)
        self.names = check_names("names", names, len(self.filters), "filter")
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        layer=None,
        image_shape=None,
        n_filters=64,
        name=None,
        ax=None,
        scale="each",
        n_columns=None,
        cmap=None,
    ):
        """Draw the filters of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or Pipeline
            The last step that has filters: `filters_`, as
            :class:`~sklearn_replearn.image.FilterBank`, or a network (an estimator
            with `as_module`).
        layer : str, default=None
            Layer of the network, with weights: one of the names that
            ``as_module().network.named_modules()`` has. ``None`` takes the first
            convolution, or where there is none, the first linear layer.
        image_shape : tuple of int, default=None
            (height, width) or (height, width, channels) of the images whose pixels a
            linear layer weights. ``None`` draws these weights as curves, unless the
            estimator knows the shape.
        n_filters : int, default=64
            How many filters to draw at most, the first ones.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        scale : {"each", "all"}, default="each"
            Whether each filter has a grey range of its own, or all have the same.
        n_columns : int, default=None
            Filters in a row.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : FilterDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When the estimator has no filters.
        ValueError
            When there is no such layer, or when it has no weights to draw.
        """
        check_count("n_filters", n_filters)
        filters, names = _filters_of(estimator, layer, image_shape)
        display = cls(
            filters[:n_filters],
            names=None if names is None else list(names)[:n_filters],
            estimator_name=display_name(estimator, name),
        )
        return display.plot(ax=ax, scale=scale, n_columns=n_columns, cmap=cmap)

    def plot(self, ax=None, *, name=None, scale="each", n_columns=None, cmap=None):
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        scale : {"each", "all"}, default="each"
            Whether each filter has a grey range of its own, or all have the same.
        n_columns : int, default=None
            Filters in a row. Filters with a picture for each channel have a row each.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : FilterDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When `scale` or `n_columns` are none of these.
        """
        check_scale(scale)
        self.image_, self.panels_ = None, []
        draw = self._draw_curves if self.filters.ndim == 2 else self._draw_pictures
        draw(ax, scale, n_columns, cmap)
        set_title(self.ax_, name, self.estimator_name)
        return self

    def _draw_pictures(self, ax, scale, n_columns, cmap):
        pictures, in_colour = self._pictures(scale)
        names = self.names
        if pictures.ndim == 4 and not in_colour:  # a row for each filter
            n_columns = pictures.shape[3]
            pictures = np.moveaxis(pictures, 3, 1)
            pictures = pictures.reshape(-1, *pictures.shape[2:])
            names = None
        rows = in_rows(_enlarged(pictures), n_columns)
        texts = None
        if names is not None and len(names) <= _MAX_NAMES:
            padded = [*names, *[""] * (len(rows) * len(rows[0]) - len(names))]
            width = len(rows[0])
            texts = [padded[i : i + width] for i in range(0, len(padded), width)]
        self.figure_, self.ax_ = figure_and_axes(
            ax,
            caller="FilterDisplay.plot",
            figsize=mosaic_size(
                len(rows),
                len(rows[0]),
                rows[0].shape[1:],
                n_texts=0 if texts is None else len(rows),
            ),
        )
        limits = (0.0, 1.0) if in_colour else (-1.0, 1.0)
        mosaic = draw_mosaic(self.ax_, rows, limits, cmap=cmap, texts=texts)
        self.image_ = mosaic.image
        self.ax_.set_xticks([])
        self.ax_.set_yticks([])

    def _pictures(self, scale):
        """Filters from -1 to 1, or as colours from 0 to 1."""
        axes = None if scale == "all" else tuple(range(1, self.filters.ndim))
        largest = np.abs(self.filters).max(axis=axes, keepdims=True)
        pictures = self.filters / np.where(largest > 0, largest, 1)
        in_colour = pictures.ndim == 4 and pictures.shape[3] == 3
        if not in_colour:
            return pictures, False
        opaque = np.ones((*pictures.shape[:3], 1))
        return np.concatenate([(pictures + 1) / 2, opaque], axis=3), True

    def _draw_curves(self, ax, scale, n_columns, cmap):
        n_filters, length = self.filters.shape
        n_columns = columns_for(n_filters, n_columns)
        n_rows = -(-n_filters // n_columns)
        self.figure_, self.ax_ = figure_and_axes(
            ax,
            caller="FilterDisplay.plot",
            figsize=(1.4 * n_columns + 0.4, 0.9 * n_rows + 0.4),
        )
        self.panels_ = grid_panels(self.ax_, n_filters, n_columns)
        for i, (panel, values) in enumerate(
            zip(self.panels_, self.filters, strict=True)
        ):
            panel.axhline(0, color="#c0c0c0", linewidth=0.6)
            panel.plot(values, color=_LINE_COLOR, linewidth=1.1)
            reach = np.abs(values if scale == "each" else self.filters).max() or 1
            panel.set_ylim(-1.1 * reach, 1.1 * reach)
            panel.set_xlim(-0.5, length - 0.5)
            if self.names is not None and n_filters <= _MAX_NAMES:
                panel.set_title(self.names[i], fontsize="x-small", pad=2)


def grid_panels(ax, n_panels, n_columns):
    """Bare axes in a grid inside another."""
    ax.set_axis_off()
    n_rows = -(-n_panels // n_columns)
    width, height = 1 / n_columns, 1 / n_rows
    panels = []
    for i in range(n_panels):
        row, column = divmod(i, n_columns)
        left, bottom = column * width, 1 - (row + 1) * height
        place = (left + 0.04 * width, bottom, 0.92 * width, 0.76 * height)
        panel = ax.inset_axes(place)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_color("#c0c0c0")
        panels.append(panel)
    return panels


def columns_for(n_pictures, n_columns=None):
    """The number of columns given, or one that makes a mosaic wider than high."""
    if n_columns is None:
        n_columns = int(np.ceil(np.sqrt(1.6 * n_pictures)))
    check_count("n_columns", n_columns)
    return min(n_columns, n_pictures)


def in_rows(pictures, n_columns=None):
    """Pictures in rows of a mosaic, the last one filled up with nothing."""
    n_columns = columns_for(len(pictures), n_columns)
    missing = -len(pictures) % n_columns
    # Grey that is no number is not drawn, and neither is colour without opacity.
    nothing = 0 if pictures.ndim == 4 else np.nan
    padding = np.full((missing, *pictures.shape[1:]), nothing)
    pictures = np.concatenate([pictures, padding])
    return [*pictures.reshape(-1, n_columns, *pictures.shape[1:])]


def check_scale(scale):
    """Raise a ValueError when a scale is neither "each" nor "all"."""
    if scale not in ("each", "all"):
        raise ValueError(f"scale must be 'each' or 'all'; got {scale!r}")


def _enlarged(pictures):
    """Small pictures with several pixels for each."""
    factor = -(-_SMALLEST_PICTURE // min(pictures.shape[1:3]))
    return pictures.repeat(factor, axis=1).repeat(factor, axis=2)


def _check_filters(filters):
    filters = as_floats(filters, "filters", "numbers, all of the same shape")
    if filters.ndim == 4 and filters.shape[3] == 1:
        filters = filters[..., 0]
    if filters.ndim not in (2, 3, 4) or 0 in filters.shape:
        raise ValueError(
            "filters must have shape (n_filters, height, width), (n_filters, height, "
            f"width, n_channels) or (n_filters, length); got {filters.shape}"
        )
    check_finite(filters, "filters")
    return filters


def _filters_of(estimator, layer, image_shape):
    """Filters of an estimator, in a shape that can be drawn, and their names."""
    step = last_step_with(estimator, "filters_")
    if step is not None and layer is None:
        names = getattr(step, "filter_names_", None)
        return _drawable(np.asarray(step.filters_), step, image_shape), names
    step = last_step_with(estimator, "as_module")
    if step is None:
        raise TypeError(
            f"{type(estimator).__name__} has no filters: neither filters_, as a "
            "FilterBank, nor layers (as_module), as a network; pass the array of them "
            "to FilterDisplay itself"
        )
    weights = _weights(step, layer)
    return _drawable(weights, step, image_shape), None


def _weights(step, layer):
    """Weights of a layer as an array, with the inputs last."""
    if layer is not None:
        step.as_module(layer)  # raises, with the names, when there is none
    module = step.as_module()
    layers = dict(getattr(module, "network", module).named_modules())
    asked = [*layers.values()] if layer is None else [layers[layer]]
    found = [part for part in asked if getattr(part, "weight", None) is not None]
    found = [part for part in found if part.weight.ndim > 1]
    if not found:
        what = "it has none" if layer is None else f"{layer!r} is none of them"
        raise ValueError(
            f"{type(step).__name__} has filters to draw in convolutions and linear "
            f"layers, but {what}"
        )
    first = next((part for part in found if part.weight.ndim > 2), found[0])
    return np.moveaxis(first.weight.detach().cpu().numpy(), 1, -1)


def _drawable(filters, step, image_shape):
    """Filters as pictures or curves."""
    if filters.ndim == 2:  # of a linear layer
        own = getattr(step, "image_shape_", None)
        if image_shape is None and own is not None and len(own) == 3:
            image_shape = own if np.prod(own) == filters.shape[1] else None
        if image_shape is None:
            return filters
        image_shape = check_image_shape(image_shape)
        if np.prod(image_shape) != filters.shape[1]:
            raise ValueError(
                f"image_shape={image_shape} has {np.prod(image_shape)} values, but the "
                f"layer has {filters.shape[1]} inputs"
            )
        return filters.reshape(-1, *image_shape)
    if filters.ndim == 3:  # of signals: curves, or pictures with a line for each input
        return filters[..., 0] if filters.shape[2] == 1 else filters.swapaxes(1, 2)
    return filters
