"""Queries beside their nearest neighbours, right or wrong."""

import numpy as np

from sklearn_replearn._containers import dense, row_count, take_rows
from sklearn_replearn._counts import check_count
from sklearn_replearn._exact_order import nearest_rows
from sklearn_replearn._missing import is_missing
from sklearn_replearn.plotting._estimators import (
    display_name,
    draw_rows,
    encode,
    own_image_shape,
    require_transform,
)
from sklearn_replearn.plotting._filters import grid_panels
from sklearn_replearn.plotting._images import (
    as_floats,
    check_finite,
    check_limits,
    check_samples,
    choose_limits,
    natural_limits,
)
from sklearn_replearn.plotting._matplotlib import COLORS, figure_and_axes, set_title
from sklearn_replearn.plotting._strips import (
    draw_mosaic,
    label_columns,
    line_marker,
    mosaic_size,
)

_RIGHT, _WRONG = COLORS[0], COLORS[6]  # blue and orange
_QUERY_COLOR, _PLAIN_COLOR = "#222222", "#c0c0c0"
_FRAME_POINTS = 2.5
_LETTER_WIDTH = 0.6  # of the font size
_LARGEST_FONT, _SMALLEST_FONT = 9.0, 6.0
_PANEL_INCHES = (1.05, 0.85)


