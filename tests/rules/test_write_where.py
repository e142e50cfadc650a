"""np.where on the array itself."""

from __future__ import annotations

import pytest

from .helper import texts, warnings_of

RULE = "write-where"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N); y = x", "x = np.where(x < 0.2, 0, x)"),
        ("x = np.arange(N)", "x = np.where(x < 5, 0.5, x)"),
        ("x = np.random.default_rng(0).random(N)", "y = np.where(x < 0.2, 0, x)\ns = x.sum()"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("x = np.random.default_rng(0).random(N)", "x = np.where(x < 0.2, 0, x)", "x[x < 0.2] = 0"),
        ("x = np.random.default_rng(0).random(N)", "x = np.where(~np.isnan(x), x, 0.0)", "x[np.isnan(x)] = 0.0"),
        (
            "x = np.random.default_rng(0).random(N)",
            "x = np.where(x > 0.9, 0.9, np.where(x < 0.1, 0.1, x))",
            "np.clip(x, 0.1, 0.9, out=x);",
        ),
        ("x = np.random.default_rng(0).random(N)", "x = np.nan_to_num(x)", "np.nan_to_num(x, copy=False);"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)


def test_says_what_would_be_cut() -> None:
    (found,) = (each for each in warnings_of("x = np.arange(N)", "x = np.where(x < 5, 0.5, x)") if each.rule == RULE)
    assert "int64" in found.why and "float64" in found.why
