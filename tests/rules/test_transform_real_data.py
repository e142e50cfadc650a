"""Transforms of real data."""

import numpy as np
import pytest

from .helper import advice, texts

RULE = "transform-real-data"
SETUP = """
x = np.linspace(0, 1, 1 << 18); z = x + 1j; k = x[::-1].copy()
"""


@pytest.mark.parametrize(
    "cell",
    [
        "Z = np.fft.fft(z)",
        "Z = np.fft.fft(x)\np = Z[-5:].copy()",
        "Z = np.fft.rfft(x)",
        "P = np.abs(np.fft.fft(x)).sum()",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("P = np.abs(np.fft.fft(x))[:1000]", "P = np.abs(np.fft.rfft(x))[:1000]"),
        ("Z = np.fft.fft(x)\nP = np.abs(Z[:1000])", "Z = np.fft.rfft(x)"),
        ("P = np.fft.fft(x.astype(complex))[:9].copy()", "P = np.fft.rfft(x)[:9].copy()"),
        (
            "y = np.fft.ifft(np.fft.fft(x) * np.fft.fft(k)).real",
            "y = np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(k), x.shape[-1])",
        ),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    if np.__version__.startswith("1.") and "irfft" in after:
        pytest.skip("NumPy 1.26 makes copies in irfft")
    assert after in texts(RULE, SETUP, cell)
