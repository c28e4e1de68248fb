"""Scatter plot of an embedding, with classes, words or pictures on the points."""

from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.utils.validation import check_array

from sklearn_replearn._containers import dense
from sklearn_replearn.plotting._estimators import (
    display_name,
    last_step,
    output_names,
    own_seed,
)
from sklearn_replearn.plotting._images import check_finite, check_images
from sklearn_replearn.plotting._matplotlib import COLORS, figure_and_axes
from sklearn_replearn.plotting._placement import place_labels, spread_rows

_MARKERS = "o^sDv"
_OTHERS_COLOR = "#d0d0d0"
_MAX_CLASSES = len(COLORS) * len(_MARKERS)
_MAX_WHOLE_CLASSES = 10
_LEGEND_ROW_INCHES = 0.23
_MAX_TSNE_COLUMNS = 50
_GOLDEN_RATIO = (1 + 5**0.5) / 2


class EmbeddingDisplay:
    """Scatter plot of an embedding in one or two dimensions.

    Points are coloured by label and can carry words or thumbnails. It is recommended
    to use :meth:`from_estimator` or :meth:`from_embedding`, which reduce wider
    embeddings to two dimensions.

    Parameters
    ----------
    embedding : array-like of shape (n_samples, 1) or (n_samples, 2)
        The points. One column is drawn as a strip, with a row for each class.
    labels : array-like of shape (n_samples,), default=None
        What colours the points. Floats are continuous and get a colour bar, unless
        they are at most ten different whole numbers; everything else names classes
        and gets a legend. More than ten classes differ in marker too; beyond fifty,
        the smallest are drawn together as others.
    texts : sequence of str of length n_samples, default=None
        Words to write beside the points. Those for which there is no room without
        covering another are left out, the first rows being served first.
    thumbnails : array-like of shape (n_samples, height, width) or \
            (n_samples, height, width, n_channels), default=None
        Pictures to draw on the points: grey values of any range, or 1, 3 or 4
        channels of uint8 or of floats in [0, 1]. Only pictures that do not overlap
        are drawn; the other points stay dots.
    axis_labels : sequence of str, default=None
        What each column is.
    label_name : str, default=None
        What the labels are: the title of the legend or of the colour bar.
    equal_scale : bool, default=False
        Whether one unit has the same length on both axes.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    scatters_ : list of matplotlib PathCollection
        The points, one collection per class.
    legend_ : matplotlib Legend or None
        The legend of the classes.
    colorbar_ : matplotlib Colorbar or None
        The colour bar of continuous labels.
    thumbnails_ : list of matplotlib AxesImage
        The pictures drawn.
    thumbnail_rows_ : ndarray of int
        The rows of `embedding` that the pictures drawn belong to.
    texts_ : list of matplotlib Annotation
        The words drawn.
    text_rows_ : ndarray of int
        The rows of `embedding` that the words drawn belong to.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When the embedding is empty, not finite, or wider than two columns, or when
        labels, texts or thumbnails do not match its rows.

    See Also
    --------
    SpectrumDisplay : Explained variance per component.
    sklearn.manifold.TSNE : t-distributed stochastic neighbour embedding.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_replearn.plotting import EmbeddingDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> pca = PCA(n_components=20).fit(X[:1000])
    >>> display = EmbeddingDisplay.from_estimator(pca, X[1000:], y[1000:])
    >>> display.ax_.get_xlabel()
    'PC 1 (19 %)'
    >>> len(display.legend_.get_texts())
    10
    """

    def __init__(
        self,
        embedding,
        *,
        labels=None,
        texts=None,
        thumbnails=None,
        axis_labels=None,
        label_name=None,
        equal_scale=False,
        estimator_name=None,
    ):
        Z, names = _check_embedding(embedding)
        if Z.shape[1] > 2:
            raise ValueError(
                f"a display draws one or two columns; got {Z.shape[1]}; "
                "EmbeddingDisplay.from_embedding reduces them"
            )
        self.embedding = dense(Z)
        n_samples = len(self.embedding)
        self.labels = None if labels is None else _check_labels(labels, n_samples)
        self.texts = None if texts is None else _check_texts(texts, n_samples)
        self.thumbnails = (
            None if thumbnails is None else _check_thumbnails(thumbnails, n_samples)
        )
        if axis_labels is None:
            axis_labels = names or [f"dimension {i + 1}" for i in range(Z.shape[1])]
        self.axis_labels = list(axis_labels)
        if len(self.axis_labels) != Z.shape[1]:
            raise ValueError(
                f"axis_labels has {len(self.axis_labels)} names for "
                f"{Z.shape[1]} columns"
            )
        self.label_name = _series_name(labels) if label_name is None else label_name
        self.equal_scale = equal_scale
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        reduce="auto",
        texts=None,
        thumbnails=None,
        label_name=None,
        random_state=0,
        name=None,
        ax=None,
        point_size=None,
        cmap=None,
        legend=True,
        thumbnail_size=0.07,
    ):
        """Draw what a fitted transformer makes of some data.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted transformer; its `transform` is called on `X`.
        X : array-like, sparse matrix or sequence
            The data, as the transformer takes them.
        y : array-like of shape (n_samples,), default=None
            What colours the points: classes, or floats for a continuous scale.
        reduce : {"auto", "pca", "tsne"}, transformer or None, default="auto"
            How to come from more than two columns to two. "auto" and "pca" use
            principal components, and name the share of the variance of the transformed
            data on the axes; "auto" leaves one or two columns as they are. "tsne" is
            t-SNE, with 50 principal components of wider data, and with a perplexity
            of 30, or a third of the other rows where these are few. A transformer
            with `fit_transform`, such as ``TSNE(perplexity=50)``, is cloned. `None`
            never reduces. One column is always drawn as it is.
        texts : sequence of str of length n_samples, default=None
            Words to write beside the points.
        thumbnails : array-like of shape (n_samples, height, width) or \
                (n_samples, height, width, n_channels), default=None
            Pictures to draw on the points.
        label_name : str, default=None
            What `y` is. `None` takes the name of a Series.
        random_state : int, RandomState instance or None, default=0
            Seed of the reduction. `None` gives another picture each time; numpy's
            global generator is not used.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        point_size : float, default=None
            Area of a point in square points. `None` depends on the number of points.
        cmap : str or matplotlib Colormap, default=None
            Colour map of continuous labels. `None` is "viridis".
        legend : bool, default=True
            Whether to draw the legend or the colour bar.
        thumbnail_size : float, default=0.07
            Longer side of a thumbnail as a share of the width of the axes.

        Returns
        -------
        display : EmbeddingDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When the estimator has no `transform`.
        ValueError
            When what is drawn is empty, not finite, or does not match in length.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"{type(estimator).__name__} has no transform; pass a transformer, "
                "pipeline[:-1], search.best_estimator_, or the vectors to "
                "EmbeddingDisplay.from_embedding"
            )
        Z = estimator.transform(X)
        Z, names = _check_embedding(Z)
        if names is None:
            names = output_names(estimator, Z.shape[1])
        points, axis_labels, equal_scale = _reduce(
            Z, reduce, random_state, _with_shares(names, estimator)
        )
        display = cls(
            points,
            labels=y,
            texts=texts,
            thumbnails=thumbnails,
            axis_labels=axis_labels,
            label_name=label_name,
            equal_scale=equal_scale,
            estimator_name=display_name(estimator, name),
        )
        return display.plot(
            ax=ax,
            point_size=point_size,
            cmap=cmap,
            legend=legend,
            thumbnail_size=thumbnail_size,
        )

    @classmethod
    def from_embedding(
        cls,
        Z,
        y=None,
        *,
        reduce="auto",
        texts=None,
        thumbnails=None,
        label_name=None,
        random_state=0,
        name=None,
        ax=None,
        point_size=None,
        cmap=None,
        legend=True,
        thumbnail_size=0.07,
    ):
        """Draw vectors that are already there.

        Parameters
        ----------
        Z : {array-like, sparse matrix} of shape (n_samples, n_components)
            The vectors. The column names of a DataFrame name the axes when the
            vectors are drawn as they are.
        y : array-like of shape (n_samples,), default=None
            What colours the points: classes, or floats for a continuous scale.
        reduce : {"auto", "pca", "tsne"}, transformer or None, default="auto"
            How to come from more than two columns to two, as in
            :meth:`from_estimator`.
        texts : sequence of str of length n_samples, default=None
            Words to write beside the points.
        thumbnails : array-like of shape (n_samples, height, width) or \
                (n_samples, height, width, n_channels), default=None
            Pictures to draw on the points.
        label_name : str, default=None
            What `y` is. `None` takes the name of a Series.
        random_state : int, RandomState instance or None, default=0
            Seed of the reduction. `None` gives another picture each time; numpy's
            global generator is not used.
        name : str, default=None
            The title.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        point_size : float, default=None
            Area of a point in square points. `None` depends on the number of points.
        cmap : str or matplotlib Colormap, default=None
            Colour map of continuous labels. `None` is "viridis".
        legend : bool, default=True
            Whether to draw the legend or the colour bar.
        thumbnail_size : float, default=0.07
            Longer side of a thumbnail as a share of the width of the axes.

        Returns
        -------
        display : EmbeddingDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            When what is drawn is empty, not finite, or does not match in length.
        """
        Z, names = _check_embedding(Z)
        points, axis_labels, equal_scale = _reduce(Z, reduce, random_state, names)
        display = cls(
            points,
            labels=y,
            texts=texts,
            thumbnails=thumbnails,
            axis_labels=axis_labels,
            label_name=label_name,
            equal_scale=equal_scale,
            estimator_name=name,
        )
        return display.plot(
            ax=ax,
            point_size=point_size,
            cmap=cmap,
            legend=legend,
            thumbnail_size=thumbnail_size,
        )

    def plot(
        self,
        ax=None,
        *,
        name=None,
        point_size=None,
        cmap=None,
        legend=True,
        thumbnail_size=0.07,
    ):
        """Draw the embedding.

        The legend stands to the right of the axes. Give a figure of several axes a
        layout engine, as in ``plt.subplots(1, 2, layout="constrained")``: without one
        the given axes are narrowed to make room, as for a colour bar.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        point_size : float, default=None
            Area of a point in square points. `None` depends on the number of points.
        cmap : str or matplotlib Colormap, default=None
            Colour map of continuous labels. `None` is "viridis".
        legend : bool, default=True
            Whether to draw the legend or the colour bar.
        thumbnail_size : float, default=0.07
            Longer side of a thumbnail as a share of the width of the axes.

        Returns
        -------
        display : EmbeddingDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        """
        if not isinstance(thumbnail_size, Real) or not 0 < thumbnail_size <= 0.5:
            raise ValueError(
                f"thumbnail_size must be a share in (0, 0.5]; got {thumbnail_size!r}"
            )
        groups = _group(self.labels, len(self.embedding))
        strip = self.embedding.shape[1] == 1
        points = _as_strip(self.embedding, groups) if strip else self.embedding
        box_aspect = _box_aspect(points, groups, self.equal_scale, strip)
        self.figure_, self.ax_ = figure_and_axes(
            ax,
            caller="EmbeddingDisplay.plot",
            figsize=_figure_size(groups, box_aspect, strip),
        )
        self._draw_points(points, groups, point_size, cmap)
        picture_size = self._set_limits(box_aspect, thumbnail_size)
        self._name_axes(groups, self.estimator_name if name is None else name)
        self._draw_thumbnails(points, groups, picture_size)
        self._fix_aspect(box_aspect)
        self._draw_legend(groups, legend)
        self._draw_texts(points, picture_size)
        return self

    def _draw_points(self, points, groups, point_size, cmap):
        n_samples = len(points)
        style = {
            "s": np.clip(16000 / n_samples, 6, 36)
            if point_size is None
            else point_size,
            "alpha": 0.85,
            "edgecolors": "white",
            "linewidths": 0.3 if n_samples <= 1000 else 0.0,
        }
        self.scatters_ = []
        if self._is_continuous():
            colored = {"c": self.labels, "cmap": "viridis" if cmap is None else cmap}
            self.scatters_.append(self.ax_.scatter(*points.T, **colored, **style))
            return
        for group in groups:
            self.scatters_.append(
                self.ax_.scatter(
                    *points[group.rows].T,
                    color=group.color,
                    marker=group.marker,
                    label=group.name,
                    **style,
                )
            )

    def _set_limits(self, box_aspect, thumbnail_size):
        """Set the limits; return a picture's width and height in their units."""
        # Axes that share a scale show each other's points too.
        low, high = np.empty(2), np.empty(2)
        for i, axes in enumerate(
            (self.ax_.get_shared_x_axes(), self.ax_.get_shared_y_axes())
        ):
            boxes = [ax.dataLim for ax in axes.get_siblings(self.ax_) if ax.has_data()]
            low[i] = min(box.min[i] for box in boxes)
            high[i] = max(box.max[i] for box in boxes)
        extent = np.where(high > low, high - low, 1.0)
        share = np.zeros(2)
        if self.thumbnails is not None:
            height, width = self.thumbnails.shape[1:3]
            share = thumbnail_size * np.array([width, height]) / max(width, height)
            share[1] /= box_aspect
            share *= min(1, 0.6 / share.max())  # leave room for more than one
        span = extent / (0.92 - share)
        if self.equal_scale:
            width = max(span[0], span[1] / box_aspect)
            span = np.array([width, width * box_aspect])
        middle = (low + high) / 2
        self.ax_.set_xlim(middle[0] - span[0] / 2, middle[0] + span[0] / 2)
        self.ax_.set_ylim(middle[1] - span[1] / 2, middle[1] + span[1] / 2)
        return share * span

    def _fix_aspect(self, box_aspect):
        """Keep the scales in proportion, whatever the shape of the axes."""
        ax = self.ax_
        if not self.equal_scale and self.thumbnails is None:
            return
        # Limits may move to fill the axes, unless other axes share both.
        shared = all(
            len(axes.get_siblings(ax)) > 1
            for axes in (ax.get_shared_x_axes(), ax.get_shared_y_axes())
        )
        width, height = np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())
        ax.set_aspect(
            1 if self.equal_scale else box_aspect * width / height,
            adjustable="box" if shared else "datalim",
        )
        # Matplotlib logs a warning when it moves limits that are not automatic.
        ax.set_autoscale_on(True)

    def _name_axes(self, groups, name):
        self.ax_.set_xlabel(self.axis_labels[0])
        if len(self.axis_labels) == 2:
            self.ax_.set_ylabel(self.axis_labels[1])
        elif groups[0].name is None:
            self.ax_.set_yticks([])
        else:
            names = [group.name for group in groups]
            self.ax_.set_yticks(range(len(groups)), names, parse_math=False)
            if self.label_name is not None:
                self.ax_.set_ylabel(self.label_name)
        if name is not None:
            self.ax_.set_title(name)

    def _draw_thumbnails(self, points, groups, picture_size):
        self.thumbnails_, self.thumbnail_rows_ = [], np.empty(0, dtype=np.intp)
        if self.thumbnails is None:
            return
        from matplotlib.patches import Rectangle

        colors = self._point_colors(groups)
        scale = {}
        if self.thumbnails.ndim == 3:
            scale = {
                "cmap": "gray_r",
                "vmin": self.thumbnails.min(),
                "vmax": self.thumbnails.max(),
            }
        self.thumbnail_rows_ = spread_rows(points, 1.1 * picture_size)
        for row in self.thumbnail_rows_:
            (left, bottom), (right, top) = (
                points[row] - picture_size / 2,
                points[row] + picture_size / 2,
            )
            self.thumbnails_.append(
                self.ax_.imshow(
                    self.thumbnails[row],
                    extent=(left, right, bottom, top),
                    aspect="auto",
                    interpolation="nearest",
                    zorder=3,
                    **scale,
                )
            )
            self.ax_.add_patch(
                Rectangle(
                    (left, bottom),
                    *picture_size,
                    fill=False,
                    edgecolor=colors[row],
                    linewidth=1.2,
                    zorder=3.1,
                )
            )

    def _draw_legend(self, groups, wanted):
        self.legend_ = self.colorbar_ = None
        if not wanted:
            return
        if self._is_continuous():
            self.colorbar_ = self.figure_.colorbar(
                self.scatters_[0], ax=self.ax_, label=self.label_name or ""
            )
            self.colorbar_.solids.set_alpha(1)
        elif groups[0].name is not None and len(self.axis_labels) == 2:
            self.legend_ = self.ax_.legend(
                self.scatters_,
                [" "] * len(groups),
                title=self.label_name,
                ncols=_legend_columns(groups, self.ax_.bbox.height / self.figure_.dpi),
                loc="upper left",
                bbox_to_anchor=(1.01, 1.0),
                borderaxespad=0.4,
                handletextpad=0.3,
            )
            for handle in self.legend_.legend_handles:
                handle.set_sizes([36])
                handle.set_alpha(1)
            # Set afterwards, for a legend leaves out names that begin with "_".
            for text, group in zip(self.legend_.get_texts(), groups, strict=True):
                text.set(text=group.name, parse_math=False)
            if self.figure_.get_layout_engine() is None:
                self._make_room_for_legend()

    def _make_room_for_legend(self):
        """Narrow the axes by the width of the legend, as a colour bar does."""
        self.figure_.figure.draw_without_rendering()
        to_figure = self.figure_.transSubfigure.inverted()
        legend = self.legend_.get_window_extent().transformed(to_figure)
        place = self.ax_.get_position()
        width = max(place.width - legend.width - 0.02, 0.3 * place.width)
        self.ax_.set_position([place.x0, place.y0, width, place.height])
        self.ax_.set_in_layout(True)

    def _draw_texts(self, points, picture_size):
        self.texts_, self.text_rows_ = [], np.empty(0, dtype=np.intp)
        if self.texts is None:
            return
        from matplotlib.patheffects import withStroke

        # The axes get their place on the page when the figure is laid out.
        self.figure_.figure.draw_without_rendering()
        halo = [withStroke(linewidth=2, foreground=self.ax_.get_facecolor())]
        texts = [
            self.ax_.annotate(
                text,
                point,
                xytext=(0, 0),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize="small",
                parse_math=False,
                path_effects=halo,
                in_layout=False,
                zorder=4,
            )
            for text, point in zip(self.texts, points, strict=True)
        ]
        to_pixels = self.ax_.transData.transform
        positions = to_pixels(points)
        boxes = [text.get_window_extent() for text in texts]
        half = (to_pixels(picture_size) - to_pixels((0, 0))) / 2
        clearance = np.zeros_like(positions)
        clearance[self.thumbnail_rows_] = half
        pictures = positions[self.thumbnail_rows_]
        middles = place_labels(
            positions,
            np.array([(box.width, box.height) for box in boxes]),
            self.ax_.bbox.extents,
            gap=4 * self.figure_.dpi / 72,
            obstacles=np.hstack([pictures - half, pictures + half]),
            clearance=clearance,
        )
        for row, (text, middle) in enumerate(zip(texts, middles, strict=True)):
            if np.isnan(middle[0]):
                text.remove()
            else:
                text.set_position((middle - positions[row]) * 72 / self.figure_.dpi)
                self.texts_.append(text)
        self.text_rows_ = np.flatnonzero(~np.isnan(middles[:, 0]))

    def _is_continuous(self):
        return self.labels is not None and self.labels.dtype.kind == "f"

    def _point_colors(self, groups):
        if self._is_continuous():
            return list(self.scatters_[0].to_rgba(self.labels))
        colors = np.empty(len(self.embedding), dtype=object)
        for group in groups:
            colors[group.rows] = group.color
        return colors


