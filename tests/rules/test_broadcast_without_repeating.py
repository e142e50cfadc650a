"""Repeated arrays as operands."""

import pytest

from .helper import texts

RULE = "broadcast-without-repeating"
SETUP = "A = np.ones((1000, 800)); v = np.linspace(1, 2, 1000); w = np.linspace(1, 2, 800)"


@pytest.mark.parametrize(
    "cell",
    ["V = np.tile(w, (1000, 1))", "B = A.ravel() - np.repeat(v, 800)", "B = A - v[:, None]", "r = np.tile(w, 1000)"],
)
def test_is_left_alone(cell: str) -> None:
    assert texts(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("B = A / np.repeat(v, 800).reshape(1000, 800)", "B = A / v[:, None]"),
        ("B = A - np.tile(w, (1000, 1))", "B = A - w"),
        ("B = A - np.tile(v[:, None], (1, 800))", "B = A - v[:, None]"),
        ("B = A - w[None, :].repeat(1000, axis=0)", "B = A - w[None, :]"),
        ("B = A - np.outer(v, np.ones(800))", "B = A - v[:, None]"),
    ],
)
def test_operands(cell: str, after: str) -> None:
    assert texts(RULE, SETUP, cell) == [after]
