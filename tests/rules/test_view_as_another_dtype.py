"""The same bytes as another dtype."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "view-as-another-dtype"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("m = (np.arange(4 * N) % 3).astype(np.uint8)", "y = m.astype(bool)"),
        ("m = np.arange(4 * N) % 3 == 0", "y = m.astype(np.uint8)\ny[0] = 5"),
        ("i = np.arange(N)", "y = i.astype(float)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("m = np.arange(4 * N) % 3 == 0", "y = m.astype(np.uint8)", "y = m.view(np.uint8)"),
        ("m = (np.arange(4 * N) % 2).astype(np.uint8)", "y = m.astype(bool)", "y = m.view(bool)"),
        ("i = np.arange(N)", "u = i.astype(np.uint64)", "u = i.view(np.uint64)"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
