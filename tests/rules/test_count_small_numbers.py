"""Distinct values of whole numbers."""

import pytest

from .helper import texts

RULE = "count-small-numbers"
SETUP = "i = np.arange(N) % 100; s = i - 5; x = i * 1.0; g = np.arange(N) * 10"


@pytest.mark.parametrize(
    "cell",
    [
        "u = np.unique(x)",
        "u = np.unique(s)",  # negative
        "u = np.unique(i[:10_000])",
        "u, n = np.unique(s, return_counts=True)",
        "u, k = np.unique(i, return_index=True)",
        "k = len(np.unique(g))",  # counting takes more
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert texts(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("u = np.unique(i)", "u = np.flatnonzero(np.bincount(i))"),
        ("k = len(np.unique(i))", "k = int(np.count_nonzero(np.bincount(i)))"),
        ("k = np.unique(i).size", "k = int(np.count_nonzero(np.bincount(i)))"),
        ("u, n = np.unique(i, return_counts=True)", "n = np.bincount(i)\nu = np.flatnonzero(n)\nn = n[u];"),
    ],
)
def test_is_counted(cell: str, after: str) -> None:
    assert [each.rstrip(";") for each in texts(RULE, SETUP, cell)] == [after.rstrip(";")]


def test_the_inverse() -> None:
    (after,) = texts(RULE, SETUP, "u, k = np.unique(i, return_inverse=True)")
    assert after.startswith("seen = np.bincount(i) > 0\n") and after.rstrip(";").endswith("del seen")
