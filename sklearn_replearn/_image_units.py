"""The unit of the numbers of images: found in `fit`, and compared with that of others.

Bytes (uint8) stand for [0, 1]; all other numbers are taken as they are. Images in
another unit than those of `fit` would be other images to an estimator, and are refused.
Dark images are not in another unit: therefore types are compared, and numbers that no
image of `fit` comes near.
"""

import numpy as np

from sklearn_replearn._containers import row_blocks
from sklearn_replearn._warnings import warn

#: Numbers beyond this are not in [0, 1], though resized images may be a bit beyond.
FAR_ABOVE, FAR_BELOW = 2, -0.5

#: Numbers that are looked at a time.
BLOCK = 2**17


def find_unit(X):
    """What tells the unit of images, in plain numbers.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_values)

    Returns
    -------
    unit : dict
        For bytes ``{"bytes": True, "binary": ...}``, the latter if there are 0 and 1
        alone. For other numbers the "lowest" and the "highest"; the "darkest", the
        least of all positive maxima of an image; and the "least_low", the highest
        minimum of an image.
    """
    if X.dtype == np.uint8:
        return {"bytes": True, "binary": _is_binary(X)}
    maxima, minima = X.max(axis=1), X.min(axis=1)
    positive = maxima[maxima > 0]
    return {
        "bytes": False,
        "lowest": float(minima.min()),
        "highest": float(maxima.max()),
        "darkest": float(positive.min()) if len(positive) else 0.0,
        "least_low": float(minima.max()),
    }


def join_units(one, other):
    """The unit of images that are learned from one after another."""
    if one["bytes"] != other["bytes"]:
        return one
    if one["bytes"]:
        return {"bytes": True, "binary": one["binary"] and other["binary"]}
    darkest = [unit["darkest"] for unit in (one, other) if unit["darkest"] > 0]
    return {
        "bytes": False,
        "lowest": min(one["lowest"], other["lowest"]),
        "highest": max(one["highest"], other["highest"]),
        "darkest": min(darkest, default=0.0),
        "least_low": max(one["least_low"], other["least_low"]),
    }


def warn_of_binary_bytes(unit):
    """Warn if images of bytes are as good as black."""
    if unit["bytes"] and unit["binary"]:
        warn(
            "X has bytes (uint8) of 0 and 1 only, which stand for 0 and 1/255; pass "
            "X.astype(bool) if they stand for 0 and 1.",
        )


def refuse_other_unit(X, unit, dtype=None):
    """Raise if the numbers of images are in another unit than those of `fit`.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_values)
    unit : dict
        As `find_unit` gives it.
    dtype : dtype, default=None
        Type of the numbers that the user passed; by default that of X.
    """
    dtype = X.dtype if dtype is None else dtype
    if X.dtype == np.uint8:
        if unit["bytes"]:
            _refuse_bytes_beside_binary(X, unit)
        else:
            _refuse_bytes(X, unit)
        return
    low, high = X.min(), X.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return  # another check says where
    if unit["bytes"]:
        _refuse_beside_bytes(X, low, high, unit, dtype)
    else:
        _refuse_higher(X, low, high, unit)
        _refuse_lower(X, high, unit, dtype)
        if low >= 0 < high and unit["least_low"] < FAR_BELOW:
            raise ValueError(
                f"X has values from {_number(low)} to {_number(high)}, but each image "
                "of fit has negative ones; pass X in the unit of fit."
            )
    _refuse_negative(X, low, high, unit)


# ---------------------------------------------------------------------------
# Bytes
# ---------------------------------------------------------------------------


def _is_binary(X):
    """Whether the largest number of bytes is 1."""
    return not _exceeds(X, 1) and _exceeds(X, 0)


def _exceeds(X, bound):
    """Whether a number is larger, without a look at all of them where one is."""
    return any(X[rows].max() > bound for rows in row_blocks(*X.shape, size=BLOCK))


def _refuse_bytes_beside_binary(X, unit):
    if unit["binary"] and _exceeds(X, 1):
        raise ValueError(
            f"X has bytes up to {X.max()}, but fit has seen bytes of 0 and 1 only; "
            "pass bytes of one meaning to both, such as X > 0."
        )


