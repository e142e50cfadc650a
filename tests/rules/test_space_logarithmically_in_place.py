"""Logarithmic grids."""

import pytest

from .helper import advice, texts

RULE = "space-logarithmically-in-place"


@pytest.mark.parametrize(
    "cell", ["r = np.linspace(0, 3, N)", "r = np.logspace(0, 3, 1000)", "r = np.logspace(0, 3, N, dtype=np.float32)"]
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, "", cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("r = np.logspace(0, 3, N)", "r = np.linspace(0, 3, N)\nnp.power(10.0, r, out=r);"),
        ("r = np.logspace(0, 3, num=N, base=2.0)", "r = np.linspace(0, 3, N)\nnp.power(2.0, r, out=r);"),
        (
            "r = np.logspace(0, 3, N, endpoint=False)",
            "r = np.linspace(0, 3, N, endpoint=False)\nnp.power(10.0, r, out=r);",
        ),
    ],
)
def test_is_made_in_place(cell: str, after: str) -> None:
    assert texts(RULE, "", cell) == [after]
