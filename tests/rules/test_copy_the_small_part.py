"""Small views of big arrays."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "copy-the-small-part"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "h = x[:10]\nw = np.ones(N)"),
        ("", "h = []\nfor k in range(4):\n    t = np.full(N, k * 1.0)\n    h.append(t)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "",
            "h = []\nfor k in range(4):\n    t = np.full(N, k * 1.0)\n    h.append(t[:10])",
            "h.append(t[:10].copy())",
        ),
        (
            "",
            "def f(n):\n    big = np.arange(n) * 1.0\n    return big[:10]\nh = [f(N) for i in range(4)]",
            "return big[:10].copy()",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
