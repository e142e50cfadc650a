"""Tracing a few lines and reading the result, as several test files do it."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest
from oracle import LARGE

import npmem_magic
from npmem_magic.trace import LineCost, Trace

K = 8000  # bytes of 1,000 float64


def run(code: str, **names: Any) -> Trace:
    """The trace of `code` (dedented) in a namespace of ``np`` and `names`."""
    namespace = {"np": np, **names}
    try:
        return npmem_magic.trace(textwrap.dedent(code).strip("\n"), namespace=namespace, sampler="off")
    finally:
        namespace.clear()  # functions and their globals are cycles: the collector would free them in a later trace


def run_failing(error: type[BaseException], code: str, **names: Any) -> Trace:
    """The trace of `code`, which raises `error`."""
    with pytest.raises(error):
        run(code, **names)
    assert npmem_magic.last is not None
    return npmem_magic.last


def line(trace: Trace, number: int, function: str = "<cell>") -> LineCost:
    """The one cost of a line."""
    (found,) = (cost for cost in trace.lines if (cost.line, cost.function) == (number, function))
    return found


def sites(trace: Trace) -> dict[tuple[str, int, str], int]:
    """Gross bytes by (function, line, source), of the sites of large buffers."""
    return {(e.function, e.line, e.source): e.gross for e in trace.expressions if e.peak >= LARGE}
