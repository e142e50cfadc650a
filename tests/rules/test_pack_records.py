"""Gaps between fields."""

import pytest

from .helper import advice, texts

RULE = "pack-records"
SETUP = """
a = np.dtype([("t", "i1"), ("x", "f8")], align=True)
"""


@pytest.mark.parametrize(
    "cell",
    [
        "r = np.zeros(N, [('t', 'i1'), ('x', 'f8')])",
        "r = np.zeros(N, a)",
        "r = np.zeros(9, np.dtype([('t', 'i1'), ('x', 'f8')], align=True))",
        "r = np.zeros(N, np.dtype([('t', 'f8'), ('x', 'f8')], align=True))",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        (
            "r = np.zeros(N, np.dtype([('t', 'i1'), ('x', 'f8')], align=True))",
            "r = np.zeros(N, np.dtype([('t', 'i1'), ('x', 'f8')]))",
        ),
        (
            "d = np.dtype([('t', 'i1'), ('x', 'f8')], align=True)\nr = np.zeros(N, dtype=d)\nr['x'] = 2",
            "d = np.dtype([('t', 'i1'), ('x', 'f8')])",
        ),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
