"""Alignment, uniformity and effective rank: loops, invariances, bad input."""

from itertools import combinations
from math import dist, exp, log

import numpy as np
import pytest

from sklearn_replearn.metrics import _sphere, alignment, effective_rank, uniformity

rng = np.random.default_rng(0)
Z1, Z2 = rng.normal(size=(2, 30, 4))


def units(Z):
    return [[x / dist(z, [0] * len(z)) for x in z] for z in Z.tolist()]


@pytest.mark.parametrize("alpha", [2, 1, 0.5])
@pytest.mark.parametrize("normalize", [True, False])
def test_alignment_by_a_loop(alpha, normalize):
    pairs = zip(*(units(Z) if normalize else Z.tolist() for Z in (Z1, Z2)), strict=True)
    expected = sum(dist(a, b) ** alpha for a, b in pairs) / len(Z1)
    found = alignment(Z1, Z2, alpha=alpha, normalize=normalize)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("t", [2, 0.3, 50])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("block_size", [1, 100, 10**6])
def test_uniformity_by_a_loop(monkeypatch, t, normalize, block_size):
    monkeypatch.setattr(_sphere, "_BLOCK_SIZE", block_size)
    vectors = units(Z1) if normalize else Z1.tolist()
    terms = [exp(-t * dist(a, b) ** 2) for a, b in combinations(vectors, 2)]
    found = uniformity(Z1, t, normalize=normalize)
    assert found == pytest.approx(log(sum(terms) / len(terms)), rel=1e-12)


def test_what_changes_nothing():
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    order = rng.permutation(len(Z1))
    lengths = rng.uniform(0.1, 9, size=(len(Z1), 1))
    for A, B in ((Z1 @ turn, Z2 @ turn), (Z1[order], Z2[order]), (lengths * Z1, Z2)):
        assert alignment(A, B) == pytest.approx(alignment(Z1, Z2), rel=1e-12)
        assert uniformity(A) == pytest.approx(uniformity(Z1), rel=1e-12)
    for A in (Z1 @ turn, Z1[order], Z1 + 5, 3 * Z1):
        assert effective_rank(A) == pytest.approx(effective_rank(Z1), rel=1e-12)
    far = uniformity(Z1 + 1e6, normalize=False)
    assert far == pytest.approx(uniformity(Z1, normalize=False), rel=1e-8)


def test_extremes():
    same = np.ones((5, 3))
    assert alignment(same, same) == uniformity(same) == effective_rank(same) == 0
    assert alignment(Z1, -Z1) == pytest.approx(4, rel=1e-12)
    # No pair is so far that all exponentials vanish.
    assert uniformity([[1, 0], [-1, 0]], t=1e4) == pytest.approx(-4e4)
    many = rng.normal(size=(2000, 500))
    assert uniformity(many) == pytest.approx(-4, abs=0.05)
    assert uniformity(1e200 * Z1) == pytest.approx(uniformity(Z1), rel=1e-12)
    assert uniformity(1e-200 * Z1) == pytest.approx(uniformity(Z1), rel=1e-12)
    shape = (1000, 7)
    assert 6.5 < effective_rank(rng.normal(size=shape)) < 7
    assert isinstance(uniformity(Z1.astype(np.float32)), float)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alignment(Z1, Z2[:5]), r"Z1 has the shape \(30, 4\) and Z2 \(5, 4\)"),
        (lambda: alignment(Z1, np.full((30, 4), np.nan)), "Z2 contains NaN"),
        (lambda: alignment(Z1 * 0, Z2), "^Row 0 of Z1 is zero and has no direction"),
        (lambda: alignment(Z1, Z2, alpha=0), "^alpha must be a finite number above 0"),
        (lambda: uniformity(Z1, 0), "^t must be a finite number above 0"),
        (lambda: uniformity(Z1, np.nan), "^t must be a finite number above 0"),
        (lambda: uniformity(Z1[:1]), "minimum of 2"),
        (lambda: uniformity(Z1[0]), "Expected 2D array"),
        (lambda: effective_rank([[1.0, np.inf]]), "Z contains infinity"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
