# ruff: noqa: E501  tables of expressions
"""Where a dtype grew: the line, the operands, the bytes, the rule, and a rewrite that does not grow; in both NumPys."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import pytest

from npmem_magic import upcasts
from npmem_magic.cell import Cell, PlainPython
from npmem_magic.record import Recording, record
from npmem_magic.record.dtypes import looking

NEP_50 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
N = 1000


def run(code: str, **names: Any) -> tuple[Recording, dict[str, Any]]:
    """Run `code` (dedented) under the watch for dtypes; line 1 is its first line."""
    namespace = {"np": np, "pd": pd, **names}
    work = Cell.from_source(textwrap.dedent(code).strip("\n"), PlainPython(), namespace)
    return record(work, namespace, looking()), namespace


def grown(code: str, **names: Any) -> tuple[upcasts.Growth, ...]:
    recording, _ = run(code, **names)
    assert recording.outcome.error is None, recording.outcome.error
    return upcasts.find(recording.beside.facts, recording.text).growths


def arrays() -> dict[str, Any]:
    return {
        "f4": np.ones(N, np.float32), "f8": np.ones(N), "i4": np.ones(N, np.int32), "i8": np.ones(N, np.int64),
        "i2": np.ones(N, np.int16), "u1": np.ones(N, np.uint8), "b": np.ones(N, bool), "c8": np.ones(N, np.complex64),
        "s8": np.float64(2), "s4": np.float32(2), "z8": np.array(2.0), "k": np.int64(3), "row": np.ones(1, np.float32),
    }  # fmt: skip


# Nothing grew


@pytest.mark.parametrize(
    "code",
    [
        "f4 * 2.5", "f4 * np.pi", "f4 + i2", "f4 + u1", "f4 * b", "f4 * s4", "f8 * f8", "f8 + i8", "f8 + 1", "i8 + 1",
        "i4 + 1", "i4 // 2", "f4 > 1", "f4.mean()", "f4 * f4.mean()", "f4.astype(np.float64)", "np.float64(f4)",
        "np.argsort(f4)", "np.argsort(i4)", "f4.sum()", "np.where(f4 > 0)", "c8 * 2", "c8 * f4", "c8 * 1j", "f4 * 1j",
        "np.zeros(9)", "np.linspace(0, 1, 9)", "np.mean(f4)", "np.add(f4, i4, dtype=np.float32)", "np.abs(c8)",
        "np.multiply(f4, 2, out=f4)", "i4.mean()", "np.sum(u1)", "f4 @ f4", "np.where(b, f4, 0.0)", "np.clip(f4, 0, 1)",
        "np.searchsorted(f4, f4)", "f4[None] * f4[:, None]", "np.nonzero(i4)", "f8 * s4", "i8 * k", "np.concatenate([f4, f4])",
        "f4 += f8", "f4 += i4", "np.asarray(f4, float)", "np.sqrt(f4)", "row * f4", "f4 ** 2", "f4 * float(s8)",
    ],
)  # fmt: skip
def test_nothing_grew(code: str) -> None:
    assert grown(code if "=" in code.split("(")[0] else f"y = {code}", **arrays()) == ()


def test_an_error_on_the_way() -> None:
    recording, _ = run("y = f4 + i4\n1 / 0\nz = f4 + i4", **arrays())
    assert [growth.line for growth in upcasts.find(recording.beside.facts, recording.text).growths] == [1]


# Something did

GREW: dict[str, tuple[str, int, str, str]] = {
    # code: result dtype, extra bytes, words of the rule, rewrite
    "f4 + i4": ("float64", 4 * N, "int32 with float32 gives float64", "f4 + i4.astype(np.float32)"),
    "f4 + i8": ("float64", 4 * N, "int64 with float32 gives float64", "f4 + i8.astype(np.float32)"),
    "i4 * f4": ("float64", 4 * N, "int32 with float32", "i4.astype(np.float32) * f4"),
    "f4 * f8": ("float64", 4 * N, "A float64 array with a float32 array", "f4 * f8.astype(np.float32)"),
    "f4 + np.ones(1000)": ("float64", 4 * N, "np.ones makes float64 unless told", "f4 + np.ones(1000, dtype=np.float32)"),
    "f4 + np.linspace(0, 1, 1000)": (
        "float64", 4 * N, "np.linspace makes float64", "f4 + np.linspace(0, 1, 1000, dtype=np.float32)"),
    "f4 + [1.0] * 1000": ("float64", 4 * N, "", ""),
    "f4[:2] + [1.0, 2.0]": ("float64", 8, "A Python list becomes an array of float64", "f4[:2] + np.asarray([1.0, 2.0], np.float32)"),
    "i4 / 2": ("float64", 4 * N, "/ of integers gives float64", "np.divide(i4, 2, dtype=np.float32)"),
    "u1 / u1": ("float64", 7 * N, "/ of integers", "np.divide(u1, u1, dtype=np.float32)"),
    "i4 * 2.5": ("float64", 4 * N, "Integers (int32) with a Python float", "np.multiply(i4, 2.5, dtype=np.float32)"),
    "np.sqrt(i4)": ("float64", 4 * N, "np.sqrt of integers (int32) gives float64", "np.sqrt(i4, dtype=np.float32)"),
    "np.mean(i4.reshape(2, -1), axis=0)": (
        "float64", 4 * N // 2, "np.mean of integers (int32) works in float64",
        "np.mean(i4.reshape(2, -1), axis=0, dtype=np.float32)"),
    "u1.reshape(2, -1).mean(axis=0)": (
        "float64", 7 * N // 2, "works in float64", "u1.reshape(2, -1).mean(axis=0, dtype=np.float32)"),
    "np.cumsum(u1)": ("uint64", 7 * N, "adds up in uint64", "np.cumsum(u1, dtype=np.uint8)"),
    "i4 + i8": ("int64", 4 * N, "A int64 array with a int32 array", "i4 + i8.astype(np.int32)"),
    "c8 * f8": ("complex128", 8 * N, "", ""),
    "np.concatenate([f4, f8])": ("float64", 8 * N, "A float64 array with", "np.concatenate([f4, f8.astype(np.float32)])"),
    "np.where(b, f4, f8)": ("float64", 4 * N, "A float64 array with", "np.where(b, f4, f8.astype(np.float32))"),
    "np.add(f4, i4)": ("float64", 4 * N, "int32 with float32", "np.add(f4, i4.astype(np.float32))"),
    "(f4 + 1) * (i4 - 2)": ("float64", 4 * N, "int32 with float32", "(f4 + 1) * (i4 - 2).astype(np.float32)"),
}  # fmt: skip
GREW_SINCE_2: dict[str, tuple[str, int, str, str]] = {
    "f4 * s8": ("float64", 4 * N, "Since NumPy 2 a float64 scalar", "f4 * float(s8)"),
    "s8 * f4": ("float64", 4 * N, "Since NumPy 2 a float64 scalar", "float(s8) * f4"),
    "f4 * z8": ("float64", 4 * N, "array without dimensions", "f4 * float(z8)"),
    "f4 + k": ("float64", 4 * N, "Since NumPy 2 a int64 scalar", "f4 + int(k)"),
    "f4 - f8.mean()": ("float64", 4 * N, "Since NumPy 2 a float64 scalar", "f4 - float(f8.mean())"),
    "np.maximum(f4, s8)": ("float64", 4 * N, "Since NumPy 2", "np.maximum(f4, float(s8))"),
    "u1 + k": ("int64", 7 * N, "Since NumPy 2 a int64 scalar", "u1 + int(k)"),
}  # fmt: skip


@pytest.mark.parametrize("code", [*GREW, *GREW_SINCE_2])
def test_what_grew(code: str) -> None:
    dtype, extra, rule, after = {**GREW, **GREW_SINCE_2}[code]
    found = grown(f"x = 1\ny = {code}", **arrays())
    if code in GREW_SINCE_2 and not NEP_50:
        assert found == ()
        return
    if code == "f4 + [1.0] * 1000":  # a list that is computed is not looked into
        return
    (growth,) = found
    assert (growth.line, growth.function, str(growth.result), growth.extra) == (2, "<cell>", dtype, extra)
    assert rule in growth.rule
    assert growth.after == after or not after


@pytest.mark.parametrize("code", [*GREW, *GREW_SINCE_2])
def test_the_rewrite_does_not_grow(code: str) -> None:
    for growth in grown(f"y = {code}", **arrays()):
        if growth.after:
            recording, namespace = run(f"old = {growth.source}\nnew = {growth.after}", **arrays())
            assert recording.outcome.error is None
            old, new = namespace["old"], namespace["new"]
            assert new.dtype == growth.wanted and old.dtype == growth.result
            assert np.allclose(old.astype(float), new.astype(float)) or "adds up" in growth.rule


def test_operands_and_place() -> None:
    (growth,) = grown("y = 1\nz = (f4 *\n     i4)", **arrays())
    assert [(each.source, each.dtype) for each in growth.operands] == [("f4", "float32"), ("i4", "int32")]
    assert (growth.line, growth.col, growth.end_line, growth.end_col) == (2, 5, 3, 7)


def test_exactly_the_line_that_grew_it() -> None:
    """A float32 pipeline with one integer array mixed in."""
    found = grown(
        """
        a = np.zeros((100, 100), np.float32)
        idx = np.arange(100)
        b = a * 2.0 + 1
        c = b - b.mean(axis=0)
        d = c / idx
        e = np.sqrt(np.abs(d)) * c
        g = e @ a
        h = np.concatenate([g, b]) + 1
        out = h.sum(axis=0)
        """
    )
    assert [(growth.line, growth.source) for growth in found] == [(5, "c / idx")]


def test_after_a_cast_back_it_may_grow_again() -> None:
    found = grown("y = f4 + i4\nz = y.astype(np.float32)\nw = z + i4\nv = w * z", **arrays())
    assert [growth.line for growth in found] == [1, 3]


def test_a_default_is_traced_back_to_its_line() -> None:
    (growth,) = grown("w = np.ones(1000)\nv = f4 * w", **arrays())
    assert growth.line == 2 and "w was made by np.ones on line 1" in growth.rule


def test_inside_a_function_and_what_it_gives() -> None:
    found = grown(
        """
        def work(x, n):
            y = x * n
            return y + 1
        q = work(f4, i4)
        r = q * f4
        """,
        **arrays(),
    )
    assert [(growth.function, growth.line) for growth in found] == [("work", 2)]


def test_in_loops_methods_and_containers() -> None:
    found = grown(
        """
        class Model:
            def __init__(self, w):
                self.w = w
            def step(self, x):
                return x * self.w
        m = Model(np.ones(1000))
        d = {"k": i4}
        for _ in range(3):
            m.step(f4)
        y = d["k"] + f4
        """,
        **arrays(),
    )
    assert [(growth.function, growth.line) for growth in found] == [("step", 5), ("<cell>", 10)]


def test_comprehensions_and_generators_do_no_harm() -> None:
    assert (
        grown(
            "r = [f4 + k for k in (1, 2)]\ns = sum(f4 * j for j in (1.0, 2.0))\nt = {j: f4 for j in 'ab'}", **arrays()
        )
        == ()
    )


def test_behind_a_name() -> None:
    recording, _ = run("y = f4 + i4\nz = y * 2\nw = f4 * 2\nv = z > 1", **arrays())
    behind = upcasts.find(recording.beside.facts, recording.text).behind
    assert {name: growth.line for name, growth in behind.items()} == {"y": 1, "z": 1}


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("t = s.reindex([0, 1, 9])", 1),
        ("t = s.shift(1)", 1),
        ("t = s.where(s > 1)", 1),
        ("u = 1\nt = s.reindex([7])", 2),
    ],
)
def test_pandas_with_missing_values(code: str, line: int) -> None:
    (growth,) = grown(code, s=pd.Series([1, 2, 3]))
    assert growth.line == line and "no missing value for int64" in growth.rule
    assert growth.after == 's = s.astype("Int64")'


@pytest.mark.parametrize("code", ["t = s * 2", "t = s + 1", "t = s.reindex([0, 1])", "t = s.astype(float) * 1"])
def test_pandas_without(code: str) -> None:
    assert [
        growth for growth in grown(code, s=pd.Series([1, 2, 3])) if "missing" in growth.rule and "astype" not in code
    ] == []


def test_many_lines_are_bounded() -> None:
    code = "\n".join(f"x{number} = f4 * 2" for number in range(2000))
    recording, _ = run(code, **arrays())
    assert len(recording.beside.facts) == 2000
