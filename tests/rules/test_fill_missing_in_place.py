"""Missing values filled in place."""

import pytest

from .helper import advice, texts

pytest.importorskip("pandas")

RULE = "fill-missing-in-place"
SETUP = """
import pandas as pd
s = pd.Series(np.linspace(0, 1, N)); s[::10] = np.nan; t = s; u = s.copy(); d = pd.DataFrame({"a": u})
"""


@pytest.mark.parametrize(
    "cell",
    [
        "s = s.fillna(0)",
        "v = u.fillna(0)",
        "u = u.fillna(0)[1:]",
        "u = u.dropna()",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("u = u.fillna(0)", "u.fillna(0, inplace=True);"),
        ("d = d.fillna(value=1)", "d.fillna(value=1, inplace=True);"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
