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


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("m = np.sum(L, axis=0)", "m = sum(L)"),
        ("m = np.mean(L, axis=0)", "m = sum(L) / len(L)"),
        ("m = np.sum([a * k for k in range(20)], axis=0)", "m = sum(a * k for k in range(20))"),
        ("m = np.mean(np.array([a * k for k in range(20)]), axis=0)", "m = sum(a * k for k in range(20)) / 20"),
        ("m = np.max([a, b, c], axis=0)", "m = np.maximum(a, b)\nnp.maximum(m, c, out=m);"),
    ],
)
def test_lists_of_any_length(cell: str, wanted: str) -> None:
    setup = "a, b, c = np.random.default_rng(0).random((3, N)); L = [a + k for k in range(9)]"
    assert wanted in texts(RULE, setup, cell)


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("s = np.concatenate([a, b]).sum()", "s = (a.sum() + b.sum())"),
        ("s = np.max(np.concatenate((a, b, c)))", "s = np.maximum(np.maximum(a.max(), b.max()), c.max())"),
        ("s = np.hstack([a, b]).mean()", "s = (a.sum() + b.sum()) / (a.size + b.size)"),
    ],
)
def test_joined_end_to_end(cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, "a, b, c = np.random.default_rng(0).random((3, N))", cell)
