"""np.delete at the ends."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "slice-off-the-ends"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, 5)"),
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, 0)\ny[3] = 2"),
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, 0)\nx[3] = 2"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "y = np.delete(A, 0)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, 0)", "y = x[1:]"),
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, len(x) - 1)", "y = x[:-1]"),
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, [0, -1])", "y = x[1:-1]"),
        ("x = np.random.default_rng(0).random(N)", "y = np.delete(x, np.s_[:3])", "y = x[3:]"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "B = np.delete(A, -1, axis=1)", "B = A[:, :-1]"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