class RetrievalDisplay:
    """Queries, a row each, and beside them their nearest neighbours.

    A neighbour of the query's class has a blue frame, one of another class an orange
    frame and a cross. Images are drawn as such, other rows as curves over the features.
    It is recommended to use :meth:`from_estimator` or :meth:`from_embedding`.

    Parameters
    ----------
    queries : array-like of shape (n_queries, height, width), \
            (n_queries, height, width, n_channels) or (n_queries, n_features)
        The queries. Images are grey or have 1, 3 or 4 channels.
    neighbors : array-like of shape (n_queries, n_neighbors, ...)
        The neighbours of each, the nearest first, each in the shape of a query.
    labels : array-like of shape (n_queries,), default=None
        Class of each query.
    neighbor_labels : array-like of shape (n_queries, n_neighbors), default=None
        Class of each neighbour.
    image_shape : tuple of (int, int) or (int, int, int), default=None
        Height, width and number of channels of the image in each flat query or
        neighbour. `None` draws rows as curves.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    right_ : ndarray of bool of shape (n_queries, n_neighbors) or None
        Whether neighbours have the class of the query; `None` without labels.
    query_rows : ndarray of shape (n_queries,) or None
        The rows of the data that the queries are, where a class method chose them.
    neighbor_rows : ndarray of shape (n_queries, n_neighbors) or None
        The rows of the gallery, or of the data without one, that the neighbours are.
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    panels_ : list of matplotlib Axes
        The panels of curves, row by row; empty for images.
    frames_ : list of matplotlib Rectangle
        The frames of the neighbours, row by row; empty for curves, whose panels are
        framed.
    legend_ : matplotlib Legend or None
        What the colours of the frames are.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When there is no query or no neighbour, when values are not finite numbers, or
        when shapes or labels do not agree.

    See Also
    --------
    EmbeddingDisplay : All vectors as a scatter plot.
    sklearn_replearn.metrics.mean_average_precision_at_r : The same as a number.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_replearn.decomposition import ScaledPCA
    >>> from sklearn_replearn.plotting import RetrievalDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> pca = ScaledPCA(8, with_std=False).fit(X[:1000])
    >>> display = RetrievalDisplay.from_estimator(
    ...     pca, X[1000:], y[1000:], image_shape=(8, 8), n_queries=3, n_neighbors=6
    ... )
    >>> display.right_.shape
    (3, 6)
    """

    def __init__(
        self,
        queries,
        neighbors,
        *,
        labels=None,
        neighbor_labels=None,
        image_shape=None,
        estimator_name=None,
    ):
        self.queries = check_samples(queries, "queries", image_shape)
        self.neighbors = _check_neighbors(neighbors, self.queries, image_shape)
        self.labels, self.neighbor_labels = _check_both_labels(
            labels, neighbor_labels, self.neighbors.shape[:2]
        )
        self.right_ = None
        if self.labels is not None:
            self.right_ = self.neighbor_labels == self.labels[:, np.newaxis]
            self.right_ = self.right_.astype(bool)
        self.estimator_name = estimator_name
        self.query_rows = self.neighbor_rows = None

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        X_gallery=None,
        y_gallery=None,
        n_queries=5,
        n_neighbors=8,
        rows=None,
        metric="euclidean",
        image_shape=None,
        random_state=0,
        name=None,
        ax=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Embed data by a fitted estimator, and draw the neighbours of some rows.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted transformer; its `transform` is called on `X` and `X_gallery`.
        X : array-like or sparse matrix of shape (n_samples, n_features), or images
            The data, as the estimator takes them.
        y : array-like of shape (n_samples,), default=None
            Class of each row. `None` draws frames of one colour.
        X_gallery : same as X, default=None
            Where to look the queries up. `None` looks among the other rows of `X`.
        y_gallery : array-like of shape (n_gallery,), default=None
            Class of each row of the gallery.
        n_queries : int, default=5
            How many rows of `X` to draw at most, chosen at random.
        n_neighbors : int, default=8
            How many neighbours of each to draw at most.
        rows : array-like of int, default=None
            Numbers of the rows of `X` to draw, instead of `n_queries` at random.
        metric : {"euclidean", "cosine"}, default="euclidean"
            Distance between embeddings.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the image in each row of `X`.
            `None` takes the estimator's own `image_shape` where it has one, and else
            draws rows as curves.
        random_state : int, RandomState instance or None, default=0
            Seed of the choice of queries. `None` gives others each time; numpy's
            global generator is not used.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the curves. `None`
            takes the range of what is drawn, and 0 to 255 for uint8.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : RetrievalDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When the estimator has no `transform`.
        ValueError
            When what is given differs in length, or cannot be drawn.
        """
        require_transform(estimator, "RetrievalDisplay.from_embedding")
        if image_shape is None and np.ndim(X) <= 2:
            image_shape = own_image_shape(estimator)
        return cls.from_embedding(
            encode(estimator, X),
            X,
            y,
            Z_gallery=None if X_gallery is None else encode(estimator, X_gallery),
            X_gallery=X_gallery,
            y_gallery=y_gallery,
            n_queries=n_queries,
            n_neighbors=n_neighbors,
            rows=rows,
            metric=metric,
            image_shape=image_shape,
            random_state=random_state,
            name=display_name(estimator, name),
            ax=ax,
            vmin=vmin,
            vmax=vmax,
            cmap=cmap,
        )

    @classmethod
    def from_embedding(
        cls,
        Z,
        X,
        y=None,
        *,
        Z_gallery=None,
        X_gallery=None,
        y_gallery=None,
        n_queries=5,
        n_neighbors=8,
        rows=None,
        metric="euclidean",
        image_shape=None,
        random_state=0,
        name=None,
        ax=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw the neighbours of some rows by vectors that are already there.

        Parameters
        ----------
        Z : {array-like, sparse matrix} of shape (n_samples, n_components)
            The vectors.
        X : array-like or sparse matrix of shape (n_samples, n_features), or images
            What is drawn of each.
        y : array-like of shape (n_samples,), default=None
            Class of each row. `None` draws frames of one colour.
        Z_gallery : {array-like, sparse matrix} of shape (n_gallery, n_components), \
                default=None
            The vectors among which the queries are looked up. `None` looks among the
            other rows of `Z`.
        X_gallery : same as X, default=None
            What is drawn of each row of the gallery.
        y_gallery : array-like of shape (n_gallery,), default=None
            Class of each row of the gallery.
        n_queries : int, default=5
            How many rows to draw at most, chosen at random.
        n_neighbors : int, default=8
            How many neighbours of each to draw at most.
        rows : array-like of int, default=None
            Numbers of the rows to draw, instead of `n_queries` at random.
        metric : {"euclidean", "cosine"}, default="euclidean"
            Distance between vectors. A row of zeros has the cosine 0 with every other.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the image in each row of `X`.
            `None` draws rows as curves.
        random_state : int, RandomState instance or None, default=0
            Seed of the choice of queries.
        name : str, default=None
            The title.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the curves. `None`
            takes the range of what is drawn, and 0 to 255 for uint8.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : RetrievalDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            When what is given differs in length, or cannot be drawn.
        """
        check_count("n_queries", n_queries)
        check_count("n_neighbors", n_neighbors)
        _check_metric(metric)
        Z, y = _check_table(Z, X, y, "Z", "X", "y")
        rows = _choose_rows(rows, len(Z), n_queries, random_state)
        own = None
        _check_gallery(Z_gallery, X_gallery, y, y_gallery)
        if Z_gallery is None:
            Z_gallery, X_gallery, y_gallery, own = Z, X, y, rows
            if len(Z) < 2:
                raise ValueError("X has one row, and so no neighbours")
        else:
            names = ("Z_gallery", "X_gallery", "y_gallery")
            Z_gallery, y_gallery = _check_table(Z_gallery, X_gallery, y_gallery, *names)
        if Z.shape[1] != Z_gallery.shape[1]:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but Z_gallery has {Z_gallery.shape[1]}; "
                "both must come from the same embedding"
            )
        labels = None if y is None else y[rows]
        right = np.zeros((len(rows), len(Z_gallery)), dtype=bool)
        if labels is not None:
            right = (y_gallery == labels[:, np.newaxis]).astype(bool)
        nearest = nearest_rows(Z[rows], Z_gallery, metric, n_neighbors, own, right)
        pictures = np.asarray(dense(take_rows(X_gallery, nearest.ravel())))
        display = cls(
            take_rows(X, rows),
            pictures.reshape(*nearest.shape, *pictures.shape[1:]),
            labels=labels,
            neighbor_labels=None if y is None else y_gallery[nearest],
            image_shape=image_shape,
            estimator_name=name,
        )
        display.query_rows, display.neighbor_rows = rows, nearest
        return display.plot(ax=ax, vmin=vmin, vmax=vmax, cmap=cmap)

    def plot(self, ax=None, *, name=None, vmin=None, vmax=None, cmap=None):
        """Draw the queries and their neighbours.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the curves. `None`
            takes the range of what is drawn, and 0 to 255 for uint8.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : RetrievalDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When `vmin` is not below `vmax`.
        """
        check_limits(vmin, vmax)
        pictures = np.concatenate([self.queries[:, np.newaxis], self.neighbors], axis=1)
        flat = pictures.reshape(-1, *pictures.shape[2:])
        limits = choose_limits(natural_limits(flat), vmin, vmax)
        self.image_, self.panels_, self.frames_ = None, [], []
        if self.queries.ndim > 2:
            self._draw_images(ax, pictures, limits, cmap)
        else:
            self._draw_curves(ax, pictures, limits)
        self.legend_ = self._draw_legend()
        set_title(self.ax_, name, self.estimator_name)
        return self

    def _draw_images(self, ax, pictures, limits, cmap):
        n_rows, n_columns = pictures.shape[:2]
        n_texts = 0 if self.labels is None else n_rows
        size = mosaic_size(
            n_rows, n_columns, pictures.shape[2:], n_texts=n_texts, n_captions=4
        )
        self.figure_, self.ax_ = figure_and_axes(
            ax, caller="RetrievalDisplay.plot", figsize=size
        )
        room = None if self.labels is None else [[""] * n_columns] * n_rows
        mosaic = draw_mosaic(self.ax_, [*pictures], limits, cmap=cmap, texts=room)
        self.image_ = mosaic.image
        self.ax_.set_yticks([])
        label_columns(self.ax_, mosaic, _column_names(n_columns))
        height, width = pictures.shape[2:4]
        for i, middle in enumerate(mosaic.rows):
            for j, column in enumerate(mosaic.columns[1:]):
                corner = (column - width / 2, middle - height / 2)
                self._frame(i, j, corner, width, height, mosaic.tile_points)
        if self.labels is not None:
            self._write_labels(mosaic)

    def _frame(self, i, j, corner, width, height, tile_points):
        """Frame a neighbour, and cross it if it is wrong."""
        from matplotlib.patches import Rectangle

        frame = Rectangle(
            corner,
            width,
            height,
            fill=False,
            edgecolor=self._color(i, j),
            linewidth=_FRAME_POINTS,
            clip_on=False,
        )
        self.frames_.append(self.ax_.add_patch(frame))
        if self.right_ is not None and not self.right_[i, j]:
            points = float(np.clip(0.16 * tile_points, 5, 14))
            _cross(self.ax_, corner[0] + width, corner[1], points)

    def _write_labels(self, mosaic):
        texts = [
            [label, *others]
            for label, others in zip(self.labels, self.neighbor_labels, strict=True)
        ]
        texts, size = _fit(texts, 1.1 * mosaic.tile_points)
        for i, (below, row) in enumerate(zip(mosaic.below, texts, strict=True)):
            for j, (column, text) in enumerate(zip(mosaic.columns, row, strict=True)):
                self.ax_.text(
                    column,
                    below,
                    text,
                    ha="center",
                    va="center",
                    fontsize=size,
                    color=self._color(i, j - 1),
                    parse_math=False,
                )

    def _draw_curves(self, ax, pictures, limits):
        n_rows, n_columns, n_features = pictures.shape
        width, height = _PANEL_INCHES
        self.figure_, self.ax_ = figure_and_axes(
            ax,
            caller="RetrievalDisplay.plot",
            figsize=(width * n_columns + 0.3, height * n_rows + 1.0),
        )
        self.panels_ = grid_panels(self.ax_, n_rows * n_columns, n_columns)
        margin = 0.05 * (limits[1] - limits[0])
        curves = pictures.reshape(-1, n_features)
        for place, (panel, values) in enumerate(zip(self.panels_, curves, strict=True)):
            i, j = place // n_columns, place % n_columns - 1
            marker = line_marker(n_features)
            panel.plot(values, color=_QUERY_COLOR, linewidth=0.9, **marker)
            panel.set_ylim(limits[0] - margin, limits[1] + margin)
            panel.spines[:].set_color(self._color(i, j))
            panel.spines[:].set_linewidth(0.8 if j < 0 else _FRAME_POINTS)
            if self.right_ is not None and j >= 0 and not self.right_[i, j]:
                _cross(panel, 1, 1, 8, transform=panel.transAxes)
        self._title_panels(n_columns)

    def _title_panels(self, n_columns):
        """Ranks above the first row of panels, and classes below each."""
        for panel, column in zip(self.panels_, _column_names(n_columns), strict=False):
            panel.set_title(column, fontsize="x-small", pad=3)
        if self.labels is None:
            return
        texts = np.column_stack([self.labels, self.neighbor_labels])
        texts, _ = _fit(texts, 72 * _PANEL_INCHES[0])
        labels = [text for row in texts for text in row]
        for place, (panel, text) in enumerate(zip(self.panels_, labels, strict=True)):
            i, j = divmod(place, n_columns)
            panel.set_xlabel(
                text,
                fontsize="x-small",
                labelpad=2,
                color=self._color(i, j - 1),
                parse_math=False,
            )

    def _draw_legend(self):
        if self.right_ is None:
            return None
        from matplotlib.patches import Patch

        kinds = ((True, "same class", _RIGHT), (False, "another class", _WRONG))
        style = {"fill": False, "linewidth": _FRAME_POINTS}
        handles = [
            Patch(edgecolor=color, label=text, **style)
            for right, text, color in kinds
            if right in self.right_
        ]
        return self.ax_.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.05 if self.panels_ else 0),  # below the classes
            ncols=len(handles),
            fontsize="small",
            frameon=False,
        )

    def _color(self, i, j):
        """Colour of a neighbour; the query is at j = -1."""
        if j < 0:
            return _QUERY_COLOR
        if self.right_ is None:
            return _PLAIN_COLOR
        return _RIGHT if self.right_[i, j] else _WRONG


