"""The second table: twelve cells whose peak is known from their sizes, and how far off each tool's answer is."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numexpr
import numpy as np

MIB = 2**20
X = 64 * MIB  # bytes of x and y: 2**23 float64
PIECE = 4 * MIB  # bytes of s and r


@dataclass(frozen=True)
class Case:
    """A cell, and the bytes of NumPy buffers above its start that are alive together at its highest moment."""

    key: str
    title: str
    text: str
    peak: int


CASES = (
    Case("brief", "a temporary of about 1 ms", "np.multiply(s, r)", PIECE),
    Case("empty", "`np.empty`, never touched", "w = np.empty(2**25)", 4 * X),
    Case("zeros", "`np.zeros`, a quarter touched", "w = np.zeros(2**25)\nw[: 2**23] = x", 4 * X),
    Case("inplace", "in place: `np.add(p, y, out=p)`", "np.add(p, y, out=p)", 0),
    Case("sort", "`np.sort`", "w = np.sort(x)", X),
    # The copy that is partitioned; three positions (two middles, the last for NaN) as an array, and that array cast.
    Case("median", "`np.median`", "w = np.median(x)", X + 2 * 3 * 8),
    Case("mask", "`x[x > y]`, half of it", "w = x[x > y]", X // 8 + X // 2),
    Case("astype", "`astype(np.float32)`", "w = x.astype(np.float32)", X // 2),
    Case("numexpr", "`numexpr.evaluate`", "w = ne.evaluate('x * y + x')", X),
    Case("concat", "`np.concatenate` of two", "w = np.concatenate([x, y])", 2 * X),
    Case(
        "thread",
        "a temporary in a worker thread",
        "def work():\n    np.add(x, y)\n\nworker = threading.Thread(target=work)\nworker.start()\nworker.join()",
        X,
    ),
    Case("view", "a strided view, then its copy", "v = x[::2]\nw = v.copy()", X // 2),
)


def prepare() -> dict[str, Any]:
    """The names that the cells find. Exactly half of `x` is greater than `y`."""
    np.median([1.0, 2.0])  # its first use in a process also fills a cache of NumPy's own, of some bytes
    order = np.random.default_rng(3).permutation(2**23)
    return {
        "np": np,
        "ne": numexpr,
        "threading": threading,
        "x": order.astype(np.float64),
        "y": np.full(2**23, 2**22 - 0.5),
        "p": np.ones(2**23),
        "s": np.ones(PIECE // 8),
        "r": np.ones(PIECE // 8),
    }


def error(answers: Sequence[int], peak: int) -> int:
    """Bytes that the median answer lies above (or, negative, below) the truth."""
    return round(statistics.median(answers)) - peak


def shown(difference: int) -> str:
    """An error as the table has it: MiB, or bytes where that would read 0.0; a bare 0 means not one byte."""
    if difference == 0:
        return "0"
    if abs(difference) < 0.05 * MIB:
        return f"{difference:+,d} B"
    return f"{difference / MIB:+.1f}"


def rows(found: Mapping[str, Mapping[str, int | str]], titles: Mapping[str, str]) -> list[list[str]]:
    """The table: a head, then a case a row; `found` maps tool -> case -> error in bytes, or why there is none."""
    table = [["cell", "truth, MiB", *(titles[tool] for tool in found)]]
    for case in CASES:
        errors = [answers[case.key] for answers in found.values() if case.key in answers]
        if errors:
            cells = ["failed" if isinstance(each, str) else shown(each) for each in errors]
            table.append([case.title, f"{case.peak / MIB:g}", *cells])
    return table
