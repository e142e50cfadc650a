"""float64 for float32, eight bytes for ones and zeros."""

import pytest

from .helper import advice, texts

RULE = "accumulate-narrowly"
SETUP = """
x = np.linspace(0, 1, N, dtype=np.float32); d = np.linspace(0, 1, N); m = d > .5
"""


@pytest.mark.parametrize(
    "cell",
    [
        "a = np.zeros(N)\na += d",
        "a = np.zeros(N)\na += x\na += d",
        "a = np.zeros(N)",
        "k = np.where(m, 1, 300)",
        "k = d.astype(int)",
        "k = m.astype(int)\nt = k.tobytes()",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("a = np.zeros(N)\na += x", "a = np.zeros(N, dtype=np.float32)"),
        ("a = np.empty(N)\na[:] = x", "a = np.empty(N, dtype=np.float32)"),
        ("k = np.where(m, 1, 0)\nk -= 1", "k = np.where(m, np.int8(1), np.int8(0))"),
        ("k = m.astype(int)\nk -= 1", "k = m.astype(np.int8)"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
