"""Comprehensions of arrays that become one array."""

import pytest

from .helper import advice, texts

RULE = "fill-rows-at-once"
SETUP = "x = np.linspace(0, 1, 10_000)"


@pytest.mark.parametrize(
    "cell",
    ["A = np.array([k * .5 for k in range(1000)])", "A = np.concatenate([x[:k] for k in range(900)])",
     "A = [x * k for k in range(100)]", "A = np.array([x, x])", "A = np.array([x * k for k in range(3)])"],
)  # fmt: skip
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("A = np.array([x * k for k in range(100)])",
         "A = np.fromiter((x * k for k in range(100)), np.dtype((np.float64, 10000)), 100)"),
        ("A = np.vstack([x.reshape(100, 100)[k] + k for k in range(100)] * 20)", None),
        ("A = np.concatenate([x * k for k in range(100)])",
         "A = np.fromiter((x * k for k in range(100)), np.dtype((np.float64, 10000)), 100).ravel()"),
    ],
)  # fmt: skip
def test_rows(cell: str, after: str | None) -> None:
    assert texts(RULE, SETUP, cell) == ([after] if after else [])
