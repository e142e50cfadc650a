"""Columns and rows of text files."""

import pytest

from .helper import advice, texts

RULE = "read-only-the-columns"
SETUP = """
import os, tempfile
p = os.path.join(tempfile.mkdtemp(), "a.txt")
np.savetxt(p, np.arange(200_000).reshape(-1, 10), fmt="%d")
"""


@pytest.mark.parametrize(
    "cell", ["x = np.loadtxt(p)", "x = np.loadtxt(p)[5:]", "x = np.loadtxt(p, usecols=(0, 1))[:, 0]"]
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("y = np.loadtxt(p)[:, 3]", "y = np.loadtxt(p, usecols=3)"),
        ("y = np.loadtxt(p)[:, [0, 2]]", "y = np.loadtxt(p, usecols=[0, 2])"),
        ("s = np.loadtxt(p)[:1000].sum()", "s = np.loadtxt(p, max_rows=1000).sum()"),
    ],
)
def test_is_read(cell: str, after: str) -> None:
    assert texts(RULE, SETUP, cell) == [after]
