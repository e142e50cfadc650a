"""Functions that widen float32."""

import numpy as np
import pytest

from .helper import advice

RULE = "keep-functions-in-float32"
SETUP = "x = np.linspace(0, 1, N, dtype=np.float32); A = x.reshape(-1, 20); s = np.array(1.5); d = x.astype(float)"


@pytest.mark.parametrize(
    "cell",
    ["y = np.where(x > .5, x, 0.0)", "y = np.where(x > .5, d, s.max())", "y = np.cov(d.reshape(-1, 20), rowvar=False)",
     "y = A @ np.ones(20, np.float32)", "y = np.clip(x, 0, .5)"],
)  # fmt: skip
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("y = np.where(x > .5, x, s.max())", "y = np.where(x > .5, x, float(s.max()))"),
        ("y = np.clip(x, s.min(), 2)", "y = np.clip(x, float(s.min()), 2)"),
        ("y = np.corrcoef(A, rowvar=False)", "y = np.corrcoef(A, rowvar=False, dtype=np.float32)"),
        ("y = A @ d[:20]", "y = A @ d[:20].astype(np.float32)"),
    ],
)
def test_is_asked(cell: str, after: str) -> None:
    if np.__version__.startswith("1.") and "s.m" in cell:
        pytest.skip("NumPy 1.26 does not widen by scalars")
    (piece,) = advice(RULE, SETUP, cell)
    assert piece.after == after and piece.keeps.startswith("ask: `y` is float32 instead of float64")
