"""Sorting and shuffling in place."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "sort-in-place"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N); y = x", "x = np.sort(x)"),
        ("x = np.random.default_rng(0).random(N)", "y = np.sort(x)\ns = x[0]"),
        ("x = np.random.default_rng(0).random(N)", "def f(q):\n    q = np.sort(q)\n    return q[3]\nr = f(x)"),
        ("x = np.ones(1000)", "x = np.sort(x)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "x = np.sort(x)", "x.sort();"),
        ("x = np.random.default_rng(0).random(N)", "x = x[x.argsort()]", "x.sort();"),
        ("x = np.random.default_rng(0).random(N)", "x = np.sort(x)[::-1]", "x.sort()\nx = x[::-1]"),
        (
            "x = np.random.default_rng(0).random(N); rng = np.random.default_rng(1)",
            "x = rng.permutation(x)",
            "rng.shuffle(x);",
        ),
        (
            "x = np.random.default_rng(0).random(N)",
            "y = np.sort(np.abs(x - 0.5))",
            "y = x - 0.5\nnp.abs(y, out=y)\ny.sort();",
        ),
        ("x = np.random.default_rng(0).random(N)", "y = np.sort(x)", "x.sort()\ny = x"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
