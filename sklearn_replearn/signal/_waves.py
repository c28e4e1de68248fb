"""Waves of any lengths as arrays, checked."""

from numbers import Number

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from sklearn_replearn._waves import as_wave

#: Integers of recordings, which stand for [-1, 1].
SCALED = (np.int16, np.int32)


def read_waves(estimator, X, *, reset):
    """Waves in one of their forms, as a list of arrays with a column for each channel.

    Parameters
    ----------
    estimator : estimator
        Gets `n_channels_` in `fit`.
    X : list of arrays, or array of shape (n_waves, n_values[, n_channels])
        An array of one axis for each wave, or of two with the channels last. A table
        has waves of one length, which is then that of all.
    reset : bool
        Whether this is `fit`.

    Returns
    -------
    waves : list of ndarray of shape (n_values, n_channels)
        In double precision.
    is_single : bool
        Whether X is in single precision.
    """
    if is_table(X):
        if getattr(X, "ndim", 2) == 1:
            raise ValueError(
                "X is a single wave, or a column of numbers; pass a list of waves, as "
                "[X] for one wave. Reshape your data by X.reshape(1, -1) for one row."
            )
        X = validate_data(estimator, X, reset=reset)
        waves = [row[:, np.newaxis] for row in as_numbers(X)]
        types = [X.dtype]
    else:
        if reset:
            vars(estimator).pop("n_features_in_", None)
        found = [as_columns(position, wave) for position, wave in enumerate(X)]
        if not found:
            raise ValueError("X has no waves; at least one is needed.")
        types = {wave.dtype for wave in found}
        waves = [as_numbers(wave) for wave in found]
    for position, wave in enumerate(waves):
        if not reset and wave.shape[1] != estimator.n_channels_:
            raise ValueError(
                f"X[{position}] has {wave.shape[1]} channels, but those of fit have "
                f"{estimator.n_channels_}."
            )
        if wave.shape[1] != waves[0].shape[1]:
            raise ValueError(
                f"X[{position}] has {wave.shape[1]} channels, but X[0] has "
                f"{waves[0].shape[1]}; all waves must have as many."
            )
    if reset:
        estimator.n_channels_ = waves[0].shape[1]
    return waves, all(dtype == np.float32 for dtype in types)


def is_table(X):
    """Whether waves are the rows of a table, and not arrays of any lengths."""
    if isinstance(X, list | tuple):
        first = X[0] if len(X) else None
        return isinstance(first, list | tuple) and all(
            isinstance(value, Number) for value in first
        )
    if hasattr(X, "columns") or hasattr(X, "tocsr"):
        return True
    X = np.asarray(X)
    return X.ndim == 2 or (X.ndim < 2 and X.dtype != object)


def as_columns(position, wave):
    """One of several waves as a finite array, with a column for each channel."""
    wave = as_wave(position, wave)
    if not len(wave):
        raise ValueError(f"X[{position}] is empty; leave it out.")
    return check_array(wave.reshape(len(wave), -1), input_name=f"X[{position}]")


def as_numbers(values):
    """Values in double precision; integers of recordings are divided by their limit."""
    if values.dtype in SCALED:
        return values / -float(np.iinfo(values.dtype).min)
    return values.astype(np.float64)
