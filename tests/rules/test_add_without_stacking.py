"""Arrays stacked only to be added, averaged or multiplied."""

import pytest

from .helper import advice, texts

RULE = "add-without-stacking"
SETUP = """
a = np.linspace(0, 1, N); b = a + 1; c = a + 2; L = [a, b, c]; x = a[:10_000]
i = np.arange(N, dtype=np.int32); T = np.stack([a, b])
"""


@pytest.mark.parametrize(
    "cell",
    ["m = np.sum([a, b])", "m = np.sum([a, b], axis=1)", "m = np.sum([i, i], axis=0)", "m = T.sum(axis=0)",
     "m = np.median([a, b, c], axis=0)", "m = np.sum([x, x], axis=0)"],
)  # fmt: skip
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("m = np.sum([a, b, c], axis=0)", "m = (a + b + c)"),
        ("m = np.mean((a, b), 0)", "m = (a + b) / 2"),
        ("m = np.prod([a, b, c], axis=0)", "m = (a * b * c)"),
        ("m = np.stack([a, b]).mean(axis=0)", "m = (a + b) / 2"),
        ("m = np.sum(L, axis=0)", "m = sum(L)"),
        ("m = np.sum([x * k for k in range(100)], axis=0)", "m = sum(x * k for k in range(100))"),
    ],
)
def test_is_combined(cell: str, after: str) -> None:
    assert texts(RULE, SETUP, cell) == [after]
