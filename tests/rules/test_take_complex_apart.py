"""Complex arrays of which only half is used."""

import pytest

from .helper import advice, texts

RULE = "take-complex-apart"
SETUP = """
p = np.linspace(0, 1, 500_000); z = p + 1j; w = p - 2j
"""


@pytest.mark.parametrize(
    "cell",
    [
        "q = np.abs(z) ** 2",
        "q = z * z.conj()",
        "q = (z * 2).real",
        "e = np.exp(z)",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("q = (z * z.conj()).real", "q = np.abs(z) ** 2"),
        ("q = np.real(z * np.conj(z))", "q = np.abs(z) ** 2"),
        ("q = np.sqrt(z.real ** 2 + z.imag ** 2)", "q = np.abs(z)"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
