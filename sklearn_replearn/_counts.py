"""Checks of counts given to functions."""

import numbers


def check_count(name, value, least=1):
    """Raise a ValueError unless a value is a whole number, and large enough."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ValueError(
            f"{name} must be an integer of at least {least}; got {value!r}."
        )
