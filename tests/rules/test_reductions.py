"""Rules that reduce without a temporary: products, masks, blocks, numexpr; and hidden copies, pairs, generators."""

from __future__ import annotations

import numpy as np
import pytest

from rules.helper import advice, texts

XY = "import numexpr as ne; x = np.linspace(0, 1, N); y = x[::-1].copy()"
MATRICES = "A = np.linspace(0, 1, 360_000).reshape(600, 600); B = A + 1; v = np.linspace(1, 2, 600)"

ALONE = {
    "integers are not widened": ("sum-without-product", "x = np.ones(N, 'i4'); y = x", "r = (x * y).sum()"),
    "bool": ("sum-without-product", "x = np.ones(4 * N) > 0; y = x", "r = (x * y).sum()"),
    "another shape": ("sum-without-product", "x = np.ones((1000, 1000)); y = np.ones(1000)", "r = (x * y).sum()"),
    "no mask": ("reduce-without-temporary", "x = np.ones(N); m = np.arange(N)", "r = x[m].sum()"),
    "a mask counted in floats": ("reduce-without-temporary", "x = np.ones(N)", "r = (x > 2).astype(float).sum()"),
    "small": ("reduce-in-blocks", "x = np.ones(1000)", "r = x.var()"),
    "NaN": ("reduce-without-temporary", "x = np.full(4 * N, np.nan); x[0] = 3", "r = (x > 2).any()"),
    "float32 with a constant": ("evaluate-in-one-pass", "x = np.ones(N, 'f4'); y = x + 1", "z = x * 2.5 + y * 1.5"),
    "uint64": ("evaluate-in-one-pass", "x = np.ones(N, 'u8'); y = x + 1", "z = x * 2 + y * 3"),
    "already one pass": ("evaluate-in-one-pass", "x = np.ones(N)", "z = x * 2 + 1"),
    "three by three": ("multiply-in-order", "A = np.ones((500, 500))", "B = A @ A @ A"),
    "the list is used again": ("sum-a-generator", "x = np.ones(N)", "L = [x * k for k in range(3)]\ns = sum(L)"),
    "kept in a list": (
        "reuse-a-buffer-in-a-loop",
        "x = np.ones(N); L = []",
        "for k in range(3):\n    y = x * k\n    L.append(y)",
    ),
    "the other keeps it": (
        "reuse-a-buffer-in-a-loop",
        "x = np.ones(N)",
        "for k in range(3):\n    y = x * k\n    z = y",
    ),
    "the name is read": ("name-no-temporary", "x = np.ones(N)", "y = (t := x * 2) * 3\nk = t[0]"),
    "complex": ("order-for-reuse", "z = np.ones(N) + 1j", "y = np.abs(z * 2)"),
}
FOUND = {
    "product": ("sum-without-product", XY, "r = np.sum(x * y)", "r = np.vdot(x, y)"),
    "square": ("sum-without-product", XY, "r = (x ** 2).sum()", "r = np.vdot(x, x)"),
    "itself": ("sum-without-product", XY, "r = (x * x).mean()", "r = np.vdot(x, x) / x.size"),
    "norm": ("sum-without-product", XY, "r = np.sqrt(np.sum(x**2))", "r = np.linalg.norm(x)"),
    "rows": ("sum-without-product", MATRICES, "r = (A * B).sum(axis=1)", "r = np.einsum('ij,ij->i', A, B)"),
    "columns": ("sum-without-product", MATRICES, "r = np.sum(A * B, 0)", "r = np.einsum('ij,ij->j', A, B)"),
    "mask": ("reduce-without-temporary", XY + "; m = x > .2", "r = x[m].sum()", "r = np.sum(x, where=m)"),
    "by a mask": ("reduce-without-temporary", XY + "; m = x > .2", "r = x @ m", "r = np.sum(x, where=m)"),
    "a mask by": ("reduce-without-temporary", XY + "; m = x > .2", "r = np.dot(m, x)", "r = np.sum(x, where=m)"),
    "cast mask": ("reduce-without-temporary", XY, "r = (x > .2).astype(int).sum()", "r = (x > .2).sum()"),
    "any": ("reduce-without-temporary", "x = np.ones(4 * N)", "r = (x > 2).any()", "r = x.max() > 2"),
    "nan": ("reduce-without-temporary", "x = np.ones(4 * N)", "r = np.isnan(x).any()", "r = np.isnan(x.min())"),
    "trace": ("multiply-less", MATRICES, "r = np.trace(A @ B)", "r = np.einsum('ij,ji->', A, B)"),
    "diagonal": ("multiply-less", MATRICES, "r = np.diag(A @ B.T)", "r = np.einsum('ij,ij->i', A, B)"),
    "diagonal matrix": ("multiply-less", MATRICES, "r = np.diag(v) @ A", "r = v[:, None] * A"),
    "transposed copy": ("multiply-less", MATRICES, "r = A.T.copy() @ B", "r = A.T @ B"),
    "order": ("multiply-in-order", MATRICES, "r = A @ B @ v", "r = A @ (B @ v)"),
    "nan mean": (
        "avoid-hidden-copy",
        "x = np.ones(N); x[3] = np.nan",
        "r = np.nanmean(x)",
        "r = np.mean(x, where=~np.isnan(x))",
    ),
    "weights": ("avoid-hidden-copy", XY, "r = np.average(x, weights=y)", "r = np.vdot(x, y) / y.sum()"),
    "two terms": ("evaluate-in-one-pass", XY, "z = 2*x + 3*y", "z = ne.evaluate('2 * x + 3 * y')"),
    "where": (
        "evaluate-in-one-pass",
        XY,
        "z = np.where(x > .5, x*2, y*3)",
        "z = ne.evaluate('where(x > 0.5, x * 2, y * 3)')",
    ),
    "distance": ("reduce-in-one-pass", XY, "r = ((x-y)**2).sum()", "r = ne.evaluate('sum((x - y) ** 2)')[()]"),
    "generator": ("sum-a-generator", XY, "s = sum([x * k for k in range(4)])", "s = sum(x * k for k in range(4))"),
    "list of arrays": ("add-up-without-stacking", XY, "m = np.min([x, y], axis=0)", "m = np.minimum(x, y)"),
    "walrus": ("name-no-temporary", XY, "z = (t := x * 2) * 3", "z = (x * 2) * 3"),
    "scalar first": ("order-for-reuse", XY, "z = x.mean() + x*2", "z = x*2 + x.mean()"),
    "power": ("order-for-reuse", XY, "z = (x - y)**2.0", "z = (x - y) ** 2"),
    "release": ("release-early", XY, "p = x + 1\nq = p.sum()\nz = np.log(x + 1)", "q = p.sum()\ndel p"),
}


