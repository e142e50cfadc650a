"""Casts after the expression, where the operation can give the dtype itself."""

import pytest

from .helper import advice, texts

RULE = "cast-while-computing"
SETUP = "a = np.linspace(1, 2, N); b = a + 1; f = a.astype(np.float32)"


@pytest.mark.parametrize(
    "cell",
    ["y = a.astype(np.float32)", "y = (f * f).astype(np.float32)", "y = (a * 100).astype(np.int8)",
     "y = (f * 2).astype(float)", "y = (a * 1e300 / 1e300).astype(np.float32)"],
)  # fmt: skip
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("y = (a * b).astype('f4')", "y = np.multiply(a, b, dtype=np.float32)"),
        ("y = np.float32(a / b)", "y = np.divide(a, b, dtype=np.float32)"),
        ("y = np.asarray(np.sqrt(a), dtype=np.float32)", "y = np.sqrt(a, dtype=np.float32)"),
        ("y = (a * b + 1).astype(np.float32)", "y = np.multiply(a, b, dtype=np.float32)\ny += 1"),
        ("s = (a * b).astype('f4').sum()", "s = np.multiply(a, b, dtype=np.float32).sum()"),
    ],
)
def test_is_computed_in_it(cell: str, after: str) -> None:
    pieces = advice(RULE, SETUP, cell)
    assert after in [each.after for each in pieces] and pieces[0].keeps[:5] in ("close", "same ")
    assert texts(RULE, SETUP.replace("N", "100"), cell) == []
