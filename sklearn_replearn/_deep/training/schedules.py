"""The learning rate in the course of training, as a factor of its largest value."""

from math import cos, pi

#: Share of the training in which the rate rises, and the factors that it starts from
#: and ends at. L. N. Smith, "A disciplined approach to neural network
#: hyper-parameters", 2018, with halves of a cosine in place of lines.
RISE, FIRST, LAST = 0.3, 0.04, 1e-4


def constant(progress):
    return 1.0


def cosine(progress):
    """From 1 to 0 along half a cosine (Loshchilov and Hutter, 2017)."""
    return (1 + cos(pi * progress)) / 2


def one_cycle(progress):
    """Up from `FIRST` to 1, then down to `LAST`."""
    if progress < RISE:
        return 1 + (FIRST - 1) * cosine(progress / RISE)
    return LAST + (1 - LAST) * cosine((progress - RISE) / (1 - RISE))


#: By name, the factor as a function of the share of the training that is done.
SCHEDULES = {"constant": constant, "cosine": cosine, "one_cycle": one_cycle}
