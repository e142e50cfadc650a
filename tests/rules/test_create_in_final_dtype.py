"""Arrays made and cast at once."""

import pytest

from .helper import advice, warnings_of

RULE = "create-in-final-dtype"
SETUP = "a = np.linspace(0, 1, N); rng = np.random.default_rng(0)"


@pytest.mark.parametrize(
    "cell",
    [
        "x = a.astype(np.float32)",  # not made here
        "x = np.linspace(0, 1, N).astype(np.float32)",  # computed in float64 all the same
        "x = np.ones(N) * 5",  # reused: one array already
        "x = rng.normal(5, 2, N).astype(np.float32)",  # takes no dtype
        "x = np.zeros(1000).astype(int)",
        "x = (np.arange(N) * 300).astype(np.uint8)",  # wraps
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("x = np.arange(N).astype(np.float32)", "x = np.arange(N, dtype=np.float32)"),
        ("x = np.float32(np.zeros((N, 2)))", "x = np.zeros((N, 2), dtype=np.float32)"),
        ("x = np.asarray(np.full(N, 2), dtype='f4')", "x = np.full(N, 2, dtype='f4')"),
        ("x = np.zeros_like(a).astype(bool)", "x = np.zeros_like(a, dtype=bool)"),
        ("x = np.ones(N, dtype=np.int64).astype('i1')", "x = np.ones(N, dtype='i1')"),
    ],
)
def test_is_made_in_its_dtype(cell: str, after: str) -> None:
    (piece,) = advice(RULE, SETUP, cell)
    assert (piece.after, piece.keeps) == (after, "same bits")


def test_linspace_is_explained() -> None:
    assert any("linspace" in each.why for each in warnings_of("", "x = np.linspace(0, 1, N).astype('f4')"))
