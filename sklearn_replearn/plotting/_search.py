"""What an index of embeddings finds for texts, and sums of them."""

import numpy as np

from sklearn_replearn._counts import check_count
from sklearn_replearn.plotting._estimators import display_name, own_image_shape
from sklearn_replearn.plotting._images import (
    check_limits,
    check_samples,
    choose_limits,
    natural_limits,
)
from sklearn_replearn.plotting._matplotlib import set_title
from sklearn_replearn.plotting._strips import check_names, draw_labeled_mosaic


class SearchDisplay:
    """Queries in words, a row each, and beside them the images that were found.

    It is recommended to use :meth:`from_index`.

    Parameters
    ----------
    found : array-like of shape (n_queries, n_found, height, width) or \
            (n_queries, n_found, height, width, n_channels)
        The images, the nearest first.
    queries : list of str
        What is written at the left of each row.
    values : array-like of shape (n_queries, n_found), default=None
        What is written below each image, such as its cosine with the query.
    estimator_name : str, default=None
        Name of the embedder, for the title.

    Attributes
    ----------
    positions : ndarray of int of shape (n_queries, n_found) or None
        Which items were found, with :meth:`from_index`.
    image_ : matplotlib AxesImage
        The mosaic of images.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When there is no query or nothing found, when values are not finite numbers, or
        when shapes do not agree.

    See Also
    --------
    RetrievalDisplay : Rows as queries, with right and wrong neighbors.
    sklearn_replearn.retrieval.EmbeddingIndex : Searches.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn_replearn.multiview import CLIP
    >>> from sklearn_replearn.plotting import SearchDisplay
    >>> from sklearn_replearn.retrieval import EmbeddingIndex
    >>> images, digits = load_digits(return_X_y=True)
    >>> captions = [f"{'odd' if d % 2 else 'even'} {'abcdefghij'[d]}" for d in digits]
    >>> model = CLIP(16, max_epochs=10, tokenizer=str.split, random_state=0)
    >>> model = model.fit(images[:600], captions[:600], groups=digits[:600])
    >>> index = EmbeddingIndex(FrozenEstimator(model)).fit(images[600:])
    >>> display = SearchDisplay.from_index(
    ...     index, ["odd", ["even", "c"]], images[600:], topn=6, image_shape=(8, 8)
    ... )
    >>> display.queries
    ['odd', 'even + c']
    >>> display.positions.shape
    (2, 6)
    """

    def __init__(self, found, queries, *, values=None, estimator_name=None):
        found = np.asarray(found)
        if found.ndim < 4 or 0 in found.shape:
            raise ValueError(
                "found must hold at least one image for each query, in shape "
                "(n_queries, n_found, height, width), with or without channels; got "
                f"shape {found.shape}"
            )
        flat = check_samples(found.reshape(-1, *found.shape[2:]), "found")
        self.found = flat.reshape(*found.shape[:2], *flat.shape[1:])
        self.queries = check_names("queries", queries, len(found), "row of found")
        self.values = None if values is None else np.asarray(values, dtype=float)
        if self.values is not None and self.values.shape != found.shape[:2]:
            raise ValueError(
                f"values has shape {self.values.shape}, but found has "
                f"{found.shape[:2]} images"
            )
        self.estimator_name = estimator_name
        self.positions = None

    @classmethod
    def from_index(
        cls,
        index,
        queries,
        items,
        *,
        topn=8,
        view="auto",
        image_shape=None,
        show_values=False,
        name=None,
        ax=None,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Search for each query, and draw the items found.

        Parameters
        ----------
        index : EmbeddingIndex
            Fitted on the items.
        queries : list
            Each is what :meth:`~sklearn_replearn.retrieval.EmbeddingIndex.search` takes
            as `positive`: a text, the position of an item, or a list of these, whose
            vectors are added, also with weights: ``["cat", ("dog", -1.0)]``.
        items : array-like of shape (n_items, height, width), \
                (n_items, height, width, n_channels) or (n_items, n_features)
            What is drawn of each item, in the order of the index.
        topn : int, default=8
            How many items to draw for each query.
        view : {"auto", "x", "y"}, default="auto"
            View of the queries, as in `search`.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the image in each row of `items`.
            `None` takes the embedder's own `image_shape` where it has one.
        show_values : bool, default=False
            Whether to write cosines, distances or inner products below the images.
        name : str, default=None
            Name for the title. `None` takes the embedder's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        vmin, vmax : float, default=None
            What is drawn as black and as white. `None` takes the range of what is
            drawn, and 0 to 255 for uint8.
        cmap : str or matplotlib Colormap, default=None
            Colors of gray values. `None` is "gray".

        Returns
        -------
        display : SearchDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            When there is no query, a query has no vector, or items are no images or
            not those of the index.
        """
        check_count("topn", topn)
        embedder = getattr(index, "embedder_", None)
        if image_shape is None and np.ndim(items) <= 2:
            image_shape = own_image_shape(embedder)
        items = check_samples(items, "items", image_shape)
        if items.ndim < 3:
            raise ValueError(
                f"items has shape {items.shape}, which are rows; pass images, or "
                "image_shape"
            )
        if isinstance(queries, str) or not len(queries):
            raise ValueError(f"queries must be a list of at least one; got {queries!r}")
        found = [index.search(query, topn=topn, view=view) for query in queries]
        if len(items) != index.n_samples_fit_:
            raise ValueError(
                f"items has {len(items)} rows, but the index {index.n_samples_fit_} "
                "items; pass what it was fitted on"
            )
        n_found = min(map(len, found))
        positions, values = (
            np.array([[pair[part] for pair in pairs[:n_found]] for pairs in found])
            for part in (0, 1)
        )
        display = cls(
            items[positions],
            [_as_text(query) for query in queries],
            values=values if show_values else None,
            estimator_name=None if embedder is None else display_name(embedder, name),
        )
        display.positions = positions
        return display.plot(ax=ax, vmin=vmin, vmax=vmax, cmap=cmap)

    def plot(self, ax=None, *, name=None, vmin=None, vmax=None, cmap=None):
        """Draw the images found for each query.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        vmin, vmax : float, default=None
            What is drawn as black and as white. `None` takes the range of what is
            drawn, and 0 to 255 for uint8.
        cmap : str or matplotlib Colormap, default=None
            Colors of gray values. `None` is "gray".

        Returns
        -------
        display : SearchDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When `vmin` is not below `vmax`.
        """
        check_limits(vmin, vmax)
        flat = self.found.reshape(-1, *self.found.shape[2:])
        texts = None
        if self.values is not None:
            texts = [[f"{value:.2f}" for value in row] for row in self.values]
        self.figure_, self.ax_, self.image_ = draw_labeled_mosaic(
            ax,
            [*self.found],
            choose_limits(natural_limits(flat), vmin, vmax),
            caller="SearchDisplay.plot",
            row_labels=self.queries,
            cmap=cmap,
            texts=texts,
        )
        set_title(self.ax_, name, self.estimator_name)
        return self


def _as_text(query):
    """A query as people write it: ``cat + heart − red``."""
    parts = query if isinstance(query, list) else [query]
    written = ""
    for number, part in enumerate(parts):
        part, weight = part if isinstance(part, tuple) else (part, 1.0)
        sign = "\N{MINUS SIGN} " if weight < 0 else "+ " if number else ""
        factor = "" if abs(weight) == 1 else f"{abs(weight):g} "
        if isinstance(part, int | np.integer):
            part = f"item {part}"
        elif not isinstance(part, str):
            part = "query"
        written += f" {sign}{factor}{part}"
    return written.strip()
