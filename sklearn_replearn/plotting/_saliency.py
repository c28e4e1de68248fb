"""What in a sample the answer rests on, beside the sample or over it."""

from collections.abc import Mapping
from math import prod

import numpy as np

from sklearn_replearn._containers import take_rows
from sklearn_replearn._counts import check_count
from sklearn_replearn._images import flatten_images
from sklearn_replearn.plotting._estimators import display_name, input_names
from sklearn_replearn.plotting._images import (
    as_floats,
    check_finite,
    check_samples,
    choose_limits,
    natural_limits,
)
from sklearn_replearn.plotting._matplotlib import import_pyplot, set_title
from sklearn_replearn.plotting._strips import (
    check_names,
    draw_labeled_mosaic,
    line_marker,
    stack_panels,
)

_METHODS = ("gradient", "smooth", "occlusion")
_LINE_COLOR = "#222222"
_OPACITY = 0.85  # of the map, over an image, where it is largest
_STRIP_OPACITY = 0.6  # behind a curve


class SaliencyDisplay:
    """Samples, and maps of what in them an answer rests on.

    Images are a mosaic: a row of them, and below it a row for each kind of map. Signals
    and rows of a table are curves, with their maps as colours behind them. It is
    recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    samples : array-like of shape (n_samples, height, width), \
            (n_samples, height, width, n_channels) or (n_samples, n_features)
        The samples. Images are grey or have 1, 3 or 4 channels.
    maps : array-like of shape (n_samples, height, width) or (n_samples, n_features), \
            or dict of them by name
        One number for each place of a sample, as
        :func:`~sklearn_replearn.inspection.saliency_map` and
        :func:`~sklearn_replearn.inspection.occlusion_map` give them. A dict holds the
        maps of several methods.
    image_shape : tuple of (int, int) or (int, int, int), default=None
        Height, width and number of channels of the image in each row of `samples`.
        `None` draws rows as curves.
    labels : array-like of shape (n_samples,), default=None
        What is written at each sample, such as the class that is predicted.
    feature_names : list of str, default=None
        Names of the features, for curves.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    panels_ : list of matplotlib Axes
        The panels of curves, one per sample; empty for images.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When there is no sample, when values are not finite numbers, or when shapes
        do not agree.

    See Also
    --------
    sklearn_replearn.inspection.saliency_map : Maps by gradients.
    sklearn_replearn.inspection.occlusion_map : Maps by hiding parts.

    Notes
    -----
    Each map has a range of its own, from zero to the largest absolute value. Where a
    kind of map has values below zero, as that of occlusion, these are blue and those
    above it are red. Over an image a map is the more opaque the larger it is.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_replearn.plotting import SaliencyDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = LogisticRegression().fit(X / 16, y)
    >>> display = SaliencyDisplay.from_estimator(
    ...     classifier, X[:4] / 16, image_shape=(8, 8), method=["gradient", "occlusion"]
    ... )
    >>> list(display.maps)
    ['gradient', 'occlusion']
    """

    def __init__(
        self,
        samples,
        maps,
        *,
        image_shape=None,
        labels=None,
        feature_names=None,
        estimator_name=None,
    ):
        self.samples = check_samples(samples, "samples", image_shape)
        sides = self.samples.shape[:3]
        if not isinstance(maps, Mapping):
            self.maps = _check_map(maps, "maps", sides)
        elif maps:
            self.maps = {
                str(name): _check_map(each, f"maps[{name!r}]", sides)
                for name, each in maps.items()
            }
        else:
            raise ValueError("there are no maps: the dict of them is empty")
        self.labels = check_names("labels", labels, len(samples), "sample")
        self.feature_names = feature_names
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        method="gradient",
        target=None,
        layer=None,
        patch_size=None,
        step=None,
        fill=0,
        image_shape=None,
        n_samples=10,
        random_state=0,
        labels=None,
        name=None,
        ax=None,
        overlay=False,
        cmap=None,
    ):
        """Compute maps for the first samples, and draw them.

        Parameters
        ----------
        estimator : estimator or Pipeline
            As :func:`~sklearn_replearn.inspection.saliency_map` takes it, or for
            "occlusion", any that
            :func:`~sklearn_replearn.inspection.occlusion_map` takes.
        X : array-like
            The samples, as the estimator takes them.
        method : {"gradient", "smooth", "occlusion"} or list of them, default="gradient"
            Which maps: the gradient, its mean over noisy copies, or the drop of the
            output when a patch is hidden.
        target : label, int or array-like of shape (n_samples_X,), default=None
            The class, or the column of a code; see the functions.
        layer : str, default=None
            Layer whose unit is meant by the target, for gradients.
        patch_size, step, fill : default=None, None, 0
            Of :func:`~sklearn_replearn.inspection.occlusion_map`.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the image in each row of `X`.
            `None` takes those that the estimator was fitted with.
        n_samples : int, default=10
            How many samples to draw at most.
        random_state : int, RandomState instance or None, default=0
            Seed of the noise of "smooth".
        labels : array-like of shape (n_samples_X,), default=None
            What is written at each sample. `None` writes the predicted class, where
            the estimator has `predict`.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        overlay : bool, default=False
            Whether to draw the maps over the images.
        cmap : str or matplotlib Colormap, default=None
            Colours of the maps.

        Returns
        -------
        display : SaliencyDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When a step of the estimator has no gradients, for the methods that need
            them.
        ValueError
            As the functions.
        """
        from sklearn_replearn.inspection import occlusion_map, saliency_map

        methods = _check_methods(method)
        check_count("n_samples", n_samples)
        X = take_rows(X, slice(n_samples))
        if np.ndim(target) == 1:
            target = np.asarray(target)[:n_samples]
        maps = {}
        for each in methods:
            if each == "occlusion":
                maps[each] = occlusion_map(
                    estimator,
                    X,
                    target=target,
                    patch_size=patch_size,
                    step=step,
                    fill=fill,
                    image_shape=image_shape,
                )
            else:
                maps[each] = saliency_map(
                    estimator,
                    X,
                    target=target,
                    layer=layer,
                    method=each,
                    image_shape=image_shape,
                    random_state=random_state,
                )
        if labels is not None:
            labels = np.asarray(labels)[:n_samples]
        elif hasattr(estimator, "predict") and hasattr(estimator, "classes_"):
            labels = estimator.predict(X)
        samples, _ = flatten_images(X)
        sides = maps[methods[0]].shape[1:]
        n_channels = samples.shape[1] // prod(sides)
        display = cls(
            samples,
            maps,
            image_shape=(*sides, n_channels) if len(sides) == 2 else None,
            labels=labels,
            feature_names=input_names(estimator, X),
            estimator_name=display_name(estimator, name),
        )
        return display.plot(ax=ax, overlay=overlay, cmap=cmap)

    def plot(self, ax=None, *, name=None, overlay=False, cmap=None):
        """Draw the samples and their maps.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        overlay : bool, default=False
            Whether to draw the maps over the images.
        cmap : str or matplotlib Colormap, default=None
            Colours of the maps. `None` is "magma", "Reds" behind curves, and "RdBu_r"
            over images and for maps with values below zero.

        Returns
        -------
        display : SaliencyDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        """
        self.image_, self.panels_ = None, []
        draw = self._draw_images if self.samples.ndim > 2 else self._draw_curves
        draw(ax, overlay, cmap)
        set_title(self.ax_, name, self.estimator_name)
        return self

    def _named_maps(self):
        maps = self.maps
        return maps if isinstance(maps, Mapping) else {"saliency": maps}

    def _draw_images(self, ax, overlay, cmap):
        maps = self._named_maps()
        images = _rgba_images(self.samples)
        rows = [images]
        for values in maps.values():
            shares, colors = _colored(values, cmap, "RdBu_r" if overlay else "magma")
            if overlay:
                opacity = _OPACITY * np.abs(shares)[..., np.newaxis]
                colors = (1 - opacity) * _grey(images) + opacity * colors
            rows.append(colors)
        self.figure_, self.ax_, self.image_ = draw_labeled_mosaic(
            ax,
            rows,
            (0.0, 1.0),
            caller="SaliencyDisplay.plot",
            row_labels=["image", *maps],
            column_labels=self.labels,
        )

    def _draw_curves(self, ax, overlay, cmap):
        n_samples, n_features = self.samples.shape
        maps = self._named_maps()
        self.figure_, self.ax_, self.panels_ = stack_panels(
            ax,
            n_samples,
            n_features,
            caller="SaliencyDisplay.plot",
            labels=self.labels,
            feature_names=self.feature_names,
        )
        edges = np.arange(n_features + 1) - 0.5
        colors = {
            method: 1
            - _STRIP_OPACITY * (1 - _colored(values, cmap, "Reds")[1][..., :3])
            for method, values in maps.items()
        }
        for i, panel in enumerate(self.panels_):
            for j, method in enumerate(maps):
                # The first method is the uppermost strip.
                heights = 1 - np.array([j + 1, j]) / len(maps)
                panel.pcolormesh(
                    edges,
                    heights,
                    colors[method][[i]],
                    transform=panel.get_xaxis_transform(),
                    zorder=0,
                )
                if i == 0 and len(maps) > 1:
                    panel.text(
                        1.01,
                        heights.mean(),
                        method,
                        transform=panel.transAxes,
                        fontsize="small",
                        va="center",
                    )
            panel.plot(
                self.samples[i],
                color=_LINE_COLOR,
                linewidth=1.2,
                **line_marker(n_features),
            )
            panel.set_xlim(edges[0], edges[-1])


