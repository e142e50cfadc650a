"""Masks that are stored as numbers."""

import pytest

from .helper import advice

RULE = "keep-masks-boolean"
SETUP = "x = np.linspace(0, 1, N); i = np.arange(N)"


@pytest.mark.parametrize(
    "cell",
    [
        "m = i.astype(float)",
        "m = x > 0.5",
        "m = (x > 0.5) * 3.0",
        "m = (x > 0.5).astype(np.uint8)",
        "m = np.where(x > 0.5, 2.0, 0.0)",
        "m = (x > 0.5).astype(float) * x",
        "m = (x > 0.5).astype(float)\nm -= 0.25",  # truth values cannot
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    "made", ["(x > 0.5).astype(float)", "np.where(x > 0.5, 1.0, 0.0)", "(x > 0.5) * 1.0", "(x > 0.5).astype('f8')"]
)
def test_is_kept(made: str) -> None:
    (piece,) = advice(RULE, SETUP, f"m = {made}\ns = m.sum()")
    assert piece.after == "m = x > 0.5"
    assert piece.keeps.startswith("ask: `m`, `s` are bool instead of float64")
