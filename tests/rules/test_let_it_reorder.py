"""Medians and percentiles that may reorder."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "let-it-reorder"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "r = np.median(x)\ns = x.sum()"),
        ("x = np.random.default_rng(0).random(N); y = x", "r = np.median(x)"),
        ("x = np.random.default_rng(0).random(N)", "def f(q):\n    return np.median(q)\nr = f(x)"),
        ("x = np.random.default_rng(0).random(N)", "for i in range(2):\n    r = np.median(x) + x[0]"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "r = np.median(x)", "r = np.median(x, overwrite_input=True)"),
        (
            "x = np.random.default_rng(0).random(N)",
            "r = np.median(x)\nq = np.percentile(x, 5)",
            "r = np.median(x, overwrite_input=True)\nq = np.percentile(x, 5, overwrite_input=True)",
        ),
        (
            "x = np.random.default_rng(0).random(N)",
            "r = np.median(x - 0.5)",
            "r = np.median(x - 0.5, overwrite_input=True)",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)
