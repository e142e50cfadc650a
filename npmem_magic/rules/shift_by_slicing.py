"""Reach neighbours by slices instead of shifted copies.

Why
---
``np.roll(x, 1)`` copies all of `x` so that each element meets its neighbour. A slice of `x` shows the same neighbours
without a copy; only those at the ends, which ``roll`` takes from the other side, are written on their own.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    d = (x - np.roll(x, 1))[1:]

Write
-----
    d = x[1:] - x[:-1]

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.exchange import exchange
from ..rewriting.patterns import find
from ..rewriting.sharing import may_share, overwritten
from ..rewriting.shifts import added, cut, factor, moved, one_by_one, operand, shift_of, signed_terms
from ..rewriting.suggestion import ASK, CLOSE, SAME, Suggestion
from ..rewriting.text import new_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The array was copied as a whole to meet its own neighbours; a slice shows them where they are."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """A part of an expression with ``np.roll``; sums of shifted arrays; ``x = np.roll(x, k)``."""
    for statement in cell.statements:
        for match in find(statement, "_e[_s]"):
            new = cut(match.statement, match.parts["_e"], match.parts["_s"])
            is_view = isinstance(new, ast.Subscript)
            if new is not None and (not is_view or may_share(statement, match.node, match.parts["_e"])):
                line = splice(statement, [(match.node, ast.unparse(new))])
                caveat = "a view then, so write into neither" if is_view else ""
                yield Suggestion(statement, statement, (line,), WHY, ASK if is_view else SAME, caveat)
                yield from one_by_one(statement, match.node, new, WHY)
        for match in find(statement, "sum(_x * roll(_x, 1))", "sum(_x * roll(_x, -1))"):
            yield from exchange(match, "{np}.vdot({x}[1:], {x}[:-1]) + {x}[0] * {x}[-1]", WHY, keeps=CLOSE)
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from _in_place(statement, name, value)
                yield from _summed(statement, name, value, "")
            case ast.Return(value=ast.expr() as value):
                name = new_name(statement, "total")
                yield from _summed(statement, name, value, f"return {name}")


def _in_place(statement: Statement, name: str, value: ast.expr) -> Iterator[Suggestion]:
    overwrites, array = overwritten(statement, name), statement.array(value)
    line = moved(statement, name, value)
    if line is not None and overwrites is not None and array is not None:
        yield Suggestion(statement, statement, (line,), WHY, SAME, overwrites=overwrites, saving=array.nbytes)


def _summed(statement: Statement, name: str, value: ast.expr, last: str) -> Iterator[Suggestion]:
    """``np.roll(u, 1, 0) + np.roll(u, -1, 0) - 2 * u``, each shifted array added by its slices."""
    value, end = factor(statement, value)
    terms = list(signed_terms(value, 1))
    shifts = [(sign, shift) for sign, node in terms if (shift := shift_of(statement, node)) is not None]
    rest = [(sign, node) for sign, node in terms if shift_of(statement, node) is None]
    result = statement.array(value)
    if not shifts or len(terms) < 2 or result is None or any(not isinstance(each[0], ast.Name) for _, each in shifts):
        return
    if any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(value)):
        return
    fresh = [node for _, node in rest if statement.array(node) is not None and not isinstance(node, ast.Name)]
    if not any((array := statement.array(node)) is not None and array.shape == result.shape for node in fresh):
        sign, first = shifts.pop(0)
        rest.insert(0, (sign, next(node for _, node in terms if shift_of(statement, node) == first)))
    start = "".join(f" {'+' if sign > 0 else '-'} {operand(statement, node)}" for sign, node in rest).strip()
    lines = [f"{name} = {start.removeprefix('+ ') if start.startswith('+') else '-' + start[2:]}"]
    for sign, (source, places, axis) in shifts:
        lines += added(name, "+" if sign > 0 else "-", statement.source(source), places, ":, " * axis)
    lines += [each for each in (f"{name} {end}" if end else "", last) if each]
    yield Suggestion(statement, statement, tuple(lines), WHY, CLOSE, saving=result.nbytes, effort=2)
