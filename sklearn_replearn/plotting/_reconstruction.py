"""What a code keeps: samples beside what is decoded from their codes."""

from collections.abc import Mapping

import numpy as np

from sklearn_replearn._containers import row_count, take_rows
from sklearn_replearn._counts import check_count
from sklearn_replearn.plotting._estimators import (
    display_name,
    draw_rows,
    input_names,
    own_image_shape,
    reconstruct,
)
from sklearn_replearn.plotting._images import (
    check_limits,
    check_samples,
    choose_limits,
    match_shape,
    natural_limits,
    row_errors,
    to_common_unit,
)
from sklearn_replearn.plotting._matplotlib import COLORS, set_title
from sklearn_replearn.plotting._strips import (
    check_names,
    draw_labeled_mosaic,
    line_marker,
    stack_panels,
)

_ORIGINAL_COLOR = "#222222"
_INPUT_COLOR = "#a0a0a0"
_SELECTIONS = ("first", "random", "worst", "best")
_LEGEND_COLUMNS = 4


class ReconstructionDisplay:
    """Samples beside what is decoded from their codes, with the error of each.

    Images are a mosaic: a row of originals and below it the reconstructions. Rows of
    a table or signals are drawn as lines over the features, a panel for each. It is
    recommended to use :meth:`from_estimator`, or :meth:`from_reconstructions` to
    compare several methods.

    Parameters
    ----------
    originals : array-like of shape (n_samples, height, width), \
            (n_samples, height, width, n_channels) or (n_samples, n_features)
        The samples. Images are grey or have 1, 3 or 4 channels.
    reconstructions : array-like of the size of `originals`, or dict of them by name
        What was decoded, flat or in the shape of the originals. A dict holds the
        reconstructions of several methods.
    errors : array-like of shape (n_samples,), or dict of them by name, default=None
        Error of each sample. `None` takes the mean squared difference.
    inputs : array-like of the size of `originals`, default=None
        What was encoded, where that is not the original: noisy or partly masked
        samples. Gets a row of its own.
    image_shape : tuple of (int, int) or (int, int, int), default=None
        Height, width and number of channels of the image in each row of `originals`.
        `None` draws rows as lines.
    labels : array-like of shape (n_samples,), default=None
        What is written at each sample, such as its class.
    feature_names : list of str, default=None
        Names of the features, for lines.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    errors_ : ndarray of shape (n_samples,), or dict of them by name
        Error of each sample.
    rows : ndarray of shape (n_samples,) or None
        The rows of the data that the samples are, where a class method chose them.
    image_ : matplotlib AxesImage or None
        The mosaic of images.
    panels_ : list of matplotlib Axes
        The panels of lines, one per sample; empty for images.
    legend_ : matplotlib Legend or None
        The legend of the lines.
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
    LatentTraversalDisplay : How what is decoded changes with the code.
    LossCurveDisplay : Loss of each epoch.

    Notes
    -----
    All rows have the grey range of the originals: 0 to 255 for uint8, and 0 to 1 for
    colours in that range. What is beyond it is drawn as black or white, so noise does
    not change the contrast. Where the originals are uint8 and what is decoded lies in
    [0, 1], the originals are divided by 255, for the errors too.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_replearn.plotting import ReconstructionDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> pca = PCA(16).fit(X[:1000])
    >>> display = ReconstructionDisplay.from_estimator(
    ...     pca, X[1000:], image_shape=(8, 8), n_samples=5
    ... )
    >>> display.errors_.shape
    (5,)
    """

    def __init__(
        self,
        originals,
        reconstructions,
        *,
        errors=None,
        inputs=None,
        image_shape=None,
        labels=None,
        feature_names=None,
        estimator_name=None,
    ):
        samples = check_samples(originals, "originals", image_shape)
        decoded = _map(lambda z, what: match_shape(z, what, samples), reconstructions)
        if inputs is not None:
            inputs = match_shape(inputs, "inputs", samples)
        self.originals, self.reconstructions, self.inputs = _in_one_unit(
            samples, decoded, inputs
        )
        self._limits = natural_limits(
            samples, as_fractions=self.originals.dtype != samples.dtype
        )
        self._errors_name = "MSE" if errors is None else "error"
        self.errors_ = (
            _errors(self.originals, self.reconstructions)
            if errors is None
            else _check_errors(errors, self.reconstructions)
        )
        self.labels = check_names("labels", labels, len(samples), "sample")
        self.feature_names = feature_names
        self.estimator_name = estimator_name
        self.rows = None

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        inputs=None,
        image_shape=None,
        n_samples=10,
        selection="first",
        random_state=0,
        labels=None,
        name=None,
        ax=None,
        difference=False,
        show_errors=True,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw samples, and what a fitted estimator makes of them.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator with `reconstruct`, or with `transform` and
            `inverse_transform`: an autoencoder, `PCA`, or a
            :class:`~sklearn.pipeline.Pipeline` of such steps.
        X : array-like or sparse matrix of shape (n_samples_X, n_features), or images
            The data, as the estimator takes them.
        inputs : same as X, default=None
            What to reconstruct instead of `X`, such as noisy or partly masked rows.
            The errors are those against `X`.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the image in each row of `X`.
            `None` takes the estimator's own `image_shape` where it has one, and else
            draws rows as lines.
        n_samples : int, default=10
            How many samples to draw at most.
        selection : {"first", "random", "worst", "best"}, default="first"
            Which samples: the first, some drawn at random, or those with the largest
            or the smallest errors. The latter two reconstruct all of `X`.
        random_state : int, RandomState instance or None, default=0
            Seed of the random selection. `None` gives others each time; numpy's
            global generator is not used.
        labels : array-like of shape (n_samples_X,), default=None
            What is written at each sample, such as its class. `None` writes the row
            number where `selection` is not "first".
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        difference : bool, default=False
            Whether to draw the absolute differences too.
        show_errors : bool, default=True
            Whether to write the error of each sample.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the lines. `None`
            takes the range of the originals; see the notes of the class.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When the estimator cannot reconstruct.
        ValueError
            When `X` and `inputs` differ in length, or cannot be drawn.
        """
        _check_selection(selection, n_samples)
        n_rows = row_count(X)
        if inputs is not None and row_count(inputs) != n_rows:
            raise ValueError(
                f"inputs has {row_count(inputs)} rows, but X has {n_rows}; give the "
                "input of each row of X"
            )
        if image_shape is None and np.ndim(X) <= 2:
            image_shape = own_image_shape(estimator)
        source = X if inputs is None else inputs
        if selection in ("first", "random"):
            rows = _choose_rows(n_rows, n_samples, selection, random_state)
            decoded = reconstruct(estimator, take_rows(source, rows))
        else:
            decoded = reconstruct(estimator, source)
            rows = _rank_rows(X, decoded, n_samples, selection, image_shape)
            decoded = decoded[rows]
        display = cls(
            take_rows(X, rows),
            decoded,
            inputs=None if inputs is None else take_rows(inputs, rows),
            image_shape=image_shape,
            labels=_labels_of(labels, rows, n_rows, selection),
            feature_names=input_names(estimator, X),
            estimator_name=display_name(estimator, name),
        )
        display.rows = rows
        return display.plot(
            ax=ax,
            difference=difference,
            show_errors=show_errors,
            vmin=vmin,
            vmax=vmax,
            cmap=cmap,
        )

    @classmethod
    def from_reconstructions(
        cls,
        X,
        reconstructions,
        *,
        inputs=None,
        image_shape=None,
        n_samples=10,
        selection="first",
        random_state=0,
        labels=None,
        name=None,
        ax=None,
        difference=False,
        show_errors=True,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw samples beside the reconstructions of one method or of several.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples_X, n_features), or images
            The originals.
        reconstructions : array-like of the size of X, or dict of them by name
            What each method decodes.
        inputs : same as X, default=None
            What was encoded, where that is not `X`.
        image_shape : tuple of (int, int) or (int, int, int), default=None
            Height, width and number of channels of the image in each row of `X`.
            `None` draws rows as lines.
        n_samples : int, default=10
            How many samples to draw at most.
        selection : {"first", "random", "worst", "best"}, default="first"
            Which samples: the first, some drawn at random, or those with the largest
            or the smallest mean of the errors of the methods.
        random_state : int, RandomState instance or None, default=0
            Seed of the random selection.
        labels : array-like of shape (n_samples_X,), default=None
            What is written at each sample, such as its class. `None` writes the row
            number where `selection` is not "first".
        name : str, default=None
            The title.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        difference : bool, default=False
            Whether to draw the absolute differences too.
        show_errors : bool, default=True
            Whether to write the error of each sample.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the lines. `None`
            takes the range of the originals; see the notes of the class.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : ReconstructionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            When what is given differs in size, or cannot be drawn.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.decomposition import PCA
        >>> from sklearn_replearn.plotting import ReconstructionDisplay
        >>> X, _ = load_digits(return_X_y=True)
        >>> decoded = {}
        >>> for k in (4, 16):
        ...     pca = PCA(k).fit(X[:1000])
        ...     decoded[f"PCA, {k}"] = pca.inverse_transform(pca.transform(X[1000:]))
        >>> display = ReconstructionDisplay.from_reconstructions(
        ...     X[1000:], decoded, image_shape=(8, 8), selection="worst"
        ... )
        >>> list(display.errors_)
        ['PCA, 4', 'PCA, 16']
        """
        _check_selection(selection, n_samples)
        originals = check_samples(X, "X", image_shape)
        decoded = _map(lambda z, what: match_shape(z, what, originals), reconstructions)
        if inputs is not None:
            inputs = match_shape(inputs, "inputs", originals)
        n_rows = len(originals)
        if selection in ("first", "random"):
            rows = _choose_rows(n_rows, n_samples, selection, random_state)
        else:
            rows = _rank_rows(originals, decoded, n_samples, selection)
        display = cls(
            originals[rows],
            _map(lambda z, _: z[rows], decoded),
            inputs=None if inputs is None else inputs[rows],
            labels=_labels_of(labels, rows, n_rows, selection),
            feature_names=input_names(None, X),
            estimator_name=name,
        )
        display.rows = rows
        return display.plot(
            ax=ax,
            difference=difference,
            show_errors=show_errors,
            vmin=vmin,
            vmax=vmax,
            cmap=cmap,
        )

    def plot(
        self,
        ax=None,
        *,
        name=None,
        difference=False,
        show_errors=True,
        vmin=None,
        vmax=None,
        cmap=None,
    ):
        """Draw the samples and their reconstructions.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.
        difference : bool, default=False
            Whether to draw the absolute differences too. Those of images fill the
            whole grey range, from no difference to the largest that is drawn.
        show_errors : bool, default=True
            Whether to write the error of each sample.
        vmin, vmax : float, default=None
            What is drawn as black and as white, or the range of the lines. `None`
            takes the range of the originals; see the notes of the class.
        cmap : str or matplotlib Colormap, default=None
            Colours of grey values. `None` is "gray".

        Returns
        -------
        display : ReconstructionDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When `vmin` is not below `vmax`.
        """
        check_limits(vmin, vmax)
        as_images = self.originals.ndim > 2
        draw = self._draw_images if as_images else self._draw_lines
        self.image_, self.panels_, self.legend_ = None, [], None
        draw(ax, difference, show_errors, vmin, vmax, cmap)
        set_title(self.ax_, name, self.estimator_name, self._title_pad())
        return self

    def _methods(self):
        """Name, reconstructions and errors of each method."""
        if isinstance(self.reconstructions, Mapping):
            return [
                (str(name), decoded, self.errors_[name])
                for name, decoded in self.reconstructions.items()
            ]
        return [("reconstruction", self.reconstructions, self.errors_)]

    def _draw_images(self, ax, difference, show_errors, vmin, vmax, cmap):
        limits = choose_limits(self._limits, vmin, vmax)
        names, rows, texts = self._mosaic_rows(difference, limits)
        if not show_errors:
            texts = [None] * len(rows)
        self.figure_, self.ax_, self.image_ = draw_labeled_mosaic(
            ax,
            rows,
            limits,
            caller="ReconstructionDisplay.plot",
            row_labels=names,
            column_labels=self.labels,
            cmap=cmap,
            texts=texts,
            note=self._errors_name,
        )

    def _mosaic_rows(self, difference, limits):
        """Names and pictures of the rows, and what is written below them."""
        rows = [("original", self.originals, None)]
        if self.inputs is not None:
            rows.append(("input", self.inputs, None))
        methods = self._methods()
        differences = [
            _difference(self.originals, decoded) for _, decoded, _ in methods
        ]
        largest = max(values.max() for values in differences) or 1.0
        for (name, decoded, errors), values in zip(methods, differences, strict=True):
            rows.append((name, decoded, [_short(error) for error in errors]))
            if difference:
                scaled = _stretch(values / largest, limits)
                rows.append((f"difference\n0 to {_short(largest)}", scaled, None))
        return zip(*rows, strict=True)

    def _draw_lines(self, ax, difference, show_errors, vmin, vmax, cmap):
        n_samples, n_features = self.originals.shape
        self.figure_, self.ax_, self.panels_ = stack_panels(
            ax,
            n_samples,
            n_features,
            caller="ReconstructionDisplay.plot",
            labels=self.labels,
            feature_names=self.feature_names,
        )
        for i, panel in enumerate(self.panels_):
            self._draw_panel(panel, i, difference)
            if show_errors:
                self._write_errors(panel, i)
        if vmin is not None or vmax is not None:
            self.panels_[0].set_ylim(vmin, vmax)
        first = self.panels_[0]
        self.legend_ = first.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.02),
            ncols=_LEGEND_COLUMNS,
            fontsize="small",
            frameon=False,
        )

    def _draw_panel(self, panel, i, difference):
        marker = line_marker(self.originals.shape[1])
        style = {"color": _ORIGINAL_COLOR, "linewidth": 1.2}
        panel.plot(self.originals[i], label="original", **style, **marker)
        if self.inputs is not None:
            style = {"color": _INPUT_COLOR, "linewidth": 0.8, "zorder": 1}
            panel.plot(self.inputs[i], label="input", **style, **marker)
        for j, (name, decoded, _) in enumerate(self._methods()):
            style = {"color": _color(j), "linewidth": 1.2}
            panel.plot(decoded[i], label=name, **style, **marker)
            if difference:
                values = _difference(self.originals[i], decoded[i])
                style |= {"linestyle": ":"}
                panel.plot(values, label=f"difference of {name}", **style)

    def _write_errors(self, panel, i):
        methods = self._methods()
        for j, (_, _, errors) in enumerate(methods):
            panel.text(
                1.01,
                1 - (j + 0.5) / len(methods),
                _short(errors[i]),
                color=_color(j),
                fontsize="small",
                va="center",
                transform=panel.transAxes,
            )
        if i == 0:
            panel.set_title(self._errors_name, fontsize="small", loc="right")

    def _title_pad(self):
        """Points between the title and the axes: room for the legend."""
        if self.legend_ is None:
            return None
        n_rows = -(-len(self.legend_.get_texts()) // _LEGEND_COLUMNS)
        return 10 + 14 * n_rows


def _map(function, values):
    """The function of values and their name: of an array, or of each in a dict."""
    if not isinstance(values, Mapping):
        return function(values, "reconstructions")
    if not values:
        raise ValueError("there are no reconstructions: the dict of them is empty")
    return {
        name: function(each, f"reconstructions[{name!r}]")
        for name, each in values.items()
    }


def _in_one_unit(originals, decoded, inputs):
    names = list(decoded) if isinstance(decoded, Mapping) else None
    others = [decoded] if names is None else list(decoded.values())
    others += [] if inputs is None else [inputs]
    originals, *others = to_common_unit(originals, others)
    inputs = None if inputs is None else others.pop()
    decoded = others[0] if names is None else dict(zip(names, others, strict=True))
    return originals, decoded, inputs


def _errors(originals, decoded):
    return _map(lambda values, _: row_errors(originals, values), decoded)


def _check_errors(errors, decoded):
    """Errors given, for one method or by the names of several."""
    several = isinstance(decoded, Mapping)
    if isinstance(errors, Mapping) != several or (
        several and set(errors) != set(decoded)
    ):
        raise ValueError(
            "errors must be given as the reconstructions are: an array, or a dict with "
            "the same names"
        )
    first = next(iter(decoded.values())) if several else decoded

    def check(values, what):
        values = np.asarray(values, dtype=float)
        if values.shape != (len(first),):
            raise ValueError(
                f"errors must be one number per sample; got an array of shape "
                f"{values.shape} for {len(first)} samples"
            )
        return values

    return _map(check, errors)


def _labels_of(labels, rows, n_rows, selection):
    """Labels of the chosen rows, or their numbers where these cannot be guessed."""
    if labels is not None:
        labels = check_names("labels", labels, n_rows, "sample")
        return [labels[row] for row in rows]
    return None if selection == "first" else [f"row {row}" for row in rows]


def _check_selection(selection, n_samples):
    if selection not in _SELECTIONS:
        known = ", ".join(map(repr, _SELECTIONS))
        raise ValueError(f"selection must be one of {known}; got {selection!r}")
    check_count("n_samples", n_samples)


def _choose_rows(n_rows, n_samples, selection, random_state):
    if selection == "first":
        return np.arange(min(n_samples, n_rows))
    return draw_rows(n_rows, n_samples, random_state)


def _rank_rows(X, decoded, n_samples, selection, image_shape=None):
    """The rows of the largest or the smallest errors, the most extreme first."""
    originals = check_samples(X, "X", image_shape)
    decoded = _map(lambda values, what: match_shape(values, what, originals), decoded)
    originals, decoded, _ = _in_one_unit(originals, decoded, None)
    errors = _errors(originals, decoded)
    if isinstance(errors, Mapping):
        errors = np.mean(list(errors.values()), axis=0)
    order = np.argsort(errors if selection == "best" else -errors, kind="stable")
    return order[:n_samples]


def _difference(a, b):
    """Absolute differences, also of unsigned integers."""
    return np.abs(a * 1.0 - b)


def _stretch(shares, limits):
    """Values in [0, 1] over the whole range; transparency is no difference."""
    low, high = limits
    stretched = low + shares * (high - low)
    if shares.shape[-1] == 4 and shares.ndim == 4:
        stretched[..., 3] = high
    return stretched


def _short(value):
    """A number as text of two digits or a little more."""
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-4:
        return f"{value:.0e}"
    if size >= 10:
        return f"{value:.0f}"
    return np.format_float_positional(
        value, precision=2, unique=False, fractional=False, trim="-"
    )


def _color(j):
    """Colour of a method's lines."""
    return COLORS[j % len(COLORS)]
