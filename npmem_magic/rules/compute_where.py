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
from ..rewriting.operations import operation
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.text import module_name, whole
from ..rewriting.view import CellView, Statement

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
        if _write(statement, target, value, numpy, lines) and (len(lines) == 1 or isinstance(target.slice, ast.Name)):
            more = {"saving": 2 * mask.nbytes, "effort": len(lines) - 1}
            yield Suggestion(statement, statement, tuple(lines), WHY, **more)  # type: ignore[arg-type]


def _write(statement: Statement, target: ast.Subscript, value: ast.expr, numpy: str, lines: list[str]) -> bool:
    """Add the statements that put `value` into the places; False where it cannot be done without copying them."""
    name, mask = statement.source(target.value), statement.source(target.slice)
    if isinstance(value, ast.Subscript) and ast.dump(value.slice) == ast.dump(target.slice):
        if ast.unparse(value.value) == ast.unparse(target.value):
            return True
        lines.append(f"{numpy}.copyto({name}, {statement.source(value.value)}, where={mask})")
        return True
    op = operation(value, statement)
    if op is None or op.function in ("cumsum", "cumprod", "clip", "round", "around"):
        return False
    inner = [each for each in op.operands if _selects(each, target)]
    first = next((each for each in inner if not isinstance(each, ast.Subscript)), None)
    if first is None:
        first = next((each for each in inner if ast.unparse(each) == ast.unparse(target)), None)
    if inner and first is not None and not _write(statement, target, first, numpy, lines):
        return False
    if lines and any(each is not first and ast.unparse(each) == ast.unparse(target) for each in inner):
        return False  # the places no longer hold what they did
    given = []
    for each in op.operands:
        if each is first and (lines or not isinstance(each, ast.Subscript)):
            given.append(name)
        elif isinstance(each, ast.Subscript) and each in inner:
            given.append(statement.source(each.value))
        elif _selects(each, target) or statement.array(each) is not None:
            return False
        else:
            given.append(whole(statement.source(each)))
    lines.append(f"{numpy}.{op.function}({', '.join(given)}, out={name}, where={mask})")
    return bool(inner)


def _selects(node: ast.expr, target: ast.Subscript) -> bool:
    """Whether an expression contains something selected by the same mask."""
    same = ast.dump(target.slice)
    return any(isinstance(each, ast.Subscript) and ast.dump(each.slice) == same for each in ast.walk(node))


def warn(cell: CellView) -> Iterator[Tempting]:
    """``where=`` without ``out=``."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement)
            if call is not None and call.is_ufunc and "where" in call.arguments and "out" not in call.arguments:
                why = "`where=` without `out=`: the other places hold whatever was in memory. Give `out=` as well."
                yield Tempting("compute-where", statement.node.lineno, statement.source(node), why)
