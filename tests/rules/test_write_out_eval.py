"""`df.eval` of arithmetic."""

import pytest

from .helper import advice, texts

pytest.importorskip("pandas")

RULE = "write-out-eval"
SETUP = """
import pandas as pd
df = pd.DataFrame({"a": np.linspace(0, 1, N), "b": np.ones(N)}); k = 2
"""


@pytest.mark.parametrize(
    "cell",
    [
        "r = df['a'] * 2 + df['b'] * 3",
        "r = df.eval('c = a + b')",
        "r = df.eval('a * @k + b')",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("r = df.eval('a * 2 + b * 3')", "r = (df['a'] * 2 + df['b'] * 3)"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
