"""A column of everything."""

import pytest

from .helper import advice, texts, warnings_of

pytest.importorskip("pandas")

RULE = "take-the-column"
SETUP = """
import pandas as pd
df = pd.DataFrame({"a": np.linspace(0, 1, 300_000), "b": np.arange(300_000), "c": ["x"] * 300_000}); n = df[["a", "b"]]
"""


@pytest.mark.parametrize(
    "cell",
    [
        "v = df.values",
        "s = df['a'].to_numpy().sum()",
        "v = n.values[:5]",
        "v = df.values[0]",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("s = df.values[:, 0].sum()", "s = df.iloc[:, 0].to_numpy().sum()"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)


def test_objects_are_told() -> None:
    assert advice(RULE, SETUP, "s = df.values[:, 0].sum()")[0].keeps.startswith("ask: `s`")


def test_writing_into_values_is_explained() -> None:
    setup = SETUP.replace("300_000", "1_000_000")
    assert any(".values" in each.why for each in warnings_of(setup, "df['a'] = df['a'] * 2"))
