"""Moving windows."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "look-through-windows"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        (
            "x = np.random.default_rng(0).random(50_000); w = np.ones(50)",
            "B = np.array([x[i:i + 50] for i in range(len(x) - 49)])\nB[0] = 1",
        ),
        (
            "x = np.random.default_rng(0).random(50_000); w = np.ones(50)",
            "B = np.array([x[i:i + 50] * 2 for i in range(len(x) - 49)])",
        ),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "x = np.random.default_rng(0).random(50_000); w = np.ones(50)",
            "m = (np.lib.stride_tricks.sliding_window_view(x, 50) * w).sum(axis=1)",
            "m = np.lib.stride_tricks.sliding_window_view(x, 50) @ w",
        ),
        (
            "x = np.random.default_rng(0).random(50_000); w = np.ones(50)",
            "B = np.stack([x[i:i + 50] for i in range(len(x) - 49)])\nm = B.max(axis=1)",
            "B = np.lib.stride_tricks.sliding_window_view(x, 50)[:(len(x) - 49)]",
        ),
        (
            "x = np.random.default_rng(0).random(50_000); w = np.ones(50)",
            "B = np.lib.stride_tricks.sliding_window_view(x, 50).copy()\nm = B.max(axis=1)",
            "B = np.lib.stride_tricks.sliding_window_view(x, 50)",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
