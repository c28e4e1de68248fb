"""Which samples excite a unit most."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_scalar

from sklearn_replearn._containers import dense, row_count, take_rows
from sklearn_replearn._warnings import warn
from sklearn_replearn.inspection._gradients import evaluate
from sklearn_replearn.inspection._inputs import read_inputs, unit_numbers
from sklearn_replearn.inspection._networks import code_network, fitted_steps

_BLOCK_ROWS = 256


class TopActivations(NamedTuple):
    """Samples by unit; see :func:`top_activations`."""

    indices: np.ndarray
    values: np.ndarray
    places: np.ndarray | None
    units: np.ndarray


def top_activations(estimator, X, *, layer=None, units=None, n_top=9):
    """The samples that excite each unit most.

    A unit is a column of what `transform` gives, or an output of a layer inside a
    network. A map of a convolutional layer counts by its maximum over all places, and
    the place is told, too: the samples' patches there are what the map looks for [1]_.

    Parameters
    ----------
    estimator : fitted estimator or Pipeline
        With `transform`, any; with a `layer`, one whose last network (an estimator
        with `as_module`) has it.
    X : array-like or sparse matrix
        As the estimator takes it.
    layer : str, default=None
        One of the names that the network's ``as_module().network.named_modules()``
        has. ``None`` takes the columns of `transform`.
    units : int or sequence of int, default=None
        Which units; all of them by default.
    n_top : int, default=9
        How many samples for each unit.

    Returns
    -------
    result : namedtuple of (indices, values, places, units)
        indices : ndarray of shape (n_units, n_top)
            Rows of X, the most exciting first; of equal ones, the first in X.
        values : ndarray of shape (n_units, n_top)
            What the unit puts out for them.
        places : ndarray of shape (n_units, n_top, n_sides) or None
            Where in the map that is, in places of the map: (row, column), or
            (position,) in a signal. ``None`` where the units are no maps.
        units : ndarray of shape (n_units,)
            Their numbers.

    Raises
    ------
    TypeError
        If there is no `transform`, or no network that could have the layer.
    ValueError
        If there is no such layer or unit.

    Warns
    -----
    UserWarning
        If X has fewer than `n_top` samples; all of them are ranked then.

    See Also
    --------
    activation_maximization : Inputs that excite units, and are no samples.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional
       networks", ECCV 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_replearn.inspection import top_activations
    >>> X, y = load_digits(return_X_y=True)
    >>> top = top_activations(PCA(2).fit(X), X, n_top=5)
    >>> y[top.indices[0]]  # the first component is large for a 4
    array([4, 4, 4, 4, 4])
    """
    steps = fitted_steps(estimator)
    check_scalar(n_top, "n_top", Integral, min_val=1)
    if layer is None and not hasattr(estimator, "transform"):
        raise TypeError(
            f"{type(estimator).__name__} has no transform; pass a transformer, or a "
            "layer of a network."
        )
    if layer is None:
        n_rows = row_count(X)
        blocks = _transformed(estimator, X, n_rows)
    else:
        module = code_network(estimator, layer)
        inputs = read_inputs(estimator, X)
        n_rows = len(inputs.rows)
        blocks = _put_out(module, inputs)
    if n_top > n_rows:
        warn(
            f"n_top={n_top} is more than the {n_rows} samples of X; all are ranked.",
        )
    return _rank(blocks, units, min(n_top, n_rows), type(steps[-1]).__name__)


def _transformed(estimator, X, n_rows):
    for start in range(0, n_rows, _BLOCK_ROWS):
        codes = estimator.transform(take_rows(X, slice(start, start + _BLOCK_ROWS)))
        yield np.asarray(dense(codes))


def _put_out(module, inputs):
    for start in range(0, len(inputs.rows), _BLOCK_ROWS):
        rows = inputs.rows[start : start + _BLOCK_ROWS]
        yield evaluate(module, rows, inputs.scale)


def _rank(blocks, units, n_top, name):
    best, start = None, 0
    for outputs in blocks:
        if outputs.ndim < 2:
            raise ValueError(
                f"{name} gives an array of shape {outputs.shape}, but units are "
                "needed, one in each column."
            )
        if best is None:
            chosen = np.arange(outputs.shape[1]) if units is None else units
            chosen = unit_numbers(chosen, outputs.shape[1], "units")
        maps = outputs[:, chosen].reshape(len(outputs), len(chosen), -1)
        places = maps.argmax(axis=2)
        values = np.take_along_axis(maps, places[..., None], axis=2)[..., 0]
        rows = np.arange(start, start + len(outputs))
        rows = np.broadcast_to(rows[:, None], values.shape)
        best = _best_of(best, (values, rows, places), n_top)
        start += len(outputs)
        sides = outputs.shape[2:]
    values, rows, places = (part.T for part in best)
    if sides:
        places = np.stack(np.unravel_index(places, sides), axis=-1)
    return TopActivations(rows, values, places if sides else None, chosen)


def _best_of(before, new, n_top):
    """The rows of largest values in each column; of equal ones, the first."""
    if before is not None:
        new = [np.concatenate(pair) for pair in zip(before, new, strict=True)]
    order = np.argsort(-new[0], axis=0, kind="stable")[:n_top]
    return [np.take_along_axis(part, order, axis=0) for part in new]
