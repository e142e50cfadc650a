"""Functions called for each number."""

import pytest

from .helper import advice, texts

RULE = "call-on-arrays"
SETUP = """
import math
x = np.linspace(0, 1, 300_000); i = np.arange(300_000)
def g(v): return 1.0 if v > .5 else 2.0
"""


@pytest.mark.parametrize(
    "cell",
    [
        "y = x * 3",
        "y = np.vectorize(g)(x)",
        "y = np.vectorize(lambda v: str(v))(i)",
        "y = np.vectorize(g)(x[:10])",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("y = np.vectorize(lambda v: v * 2 + 1)(x)", "y = x * 2 + 1"),
        ("def f(v):\n    return v * 3\ny = np.vectorize(f)(x)", "y = f(x)"),
        ("y = np.vectorize(lambda v: v if v > .5 else 0.0)(x)", "y = np.where(x > .5, x, 0.0)"),
        ("y = np.vectorize(math.sqrt)(x)", "y = np.sqrt(x)"),
        ("y = np.vectorize(lambda v, w: math.sqrt(v) + w)(x, i)", "y = np.sqrt(x) + i"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
