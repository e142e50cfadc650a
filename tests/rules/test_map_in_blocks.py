"""Expressions written into their result block by block."""

import pytest

from .helper import advice, texts

RULE = "map-in-blocks"
SETUP = """
x = np.linspace(0, 1, N); y = np.linspace(1, 2, N); s = x[:1000]
"""


@pytest.mark.parametrize(
    "cell",
    [
        "z = x + y",
        "z = np.cbrt(s) * np.cbrt(s + 1)",
        "x = np.cbrt(x) * np.cbrt(x + 1)",
        "z = np.cumsum(x) + np.cumsum(y) * np.sort(x)",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        (
            "z = np.cbrt(x) * np.cbrt(y + 1)",
            "z = np.empty(x.shape, np.float64)\nfor at in range(0, len(x), 65536):\n"
            "    z[at:at + 65536] = np.cbrt(x[at:at + 65536]) * np.cbrt(y[at:at + 65536] + 1)",
        ),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