def _check_methods(method):
    methods = [method] if isinstance(method, str) else list(method)
    wrong = [each for each in methods if each not in _METHODS]
    if wrong or not methods:
        known = ", ".join(map(repr, _METHODS))
        raise ValueError(f"method must be one of {known}, or a list; got {method!r}")
    return methods


def _check_map(values, what, sides):
    values = as_floats(values, what, "numbers, one for each place")
    if values.size != np.prod(sides) or len(values) != sides[0]:
        raise ValueError(
            f"{what} has shape {values.shape}, but the samples have {sides}; give one "
            "number for each place of each sample"
        )
    check_finite(values, what)
    return values.reshape(sides)


def _colored(values, cmap, unsigned):
    """Maps as shares of the largest absolute value of each, and their colours."""
    largest = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
    shares = values / np.where(largest > 0, largest, 1)
    signed = values.min() < 0 or unsigned == "RdBu_r"
    plt = import_pyplot("SaliencyDisplay.plot")
    colors = plt.get_cmap(cmap or ("RdBu_r" if signed else unsigned))
    return shares, colors((shares + 1) / 2 if signed else shares)


def _rgba_images(images):
    """Images as colours with opacity, in [0, 1]."""
    low, high = choose_limits(natural_limits(images))
    shares = np.clip((images - low) / (high - low), 0, 1)
    if shares.ndim == 3:
        shares = np.repeat(shares[..., np.newaxis], 3, axis=3)
    if shares.shape[3] == 4:
        return shares
    return np.concatenate([shares, np.ones((*shares.shape[:3], 1))], axis=3)


def _grey(images):
    """Images without their colours, so that those of a map can be seen over them."""
    grey = images[..., :3].mean(axis=3, keepdims=True).repeat(3, axis=3)
    return np.concatenate([grey, images[..., 3:]], axis=3)
