"""Silent upcasts to float64 are asked about, with the figure; what is float64 by itself is left alone."""

import pytest

from .helper import advice, texts, warnings_of

RULE = "stay-in-float32"
SETUP = """
x = np.linspace(0, 1, N, dtype=np.float32); i = np.arange(N, dtype=np.int32); d = np.linspace(0, 1, N)
u = (i % 256).astype(np.uint8); s = np.array(1.5); big = np.arange(N) + 2**24
"""


@pytest.mark.parametrize(
    "cell",
    [
        "y = x * 2.5",
        "y = x * np.pi",
        "y = x + i.astype(np.int16)",
        "y = x * d",  # float64 is in it
        "y = d / 3",
        "y = x.astype(float)",  # meant as it is written
        "y = x * float(s)",
        "y = big / 1\nk = len(np.unique(y))",  # integers of 8 bytes
        "y = x + i\nk = y.tobytes()",  # what is made of it would differ
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("y = x * s", "y = np.multiply(x, s, dtype=np.float32)"),
        ("y = i / 3", "y = np.divide(i, 3, dtype=np.float32)"),
        ("y = u.astype(np.float64) / 255", "y = np.divide(u, 255, dtype=np.float32)"),
        ("y = u.astype(float) / 255 * 2", "y = np.divide(u, 255, dtype=np.float32)\ny *= 2"),
        ("y = x + np.ones(N)", "y = x + np.ones(N, dtype=np.float32)"),
    ],
)
def test_is_asked(cell: str, after: str) -> None:
    if np_is_old() and "s" in cell.split("x")[-1] and "ones" not in cell and "astype" not in cell:
        pytest.skip("NumPy 1.26 does not widen by scalars")
    (piece,) = advice(RULE, SETUP, cell)
    assert piece.after == after
    assert piece.keeps.startswith("ask: `y` is float32 instead of float64")


def np_is_old() -> bool:
    import numpy as np

    return np.__version__.startswith("1.")


def test_what_depends_on_it_is_named() -> None:
    (piece,) = advice(RULE, SETUP, "y = x * i\nm = y.mean()")
    assert "`y`, `m` are float32" in piece.keeps and "relative difference up to" in piece.keeps


def test_in_a_function() -> None:
    assert texts(RULE, SETUP, "def f(a, b):\n    return a + 1\ny = f(i, 2)") == []
    found = advice(RULE, SETUP, "def f(a, b):\n    r = a / b\n    return r\ny = f(i, 2)")
    assert [each.keeps[:8] for each in found] == ["ask: `y`"]


def test_roots_of_bytes_are_explained() -> None:
    assert any("float16" in each.why for each in warnings_of(SETUP, "y = np.sqrt(u, dtype=np.float32)"))
