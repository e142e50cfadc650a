"""Places at equal steps."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "slice-instead-of-index"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N); i = np.random.default_rng(1).permutation(N)", "y = x[i]"),
        ("x = np.random.default_rng(0).random(N)", "y = x[np.arange(0, N, 2)]\ny += 1"),
        ("A = np.random.default_rng(0).random((N, 4))", "B = A[:, [0, 3, 1]]"),
        ("x = np.random.default_rng(0).random(N)", "def f(q):\n    return q[np.arange(0, len(q), 2)]\ny = f(x)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = x[np.arange(0, N, 2)]", "y = x[:N:2]"),
        ("A = np.random.default_rng(0).random((N, 4))", "B = A[:, [0, 1]]", "B = A[:, :2]"),
        ("A = np.random.default_rng(0).random((N, 4))", "B = A[:, [3, 2, 1]]", "B = A[:, 3:0:-1]"),
        ("A = np.random.default_rng(0).random((N, 4))", "B = np.take(A, [2, 3], axis=1)", "B = A[:, 2:4]"),
        ("x = np.random.default_rng(0).random(N)", "y = x[np.arange(N)[::-1]]", "y = x[::-1]"),
        ("x = np.random.default_rng(0).random(N)", "i = np.arange(0, N, 2)\ny = x[i]", "i = slice(None, N, 2)"),
        ("x = np.random.default_rng(0).random(N)", "x[np.arange(0, N, 2)] += 1", "x[:N:2] += 1"),
        (
            "x = np.random.default_rng(0).random(N); i = np.arange(1, N, 3)",
            "y = x[i]",
            "y = x[i[0]:i[-1] + 1:i[1] - i[0]]",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