def _refuse_bytes(X, unit):
    """Raise if bytes come after other numbers that do not mean the same."""
    lowest, highest = unit["lowest"], unit["highest"]
    if lowest < FAR_BELOW:
        raise ValueError(
            "X has bytes, which stand for [0, 1], but fit has seen values from "
            f"{_number(lowest)} to {_number(highest)}; pass X in the unit of fit, or "
            "bytes to fit as well."
        )
    if highest > FAR_ABOVE:
        raise ValueError(
            "X has bytes, which stand for [0, 1], but fit has seen values up to "
            f"{_number(highest)}; pass X.astype(np.float32), or bytes to fit as well."
        )
    if highest > 2 / 255 and _is_binary(X):
        raise ValueError(
            "X has bytes (uint8) of 0 and 1 only, which stand for 0 and 1/255, but fit "
            f"has seen values up to {_number(highest)}; pass X.astype(bool), or, if "
            "the images are that dark, X / 255."
        )


def _refuse_beside_bytes(X, low, high, unit, dtype):
    """Raise if numbers that come after bytes are not in [0, 1]."""
    if high > FAR_ABOVE:
        mend = "pass X in that unit"
        if low >= FAR_BELOW and dtype.kind != "u":
            mend = "pass bytes as uint8, or X / 255"
        elif dtype == np.uint16:
            mend = "pass X / 65535"
        raise ValueError(
            f"X has values up to {_number(high)}, but fit has seen bytes, which stand "
            f"for [0, 1]; {mend}."
        )
    if high > 0 and unit["binary"]:
        raise ValueError(
            f"X has values up to {_number(high)}, but fit has seen bytes of 0 and 1 "
            "only, which stand for 0 and 1/255; fit with X.astype(bool)."
        )
    if high > 0 and dtype.kind in "iu":
        raise ValueError(
            f"X has integers of type {dtype}, but fit has seen bytes; pass "
            "X.astype(np.uint8), or X.astype(bool) if 1 stands for 1 and not 1/255."
        )


# ---------------------------------------------------------------------------
# Other numbers
# ---------------------------------------------------------------------------


def _refuse_higher(X, low, high, unit):
    """Raise if most numbers are far beyond all that `fit` has seen."""
    reach = max(abs(unit["lowest"]), abs(unit["highest"]))
    bound = 2 * reach if reach >= 1 else min(10 * reach, FAR_ABOVE)
    if bound == 0 or max(high, -low) <= bound:
        return
    n_beyond = np.count_nonzero((bound < X) | (-bound > X))
    if 2 * n_beyond <= np.count_nonzero(X):
        return
    mend = "pass X in the unit of fit"
    if reach <= 1 and low >= 0 and (full := _full_scale(high)):
        mend += f", such as X / {full}"
    raise ValueError(
        f"X has values up to {_number(high)}, but fit has seen none above "
        f"{_number(unit['highest'])}; {mend}."
    )


def _refuse_lower(X, high, unit, dtype):
    """Raise if numbers in [0, 1] come after others; warn if they may be dark images."""
    darkest = unit["darkest"]
    if not 0 < high < darkest or darkest <= FAR_ABOVE or unit["lowest"] < FAR_BELOW:
        return
    what = (
        f"X has values up to {_number(high)}, but each image of fit has values of "
        f"{_number(darkest)} or more"
    )
    is_darker = 10 * high < darkest
    in_one = high <= 1 or (high <= FAR_ABOVE and is_darker)
    if in_one and (dtype.kind == "b" or (X % 1).any()):
        full = _full_scale(unit["highest"])
        mend = f", such as {full} * X" if full else ""
        raise ValueError(f"{what}; pass X in the unit of fit{mend}.")
    if is_darker:
        warn(f"{what}; if X has another unit, pass it in that of fit.")


def _refuse_negative(X, low, high, unit):
    """Raise if images in [-1, 1] come after others in [0, 1]; warn of standardized."""
    seen = (0, 1) if unit["bytes"] else (unit["lowest"], unit["highest"])
    if low >= FAR_BELOW or seen[0] < 0 or not 0 < seen[1] <= FAR_ABOVE:
        return
    what = f"X has values from {_number(low)} to {_number(high)}, but fit has seen "
    what += "bytes, which stand for [0, 1]" if unit["bytes"] else "none below 0"
    if low >= -1 and high <= 1:
        raise ValueError(f"{what}; pass X in the unit of fit, such as (X + 1) / 2.")
    if 4 * np.count_nonzero(X < 0) > X.size:
        warn(f"{what}; if X has another unit, pass it in that of fit.")


def _number(x):
    return f"{x:.0f}" if x == round(x) and abs(x) < 1e6 else f"{x:.4g}"


def _full_scale(high):
    """255 or 65535, if numbers up to `high` seem to be such, else None."""
    return next((full for full in (255, 65535) if full / 2 < high <= full), None)
