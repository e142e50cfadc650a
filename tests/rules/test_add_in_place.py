"""Updates in place: where they are the same to the bit, and only there."""

from __future__ import annotations

import pytest

from rules.helper import texts, warnings_of

ALONE = {
    "another dtype": ("x = np.arange(N)", "x = x / 2"),
    "a wider dtype": ("x = np.ones(N, 'f4'); y = np.ones(N)", "x = x + y"),
    "a larger shape": ("x = np.ones((1, N // 4)); y = np.ones((4, 1))", "x = x + y"),
    "a second name": ("x = np.ones(N); y = x", "x = x * 2"),
    "no dimension": ("x = np.array(2.0)", "x = x * 2"),
    "small": ("x = np.ones(1000)", "x = x * 2"),
    "the transposed self": ("x = np.ones((1000, 1000))", "x = x + x.T"),
    "overlapping parts": ("x = np.ones(N)", "x[1:] = x[1:] + x[:-1]"),
    "a list": ("x = [1.0] * N", "x = x * 2"),
}
FOUND = {
    "name": ("x = np.ones(N)", "x = x * 2", "x *= 2"),
    "from the right": ("x = np.ones(N)", "x = 2 * x", "x *= 2"),
    "subtracted from": ("x = np.ones(N)", "x = 1 - x", "np.subtract(1, x, out=x);"),
    "function": ("x = np.ones(N)", "x = np.sqrt(x)", "np.sqrt(x, out=x);"),
    "power": ("x = np.arange(N)", "x = x ** 2", "x **= 2"),
    "item": ("d = {'k': np.ones(N)}", "d['k'] = d['k'] + 1", "d['k'] += 1"),
    "attribute": ("class A: pass\na = A(); a.w = np.ones(N)", "a.w = a.w + 1", "a.w += 1"),
    "field": ("r = np.zeros(N, [('x', 'f8'), ('y', 'f8')])", "r['x'] = r['x'] + 1", "r['x'] += 1"),
    "part": ("x = np.ones(N); y = x", "x[1:] = x[1:] * 2", "x[1:] *= 2"),
    "own row": ("A = np.ones((1000, 1000))", "A = A - A[0]", "A -= A[0].copy()"),
    "own maximum": ("x = np.ones(N)", "x = x / x.max()", "x /= x.max()"),
    "loop": ("x = np.ones(N)", "for k in range(3):\n    x = x * k", "x *= k"),
}


@pytest.mark.parametrize("name", ALONE)
def test_left_alone(name: str) -> None:
    assert texts("add-in-place", *ALONE[name]) == []


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    setup, cell, after = FOUND[name]
    assert texts("add-in-place", setup, cell) == [after]


def test_what_would_raise_is_told() -> None:
    (why,) = warnings_of("x = np.arange(N)", "x = x * 1.5")
    assert "int64" in why.why and "float64" in why.why
