"""Reductions of rows and columns."""

import pytest

from .helper import advice, texts

RULE = "reduce-rows-in-blocks"
SETUP = "A = np.random.default_rng(0).random((2000, 500)); i = np.ones((2000, 500), int); T = np.ones((2, 500, 1000))"


@pytest.mark.parametrize(
    "cell",
    ["s = A.mean(axis=1)", "s = i.std(axis=1)", "s = A[:50].std(axis=1)", "s = T.std(axis=1)"],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize("name", ["std", "var", "median", "nanmedian"])
def test_rows(name: str) -> None:
    after = f"s = np.concatenate([np.{name}(A[start:start + 131], axis=1) for start in range(0, len(A), 131)])"
    assert texts(RULE, SETUP, f"s = np.{name}(A, axis=1)") == [after]


def test_columns() -> None:
    (piece,) = advice(RULE, SETUP, "s = A.std(0)")
    assert piece.keeps.startswith(("same bits", "close")) and piece.saving > 6_900_000