def _column_names(n_columns):
    return ["query", *map(str, range(1, n_columns))]


def _cross(ax, x, y, points, **place):
    """A white cross on an orange disc, of so many points."""
    style = {"clip_on": False, "linestyle": "none", **place}
    ax.plot(
        x, y, "o", color=_WRONG, markersize=points, markeredgewidth=0, zorder=4, **style
    )
    ax.plot(
        x,
        y,
        "x",
        color="white",
        markersize=0.5 * points,
        markeredgewidth=max(1.0, 0.13 * points),
        zorder=5,
        **style,
    )


def _fit(texts, points):
    """Texts cut to a width, and the font size for them."""
    n_letters = max(3, int(points / (_LETTER_WIDTH * _SMALLEST_FONT)))
    texts = [[_cut(str(text), n_letters) for text in row] for row in texts]
    longest = max(1, *(len(text) for row in texts for text in row))
    size = np.clip(points / (_LETTER_WIDTH * longest), _SMALLEST_FONT, _LARGEST_FONT)
    return texts, float(size)


def _cut(text, n_letters):
    return text if len(text) <= n_letters else text[: n_letters - 1].rstrip() + "…"


def _check_neighbors(neighbors, queries, image_shape):
    """Neighbours of each query, in the shape of a query."""
    neighbors = np.asarray(neighbors)
    if neighbors.ndim < 3 or len(neighbors) != len(queries) or neighbors.shape[1] == 0:
        raise ValueError(
            "neighbors must have shape (n_queries, n_neighbors, ...), at least one for "
            f"each of the {len(queries)} queries; got {neighbors.shape}"
        )
    flat = neighbors.reshape(-1, *neighbors.shape[2:])
    flat = check_samples(flat, "neighbors", image_shape)
    if flat.shape[1:] != queries.shape[1:]:
        raise ValueError(
            f"each neighbor has shape {flat.shape[1:]}, but each query has "
            f"{queries.shape[1:]}"
        )
    return flat.reshape(*neighbors.shape[:2], *flat.shape[1:])


