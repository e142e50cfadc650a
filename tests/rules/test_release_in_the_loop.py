"""Arrays of the round before."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "release-in-the-loop"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("", "s = 0.0\nfor i in range(3):\n    t = np.full(N, i * 1.0)\n    s += t.sum()\nr = t[0]"),
        ("", "keep = []\nfor i in range(3):\n    t = np.full(N, i * 1.0)\n    keep.append(t)"),
        ("t = np.zeros(N)", "for i in range(3):\n    t = np.cumsum(t)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "",
            "s = 0.0\nfor i in range(3):\n    t = np.full(N, i * 1.0)\n    s += t.sum()",
            "for i in range(3):\n    t = np.full(N, i * 1.0)\n    s += t.sum()\n    del t",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
