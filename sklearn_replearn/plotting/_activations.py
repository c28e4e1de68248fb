"""What a layer makes of one sample."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._containers import dense
from sklearn_replearn._counts import check_count
from sklearn_replearn.plotting._estimators import display_name, fitted_image_shape
from sklearn_replearn.plotting._filters import (
    check_scale,
    columns_for,
    grid_panels,
    in_rows,
)
from sklearn_replearn.plotting._images import (
    as_floats,
    check_finite,
    check_limits,
    check_samples,
    choose_limits,
    natural_limits,
)
from sklearn_replearn.plotting._matplotlib import COLORS, figure_and_axes
from sklearn_replearn.plotting._strips import (
    draw_mosaic,
    label_colorbar,
    line_marker,
    mosaic_size,
)

_SAMPLE_COLOR = "#222222"
_SAMPLE_WIDTH = 0.2  # of the axes


class ActivationDisplay:
    """What the units of a layer put out for one sample, beside the sample.

    The maps of a convolutional layer are a mosaic of pictures, or curves for signals;
    the outputs of a dense layer are bars. It is recommended to use
    :meth:`from_estimator`.

    Parameters
    ----------
    maps : array-like of shape (n_maps, height, width), (n_maps, length) or (n_units,)
        What the layer puts out.
    sample : array-like of shape (height, width), (height, width, n_channels) or \
            (n_features,), default=None
        The sample. `None` draws the maps alone.
    layer : str, default=None
        Name of the layer, for the title.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of maps.
    panels_ : list of matplotlib Axes
        The panel of the maps, or one for each curve.
    sample_ax_ : matplotlib Axes or None
        Where the sample is drawn.
    colorbar_ : matplotlib Colorbar or None
        The colours of the maps, where all have the same scale.
    ax_ : matplotlib Axes
        The axes drawn on, which the others are in.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When maps or sample have other shapes, or are not finite numbers.

    See Also
    --------
    FilterDisplay : The filters of the layer themselves.
    sklearn_replearn.inspection.top_activations : The samples that excite each unit.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.image import ConvAutoencoder
    >>> from sklearn_replearn.plotting import ActivationDisplay
    >>> images = load_digits().images[:200] / 16
    >>> autoencoder = ConvAutoencoder(
    ...     n_components=4, channels=(8,), max_epochs=2, random_state=0
    ... ).fit(images)
    >>> display = ActivationDisplay.from_estimator(
    ...     autoencoder, images[0], layer="encoder.1"
    ... )
    >>> display.maps.shape
    (8, 4, 4)
    """

    def __init__(self, maps, *, sample=None, layer=None, estimator_name=None):
        self.maps = _check_maps(maps)
        self.sample = None
        if sample is not None:
            self.sample = check_samples(np.asarray(sample)[np.newaxis], "sample")[0]
        self.layer = layer
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        x,
        *,
        layer=None,
        n_maps=64,
        name=None,
        ax=None,
        scale="all",
        n_columns=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw what a layer of a fitted estimator makes of a sample.

        Parameters
        ----------
        estimator : estimator or Pipeline
            With a network (an estimator with `as_module`), after scalers and
            projections at most.
        x : array-like
            One sample: an image, a signal or a row, alone or as a batch of one.
        layer : str, default=None
            One of the names that the network's ``as_module().network.named_modules()``
            has. ``None`` takes the code.
        n_maps : int, default=64
            How many maps to draw at most, the first ones.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        scale : {"each", "all"}, default="all"
            Whether each map has a range of its own, or all have the same.
        n_columns : int, default=None
            Maps in a row.
        vmin, vmax : float, default=None
            What has the first and the last colour, where all maps have the same scale.
        cmap : str or matplotlib Colormap, default=None
            Colours of the maps. `None` is "viridis".

        Returns
        -------
        display : ActivationDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When a step of the estimator is no network.
        ValueError
            When there is no such layer, or when `x` is not one sample.
        """
        from sklearn_replearn.inspection import layer_activations

        check_count("n_maps", n_maps)
        check_is_fitted(estimator)
        row = np.asarray(dense(x)).reshape(1, -1)
        n_values = getattr(estimator, "n_features_in_", None)
        if row.size != n_values:
            raise ValueError(
                f"x must be one sample, of {n_values} values; got shape {np.shape(x)}"
            )
        activations = layer_activations(estimator, row, layer=layer)[0]
        shape = fitted_image_shape(estimator)
        if shape is not None and shape[2] not in (1, 3, 4):
            sample = None  # there are no such colours
        else:
            sample = check_samples(row, "x", shape)[0]
        display = cls(
            activations[:n_maps],
            sample=sample,
            layer="code" if layer is None else layer,
            estimator_name=display_name(estimator, name),
        )
        return display.plot(
            ax=ax, scale=scale, n_columns=n_columns, vmin=vmin, vmax=vmax, cmap=cmap
        )

    def plot(
        self,
        ax=None,
        *,
        name=None,
        scale="all",
        n_columns=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw the sample and the maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        scale : {"each", "all"}, default="all"
            Whether each map has a range of its own, or all have the same.
        n_columns : int, default=None
            Maps in a row.
        vmin, vmax : float, default=None
            What has the first and the last colour, where all maps have the same scale.
        cmap : str or matplotlib Colormap, default=None
            Colours of the maps. `None` is "viridis".

        Returns
        -------
        display : ActivationDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When `vmin` is not below `vmax`, or `scale` is none of these.
        """
        check_scale(scale)
        check_limits(vmin, vmax)
        self.image_, self.panels_, self.colorbar_ = None, [], None
        n_columns = columns_for(len(self.maps), n_columns)
        self.figure_, self.ax_ = figure_and_axes(
            ax, caller="ActivationDisplay.plot", figsize=self._size(n_columns)
        )
        self.ax_.set_axis_off()
        self.sample_ax_ = self._draw_sample()
        left = 0 if self.sample is None else _SAMPLE_WIDTH + 0.03
        panel = self.ax_.inset_axes((left, 0, 1 - left, 1))
        if self.maps.ndim == 3:
            self._draw_maps(panel, scale, n_columns, vmin, vmax, cmap)
        elif self.maps.ndim == 2:
            self._draw_curves(panel, scale, n_columns, vmin, vmax)
        else:
            self._draw_bars(panel, vmin, vmax)
        name = self.estimator_name if name is None else name
        title = ", ".join(filter(None, [name, self.layer]))
        if title:
            self.ax_.set_title(title)
        return self

    def _size(self, n_columns):
        """Inches of the figure."""
        n_rows = -(-len(self.maps) // n_columns)
        if self.maps.ndim == 3:
            width, height = mosaic_size(n_rows, n_columns, self.maps.shape[1:])
        elif self.maps.ndim == 2:
            width, height = 1.4 * n_columns + 0.4, 0.9 * n_rows + 0.4
        else:
            width, height = 5.0, 2.2
        share = 1 if self.sample is None else 1 - _SAMPLE_WIDTH - 0.03
        return max(width, 2.5) / share + 0.6, max(height, 1.8)

    def _draw_sample(self):
        if self.sample is None:
            return None
        panel = self.ax_.inset_axes((0, 0, _SAMPLE_WIDTH, 1))
        panel.set_title("sample", fontsize="small")
        if self.sample.ndim == 1:
            style = line_marker(len(self.sample))
            panel.plot(self.sample, color=_SAMPLE_COLOR, linewidth=1, **style)
            panel.tick_params(labelsize="x-small")
            return panel
        low, high = choose_limits(natural_limits(self.sample[np.newaxis]))
        picture = self.sample
        if picture.ndim == 3:
            picture = np.clip((picture - low) / (high - low), 0, 1)
        panel.imshow(picture, cmap="gray", vmin=low, vmax=high)
        panel.set_xticks([])
        panel.set_yticks([])
        return panel

    def _draw_maps(self, panel, scale, n_columns, vmin, vmax, cmap):
        maps = self.maps
        limits = choose_limits((float(maps.min()), float(maps.max())), vmin, vmax)
        if scale == "each":
            low = maps.min(axis=(1, 2), keepdims=True)
            spread = maps.max(axis=(1, 2), keepdims=True) - low
            maps = (maps - low) / np.where(spread > 0, spread, 1)
            limits = (0.0, 1.0)
        cmap = "viridis" if cmap is None else cmap
        mosaic = draw_mosaic(panel, in_rows(maps, n_columns), limits, cmap=cmap)
        panel.set_xticks([])
        panel.set_yticks([])
        self.image_, self.panels_ = mosaic.image, [panel]
        if scale == "all":
            self.colorbar_ = self.figure_.colorbar(mosaic.image, ax=self.ax_)
            label_colorbar(self.colorbar_, "activation")

    def _draw_curves(self, panel, scale, n_columns, vmin, vmax):
        self.panels_ = grid_panels(panel, len(self.maps), n_columns)
        for curve, values in zip(self.panels_, self.maps, strict=True):
            curve.plot(values, color=COLORS[0], linewidth=1.1)
            of_all = self.maps if scale == "all" else values
            low, high = choose_limits(
                (float(of_all.min()), float(of_all.max())), vmin, vmax
            )
            margin = 0.05 * (high - low)
            curve.set_ylim(low - margin, high + margin)

    def _draw_bars(self, panel, vmin, vmax):
        panel.bar(np.arange(len(self.maps)), self.maps, color=COLORS[0], width=0.8)
        panel.axhline(0, color=_SAMPLE_COLOR, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize="small")
        panel.set_xlabel("unit")
        panel.yaxis.tick_right()
        if vmin is not None or vmax is not None:
            panel.set_ylim(vmin, vmax)
        self.panels_ = [panel]


def _check_maps(maps):
    maps = as_floats(maps, "maps", "numbers, all of the same shape")
    if maps.ndim not in (1, 2, 3) or 0 in maps.shape:
        raise ValueError(
            "maps must have shape (n_maps, height, width), (n_maps, length) or "
            f"(n_units,), those of one sample; got {maps.shape}"
        )
    check_finite(maps, "maps")
    return maps