def _check_both_labels(labels, neighbor_labels, shape):
    if (labels is None) != (neighbor_labels is None):
        raise ValueError("labels and neighbor_labels go together; pass both or neither")
    if labels is None:
        return None, None
    labels = np.asarray(labels, dtype=object)
    neighbor_labels = np.asarray(neighbor_labels, dtype=object)
    if labels.shape != shape[:1] or neighbor_labels.shape != shape:
        raise ValueError(
            f"there are {shape[0]} queries with {shape[1]} neighbors each, but labels "
            f"has shape {labels.shape} and neighbor_labels {neighbor_labels.shape}"
        )
    return labels, neighbor_labels


def _check_table(Z, X, y, *names):
    """Vectors as floats and classes as objects, one for each row that is drawn."""
    Z_name, X_name, y_name = names
    Z = as_floats(dense(Z), Z_name, "numbers, a row for each sample")
    if Z.ndim != 2 or 0 in Z.shape:
        raise ValueError(
            f"{Z_name} must have a row for each sample; got an array of shape {Z.shape}"
        )
    check_finite(Z, Z_name)
    if row_count(X) != len(Z):
        raise ValueError(
            f"{X_name} has {row_count(X)} rows, but {Z_name} has {len(Z)}; give what "
            "each vector stands for"
        )
    if y is None:
        return Z, None
    y = np.asarray(y, dtype=object)
    if y.shape != (len(Z),):
        raise ValueError(
            f"{y_name} must be one class for each of the {len(Z)} rows; got an array "
            f"of shape {y.shape}"
        )
    for row, label in enumerate(y):
        if is_missing(label):
            raise ValueError(f"{y_name} has a missing label ({label}) in row {row}")
    return Z, y


def _check_gallery(Z_gallery, X_gallery, y, y_gallery):
    if (Z_gallery is None) != (X_gallery is None):
        raise ValueError(
            "Z_gallery and X_gallery go together; pass both, the vectors and what is "
            "drawn of each, or neither"
        )
    if X_gallery is None and y_gallery is not None:
        raise ValueError("y_gallery is given without X_gallery; pass both or neither")
    if X_gallery is not None and (y is None) != (y_gallery is None):
        raise ValueError(
            "y and y_gallery go together: a neighbor is right if both have its class"
        )


def _check_metric(metric):
    if metric not in ("euclidean", "cosine"):
        raise ValueError(f"metric must be 'euclidean' or 'cosine'; got {metric!r}")


def _choose_rows(rows, n_rows, n_queries, random_state):
    if rows is None:
        return draw_rows(n_rows, n_queries, random_state)
    rows = np.asarray(rows)
    if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu":
        raise ValueError(f"rows must be numbers of rows of X; got {rows!r}")
    if rows.min() < 0 or rows.max() >= n_rows:
        raise ValueError(
            f"rows must lie between 0 and {n_rows - 1}; got {rows.min()} to "
            f"{rows.max()}"
        )
    return rows