class _Group(NamedTuple):
    """Rows that are drawn alike."""

    name: str | None
    rows: np.ndarray
    color: str
    marker: str


def _group(labels, n_samples):
    """One group per class; a nameless one where there are no classes."""
    if labels is None or labels.dtype.kind == "f":
        return [_Group(None, np.arange(n_samples), COLORS[0], _MARKERS[0])]
    classes, codes = np.unique(labels, return_inverse=True)
    shown = np.arange(len(classes))
    if len(classes) > _MAX_CLASSES:
        by_size = np.argsort(-np.bincount(codes), kind="stable")
        shown = np.sort(by_size[: _MAX_CLASSES - 1])
    groups = []
    for i, code in enumerate(shown):
        color = COLORS[i % len(COLORS)]
        marker = _MARKERS[i // len(COLORS)]
        rows = np.flatnonzero(codes == code)
        groups.append(_Group(str(classes[code]), rows, color, marker))
    if len(shown) < len(classes):
        rows = np.flatnonzero(~np.isin(codes, shown))
        name = f"others ({len(classes) - len(shown)} classes)"
        groups.append(_Group(name, rows, _OTHERS_COLOR, _MARKERS[0]))
    return groups


def _as_strip(embedding, groups):
    """One row per group, its points spread evenly over the height of the row."""
    height = np.empty(len(embedding))
    for i, group in enumerate(groups):
        # Multiples of the golden ratio fill the unit interval evenly.
        steps = np.arange(1, len(group.rows) + 1) * _GOLDEN_RATIO % 1
        height[group.rows] = i + 0.6 * (steps - 0.5)
    return np.column_stack([embedding[:, 0], height])


def _box_aspect(points, groups, equal_scale, strip):
    """Height of the axes over their width."""
    if strip:
        return float(np.clip(0.06 + 0.08 * len(groups), 0.25, 2))
    width, height = np.ptp(points, axis=0)
    if not equal_scale or width == 0 or height == 0:
        return 0.75
    return float(np.clip(height / width, 0.6, 1.1))


def _figure_size(groups, box_aspect, strip):
    """Inches for axes five inches wide, with their legend or row names beside them."""
    longest = max(len(group.name or "") for group in groups)
    n_columns = 1 if strip else _legend_columns(groups, 5 * box_aspect)
    beside = n_columns * (0.4 + 0.08 * min(longest, 30))
    return (5.7 + beside, 5 * box_aspect + 0.8)


def _legend_columns(groups, height):
    """Columns of a legend that is not higher than that many inches, with its title."""
    n_rows = max(int(height / _LEGEND_ROW_INCHES) - 1, 4)
    return -(-len(groups) // n_rows)


def _check_embedding(Z):
    """The embedding as a finite 2-D array or CSR matrix, and its column names."""
    names = [str(name) for name in Z.columns] if hasattr(Z, "columns") else None
    Z = check_array(
        Z,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        ensure_min_samples=0,
        ensure_min_features=0,
        input_name="embedding",
    )
    if Z.ndim == 1:
        Z = Z.reshape(-1, 1)
    if Z.ndim != 2 or 0 in Z.shape:
        raise ValueError(
            "an embedding to draw has one row per point and at least one column; got "
            f"shape {Z.shape}"
        )
    bad = ~np.isfinite(Z.data if issparse(Z) else Z)
    if bad.any():
        rows = np.unique(Z.tocoo().row[bad] if issparse(Z) else np.nonzero(bad)[0])
        raise ValueError(
            f"the embedding has NaN or infinite values in {len(rows)} of "
            f"{Z.shape[0]} rows, the first in row {rows[0]}; leave these rows out"
        )
    return Z, names


def _check_labels(labels, n_samples):
    """Labels as floats where they are continuous, as anything else for classes."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels.ravel()
    if labels.ndim != 1:
        raise ValueError(
            f"labels must be one value per row; got an array of shape {labels.shape}"
        )
    _check_length("labels", labels, n_samples)
    missing = [i for i, label in enumerate(labels.tolist()) if _is_missing(label)]
    if missing:
        raise ValueError(
            f"labels has {len(missing)} missing or infinite values, the first in row "
            f"{missing[0]}; name them as a class, or leave these rows out"
        )
    if labels.dtype.kind == "f":
        values = np.unique(labels)
        whole = (values == np.rint(values)).all()
        return labels.astype(int if whole and len(values) <= 10 else float)
    try:
        np.unique(labels)
    except TypeError:  # values of several types, which have no order
        labels = labels.astype(str)
    return labels


def _is_missing(label):
    if isinstance(label, float):
        return not np.isfinite(label)
    return label is None or type(label).__name__ in ("NAType", "NaTType")


def _check_texts(texts, n_samples):
    if isinstance(texts, str):
        raise ValueError("texts must be one string per row, not a single string")
    texts = ["" if _is_missing(text) else str(text) for text in texts]
    _check_length("texts", texts, n_samples)
    return texts


def _check_thumbnails(thumbnails, n_samples):
    thumbnails = check_images(thumbnails, "thumbnails")
    _check_length("thumbnails", thumbnails, n_samples)
    check_finite(thumbnails, "thumbnails")
    if thumbnails.ndim == 4 and thumbnails.dtype != np.uint8:
        low, high = thumbnails.min(), thumbnails.max()
        if low < 0 or high > 1:
            raise ValueError(
                "thumbnails in colour must be uint8 or floats in [0, 1]; the values "
                f"range from {low:.4g} to {high:.4g}"
            )
        thumbnails = thumbnails.astype(float)
    return thumbnails


def _check_length(what, values, n_samples):
    if len(values) != n_samples:
        raise ValueError(
            f"{what} has {len(values)} values for the {n_samples} rows of the embedding"
        )


def _reduce(Z, reduce, random_state, names):
    """At most two columns, what they are, and whether their units are equal."""
    n_samples, n_columns = Z.shape
    known = reduce is None or (
        reduce in ("auto", "pca", "tsne")
        if isinstance(reduce, str)
        else hasattr(reduce, "fit_transform")
    )
    if not known:
        raise ValueError(
            "reduce must be 'auto', 'pca', 'tsne', None or a transformer with "
            f"fit_transform; got {reduce!r}"
        )
    if n_columns == 1 or reduce is None or (reduce == "auto" and n_columns == 2):
        if n_columns > 2:
            raise ValueError(
                f"the embedding has {n_columns} columns and reduce=None draws at most "
                "two; pass reduce='pca' or 'tsne', or two columns to "
                "EmbeddingDisplay.from_embedding"
            )
        return dense(Z), names, False
    if n_samples < 2:
        raise ValueError(
            f"reducing {n_columns} columns to two needs at least two rows; got one"
        )
    random_state = own_seed(random_state)
    if not isinstance(reduce, str):
        return _reduce_by(reduce, Z, random_state)
    if not _varies(Z):
        labels = ["PC 1", "PC 2"] if reduce != "tsne" else ["t-SNE 1", "t-SNE 2"]
        return np.zeros((n_samples, 2)), labels, True
    if reduce == "tsne":
        return _tsne(Z, random_state), ["t-SNE 1", "t-SNE 2"], True
    points, shares = _pca(Z, 2, random_state)
    labels = [f"PC {i + 1}{_in_brackets(share)}" for i, share in enumerate(shares)]
    return points, labels, True


def _reduce_by(transformer, Z, random_state):
    transformer = clone(transformer)
    params = transformer.get_params()
    if "random_state" in params and params["random_state"] is None:
        transformer.set_params(random_state=random_state)
    points, names = _check_embedding(transformer.fit_transform(Z))
    if points.shape[1] > 2:
        raise ValueError(
            f"{type(transformer).__name__} given as reduce gives {points.shape[1]} "
            "columns; it must give one or two"
        )
    if names is None:
        name = type(transformer).__name__
        names = [f"{name} {i + 1}" for i in range(points.shape[1])]
    return dense(points), names, True


def _pca(Z, n_components, random_state):
    solver = "auto"
    if issparse(Z):
        if n_components < min(Z.shape):
            solver = "arpack"
        else:
            Z = Z.toarray()
    pca = PCA(n_components, svd_solver=solver, random_state=random_state)
    pca.set_output(transform="default")
    return pca.fit_transform(Z), pca.explained_variance_ratio_


def _tsne(Z, random_state):
    if Z.shape[1] > _MAX_TSNE_COLUMNS:
        # t-SNE's advice: noise and cost fall when the distances come from few columns.
        n_components = np.clip(Z.shape[0] - 1, 2, _MAX_TSNE_COLUMNS)
        Z, _ = _pca(Z, n_components, random_state)
    Z = dense(Z)
    tsne = TSNE(
        perplexity=min(30.0, (len(Z) - 1) / 3) if len(Z) > 3 else 1.0,
        init="pca",
        random_state=random_state,
    )
    tsne.set_output(transform="default")
    return tsne.fit_transform(Z)


def _varies(Z):
    if issparse(Z):
        return (Z.max(axis=0) - Z.min(axis=0)).nnz > 0
    return bool(np.ptp(Z, axis=0).any())


def _with_shares(names, estimator):
    """Names with the share of the variance, where the estimator tells it."""
    shares = getattr(last_step(estimator), "explained_variance_ratio_", None)
    if names is None or shares is None or len(shares) != len(names):
        return names
    return [
        f"{name}{_in_brackets(share)}"
        for name, share in zip(names, shares, strict=True)
    ]


def _in_brackets(share):
    return f" ({100 * share:.{0 if share >= 0.01 else 1}f} %)"


def _series_name(labels):
    name = getattr(labels, "name", None)
    return str(name) if name not in (None, "") else None
