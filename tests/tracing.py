"""Tracing a few lines and reading the result, as several test files do it, with the ledger that is asked for.

The same cells run on both ledgers. What they cost is written in `K`, the bytes of an array of `N` float64: 1,000 for
the native ledger, which has to be right to the byte, and more for the pure one, which has to tell an array from none.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import LARGE, near

import npmem_magic
from npmem_magic.record import pure
from npmem_magic.trace import ExpressionCost, LineCost, Trace

ENGINES = ("native", "pure")
_SIZES = {"native": 1000, "pure": 100_000}
_engine = "native"


def use(engine: str) -> None:
    """From here on `K` is what `engine` counts of an array of `N` float64."""
    global _engine
    _engine = engine


def engine() -> str:
    """The ledger that was chosen with `use`."""
    return _engine


def size() -> int:
    """What `N` is in the cells now."""
    return _SIZES[_engine]


class Amount:
    """Bytes of so many arrays of `N` float64, and some more; equal to what a ledger within its tolerance counts."""

    __hash__ = None  # type: ignore[assignment]  # what is equal within a tolerance has no hash

    def __init__(self, arrays: float, more: int = 0) -> None:
        self.arrays, self.more = arrays, more

    def __int__(self) -> int:
        return round(self.arrays * 8 * size()) + self.more

    def __eq__(self, counted: object) -> bool:
        true = int(self)
        if not isinstance(counted, (int, Amount)):
            return NotImplemented
        return int(counted) == true if _engine == "native" else near(int(counted), true)

    def __add__(self, other: Amount | int) -> Amount:
        if isinstance(other, Amount):
            return Amount(self.arrays + other.arrays, self.more + other.more)
        return Amount(self.arrays, self.more + other)

    def __mul__(self, times: float) -> Amount:
        return Amount(self.arrays * times, round(self.more * times))

    def __neg__(self) -> Amount:
        return self * -1

    def __sub__(self, other: Amount | int) -> Amount:
        return self + -other

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self) -> str:
        return f"{int(self)}{' or near' * (_engine == 'pure')}"


HOME = str(Path(npmem_magic.__file__).resolve().parent.parent)  # of the package under test, for PYTHONPATH
K = Amount(1)


def names(**more: Any) -> dict[str, Any]:
    """A namespace of ``np``, ``N`` and `more`."""
    return {"np": np, "N": size(), **more}


def run(code: str, **more: Any) -> Trace:
    """The trace of `code` (dedented) in a namespace of ``np``, ``N`` and `more`."""
    namespace = names(**more)
    try:
        return npmem_magic.trace(textwrap.dedent(code).strip("\n"), namespace=namespace, sampler="off")
    finally:
        namespace.clear()  # functions and their globals are cycles: the collector would free them in a later trace


def run_failing(error: type[BaseException], code: str, **more: Any) -> Trace:
    """The trace of `code`, which raises `error`."""
    with pytest.raises(error):
        run(code, **more)
    assert npmem_magic.last is not None
    return npmem_magic.last


def line(trace: Trace, number: int, function: str = "<cell>") -> LineCost:
    """The one cost of a line."""
    (found,) = (cost for cost in trace.lines if (cost.line, cost.function) == (number, function))
    return found


def smallest() -> int:
    """Bytes from which on a site is one of arrays and not of Python's objects."""
    return LARGE if _engine == "native" else pure.WITHIN_BYTES


def large(trace: Trace) -> list[ExpressionCost]:
    """The sites of large buffers, or whatever a whole array is to this ledger."""
    return [site for site in trace.expressions if site.peak >= smallest()]


def sites(trace: Trace) -> dict[tuple[str, int, str], int]:
    """Gross bytes by (function, line, source), of the sites of large buffers."""
    return {(e.function, e.line, e.source): e.gross for e in large(trace)}
