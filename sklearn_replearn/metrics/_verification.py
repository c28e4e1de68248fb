"""Same or different? Error rates and thresholds of the scores of pairs."""

from numbers import Real

import numpy as np

from sklearn_replearn._missing import is_missing

_CRITERIA = ("accuracy", "f1", "far")


def equal_error_rate(y_true, scores):
    r"""Rate at which as many different pairs are accepted as same ones refused.

    A pair is accepted as "same" when its score is at least a threshold. From the
    highest threshold to the lowest, the share of different pairs that are accepted
    (false accepts) rises from 0 to 1, and the share of same pairs that are not (false
    rejects) falls from 1 to 0. The two are equal at the result.

    Parameters
    ----------
    y_true : array-like of shape (n_pairs,)
        1 for pairs of the same class, 0 or -1 for different ones.
    scores : array-like of shape (n_pairs,)
        Larger for pairs that seem the same: similarities, or minus the distances.

    Returns
    -------
    rate : float
        In [0, 1]: 0 if all same pairs score higher than all different ones, 0.5 if
        the scores say nothing.

    Raises
    ------
    ValueError
        If all pairs are of one kind, if a label is none of these or missing, if a
        score is NaN or infinite, or if the lengths differ.

    See Also
    --------
    verification_threshold : The threshold to use.

    Notes
    -----
    A threshold lies between two different scores. Where none makes the two rates
    equal, they are interpolated: with the rates :math:`a, b` of false accepts and
    :math:`r, s` of false rejects at the two neighbouring thresholds around the
    crossing, it is

    .. math::

       a + (b - a) \frac{r - a}{(r - a) + (b - s)} ,

    the point where the straight line between them on the receiver operating
    characteristic meets the diagonal of equal errors. Pairs of equal scores change
    sides together.

    Examples
    --------
    >>> from sklearn_replearn.metrics import equal_error_rate
    >>> y_true = [1, 1, 1, 0, 0, 0]
    >>> equal_error_rate(y_true, [0.9, 0.8, 0.3, 0.4, 0.2, 0.1])
    0.333...
    """
    _, false_accepts, accepts = _accepted(y_true, scores)
    a = false_accepts / false_accepts[-1]
    excess = a - (1 - accepts / accepts[-1])  # rises from -1 to 1
    after = int(np.argmax(excess >= 0))
    low, high = excess[after - 1], excess[after]
    return float(a[after - 1] - (a[after] - a[after - 1]) * low / (high - low))


def verification_threshold(
    y_true, scores, criterion="accuracy", *, max_false_accept_rate=0.01
):
    """Threshold from which on a score means that the two of a pair are the same.

    Parameters
    ----------
    y_true : array-like of shape (n_pairs,)
        1 for pairs of the same class, 0 or -1 for different ones.
    scores : array-like of shape (n_pairs,)
        Larger for pairs that seem the same: similarities, or minus the distances.
    criterion : {"accuracy", "f1", "far"}, default="accuracy"
        What the threshold is best at on these pairs: the share of right decisions; the
        F1 score of the same pairs; or "far": to accept as many same pairs as it can
        while the share of different pairs that are accepted is at most
        `max_false_accept_rate`.
    max_false_accept_rate : float, default=0.01
        In [0, 1]. Used by "far" only.

    Returns
    -------
    threshold : float
        A pair is the same if ``score >= threshold``.

    Raises
    ------
    ValueError
        If all pairs are of one kind, if a label is none of these or missing, if a
        score is NaN or infinite, if the lengths differ, or if a parameter is none of
        the above.

    See Also
    --------
    equal_error_rate : The error where both kinds of errors are equal.

    Notes
    -----
    The threshold is the middle between two neighbouring scores. If no pair is to be
    accepted, it is the next number above the highest score; if all are, it is the
    lowest score. Of several that are equally good, it is the highest. Choose it on
    pairs that the embedding has not been fitted on.

    Examples
    --------
    >>> from sklearn_replearn.metrics import verification_threshold
    >>> y_true = [1, 1, 1, 0, 0, 0]
    >>> scores = [4.0, 3.5, 1.5, 2.0, 1.0, 0.5]
    >>> verification_threshold(y_true, scores)
    2.75
    >>> verification_threshold(y_true, scores, "f1")
    1.25
    >>> verification_threshold(y_true, scores, "far", max_false_accept_rate=0.4)
    1.25
    """
    _check_criterion(criterion, max_false_accept_rate)
    steps, false_accepts, accepts = _accepted(y_true, scores)
    n_different, n_same = false_accepts[-1], accepts[-1]
    if criterion == "accuracy":
        best = np.argmax(accepts - false_accepts)
    elif criterion == "f1":
        best = np.argmax(accepts / (accepts + false_accepts + n_same))
    else:
        allowed = false_accepts / n_different <= max_false_accept_rate
        best = np.argmax(np.where(allowed, accepts, -1))
    return _between(steps, int(best))


