"""Sorted data cut by their bounds."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "slice-sorted-data"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = x[x < 0.5]"),
        ("x = np.sort(np.random.default_rng(0).random(N))", "y = x[x < 0.5]\ny[0] = 1"),
        ("x = np.sort(np.random.default_rng(0).random(N)); w = x[::-1].copy()", "y = x[w < 0.5]"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.sort(np.random.default_rng(0).random(N))", "y = x[x < 0.5]", "y = x[:np.searchsorted(x, 0.5)]"),
        (
            "x = np.sort(np.random.default_rng(0).random(N))",
            "y = x[(x >= 0.2) & (x < 0.5)]",
            "y = x[np.searchsorted(x, 0.2):np.searchsorted(x, 0.5)]",
        ),
        (
            "x = np.sort(np.random.default_rng(0).random(N)); w = x * 2",
            "y = w[x > 0.3]",
            "y = w[np.searchsorted(x, 0.3, 'right'):]",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
