"""Copies that nothing writes into."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "take-the-array-itself"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = x.copy()\ny[0] = 3"),
        ("x = np.random.default_rng(0).random(N)", "y = x.copy()\nx += 1"),
        ("x = np.random.default_rng(0).random(N)", "y = np.array(x)\ny = np.sort(y)"),
        ("x = np.random.default_rng(0).random(N); x = np.ma.masked_greater(x, 0.5)", "y = x.copy()"),
        ("x = np.random.default_rng(0).random(N)", "y = np.array(x, dtype=np.float32)"),
        ("L = [1.5] * N", "y = np.array(L)"),
        (
            "x = np.random.default_rng(0).random(N)",
            "def f(a):\n    b = a.copy()\n    b[0] = 0\n    return b.sum()\nr = f(x)",
        ),
        ("x = np.random.default_rng(0).random(N)", "h = x[::2].copy()\ndel x"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = np.array(x, dtype=float)", "y = np.asarray(x, dtype=float)"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "B = np.copy(A)\nr = B.max() - B.min()", "B = A"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "B = A.T.copy()\ns = B.max(axis=1)", "B = A.T"),
        (
            "x = np.random.default_rng(0).random(N)",
            "def f(a):\n    b = np.array(a)\n    return b.sum()\nr = f(x)",
            "b = np.asarray(a)",
        ),
        (
            "A = np.random.default_rng(0).random((1000, 1000))",
            "s = np.asfortranarray(A).max(axis=0)",
            "s = A.max(axis=0)",
        ),
        ("x = np.random.default_rng(0).random(N)", "x = np.array(x)\nx[0] = 1", "x = np.asarray(x)"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
