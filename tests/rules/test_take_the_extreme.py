"""Extreme values out of sorted copies."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "take-the-extreme"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.zeros(N)", "k = np.argsort(x)[-1]"),
        ("x = np.random.default_rng(0).random(N)", "v = np.sort(x)[5]"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "v = np.sort(A)[-1]"),
        ("x = np.ones(100)", "v = np.sort(x)[-1]"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "v = np.sort(x)[-1]", "v = x.max()"),
        ("x = np.random.default_rng(0).random(N)", "k = x.argsort()[0]", "k = x.argmin()"),
        ("A = np.random.default_rng(0).random((1000, 1000))", "v = np.sort(A, axis=1)[:, -1]", "v = A.max(axis=1)"),
        ("x = np.random.default_rng(0).random(N)", "k = np.argsort(-x)[0]", "k = x.argmax()"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
