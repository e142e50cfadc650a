"""One-hot matrices: counted, looked up, or stored in bytes."""

import pytest

from .helper import advice, texts

RULE = "index-without-one-hot"
SETUP = """
lab = np.arange(200_000) % 10; v = np.ones(200_000)
W = np.linspace(0, 1, 40).reshape(10, 4); x = np.linspace(0, 1, 4 * N)
"""


@pytest.mark.parametrize(
    "cell",
    [
        "E = np.eye(1000)",
        "H = np.eye(10, dtype=bool)[lab]",
        "H = np.eye(10)[lab] * 2.5",
        "B = np.ones((900, 900)) + 5 * np.eye(900)",
        "m = np.zeros(N)\nm[::2] = 2",
        "m = np.zeros(4 * N)\nm[:] = 1",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("H = np.eye(10)[lab]", "H = np.eye(10, dtype=bool)[lab]"),
        ("s = np.eye(10)[lab].T @ v", "s = np.bincount(lab, weights=v, minlength=10)"),
        ("s = np.eye(10)[lab].sum(axis=0)", "s = np.bincount(lab, minlength=10).astype(float)"),
        ("Y = np.identity(10)[lab] @ W", "Y = W[lab]"),
        ("H = np.zeros((lab.size, 10))\nH[np.arange(lab.size), lab] = 1", "H = np.zeros((lab.size, 10), dtype=bool)"),
        ("m = np.zeros(4 * N)\nm[x > .5] = 1", "m = np.zeros(4 * N, dtype=bool)"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
