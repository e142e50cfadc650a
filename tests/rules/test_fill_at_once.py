"""Ones that become another number."""

import pytest

from .helper import texts

RULE = "fill-at-once"


@pytest.mark.parametrize("cell", ["x = np.ones(N) * 5", "x = np.ones(N) * np.arange(N)", "x = np.ones(9, int) * 2.5"])
def test_is_left_alone(cell: str) -> None:
    assert texts(RULE, "", cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("x = np.ones(N, int) * 2.5", "x = np.full(N, 2.5)"),
        ("x = 2.5 + np.zeros((N, 2), dtype=int)", "x = np.full((N, 2), 2.5)"),
        ("x = np.ones_like(a) * 2.5", "x = np.full_like(a, 2.5, dtype=np.float64)"),
    ],
)
def test_is_filled(cell: str, after: str) -> None:
    assert texts(RULE, "a = np.arange(N)", cell) == [after]
