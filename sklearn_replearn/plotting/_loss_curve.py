"""Loss of each epoch, on training and validation data, of one fit or of several."""

from collections.abc import Mapping
from numbers import Integral
from typing import NamedTuple

import numpy as np

from sklearn_replearn.plotting._estimators import find_step
from sklearn_replearn.plotting._images import as_floats
from sklearn_replearn.plotting._matplotlib import COLORS, figure_and_axes, set_title
from sklearn_replearn.plotting._strips import line_marker

_TRAIN_COLOR = "#1f4e79"
_VALIDATION_COLOR = "#e76300"
_BEST_COLOR = "#222222"
_NOTE_COLOR = "#666666"
_LOG_RATIO = 10


class LossCurveDisplay:
    """Loss of each epoch of training, with that of held-out data and its best epoch.

    A validation curve that rises while the training curve falls says that the
    estimator begins to learn its training rows by heart; two curves that still fall
    say that more epochs would help. It is recommended to use :meth:`from_estimator`
    for one fit, and :meth:`from_curves` to compare several.

    Parameters
    ----------
    train_loss : array-like of shape (n_epochs,), or dict of them by name
        Loss on the training data after each epoch. NaN and infinity leave a gap. A
        dict holds the curves of several fits, which may differ in length.
    validation_loss : array-like of shape (n_epochs,), or dict of them, default=None
        Loss on held-out data after each epoch. With several fits, a dict by the same
        names; those without validation may be missing.
    best_epoch : int, or dict of int by name, default=None
        The epoch to mark, counted from 1. `None` takes the smallest validation loss,
        and marks nothing where there is no validation curve.
    estimator_name : str, default=None
        Name of the estimator, for the title.

    Attributes
    ----------
    best_epoch : int, dict of int by name, or None
        The epoch that is marked.
    train_line_ : matplotlib Line2D, or dict of them by name
        The loss on the training data.
    validation_line_ : matplotlib Line2D, dict of them by name, or None
        The loss on the held-out data, dashed.
    best_line_ : matplotlib Line2D, dict of them by name, or None
        Mark at the best epoch: a diamond on the curve, and for a single fit a line
        down to the axis.
    legend_ : matplotlib Legend or None
        The legend; `None` for a single curve without a mark.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        When a curve is empty or has no finite value, when the validation curve has
        another length than the training curve or belongs to no training curve, or
        when there is no such epoch as `best_epoch`.

    See Also
    --------
    ReconstructionDisplay : What an autoencoder makes of its input.
    sklearn.model_selection.LearningCurveDisplay : Scores by number of samples.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.neural_network import MLPRegressor
    >>> from sklearn_replearn.plotting import LossCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> mlp = MLPRegressor(learning_rate_init=0.1, tol=100, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(mlp)
    >>> len(display.train_line_.get_ydata()) == mlp.n_iter_
    True
    """

    def __init__(
        self,
        train_loss,
        *,
        validation_loss=None,
        best_epoch=None,
        estimator_name=None,
    ):
        self._curves = _as_curves(train_loss, validation_loss, best_epoch)
        self._several = isinstance(train_loss, Mapping)
        self.train_loss = self._by_name("train")
        self.validation_loss = self._by_name("validation")
        self.best_epoch = self._by_name("best_epoch")
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator, *, log_scale="auto", name=None, ax=None):
        """Draw the losses that a fitted estimator keeps.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator with `loss_curve_`, such as an autoencoder or
            scikit-learn's `MLPRegressor`, or a fitted
            :class:`~sklearn.pipeline.Pipeline` with such a step; the last one counts.
            Its `validation_loss_curve_` is drawn too, where it has one; a shorter one
            belongs to the last epochs, those that `warm_start` added with validation.
        log_scale : {"auto"} or bool, default="auto"
            Whether the losses are drawn on a logarithmic scale. "auto" does so when
            they are all positive and the largest is over 10 times the smallest.
        name : str, default=None
            Name for the title. `None` takes the estimator's class name.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        NotFittedError
            When the estimator is not fitted.
        TypeError
            When the estimator has no `loss_curve_`.
        """
        step = find_step(
            estimator,
            "loss_curve_",
            "pass a fitted estimator that is trained in epochs, "
            "search.best_estimator_, or the losses to LossCurveDisplay",
        )
        display = cls(
            step.loss_curve_,
            validation_loss=_last_epochs(
                getattr(step, "validation_loss_curve_", None), len(step.loss_curve_)
            ),
            estimator_name=type(step).__name__ if name is None else name,
        )
        return display.plot(ax=ax, log_scale=log_scale)

    @classmethod
    def from_curves(
        cls, curves, *, validation_curves=None, log_scale="auto", name=None, ax=None
    ):
        """Draw the losses of several fits, to compare them.

        Parameters
        ----------
        curves : dict of str to array-like of shape (n_epochs,)
            The training losses of each fit, by the name for the legend. The fits may
            have different numbers of epochs.
        validation_curves : dict of str to array-like of shape (n_epochs,), \
                default=None
            The validation losses of the fits that have them; `None` as a value says
            that a fit has none.
        log_scale : {"auto"} or bool, default="auto"
            Whether the losses are drawn on a logarithmic scale, as in
            :meth:`from_estimator`.
        name : str, default=None
            The title.
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            When the curves are not a dict.
        ValueError
            When there is no curve, or one that cannot be drawn.

        Examples
        --------
        >>> from sklearn_replearn.plotting import LossCurveDisplay
        >>> curves = {"lr=0.1": [3.0, 2.0, 2.5], "lr=0.01": [3.0, 2.5, 2.1]}
        >>> display = LossCurveDisplay.from_curves(curves)
        >>> [text.get_text() for text in display.legend_.get_texts()]
        ['lr=0.1', 'lr=0.01']
        """
        if not isinstance(curves, Mapping):
            raise TypeError(
                "curves must be a dict of losses by name; got "
                f"{type(curves).__name__}; a single curve goes to LossCurveDisplay"
            )
        display = cls(curves, validation_loss=validation_curves, estimator_name=name)
        return display.plot(ax=ax, log_scale=log_scale)

    def plot(self, ax=None, *, log_scale="auto", name=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. `None` makes a new figure.
        log_scale : {"auto"} or bool, default="auto"
            Whether the losses are drawn on a logarithmic scale, as in
            :meth:`from_estimator`.
        name : str, default=None
            Name for the title. `None` takes `estimator_name`.

        Returns
        -------
        display : LossCurveDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        ValueError
            When a logarithmic scale is asked for losses that are not all positive.
        """
        logarithmic = _choose_scale(self._curves, log_scale)
        self.figure_, self.ax_ = figure_and_axes(ax, caller="LossCurveDisplay.plot")
        if logarithmic:
            self.ax_.set_yscale("log")
        lines = [
            self._draw(curve, color)
            for curve, color in zip(self._curves, self._colors(), strict=True)
        ]
        self.train_line_, self.validation_line_, self.best_line_ = (
            self._keyed([line[i] for line in lines]) for i in range(3)
        )
        if logarithmic:
            self._label_decades()
        self._finish_axes(name)
        self._draw_legend([line for three in lines for line in three if line])
        return self

    def _by_name(self, field):
        return self._keyed([getattr(curve, field) for curve in self._curves])

    def _keyed(self, values):
        """The value of the single curve, or those that there are by name, or None."""
        if not self._several:
            return values[0]
        keyed = {
            curve.name: value
            for curve, value in zip(self._curves, values, strict=True)
            if value is not None
        }
        return keyed or None

    def _colors(self):
        n_curves = len(self._curves)
        if not self._several:
            return [_TRAIN_COLOR]
        if n_curves <= len(COLORS):
            return COLORS[:n_curves]
        from matplotlib import colormaps

        return list(colormaps["viridis"](np.linspace(0, 0.95, n_curves)))

    def _draw(self, curve, color):
        """Lines of training and validation, and the mark, each where there is one."""
        epochs = np.arange(1, len(curve.train) + 1)
        marker = line_marker(len(epochs))
        (train,) = self.ax_.plot(
            epochs, curve.train, color=color, label="training", **marker
        )
        validation = best = None
        if curve.validation is not None:
            (validation,) = self.ax_.plot(
                epochs,
                curve.validation,
                color=color if self._several else _VALIDATION_COLOR,
                linestyle="--",
                label="validation",
                **marker,
            )
        if curve.best_epoch is not None:
            losses = curve.train if curve.validation is None else curve.validation
            loss = losses[curve.best_epoch - 1]
            (best,) = self.ax_.plot(
                [curve.best_epoch],
                [loss],
                color=color if self._several else _BEST_COLOR,
                linewidth=1.2,
                marker="D",
                markersize=6,
                markevery=[0],
                label=f"best epoch {curve.best_epoch} ({loss:.3g})",
                zorder=3,
            )
        return train, validation, best

    def _label_decades(self):
        """Plain numbers at 1, 2, 5, 10, ... where there are some but not too many."""
        from matplotlib.ticker import LogLocator, StrMethodFormatter

        low, high = self.ax_.get_ylim()
        if 10 <= high / low <= 1000:
            self.ax_.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
            self.ax_.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            self.ax_.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))

    def _finish_axes(self, name):
        from matplotlib.ticker import MaxNLocator

        self.ax_.set_xlabel("Epoch")
        self.ax_.set_ylabel("Loss")
        set_title(self.ax_, name, self.estimator_name)
        # There is no epoch 0: no room for its tick beside long curves.
        n_epochs = max(len(curve.train) for curve in self._curves)
        self.ax_.set_xlim(0.5, n_epochs + max(0.5, 0.02 * n_epochs))
        self.ax_.xaxis.set_major_locator(
            MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
        )
        if self._several or self.best_line_ is None:
            return
        bottom, top = self.ax_.get_ylim()
        loss = self.best_line_.get_ydata()[0]
        self.best_line_.set_data([self.best_epoch] * 2, [loss, bottom])
        self.ax_.set_ylim(bottom, top)

    def _draw_legend(self, lines):
        self.legend_ = None
        if not self._several:
            if len(lines) > 1:
                self.legend_ = self.ax_.legend(handles=lines)
            return
        from matplotlib.lines import Line2D

        handles = list(self.train_line_.values())
        names = list(self.train_line_)
        if self.validation_line_ is not None:
            note = {"color": _NOTE_COLOR}
            handles += [Line2D([], [], **note), Line2D([], [], linestyle="--", **note)]
            names += ["training", "validation"]
        if self.best_line_ is not None:
            mark = {"marker": "D", "markersize": 6, "linestyle": "none"}
            handles.append(Line2D([], [], color=_NOTE_COLOR, **mark))
            names.append("best epoch")
        self.legend_ = self.ax_.legend(handles, [" "] * len(handles))
        # Set afterwards, for a legend leaves out names that begin with "_".
        for text, name in zip(self.legend_.get_texts(), names, strict=True):
            text.set(text=name, parse_math=False)


class _Curve(NamedTuple):
    """The losses of one fit."""

    name: str
    train: np.ndarray
    validation: np.ndarray | None
    best_epoch: int | None


def _last_epochs(losses, n_epochs):
    """Losses of the last epochs, after NaN for those before there was validation."""
    if losses is None or len(losses) >= n_epochs:
        return losses
    return [np.nan] * (n_epochs - len(losses)) + list(losses)


def _as_curves(train_loss, validation_loss, best_epoch):
    if not isinstance(train_loss, Mapping):
        return [_as_curve("", train_loss, validation_loss, best_epoch)]
    if not train_loss:
        raise ValueError("there is no curve to draw: the dict of losses is empty")
    by_name = {"validation_loss": validation_loss, "best_epoch": best_epoch}
    for what, values in by_name.items():
        if values is None:
            by_name[what] = {}
        elif not isinstance(values, Mapping):
            raise ValueError(f"{what} must be a dict by name, as the training losses")
        for name in by_name[what]:
            if name not in train_loss:
                raise ValueError(
                    f"{what} has {name!r}, for which there is no training curve"
                )
    return [
        _as_curve(str(name), loss, *(values.get(name) for values in by_name.values()))
        for name, loss in train_loss.items()
    ]


def _as_curve(name, train_loss, validation_loss, best_epoch):
    of = f" of {name!r}" if name else ""
    train = _check_losses("train_loss" + of, train_loss)
    validation = None
    if validation_loss is not None:
        validation = _check_losses("validation_loss" + of, validation_loss)
        if len(validation) != len(train):
            raise ValueError(
                f"validation_loss{of} has {len(validation)} epochs, but train_loss "
                f"has {len(train)}"
            )
    if best_epoch is None and validation is not None:
        finite = np.where(np.isfinite(validation), validation, np.inf)
        best_epoch = int(np.argmin(finite)) + 1
    elif best_epoch is not None:
        best_epoch = _check_epoch(best_epoch, len(train), of)
    return _Curve(name, train, validation, best_epoch)


def _check_losses(what, losses):
    losses = as_floats(losses, what, "one number per epoch")
    if losses.ndim != 1 or losses.size == 0:
        raise ValueError(
            f"{what} must be one number per epoch; got an array of shape {losses.shape}"
        )
    if not np.isfinite(losses).any():
        raise ValueError(
            f"{what} has no finite value; did training diverge? Try a smaller learning "
            "rate or scaled features"
        )
    return losses


def _check_epoch(best_epoch, n_epochs, of):
    if (
        isinstance(best_epoch, bool)
        or not isinstance(best_epoch, Integral)
        or not 1 <= best_epoch <= n_epochs
    ):
        raise ValueError(
            f"best_epoch{of} must be an integer between 1 and {n_epochs}, the number "
            f"of epochs; got {best_epoch!r}"
        )
    return int(best_epoch)


def _choose_scale(curves, log_scale):
    """Whether to draw the losses on a logarithmic scale."""
    if log_scale not in ("auto", True, False):
        raise ValueError(f"log_scale must be 'auto', True or False; got {log_scale!r}")
    if log_scale is False:
        return False
    losses = np.concatenate(
        [losses for curve in curves for losses in curve[1:3] if losses is not None]
    )
    losses = losses[np.isfinite(losses)]
    low, high = losses.min(), losses.max()
    if log_scale == "auto":
        return bool(low > 0 and high > _LOG_RATIO * low)
    if low <= 0:
        raise ValueError(
            f"a logarithmic scale needs positive losses, but the smallest is {low:.3g};"
            " pass log_scale='auto' or False"
        )
    return True