def _accepted(y_true, scores):
    """The different scores, from above, and how many pairs a threshold accepts.

    Returns
    -------
    steps : ndarray of shape (n_steps,)
    n_different, n_same : ndarray of int of shape (n_steps + 1,)
        Pairs of each kind with one of the i highest scores.
    """
    scores = _check_scores(scores)
    same = _check_pair_labels(y_true, len(scores))
    steps, step_of = np.unique(scores, return_inverse=True)
    n_steps = len(steps)
    step_of = n_steps - 1 - step_of
    counts = [
        np.r_[0, np.cumsum(np.bincount(step_of[kind], minlength=n_steps))]
        for kind in (~same, same)
    ]
    return steps[::-1], *counts


def _between(steps, n_accepted):
    """A threshold that accepts so many of the highest scores, in their precision."""
    if n_accepted == 0:
        return float(np.nextafter(steps[0], np.inf, dtype=steps.dtype))
    lowest = steps[n_accepted - 1]
    if n_accepted == len(steps):
        return float(lowest)
    below = steps[n_accepted]
    middle = lowest / 2 + below / 2
    return float(middle if middle > below else lowest)


def _check_scores(scores):
    """One finite number for each pair, in single precision or in double."""
    try:
        scores = np.asarray(scores)
        if scores.dtype != np.float32:
            scores = scores.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError("scores must be numbers, one for each pair.") from error
    if scores.ndim != 1:
        raise ValueError(
            f"scores has shape {scores.shape}, but one number a pair is expected."
        )
    finite = np.isfinite(scores)
    if not finite.all():
        pair = int(finite.argmin())
        raise ValueError(
            f"scores is {scores[pair]} at pair {pair}; finite numbers are needed."
        )
    return scores


def _check_pair_labels(y_true, n_pairs):
    """Whether each pair is the same."""
    labels = y_true if hasattr(y_true, "dtype") else np.asarray(y_true, dtype=object)
    labels = np.asarray(labels, dtype=object)
    if labels.ndim != 1:
        raise ValueError(
            f"y_true has shape {labels.shape}, but one label a pair is expected."
        )
    if len(labels) != n_pairs:
        raise ValueError(f"y_true has {len(labels)} labels for {n_pairs} scores.")
    for pair, label in enumerate(labels):
        if is_missing(label) or label not in (0, 1, -1):
            raise ValueError(
                f"y_true has the label {label!r} at pair {pair}; labels are 1 for the "
                "same, and 0 or -1 for different."
            )
    kinds = set(labels.tolist())
    if {0, -1} <= kinds:
        raise ValueError("y_true has both 0 and -1 for different pairs; use one.")
    if len(kinds) < 2:
        raise ValueError(
            f"y_true has 1 class, {kinds or 'no pairs'}: pairs of both kinds, the same "
            "and different ones, are needed."
        )
    return (labels == 1).astype(bool)


def _check_criterion(criterion, max_false_accept_rate):
    if not isinstance(criterion, str) or criterion not in _CRITERIA:
        known = ", ".join(map(repr, _CRITERIA))
        raise ValueError(f"criterion must be one of {known}; got {criterion!r}.")
    rate = max_false_accept_rate
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate <= 1:
        raise ValueError(
            f"max_false_accept_rate must be a number in [0, 1]; got {rate!r}."
        )
