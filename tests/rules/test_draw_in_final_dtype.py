"""Random numbers drawn and cast: other numbers are asked about."""

import pytest

from .helper import advice

RULE = "draw-in-final-dtype"
SETUP = "rng = np.random.default_rng(0)"


@pytest.mark.parametrize(
    "cell",
    ["x = rng.normal(5, 2, N).astype(np.float32)", "x = rng.random(N, dtype=np.float32).astype(float)",
     "x = np.random.rand(N).astype(np.float32)", "x = rng.random(100).astype(np.float32)",
     "x = rng.random(N).astype(np.float16)"],
)  # fmt: skip
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("x = rng.random(N).astype('f4')", "x = rng.random(N, dtype='f4')"),
        ("x = np.random.default_rng(1).standard_normal(N).astype('f4')",
         "x = np.random.default_rng(1).standard_normal(N, dtype='f4')"),
        ("x = rng.integers(0, 9, N).astype(np.uint8)", "x = rng.integers(0, 9, N, dtype=np.uint8)"),
    ],
)  # fmt: skip
def test_other_random_numbers_are_asked_about(cell: str, after: str) -> None:
    (piece,) = advice(RULE, SETUP, cell)
    assert piece.after == after
    assert piece.keeps.startswith("ask: other random numbers: `x`")
