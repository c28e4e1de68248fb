"""Explained variance per component, and how many components are enough."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import check_array

from sklearn_replearn._linalg import input_eps
from sklearn_replearn.plotting._estimators import find_step
from sklearn_replearn.plotting._matplotlib import figure_and_axes, set_title

_BAR_COLOR = "#8fb8de"
_CUMULATIVE_COLOR = "#1f4e79"
_HELD_OUT_COLOR = "#e76300"
_CHOSEN_COLOR = "#222222"
_MAX_BARS = 80
_MAX_MARKERS = 60


class SpectrumDisplay:
    """Explained variance per component, with its cumulative sum.

    The chosen number of components is marked, with the share of the variance that it
    keeps. It is recommended to use :meth:`from_estimator` to create a display.

    Parameters
    ----------
    explained_variance_ratio : array-like of shape (n_spectrum,)
        Share of the variance that each component explains, between 0 and 1.
    n_components : int, default=None
        The chosen number of components, between 1 and `n_spectrum`. `None` takes the
        smallest number that reaches `threshold`, or marks nothing without one.
    threshold : float, default=None
        Share of the variance to reach, between 0 and 1. Drawn as a horizontal line.
    held_out_cumulative : array-like of shape (n_spectrum,), default=None
        Share of the variance of other data that the first 1, 2, ... components keep.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    n_components : int or None
        The number of components that is marked.
    cumulative : ndarray of shape (n_spectrum,)
        Share of the variance that the first 1, 2, ... components keep.
    bars_ : matplotlib BarContainer or None
        The share of each component, up to 80 components.
    line_ : matplotlib Line2D or None
        The share of each component, above 80 components.
    cumulative_line_ : matplotlib Line2D
        The cumulative share.
    held_out_line_ : matplotlib Line2D or None
        The cumulative share of the held-out variance.
    chosen_line_ : matplotlib Line2D or None
        Vertical mark at the chosen number of components, as high as their share.
    threshold_line_ : matplotlib Line2D or None
        Horizontal mark at the threshold.
    legend_ : matplotlib Legend
        The legend.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Notes
    -----
    For estimators that do not centre, such as `LSA` and `TruncatedSVD`, the shares are
    what `explained_variance_ratio_` says that they are: of the sum of squares for
    `LSA`, of the variance for `TruncatedSVD`.

    Raises
    ------
    ValueError
        When the shares are empty, negative, not finite or sum to more than one, or
        when `n_components` or `threshold` cannot be reached by them.

    See Also
    --------
    EmbeddingDisplay : Scatter plot of an embedding.
    sklearn.decomposition.PCA : Principal component analysis.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_replearn.plotting import SpectrumDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> pca = PCA().fit(X)
    >>> display = SpectrumDisplay.from_estimator(pca, threshold=0.9)
    >>> display.n_components
    21
    >>> display.ax_.get_xlabel()
    'Component'
    """

    def __init__(
        self,
        explained_variance_ratio,
        *,
        n_components=None,
        threshold=None,
        held_out_cumulative=None,
        estimator_name=None,
    ):
        self.explained_variance_ratio = _check_ratio(explained_variance_ratio)
        self.cumulative = np.cumsum(self.explained_variance_ratio)
        self.threshold = threshold
        # Shares in single precision may add up to a little less than 1.
        eps = input_eps(explained_variance_ratio, np.float64)
        self.n_components = _choose(
            self.cumulative, n_components, threshold, max(1e-9, 16 * eps)
        )
        if held_out_cumulative is not None:
            held_out_cumulative = np.asarray(held_out_cumulative, dtype=float)
            if held_out_cumulative.shape != self.cumulative.shape:
                raise ValueError(
                    "held_out_cumulative must hold one share per component; got shape "
                    f"{held_out_cumulative.shape} for {self.cumulative.size} components"
                )
        self.held_out_cumulative = held_out_cumulative
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        n_components=None,
        threshold=None,
        name=None,
        ax=None,
    ):
        """Draw the spectrum of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator with `explained_variance_ratio_`, such as `ScaledPCA`,
            `PCA`, `TruncatedSVD` or `LSA`, or a fitted
            :class:`~sklearn.pipeline.Pipeline` with such a step; the last one counts.
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Held-out data. When given, the share of its variance that the first
            components keep is drawn too: a curve far below that of the training
            data says that the components fit noise. The estimator must have
            `inverse_transform`.
        n_components : int, default=None
            The number of components to mark. `None` marks the first number that
            reaches `threshold`, or else the estimator's own choice if it has one.
        threshold : float, default=None
            Share of the variance to reach, between 0 and 1. `None` takes the
            estimator's `n_components` when that is a fraction.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.

        Returns
        -------
        display : SpectrumDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            When the estimator is not fitted.
        TypeError
            When the estimator has no `explained_variance_ratio_`, or cannot
            reconstruct `X`.
        """
        step, before = _find_spectrum(estimator)
        ratio = np.asarray(step.explained_variance_ratio_)
        if n_components is None and threshold is None:
            wanted = getattr(step, "n_components", None)
            if wanted is not None:
                n_components = len(ratio)
            if isinstance(wanted, Real) and 0 < wanted < 1:
                threshold = wanted
        held_out = None
        if X is not None:
            held_out = _held_out_cumulative(
                step, X if before is None else before.transform(X), len(ratio)
            )
        display = cls(
            ratio,
            n_components=n_components,
            threshold=threshold,
            held_out_cumulative=held_out,
            estimator_name=type(step).__name__ if name is None else name,
        )
        return display.plot(ax=ax)

    def plot(self, ax=None, *, name=None):
        """Draw the spectrum.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.

        Returns
        -------
        display : SpectrumDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        """
        self.figure_, self.ax_ = figure_and_axes(ax, caller="SpectrumDisplay.plot")
        from matplotlib.ticker import MaxNLocator, PercentFormatter

        ratio, cumulative = self.explained_variance_ratio, self.cumulative
        n_spectrum = len(ratio)
        position = np.arange(1, n_spectrum + 1)
        marker = {"marker": "o", "markersize": 3} if n_spectrum <= _MAX_MARKERS else {}

        self.bars_ = self.line_ = None
        if n_spectrum <= _MAX_BARS:
            self.bars_ = self.ax_.bar(
                position, ratio, width=0.8, color=_BAR_COLOR, label="each component"
            )
        else:
            (self.line_,) = self.ax_.plot(
                position, ratio, color=_BAR_COLOR, label="each component"
            )
            self.ax_.fill_between(position, ratio, color=_BAR_COLOR, alpha=0.4, lw=0)
        (self.cumulative_line_,) = self.ax_.plot(
            position, cumulative, color=_CUMULATIVE_COLOR, label="cumulative", **marker
        )
        self.held_out_line_ = None
        if self.held_out_cumulative is not None:
            self.cumulative_line_.set_label("cumulative, training data")
            (self.held_out_line_,) = self.ax_.plot(
                position,
                self.held_out_cumulative,
                color=_HELD_OUT_COLOR,
                linestyle="--",
                label="cumulative, held-out data",
                **marker,
            )
        self.chosen_line_ = self.threshold_line_ = None
        if self.threshold is not None:
            self.threshold_line_ = self.ax_.axhline(
                self.threshold,
                color=_CHOSEN_COLOR,
                linestyle=":",
                linewidth=1,
                label=f"threshold {_percent(self.threshold)}",
            )
        if self.n_components is not None:
            kept = cumulative[self.n_components - 1]
            plural = "s keep" if self.n_components > 1 else " keeps"
            (self.chosen_line_,) = self.ax_.plot(
                [self.n_components] * 2,
                [0, kept],
                color=_CHOSEN_COLOR,
                linewidth=1.2,
                marker="D",
                markersize=6,
                markevery=[1],
                label=f"{self.n_components} component{plural} {_percent(kept)}",
                zorder=3,
            )

        self.ax_.set_xlabel("Component")
        self.ax_.set_ylabel("Share of the variance")
        set_title(self.ax_, name, self.estimator_name)
        if n_spectrum <= 10:
            self.ax_.set_xticks(position)
        else:
            self.ax_.xaxis.set_major_locator(
                MaxNLocator(integer=True, steps=[1, 2, 5, 10])
            )
        self.ax_.yaxis.set_major_formatter(PercentFormatter(xmax=1, symbol=" %"))
        room = max(0.02 * n_spectrum, (4 - n_spectrum) / 2)
        # Zero is no component: no room for its tick beside a long spectrum.
        left = 0.5 - room if n_spectrum <= 10 else 0.5
        right = n_spectrum + 0.5 + room
        self.ax_.set_xlim(left, right)
        top = max(cumulative[-1], self.threshold or 0)
        bottom = 0.0
        if self.held_out_cumulative is not None:
            top = max(top, self.held_out_cumulative.max())
            bottom = min(0.0, self.held_out_cumulative.min())
        self.ax_.set_ylim(1.06 * bottom, 1.06 * top or 1.0)
        drawn = [
            self.line_ if self.bars_ is None else self.bars_,
            self.cumulative_line_,
            self.held_out_line_,
            self.threshold_line_,
            self.chosen_line_,
        ]
        # The legend keeps to the wider side of the mark.
        side = (0, 0, 1, 1)
        if self.n_components is not None:
            mark = (self.n_components - left) / (right - left)
            side = (mark, 0, 1 - mark, 1) if mark < 0.5 else (0, 0, mark, 1)
        self.legend_ = self.ax_.legend(
            handles=[artist for artist in drawn if artist is not None],
            loc="best",
            bbox_to_anchor=side,
        )
        return self


def _percent(share):
    """A share as text: one decimal, and never 100 % for what is less."""
    text = f"{100 * share:.1f}"
    if text == "100.0":
        text = "100" if share > 1 - 1e-6 else "> 99.9"
    return f"{text} %"


def _check_ratio(ratio):
    ratio = np.asarray(ratio, dtype=float)
    if ratio.ndim != 1 or ratio.size == 0:
        raise ValueError(
            "explained_variance_ratio must be one share per component; got an array "
            f"of shape {ratio.shape}"
        )
    if not np.isfinite(ratio).all():
        first = int(np.flatnonzero(~np.isfinite(ratio))[0])
        raise ValueError(
            f"explained_variance_ratio is {ratio[first]} for component {first + 1}; "
            "was the estimator fitted on data without variance?"
        )
    if ratio.min() < -1e-6:
        raise ValueError(
            f"explained_variance_ratio has a negative share: {ratio.min():.3g}"
        )
    if ratio.sum() > 1 + 1e-3:
        raise ValueError(
            f"explained_variance_ratio sums to {ratio.sum():.4g}, more than 1; pass "
            "shares of the total variance, not variances"
        )
    return ratio


def _choose(cumulative, n_components, threshold, rounding):
    """The number of components to mark, from a number or a share to reach."""
    if threshold is not None:
        if not isinstance(threshold, Real) or not 0 < threshold <= 1:
            raise ValueError(f"threshold must be a share in (0, 1]; got {threshold!r}")
        if n_components is None:
            enough = np.flatnonzero(cumulative >= threshold - rounding)
            if enough.size == 0:
                raise ValueError(
                    f"the {cumulative.size} components together keep "
                    f"{_percent(cumulative[-1])} of the variance, less than the "
                    f"threshold of {_percent(threshold)}; fit more components"
                )
            return int(enough[0]) + 1
    if n_components is None:
        return None
    if isinstance(n_components, bool) or not isinstance(n_components, Integral):
        raise ValueError(
            f"n_components must be an integer; got {n_components!r} (a share of the "
            "variance to reach is called threshold)"
        )
    if not 1 <= n_components <= cumulative.size:
        raise ValueError(
            f"n_components must be between 1 and {cumulative.size}, the number of "
            f"components in the spectrum; got {n_components}"
        )
    return int(n_components)


def _find_spectrum(estimator):
    """The last step with a spectrum, and the pipeline before it (or None)."""
    step = find_step(
        estimator,
        "explained_variance_ratio_",
        "pass a fitted ScaledPCA, PCA, TruncatedSVD or LSA, or a Pipeline with such a "
        "step",
    )
    if step is estimator:
        return step, None
    i = max(i for i, (_, other) in enumerate(estimator.steps) if other is step)
    return step, estimator[:i] if i else None


def _held_out_cumulative(step, X, n_spectrum):
    r"""Share of the variance of X that the first k components keep, for every k.

    With codes :math:`z` and the row :math:`d_j` that component j adds to the
    reconstruction, component j keeps

    .. math::

        \frac{\operatorname{var}(z_j) \, \|d_j\|^2}{\sum_f \operatorname{var}(x_f)},

    which is `explained_variance_ratio_` when X is the training data.
    """
    if not hasattr(step, "inverse_transform"):
        raise TypeError(
            f"{type(step).__name__} has no inverse_transform, which the curve of the "
            "held-out data needs; leave X out"
        )
    codes = np.asarray(step.transform(X), dtype=np.float64)
    X = check_array(X, accept_sparse="csr", dtype=np.float64)
    basis = np.vstack([np.zeros(n_spectrum), np.eye(n_spectrum)])
    reconstructed = np.asarray(step.inverse_transform(basis))
    # ScaledPCA's components are orthogonal in units of the standard deviations.
    scale = getattr(step, "scale_", np.ones(X.shape[1]))
    directions = (reconstructed[1:] - reconstructed[0]) / scale
    centered = getattr(step, "with_mean", True)
    spread = codes.var(axis=0) if centered else np.square(codes).mean(axis=0)
    variances = _variances(X, scale, centered)
    if not variances.sum() > 0:
        raise ValueError("X has no variance: its rows are all the same")
    kept = spread * np.square(directions).sum(axis=1)
    return np.cumsum(kept) / variances.sum()


def _variances(X, scale, centered):
    """Variances, or mean squares, of the columns over their scales."""
    if sparse.issparse(X):
        values = X.data / scale[X.indices]
        X = sparse.csr_array((values, X.indices, X.indptr), shape=X.shape)
        means, variances = mean_variance_axis(X, axis=0)
        return variances if centered else variances + means**2
    X = X / scale
    # From the mean, and not by the difference of squares, which loses digits far away.
    return X.var(axis=0) if centered else np.square(X).mean(axis=0)
