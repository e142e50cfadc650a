"""Flattening without a copy."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "flatten-as-a-view"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("A = np.random.default_rng(0).random((1000, 1000))", "y = A.flatten()\ny[:] = 0"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "y = A.T.flatten()"),
        ("x = np.random.default_rng(0).random(N)", "x = x.flatten()\nx *= 2"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("A = np.random.default_rng(0).random((1000, 1000))", "y = A.flatten()", "y = A.ravel()"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "y = np.hstack(A)", "y = A.reshape(-1)"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "r = np.max(A.T.flatten())", "r = A.T.max()"),
        (
            "A = np.asfortranarray(np.random.default_rng(0).random((1000, 1000)))",
            "r = np.sort(A.ravel())[3]",
            "r = np.sort(A.ravel('K'))[3]",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
