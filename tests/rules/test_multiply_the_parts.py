"""Products of joined matrices."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "multiply-the-parts"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        (
            "A = np.random.default_rng(0).random((2000, 500)); w = np.linspace(0, 1, 501)",
            "B = np.hstack([np.ones((2000, 1)), A])\ny = B @ w\ns = B.sum()",
        ),
        (
            "A = np.random.default_rng(0).random((2000, 500)); w = np.linspace(0, 1, 501)",
            "B = np.vstack([np.ones((1, 500)), A])\ny = B @ w[1:]",
        ),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "A = np.random.default_rng(0).random((2000, 500)); w = np.linspace(0, 1, 501)",
            "B = np.hstack([np.ones((2000, 1)), A])\ny = B @ w",
            "y = w[0] + A @ w[1:]",
        ),
        (
            "A = np.random.default_rng(0).random((2000, 500)); w = np.linspace(0, 1, 501)",
            "B = np.c_[A, np.ones(2000)]\ny = B.dot(w)",
            "y = A @ w[:500] + w[500]",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
