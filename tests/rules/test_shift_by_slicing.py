"""Neighbours by slices."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "shift-by-slicing"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N); y = x", "x = np.roll(x, 1)"),
        ("x = np.random.default_rng(0).random(N)", "y = np.roll(x, 1)[1:]\ny[0] = 3"),
        ("x = np.random.default_rng(0).random(N)", "y = np.roll(x, 1)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "d = (x - np.roll(x, 1))[1:]", "d = x[1:] - x[:-1]"),
        ("x = np.random.default_rng(0).random(N)", "x = np.roll(x, 1)", "x[1:], x[:1] = x[:-1], x[-1:].copy()"),
        ("x = np.random.default_rng(0).random(N)", "x = np.roll(x, -3)", "x[:-3], x[-3:] = x[3:], x[:3].copy()"),
        (
            "x = np.random.default_rng(0).random(N)",
            "s = np.sum(x * np.roll(x, 1))",
            "s = np.vdot(x[1:], x[:-1]) + x[0] * x[-1]",
        ),
        (
            "x = np.random.default_rng(0).random(N)",
            "y = 0.5 * (np.roll(x, 1) + np.roll(x, -1))",
            "y = np.roll(x, 1)\ny[:-1] += x[1:]\ny[-1:] += x[:1]\ny *= 0.5",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
