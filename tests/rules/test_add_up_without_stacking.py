"""Reductions of a few arrays."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "add-up-without-stacking"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("a, b, c = np.random.default_rng(0).random((3, N))", "m = np.sum([a, b, c])"),
        ("a, b, c = np.random.default_rng(0).random((3, N))", "m = np.std([a, b, c], axis=0)"),
        ("a, b, c = np.random.default_rng(0).random((3, N))", "m = np.sum([a, b, c], axis=1)"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("a, b, c = np.random.default_rng(0).random((3, N))", "m = np.sum([a, b, c], axis=0)", "m = a + b + c"),
        (
            "a, b, c = np.random.default_rng(0).random((3, N))",
            "m = np.mean(np.stack((a, b, c)), axis=0)",
            "m = (a + b + c) / 3",
        ),
        (
            "a, b, c = np.random.default_rng(0).random((3, N))",
            "m = np.maximum.reduce([a, b, c])",
            "m = np.maximum(a, b)\nnp.maximum(m, c, out=m);",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
