"""A line with a column of the same length: asked about, never promised."""

import pytest

from .helper import advice

RULE = "pair-one-with-one"
SETUP = "y = np.linspace(0, 1, 1000); p = y.reshape(1000, 1).copy(); q = np.ones((900, 1))"


@pytest.mark.parametrize("cell", ["e = y - p.T", "e = y[:, None] - y", "e = y - q", "e = (p * p).sum()"])
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    "cell", ["e = np.sqrt((y - p) ** 2)", "e = np.subtract(p, y)\nf = e.sum()", "e = np.hypot(y, p).T"]
)
def test_is_asked(cell: str) -> None:
    pieces = advice(RULE, SETUP, cell)
    assert len(pieces) == 1 and "p.ravel()" in pieces[0].after
    assert pieces[0].keeps.startswith("ask: `e`")
