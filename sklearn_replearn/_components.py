"""How many components the data allow."""

from sklearn_replearn._warnings import warn


def available_components(n_components, limit, reason):
    """The number of components that the data allow, with a warning if it is lower.

    Parameters
    ----------
    n_components : int
        The number asked for.
    limit : int
        The largest possible number.
    reason : str
        What sets the limit, for the message.
    """
    if n_components <= limit:
        return n_components
    warn(
        f"n_components={n_components} is more than the {limit} that the data allow "
        f"({reason}); {limit} are kept.",
    )
    return limit
