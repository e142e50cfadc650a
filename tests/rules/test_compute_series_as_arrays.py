"""Arithmetic and statistics of pandas objects."""

import pytest

from .helper import advice, texts

pytest.importorskip("pandas")

RULE = "compute-series-as-arrays"
SETUP = """
import pandas as pd
s = pd.Series(np.linspace(0, 1, N)); gaps = s.copy(); gaps[::10] = np.nan
df = pd.DataFrame({"a": np.linspace(0, 1, N), "b": np.ones(N)}); other = pd.Series(np.ones(N), index=range(1, N + 1))
"""


@pytest.mark.parametrize(
    "cell",
    [
        "t = gaps.std()",
        "r = s * 2",
        "r = s + other * 2",
        "r = s.head(5) * 2 * 3",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        (
            "r = s * 2 * 3 * 4 + 1",
            "r = pd.Series(s.to_numpy() * 2 * 3 * 4 + 1, index=s.index, name=s.name, copy=False)",
        ),
        ("t = s.std()", "t = s.to_numpy().std(ddof=1)"),
        (
            "df['c'] = df['a'] * 2 + 1",
            "df['c'] = pd.Series(df['a'].to_numpy() * 2 + 1, index=df.index, name=df['a'].name, copy=False)",
        ),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)


def test_numexpr_where_numpy_needs_two() -> None:
    pytest.importorskip("numexpr")
    assert any(
        "evaluate('column * 2 + column2 * 3')" in each for each in texts(RULE, SETUP, "r = df['a'] * 2 + df['b'] * 3")
    )
