"""Error rates and thresholds of pairs, by hand and against all thresholds."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from sklearn_replearn.metrics import equal_error_rate, verification_threshold


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(200) % 4 == 0).astype(int)
    scores = np.round(y + rng.standard_normal(200), 1)  # many are equal
    return y, scores


def rates(y, scores, threshold):
    accepted = scores >= threshold
    return accepted[y != 1].mean(), (~accepted)[y == 1].mean()


def quality(criterion, y, scores, threshold):
    """What a criterion maximises; minus infinity where it is not allowed."""
    accepted, same = scores >= threshold, y == 1
    if criterion == "accuracy":
        return (accepted == same).mean()
    if criterion == "f1":
        return 2 * (accepted & same).sum() / (accepted.sum() + same.sum())
    false_accepts = accepted[~same].mean()
    return accepted[same].mean() if false_accepts <= 0.1 else -np.inf


def test_worked_example():
    """Same: 0.9, 0.8, 0.3; different: 0.4, 0.2, 0.1.

    Above 0.4 nothing is accepted falsely, and one of three the same is refused; from
    0.4 on, one of three is accepted falsely. Both rates are 1/3 between 0.3 and 0.4.
    """
    y, scores = [1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.3, 0.4, 0.2, 0.1]
    assert equal_error_rate(y, scores) == pytest.approx(1 / 3)
    assert verification_threshold(y, scores) == pytest.approx(0.6)
    assert verification_threshold(y, scores, "f1") == pytest.approx(0.25)
    assert verification_threshold(y, scores, "far") == pytest.approx(0.6)
    far = verification_threshold(y, scores, "far", max_false_accept_rate=0.34)
    assert far == pytest.approx(0.25)


def test_equal_error_rate_is_interpolated():
    # From (false accepts, false rejects) = (0, 1/2) to (1, 1/2): the lines meet at 1/2.
    assert equal_error_rate([1, 0, 1], [3, 2, 1]) == pytest.approx(0.5)
    assert equal_error_rate([1, 1, 0, 0], [4, 3, 2, 1]) == 0
    assert equal_error_rate([1, 1, 0, 0], [1, 2, 3, 4]) == 1
    assert equal_error_rate([1, 0, 1, 0], [1, 1, 1, 1]) == 0.5


def test_equal_error_rate_lies_on_the_roc_curve(pairs):
    y, scores = pairs
    rate = equal_error_rate(y, scores)
    false_accepts, accepts, _ = roc_curve(y, scores, drop_intermediate=False)
    assert np.interp(rate, false_accepts, accepts) == pytest.approx(1 - rate)


@pytest.mark.parametrize("criterion", ["accuracy", "f1", "far"])
def test_no_threshold_is_better(pairs, criterion):
    y, scores = pairs
    threshold = verification_threshold(y, scores, criterion, max_false_accept_rate=0.1)
    found = quality(criterion, y, scores, threshold)
    candidates = [*np.unique(scores), scores.max() + 1]
    best = max(quality(criterion, y, scores, candidate) for candidate in candidates)
    assert found == best
    assert not np.isin(threshold, scores)  # it lies between two of them


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_where_all_or_none_are_accepted(dtype):
    y, scores = np.array([1, 0, 0]), np.array([1, 2, 3], dtype=dtype)
    none = verification_threshold(y, scores, "far", max_false_accept_rate=0.0)
    assert not (scores >= dtype(none)).any()
    everything = verification_threshold(y, scores, "far", max_false_accept_rate=1.0)
    assert (scores >= dtype(everything)).all()


def test_either_way_to_label(pairs):
    y, scores = pairs
    signs = np.where(y == 1, 1, -1)
    assert equal_error_rate(y, scores) == equal_error_rate(signs, scores)
    assert equal_error_rate(y == 1, scores) == equal_error_rate(y, scores)
    assert verification_threshold(y, scores) == verification_threshold(signs, scores)


@pytest.mark.parametrize("function", [equal_error_rate, verification_threshold])
def test_bad_input_is_refused(pairs, function):
    y, scores = pairs
    broken = scores.copy()
    broken[7] = np.nan
    for labels, numbers, message in (
        (y * 0, scores, "y_true has 1 class"),
        (y + 1, scores, "labels are 1 for the same, and 0 or -1"),
        (y.astype(str), scores, "labels are 1 for the same"),
        ([None, *y[1:]], scores, "y_true has the label None at pair 0"),
        ([-1, *y[1:]], scores, "both 0 and -1"),
        (y, broken, "scores is nan at pair 7"),
        (y, scores.astype(str), "NaN|numbers|dtype|label"),
        (y[1:], scores, "y_true has 199 labels for 200 scores"),
        (y, scores[:, None], "one number a pair"),
    ):
        if isinstance(numbers, np.ndarray) and numbers.dtype.kind == "U":
            numbers = np.array(["high"] * 200)
        with pytest.raises(ValueError, match=message):
            function(labels, numbers)


def test_bad_criteria_are_refused(pairs):
    with pytest.raises(ValueError, match="criterion must be one of"):
        verification_threshold(*pairs, "eer")
    with pytest.raises(ValueError, match=r"a number in \[0, 1\]; got 1.5"):
        verification_threshold(*pairs, "far", max_false_accept_rate=1.5)
