"""Arrays put together piece by piece."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "fill-one-array"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        (
            "pieces = [np.full(20_000, float(k)) for k in range(100)]",
            "r = []\nfor c in pieces:\n    r.append(c.max())\nr = np.array(r)",
        ),
        (
            "pieces = [np.full(20_000, float(k)) for k in range(100)]",
            "r = np.array([])\nfor c in pieces:\n    r = np.append(r, c)\n    s = r[0]",
        ),
        ("pieces = [np.full(20_000, float(k)) for k in range(100)]", "r = np.concatenate(pieces)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "",
            "L = []\nfor i in range(100):\n    L.append(np.full(20_000, i * 1.0))\nx = np.array(L)",
            "x = np.empty((100, 20000))\nfor i in range(100):\n    x[i] = np.full(20_000, i * 1.0)",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
