"""Scatter plot of an embedding, with classes, words or pictures on the points."""

from numbers import Real

import numpy as np
from sklearn.preprocessing import normalize

from sklearn_replearn._containers import dense
from sklearn_replearn._second_view import two_view_step
from sklearn_replearn.plotting._embedding_input import (
    check_embedding,
    check_labels,
    check_texts,
    check_thumbnails,
    series_name,
)
from sklearn_replearn.plotting._estimators import (
    display_name,
    output_names,
    require_transform,
)
from sklearn_replearn.plotting._matplotlib import figure_and_axes
from sklearn_replearn.plotting._point_groups import (
    as_strip,
    aspect_of_box,
    figure_size,
    group_points,
)
from sklearn_replearn.plotting._reduction import to_two_columns, with_shares
from sklearn_replearn.plotting._scatter import (
    colors_of_points,
    draw_colorbar,
    draw_legend,
    draw_points,
    draw_texts,
    draw_thumbnails,
    fix_aspect,
    name_axes,
    set_limits,
)


class EmbeddingDisplay:
    """Scatter plot of an embedding in one or two dimensions.

    Points are colored by label and can carry words or thumbnails. It is recommended
    to use :meth:`from_estimator` or :meth:`from_embedding`, which reduce wider
    embeddings to two dimensions.

    Parameters
    ----------
    embedding : array-like of shape (n_samples, 1) or (n_samples, 2)
        The points. One column is drawn as a strip, with a row for each class.
    labels : array-like of shape (n_samples,), default=None
        What colors the points. Floats are continuous and get a color bar, unless
        they are at most ten different whole numbers; everything else names classes
        and gets a legend. More than ten classes differ in marker too; beyond fifty,
        the smallest are drawn together as others.
    texts : sequence of str of length n_samples, default=None
        Words to write beside the points. Those for which there is no room without
        covering another are left out, the first rows being served first.
    thumbnails : array-like of shape (n_samples, height, width) or \
            (n_samples, height, width, n_channels), default=None
        Pictures to draw on the points: gray values of any range, or 1, 3 or 4
        channels of uint8 or of floats in [0, 1]. Only pictures that do not overlap
        are drawn; the other points stay dots. A list may have ``None`` for points
        without a picture.
    axis_labels : sequence of str, default=None
        What each column is.
    label_name : str, default=None
        What the labels are: the title of the legend or of the color bar.
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
        The color bar of continuous labels.
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
    sklearn.manifold.TSNE : t-distributed stochastic neighbor embedding.

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
        Z, names = check_embedding(embedding)
        if Z.shape[1] > 2:
            raise ValueError(
                f"a display draws one or two columns; got {Z.shape[1]}; "
                "EmbeddingDisplay.from_embedding reduces them"
            )
        self.embedding = dense(Z)
        n_samples = len(self.embedding)
        self.labels = None if labels is None else check_labels(labels, n_samples)
        self.texts = None if texts is None else check_texts(texts, n_samples)
        self.thumbnails, self._pictured = None, np.arange(n_samples)
        if thumbnails is not None:
            self.thumbnails, self._pictured = check_thumbnails(thumbnails, n_samples)
        if axis_labels is None:
            axis_labels = names or [f"dimension {i + 1}" for i in range(Z.shape[1])]
        self.axis_labels = list(axis_labels)
        if len(self.axis_labels) != Z.shape[1]:
            raise ValueError(
                f"axis_labels has {len(self.axis_labels)} names for "
                f"{Z.shape[1]} columns"
            )
        self.label_name = series_name(labels) if label_name is None else label_name
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
            What colors the points: classes, or floats for a continuous scale.
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
            Color map of continuous labels. `None` is "viridis".
        legend : bool, default=True
            Whether to draw the legend or the color bar.
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
        require_transform(estimator, "EmbeddingDisplay.from_embedding")
        Z = estimator.transform(X)
        Z, names = check_embedding(Z)
        if names is None:
            names = output_names(estimator, Z.shape[1])
        points, axis_labels, equal_scale = to_two_columns(
            Z, reduce, random_state, with_shares(names, estimator)
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
            What colors the points: classes, or floats for a continuous scale.
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
            Color map of continuous labels. `None` is "viridis".
        legend : bool, default=True
            Whether to draw the legend or the color bar.
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
        Z, names = check_embedding(Z)
        points, axis_labels, equal_scale = to_two_columns(
            Z, reduce, random_state, names
        )
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

    @classmethod
    def from_two_views(
        cls,
        estimator,
        X,
        y,
        *,
        reduce="auto",
        texts=None,
        thumbnails=None,
        view_names=("X", "y"),
        random_state=0,
        name=None,
        ax=None,
        point_size=None,
        legend=True,
        thumbnail_size=0.07,
    ):
        """Draw both views of some data in one map, as directions: by cosines.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted embedder of two views, such as
            :class:`~sklearn_replearn.multiview.CLIP`.
        X, y : what its `transform` and `transform_y` take
            The two views. They may be of other rows, in any numbers.
        reduce : {"auto", "pca", "tsne"}, transformer or None, default="auto"
            How to come from more than two columns to two, as in
            :meth:`from_estimator`.
        texts : sequence of str, default=None
            Words to write beside the points of `y`. `None` takes `y` itself if it holds
            strings.
        thumbnails : array-like of shape (n_samples, height, width) or \
                (n_samples, height, width, n_channels), default=None
            Pictures to draw on the points of `X`.
        view_names : tuple of (str, str), default=("X", "y")
            What the views are, for the legend.
        random_state : int, RandomState instance or None, default=0
            Seed of the reduction.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        point_size : float, default=None
            Area of a point in square points. `None` depends on the number of points.
        legend : bool, default=True
            Whether to draw the legend.
        thumbnail_size : float, default=0.07
            Longer side of a thumbnail as a share of the width of the axes.

        Returns
        -------
        display : EmbeddingDisplay
            The display, drawn. Points of `X` come first.

        Raises
        ------
        TypeError
            When the estimator has no `transform` or no `transform_y`.
        ValueError
            When what is drawn is empty, not finite, or does not match in length.
        """
        require_transform(estimator, "EmbeddingDisplay.from_embedding")
        step = two_view_step(estimator)
        if step is None:
            raise TypeError(
                f"{type(estimator).__name__} has no transform_y; give an embedder of "
                "two views, such as CLIP"
            )
        views = [estimator.transform(X), step.transform_y(y)]
        views = [normalize(check_embedding(Z)[0]) for Z in views]
        n_first, n_second = map(len, views)
        if texts is None and all(isinstance(text, str) for text in y):
            texts = y
        if texts is not None:
            texts = [""] * n_first + list(texts)
        if thumbnails is not None:
            thumbnails = [*np.asarray(thumbnails), *[None] * n_second]
        first, second = view_names
        return cls.from_embedding(
            np.vstack(views),
            [first] * n_first + [second] * n_second,
            reduce=reduce,
            texts=texts,
            thumbnails=thumbnails,
            random_state=random_state,
            name=display_name(estimator, name),
            ax=ax,
            point_size=point_size,
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
        the given axes are narrowed to make room, as for a color bar.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        point_size : float, default=None
            Area of a point in square points. `None` depends on the number of points.
        cmap : str or matplotlib Colormap, default=None
            Color map of continuous labels. `None` is "viridis".
        legend : bool, default=True
            Whether to draw the legend or the color bar.
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
        groups = group_points(self.labels, len(self.embedding))
        strip = self.embedding.shape[1] == 1
        points = as_strip(self.embedding, groups) if strip else self.embedding
        box_aspect = aspect_of_box(points, groups, self.equal_scale, strip)
        self.figure_, self.ax_ = figure_and_axes(
            ax,
            caller="EmbeddingDisplay.plot",
            figsize=figure_size(groups, box_aspect, strip),
        )
        numbers = None
        if self.labels is not None and self.labels.dtype.kind == "f":
            numbers = self.labels
        self.scatters_ = draw_points(
            self.ax_, points, groups, numbers, point_size, cmap
        )
        picture_size = set_limits(
            self.ax_, self.thumbnails, thumbnail_size, box_aspect, self.equal_scale
        )
        name_axes(
            self.ax_,
            groups,
            self.axis_labels,
            self.label_name,
            self.estimator_name if name is None else name,
        )
        colors = colors_of_points(groups, numbers, self.scatters_)
        texts = enumerate(self.texts or ())
        of_words = {row for row, text in texts if text} - {*self._pictured}
        self.thumbnails_, drawn = draw_thumbnails(
            self.ax_,
            self.thumbnails,
            points[self._pictured],
            [colors[row] for row in self._pictured],
            picture_size,
            points[sorted(of_words)],
        )
        self.thumbnail_rows_ = self._pictured[drawn]
        if self.equal_scale or self.thumbnails is not None:
            fix_aspect(self.ax_, box_aspect, self.equal_scale)
        self.legend_ = self.colorbar_ = None
        if legend and numbers is not None:
            self.colorbar_ = draw_colorbar(self.ax_, self.scatters_[0], self.label_name)
        elif legend and groups[0].name is not None and not strip:
            self.legend_ = draw_legend(
                self.ax_, self.scatters_, groups, self.label_name
            )
        self.texts_, self.text_rows_ = draw_texts(
            self.ax_, self.texts, points, self.thumbnail_rows_, picture_size
        )
        return self
