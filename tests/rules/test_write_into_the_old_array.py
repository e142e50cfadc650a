"""Results computed into arrays that are there already."""

from __future__ import annotations

import pytest

from .helper import texts

RULE = "write-into-the-old-array"
SETUP = "rng = np.random.default_rng(0); a = rng.random(N); b = rng.random(N); A = rng.random((1000, 1000)); "


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("y = np.empty(N); z = y", "y = a + b"),
        ("y = np.empty(N); z = y[5:9]", "y = a + b"),
        ("y = np.empty(N, np.float32)", "y = a + b"),
        ("y = np.empty(N - 1)", "y = a + b"),
        ("y = a", "y = a + b"),
        ("y = np.empty(N)", "del y\ny = a + b"),
        ("y = np.empty(N, np.float32)", "y[:] = a + b"),
        ("y = np.empty((2, N))", "y[:] = a + b"),
        ("y = np.empty(N)", "y[::1] = a + b"),
        ("y = np.empty(N)", "y[:] = y[::-1] + a"),
        ("y = np.empty(100)", "y = a[:100] + b[:100]"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, SETUP + setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        ("y = np.empty(N)", "y = a + b", "np.add(a, b, out=y);"),
        ("y = np.empty(N)", "y = np.sqrt(a) + b", "np.sqrt(a, out=y)\ny += b"),
        ("y = np.empty((1000, 1000))", "y = A @ A", "np.matmul(A, A, out=y);"),
        ("y = np.empty((1000, 1000))", "y = np.dot(A, A.T)", "np.dot(A, A.T, out=y);"),
        ("W = rng.random((N, 2)); s = np.empty(N)", "s = W.sum(axis=1)", "W.sum(axis=1, out=s);"),
        ("y = np.empty(N)", "y[:] = a + b", "np.add(a, b, out=y);"),
        ("y = np.empty(N); z = y", "y[...] = a + b", "np.add(a, b, out=y);"),
        ("y = rng.random(N)", "y[:] = y * 2 + 1", "y *= 2\ny += 1"),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, SETUP + setup, cell)
