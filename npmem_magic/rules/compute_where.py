"""Compute on the places that a mask marks without copying them out and back.

Why
---
``x[mask] = x[mask] * 2`` and ``x[mask] *= 2`` copy out what the mask selects, work on the copy, and copy it back.
With ``out=x, where=mask`` the function works on these places of `x` directly. Without ``out=`` the other places would
hold whatever was in memory.

Given
-----
    x = np.linspace(-1, 1, 1_000_000)
    m = x > -0.9

Instead of
----------
    x[m] = x[m] * 2

Write
-----
    np.multiply(x, 2, out=x, where=m)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.masks import write
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.text import module_name
from ..rewriting.view import CellView

WHY = "What the mask selects was copied out, worked on, and copied back; now it is worked on where it lies."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x[m] = f(x[m], ...)``, ``x[m] op= v`` and ``x[m] = w[m]`` with a mask `m`."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                pass
            case ast.AugAssign(target=ast.Subscript() as target, op=op, value=right):
                read = ast.Subscript(target.value, target.slice, ast.Load())
                value = ast.BinOp(ast.copy_location(read, target), op, right)
            case _:
                continue
        lines: list[str] = []
        own = statement.array(target.value)
        numpy, mask = module_name(statement), statement.array(target.slice)
        if own is None or mask is None or mask.dtype != bool or mask.shape != own.shape or numpy is None:
            continue
        if write(statement, target, value, numpy, lines) and (len(lines) == 1 or isinstance(target.slice, ast.Name)):
            more = {"saving": 2 * mask.nbytes, "effort": len(lines) - 1}
            yield Suggestion(statement, statement, tuple(lines), WHY, **more)  # type: ignore[arg-type]


def warn(cell: CellView) -> Iterator[Tempting]:
    """``where=`` without ``out=``."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement)
            if call is not None and call.is_ufunc and "where" in call.arguments and "out" not in call.arguments:
                why = "`where=` without `out=`: the other places hold whatever was in memory. Give `out=` as well."
                yield Tempting("compute-where", statement.node.lineno, statement.source(node), why)