@pytest.mark.parametrize("name", ALONE)
def test_left_alone(name: str) -> None:
    assert texts(*ALONE[name]) == []


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    rule, setup, cell, after = FOUND[name]
    assert texts(rule, setup, cell) == [after]


def test_blocks() -> None:
    (after,) = texts("reduce-in-blocks", "x = np.linspace(0, 1, N); y = x + 1e-12", "r = np.allclose(x, y)")
    assert after.startswith("r = all(np.allclose(x[start:start + 65536], y[start:start + 65536]) for start in range")


def test_a_loop_gets_its_room_before() -> None:
    (after,) = texts(
        "reuse-a-buffer-in-a-loop",
        "x = np.ones(N)",
        "for k in range(3):\n    # times\n    y = x * k + 1\n    s = y.sum()",
    )
    lines = ["y = np.empty_like(x)", "for k in range(3):", "    # times", "    np.multiply(x, k, out=y)", "    y += 1"]
    assert after.split("\n") == [*lines, "    s = y.sum()"]


def test_numexpr_is_imported_where_it_is_not() -> None:
    (piece,) = advice("evaluate-in-one-pass", "x = np.ones(N); y = np.ones(N)", "z = 2*x + 3*y")
    assert piece.after == "import numexpr as ne\nz = ne.evaluate('2 * x + 3 * y')"


@pytest.mark.skipif(not hasattr(np, "vecdot"), reason="NumPy 2")
def test_a_narrow_matrix_in_blocks() -> None:
    (after,) = texts("multiply-in-blocks", "A = np.ones((3000, 400), 'f4'); v = np.ones(400)", "y = A @ v")
    assert after.startswith("y = np.empty(len(A))\nfor start in range(0, len(A), 327):\n")
