"""Reductions of expressions, block by block."""

import pytest

from .helper import advice, texts

RULE = "reduce-an-expression-in-blocks"
SETUP = """
x = np.linspace(0, 1, N); y = np.linspace(1, 2, N); A = x.reshape(1000, 1000); s = x[:1000]
"""


@pytest.mark.parametrize(
    "cell",
    [
        "r = x.sum()",
        "r = np.sqrt(s ** 2 + 1).sum()",
        "r = np.median(x + y)",
        "r = (x + y).sum(keepdims=True)",
        "r = (A * s[:, None]).sum()",
        "r = (x[::2] + y[::2]).cumsum()",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        (
            "r = np.sqrt(x ** 2 + 1).sum()",
            "r = sum((np.sqrt(x[at:at + 65536] ** 2 + 1)).sum() for at in range(0, len(x), 65536))",
        ),
        (
            "r = np.mean(np.exp(x) + y)",
            "r = sum((np.exp(x[at:at + 65536]) + y[at:at + 65536]).sum() for at in range(0, len(x), 65536)) / x.size",
        ),
        (
            "r = np.abs(x - x.mean()).max()",
            "part1 = x.mean()\nr = max((np.abs(x[at:at + 65536] - part1)).max() for at in range(0, len(x), 65536))",
        ),
        ("r = np.exp(-A ** 2).sum()", "r = sum((np.exp(-A[at:at + 65] ** 2)).sum() for at in range(0, len(A), 65))"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
