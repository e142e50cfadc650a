"""Cells of known size for `test_truth`: what each must cost, by reasoning, in buffers of 4 KiB or more.

`X` is the size of the main operand (100,000 float64: NumPy reuses temporaries of that size where the build can).
Housekeeping buffers below 4 KiB (a Python scalar becomes an 8-byte array, a reduction writes into one) are not in
these numbers; the test takes them from the oracle and compares the sum to the byte.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

N = 100_000
X = 8 * N
HALF = X // 2
BOOL = N
SMALL = 8000  # s: 1,000 float64, too small for reuse
OUTER = SMALL * 1000

# On 3.11 any trace function (a debugger's too) adds a reference to `a` in `a.resize()`, and NumPy then refuses.
UNCHECKED = ", refcheck=False" if sys.version_info < (3, 12) else ""
GROW, SHRINK, OLDER = f"a.resize(2000{UNCHECKED})", f"a.resize(1000{UNCHECKED})", f"3000{UNCHECKED}"


@dataclass(frozen=True)
class Case:
    """`code` must cost `peak`, `net` and `gross` bytes; `sites` maps the source text of each site to its gross."""

    code: str
    peak: int
    net: int
    gross: int
    sites: Mapping[str, int]


def one(code: str, site: str, nbytes: int) -> Case:
    """One buffer, kept."""
    return Case(code, nbytes, nbytes, nbytes, {site: nbytes})


def passing(code: str, site: str, nbytes: int) -> Case:
    """One buffer, freed before the cell ends."""
    return Case(code, nbytes, 0, nbytes, {site: nbytes})


def nothing(code: str, net: int = 0) -> Case:
    """No large buffer."""
    return Case(code, 0, net, 0, {})


TIMES = 4  # how much larger the main operands are for the pure ledger, whose tolerance is a part of a MiB


def enlarged(code: str) -> str:
    """`code` of a case as it is run in the namespace of ``prepare(TIMES * N)``."""
    return code.replace("100_000", f"{TIMES * N}").replace("(100, 1000)", f"({TIMES * 100}, 1000)")


def prepare(n: int = N) -> dict[str, Any]:
    """The namespace a case starts from, `n` elements large; every array has one name only, so `del` frees it."""
    x, rng = np.linspace(0.0, 1.0, n), np.random.default_rng(7)
    even = np.zeros(n, bool)
    even[::2] = True
    table = np.arange(float(n)).reshape(n // 1000, 1000).copy()
    stored = io.BytesIO()
    np.save(stored, x)
    stored.seek(0)
    return {
        "np": np,
        "x": x,
        "y": np.full(n, 2.0),
        "i": np.arange(n),
        "even": even,
        "idx": np.arange(0, n, 5),
        "table": table,
        "col": np.ones((500, 1)),
        "row": np.ones((1, 400)),
        "s": np.ones(1000),
        "h": np.ones(n, np.float32),
        "z": np.ones(n, complex),
        "rec": np.zeros(n // 10, [("a", "f8"), ("b", "i4")]),
        "rng": rng,
        "stored": stored,
        "raw": bytes(SMALL),
    }


CREATION = [
    one("a = np.empty(100_000)", "np.empty(100_000)", X),
    one("a = np.zeros((100, 1000))", "np.zeros((100, 1000))", X),
    one("a = np.ones(100_000, dtype=np.float32)", "np.ones(100_000, dtype=np.float32)", HALF),
    one("a = np.full(100_000, 7, dtype=np.int16)", "np.full(100_000, 7, dtype=np.int16)", 2 * N),
    one("a = np.arange(100_000)", "np.arange(100_000)", 8 * N),
    one("a = np.eye(300)", "np.eye(300)", 300 * 300 * 8),
    one("a = np.zeros_like(x)", "np.zeros_like(x)", X),
    one("a = np.full_like(x, 3)", "np.full_like(x, 3)", X),
    one("a = np.array(x)", "np.array(x)", X),
    one("a = x.copy()", "x.copy()", X),
    one("a = np.array([[1.0] * 1000] * 10)", "np.array([[1.0] * 1000] * 10)", 80_000),
    nothing("a = np.asarray(x)"),
    nothing("a = np.frombuffer(raw)"),
    one("a = np.tile(s, 50)", "np.tile(s, 50)", 50 * SMALL),
    one("a = np.repeat(s, 50)", "np.repeat(s, 50)", 50 * SMALL),
    Case("g, k = np.meshgrid(s, s)", 2 * OUTER, 2 * OUTER, 2 * OUTER, {"np.meshgrid(s, s)": 2 * OUTER}),
    one("a = np.array(['ab'] * 5000)", "np.array(['ab'] * 5000)", 5000 * 2 * 4),
    one("a = np.frombuffer(raw).copy()", "np.frombuffer(raw).copy()", SMALL),
]

ARITHMETIC = [
    one("w = x + y", "x + y", X),
    Case("w = 1 - x * 2", 2 * X, X, 2 * X, {"x * 2": X, "1 - x * 2": X}),
    Case("w = s * 2 + 1", 2 * SMALL, SMALL, 2 * SMALL, {"s * 2": SMALL, "s * 2 + 1": SMALL}),
    Case(
        "w = np.add(np.multiply(x, y), y)", 2 * X, X, 2 * X, {"np.multiply(x, y)": X, "np.add(np.multiply(x, y), y)": X}
    ),
    Case("w = (t := x * 2) * 3", 2 * X, 2 * X, 2 * X, {"x * 2": X, "(t := x * 2) * 3": X}),
    one("w = -x", "-x", X),
    one("w = x ** 2", "x ** 2", X),
    one("w = x > 0.5", "x > 0.5", BOOL),
    Case("w = (x > 0) & (y > 0)", 3 * BOOL, BOOL, 3 * BOOL, {"x > 0": BOOL, "y > 0": BOOL, "(x > 0) & (y > 0)": BOOL}),
    one("w = i / 3", "i / 3", X),
    one("w = h * 2", "h * 2", HALF),
    one("w = abs(z)", "abs(z)", X),
    Case("q, r = divmod(x, 0.3)", 2 * X, 2 * X, 2 * X, {"divmod(x, 0.3)": 2 * X}),
    one("w = table @ table.T", "table @ table.T", 100 * 100 * 8),
    one("w = i + x", "i + x", X),
    one("w = col + row", "col + row", 500 * 400 * 8),
    Case("x = x + 1", X, 0, X, {"x + 1": X}),
    Case("for k in range(3): b = np.ones(100_000)", 2 * X, X, 3 * X, {"np.ones(100_000)": 3 * X}),
    Case("b = [np.ones(1000) for k in range(10)]", 80_000, 80_000, 80_000, {"np.ones(1000)": 80_000}),
    Case("b = x + 1\ndel b\nb = x + 2", X, X, 2 * X, {"x + 1": X, "x + 2": X}),
    one("w = (x\n     + y)", "x\n     + y", X),
]

# With and without NumPy's reuse of temporaries: (code, costs where reused, costs where not).
CHAINS = [
    (one("w = x * 2 + 1", "x * 2", X), Case("w = x * 2 + 1", 2 * X, X, 2 * X, {"x * 2": X, "x * 2 + 1": X})),
    (
        Case("w = (x + 1) / (x - 1 + 2)", 2 * X, X, 2 * X, {"x + 1": X, "x - 1": X}),
        Case(
            "w = (x + 1) / (x - 1 + 2)",
            3 * X,
            X,
            4 * X,
            {"x + 1": X, "x - 1": X, "x - 1 + 2": X, "(x + 1) / (x - 1 + 2)": X},
        ),
    ),
    (
        Case("w = np.sqrt(x * x + y * y)", 2 * X, X, 3 * X, {"x * x": X, "y * y": X, "np.sqrt(x * x + y * y)": X}),
        Case(
            "w = np.sqrt(x * x + y * y)",
            3 * X,
            X,
            4 * X,
            {"x * x": X, "y * y": X, "x * x + y * y": X, "np.sqrt(x * x + y * y)": X},
        ),
    ),
    (one("w = abs(x - y)", "x - y", X), Case("w = abs(x - y)", 2 * X, X, 2 * X, {"x - y": X, "abs(x - y)": X})),
    (
        passing("t = (x * 2 * 3).sum()", "x * 2", X),
        Case("t = (x * 2 * 3).sum()", 2 * X, 0, 2 * X, {"x * 2": X, "x * 2 * 3": X}),
    ),
]

REDUCTIONS = [
    nothing("t = x.sum()"),
    nothing("t = x.mean(), x.min(), x.argmax(), x.prod()"),
    nothing("t = np.dot(x, y)"),
    one("t = table.sum(axis=0)", "table.sum(axis=0)", SMALL),
    passing("t = (x * y).sum()", "x * y", X),
    passing("t = x.std()", "x.std()", X),
    passing("t = np.any(x > 2)", "x > 2", BOOL),
    one("t = x.cumsum()", "x.cumsum()", X),
    passing("t = np.median(x)", "np.median(x)", X),
    one("t = np.diff(x)", "np.diff(x)", X - 8),
]

IN_PLACE = [
    nothing("x += y"),
    nothing("x *= 2"),
    nothing("x[:] = 0"),
    nothing("x[::2] += 1"),
    nothing("x.fill(3)"),
    nothing("x.sort()"),
    nothing("np.add(x, y, out=x)"),
    nothing("np.cumsum(x, out=y)"),
    nothing("rng.shuffle(x)"),
    passing("x += x[::-1]", "x += x[::-1]", X),
    passing("x[:] = y * 2", "y * 2", X),
    nothing("del x", -X),
    nothing("x = None", -X),
    Case(f"a = np.ones(1000)\n{GROW}", 16_000, 16_000, 24_000, {"np.ones(1000)": 8000, GROW: 16_000}),
    Case(f"a = np.ones(2000)\n{SHRINK}", 16_000, 8000, 24_000, {"np.ones(2000)": 16_000, SHRINK: 8000}),
    Case(f"s.resize({OLDER})", 16_000, 16_000, 24_000, {f"s.resize({OLDER})": 24_000}),
]

INDEXING = [
    one("w = x[even]", "x[even]", HALF),
    Case("w = x[i < 5000]", BOOL + 40_000, 40_000, BOOL + 40_000, {"i < 5000": BOOL, "x[i < 5000]": 40_000}),
    nothing("x[even] = 0"),
    one("w = x[idx]", "x[idx]", X // 5),
    nothing("x[idx] = 1"),
    one("w = x.take(idx)", "x.take(idx)", X // 5),
    one("w = table[[1, 5, 7]]", "table[[1, 5, 7]]", 3 * SMALL),
    one("w = np.where(even, x, y)", "np.where(even, x, y)", X),
    one("w = np.flatnonzero(even)", "np.flatnonzero(even)", HALF),
    nothing("w = table[:, ::2]"),
]

SHAPES = [
    nothing("w = x[10:]"),
    nothing("w = table.T, x.view(np.int64), x.reshape(100, -1), table.ravel(), x[None, :]"),
    nothing("w = np.broadcast_to(x, (100, 100_000))"),
    nothing("w = np.split(x, 4)"),
    one("w = table.T.reshape(-1)", "table.T.reshape(-1)", X),
    one("w = table.T.ravel()", "table.T.ravel()", X),
    one("w = table.flatten()", "table.flatten()", X),
    one("w = np.ascontiguousarray(table.T)", "np.ascontiguousarray(table.T)", X),
    nothing("w = np.einsum('ij->ji', table)"),
    one("w = np.einsum('i,j->ij', s, s)", "np.einsum('i,j->ij', s, s)", OUTER),
    one("w = np.outer(s, s)", "np.outer(s, s)", OUTER),
    one("w = np.sort(x)", "np.sort(x)", X),
    one("w = np.argsort(x)", "np.argsort(x)", X),
    one("w = np.partition(x, 50)", "np.partition(x, 50)", X),
    one("w = np.concatenate([x, y])", "np.concatenate([x, y])", 2 * X),
    one("w = np.vstack([x, y])", "np.vstack([x, y])", 2 * X),
    one("w = np.stack([x, y])", "np.stack([x, y])", 2 * X),
    one("w = np.append(x, 1.0)", "np.append(x, 1.0)", X + 8),
    one("w = np.roll(x, 1)", "np.roll(x, 1)", X),
    one("w = np.pad(x, 1)", "np.pad(x, 1)", X + 16),
    one("w = np.clip(x, 0, 1)", "np.clip(x, 0, 1)", X),
]

DTYPES = [
    one("w = x.astype(np.float32)", "x.astype(np.float32)", HALF),
    nothing("w = x.astype(float, copy=False)"),
    one("w = x.astype(np.complex128)", "x.astype(np.complex128)", 2 * X),
    one(
        "w = np.zeros(5000, dtype=[('a', 'f8'), ('b', 'i4')])",
        "np.zeros(5000, dtype=[('a', 'f8'), ('b', 'i4')])",
        60_000,
    ),
    nothing("w = rec['a'], rec[['a']]"),
    one("w = rec['a'] * 2", "rec['a'] * 2", 80_000),
    one("w = np.empty(5000, dtype=object)", "np.empty(5000, dtype=object)", 40_000),
    one("w = np.array([None] * 5000)", "np.array([None] * 5000)", 40_000),
    one("w = s.astype(object)", "s.astype(object)", SMALL),
    one(
        "w = np.arange('2000-01-01', '2020-01-01', dtype='M8[D]')",
        "np.arange('2000-01-01', '2020-01-01', dtype='M8[D]')",
        7305 * 8,
    ),
]

RANDOM = [
    one("w = rng.random(100_000)", "rng.random(100_000)", X),
    one("w = rng.integers(0, 10, 100_000, dtype=np.int32)", "rng.integers(0, 10, 100_000, dtype=np.int32)", HALF),
    one("w = rng.normal(size=(100, 1000))", "rng.normal(size=(100, 1000))", X),
    one("w = rng.permutation(x)", "rng.permutation(x)", X),
]

LEAVE_ALONE = [
    nothing(""),
    nothing("# only a comment\n\n"),
    nothing("pass"),
    nothing("words = [str(k) for k in range(10_000)]\nlengths = {w: len(w) for w in words}"),
    nothing("def f(k): return k if k < 2 else f(k - 1) + f(k - 2)\nt = f(12)"),
    nothing("import json\nt = json.loads(json.dumps({'a': [1.5] * 1000}))"),
    nothing("t = bytearray(10_000_000)"),
]

PLAIN = LEAVE_ALONE + CREATION + ARITHMETIC + REDUCTIONS + IN_PLACE + INDEXING + SHAPES + DTYPES + RANDOM
