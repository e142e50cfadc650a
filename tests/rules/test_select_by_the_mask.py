"""Indices made of masks."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "select-by-the-mask"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "i = np.where(x > 0.5)[0]\nn = len(i)\ny = x[i]"),
        ("x = np.random.default_rng(0).random(N)", "i = np.where(x > 0.5)[0]\ny = x[i + 0]"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = x[np.flatnonzero(x > 0.1)]", "y = x[x > 0.1]"),
        ("x = np.random.default_rng(0).random(N)", "i = np.where(x > 0.5)[0]\ny = x[i]", "i = x > 0.5"),
        (
            "x = np.random.default_rng(0).random(N)",
            "n = len(np.where(x > 0.1)[0])",
            "n = int(np.count_nonzero(x > 0.1))",
        ),
        ("x = np.random.default_rng(0).random(N); m = x > 0.1", "n = x[m].size", "n = int(np.count_nonzero(m))"),
        ("x = np.random.default_rng(0).random(N)", "x[np.where(x > 0.5)] = 0", "x[(x > 0.5)] = 0"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
