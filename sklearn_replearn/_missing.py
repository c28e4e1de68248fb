"""Missing values, of any library."""

import numpy as np


def is_missing(value):
    """None, NaN of any float type, and what pandas has for missing values."""
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")
