"""Chains that write into one array."""

from __future__ import annotations

import pytest

from rules.helper import texts

ALONE = {
    "reused by NumPy already": ("x = np.ones(N)", "y = x * 2 * 3 + 1"),
    "two products": ("a = np.ones(N); b = np.ones(N)", "y = 2 * a + 3 * b"),
    "another dtype on the way": ("x = np.arange(N)", "y = np.sqrt(x)"),
    "in a lambda": ("x = np.ones(N)", "f = lambda v: np.sqrt(np.abs(v - x))\nk = 1"),
    "small": ("x = np.ones(1000)", "y = np.sqrt(np.abs(x - 1))"),
}
FOUND = {
    "functions": ("x = np.ones(N)", "y = np.sqrt(np.abs(x - 1))", "y = x - 1\nnp.abs(y, out=y)\nnp.sqrt(y, out=y);"),
    "sigmoid": ("x = np.ones(N)", "y = 1/(1+np.exp(-x))", "y = -x\nnp.exp(y, out=y)\ny += 1\nnp.divide(1, y, out=y);"),
    "from the right": ("x = np.ones(N)", "y = 1 - x*2", "y = x*2\nnp.subtract(1, y, out=y);"),
    "int32": ("x = np.ones(N, 'i4')", "y = x*2*3+1", "y = x*2\ny *= 3\ny += 1"),
    "view between": ("x = np.ones(N)", "y = (x*2).reshape(10, -1)*3", "y = (x*2).reshape(10, -1)\ny *= 3"),
    "a row": ("A = np.ones((1000, 1000)); v = np.ones(1000)", "B = A*2 + v", "B = A*2\nB += v"),
    "inside": ("x = np.ones(N)", "s = np.exp(x - 1).tolist()[0]", "step = x - 1\nnp.exp(step, out=step)\n"
               "s = step.tolist()[0]\ndel step"),
    "itself": ("x = np.ones(N)", "x = x*2*3 + 1", "x *= 2\nx *= 3\nx += 1"),
    "scalars first": ("x = np.arange(N) + .5", "x = (x - x.min()) / (x.max() - x.min())",
                      "scale = x.max() - x.min()\nx -= x.min()\nx /= scale"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_left_alone(name: str) -> None:
    assert texts("reuse-the-result", *ALONE[name]) == []


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    setup, cell, after = FOUND[name]
    assert texts("reuse-the-result", setup, cell) == [after]
