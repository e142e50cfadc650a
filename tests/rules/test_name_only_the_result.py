"""One array through all steps."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "name-only-the-result"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "p = x ** 2\nq = p + 1\ns = p.sum()"),
        ("x = np.random.default_rng(0).random(N); p = x", "p = x ** 2\nq = p + 1"),
        ("x = np.random.default_rng(0).random(N)", "p = x\nq = p + 1"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "p = x ** 2\nq = p + 1\nr = q / 2", "r = x ** 2\nr += 1\nr /= 2"),
        (
            "x = np.random.default_rng(0).random(N)",
            "def f(x):\n    p = x ** 2\n    q = p + 1\n    return q\ny = f(x)",
            "q = x ** 2\n    q += 1",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
