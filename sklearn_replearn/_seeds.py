"""Seeds for engines with generators of their own."""

import numbers

import numpy as np
from sklearn.utils import check_random_state


def as_seed(random_state):
    """An int for engines with generators of their own: `random_state`, or drawn."""
    if isinstance(random_state, numbers.Integral):
        return random_state
    return check_random_state(random_state).randint(np.iinfo(np.int32).max)
