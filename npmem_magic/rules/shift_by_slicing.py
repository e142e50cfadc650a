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
from ..rewriting.shifts import cut, shift_of
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
                yield from _one_by_one(statement, match.node, new)
        for match in find(statement, "sum(_x * roll(_x, 1))", "sum(_x * roll(_x, -1))"):
            yield from exchange(match, "{np}.vdot({x}[1:], {x}[:-1]) + {x}[0] * {x}[-1]", WHY, keeps=CLOSE)
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from _in_place(statement, name, value)
                yield from _summed(statement, name, value, "")
            case ast.Return(value=ast.expr() as value):
                name = new_name(statement, "total")
                yield from _summed(statement, name, value, f"return {name}")


def _one_by_one(statement: Statement, node: ast.expr, new: ast.expr) -> Iterator[Suggestion]:
    """A sum of slices, begun with what has to be computed, so that the slices are added to it."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
            terms = list(_terms(new, 1))
            begun = [(sign, each) for sign, each in terms if not isinstance(each, ast.Subscript)]
            if len(terms) > 1 and len(begun) == 1:
                lines = [f"{name} = {'' if begun[0][0] > 0 else '-'}{ast.unparse(begun[0][1])}"]
                lines += [f"{name} {'+' if sign > 0 else '-'}= {ast.unparse(each)}" for sign, each in terms
                          if each is not begun[0][1]]  # fmt: skip
                yield Suggestion(statement, statement, tuple(lines), WHY, CLOSE, effort=1)


def _in_place(statement: Statement, name: str, value: ast.expr) -> Iterator[Suggestion]:
    shift = shift_of(statement, value)
    overwrites = overwritten(statement, name)
    array = statement.array(value)
    if shift is None or overwrites is None or ast.unparse(shift[0]) != name or array is None or shift[2] != 0:
        return
    k = abs(shift[1])
    if len(array.shape) == 1 and 0 < k < array.size:
        last = f"{name}[-{k}:].copy()" if shift[1] > 0 else f"{name}[:{k}].copy()"
        to, start = (f"{name}[{k}:]", f"{name}[:{k}]") if shift[1] > 0 else (f"{name}[:-{k}]", f"{name}[-{k}:]")
        source = f"{name}[:-{k}]" if shift[1] > 0 else f"{name}[{k}:]"
        line = f"{to}, {start} = {source}, {last}"
        yield Suggestion(statement, statement, (line,), WHY, SAME, overwrites=overwrites, saving=array.nbytes)


def _summed(statement: Statement, name: str, value: ast.expr, last: str) -> Iterator[Suggestion]:
    """``np.roll(u, 1, 0) + np.roll(u, -1, 0) - 2 * u``, each shifted array added by its slices."""
    value, end = _factor(statement, value)
    terms = list(_terms(value, 1))
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
    start = "".join(f" {'+' if sign > 0 else '-'} {_operand(statement, node)}" for sign, node in rest).strip()
    lines = [f"{name} = {start.removeprefix('+ ') if start.startswith('+') else '-' + start[2:]}"]
    for sign, (source, places, axis) in shifts:
        lines += _added(name, "+" if sign > 0 else "-", statement.source(source), places, ":, " * axis)
    lines += [each for each in (f"{name} {end}" if end else "", last) if each]
    yield Suggestion(statement, statement, tuple(lines), WHY, CLOSE, saving=result.nbytes, effort=2)


def _factor(statement: Statement, value: ast.expr) -> tuple[ast.expr, str]:
    """(a sum, how it is scaled afterwards): ``k * (a + b)`` and ``(a + b) / k``."""
    match value:
        case ast.BinOp(left=number, op=ast.Mult(), right=ast.BinOp() as inner) if statement.array(number) is None:
            return inner, f"*= {statement.source(number)}"
        case ast.BinOp(left=ast.BinOp() as inner, op=(ast.Mult() | ast.Div()) as op, right=number):
            if statement.array(number) is None:
                return inner, f"{'*' if isinstance(op, ast.Mult) else '/'}= {statement.source(number)}"
    return value, ""


def _terms(node: ast.expr, sign: int) -> Iterator[tuple[int, ast.expr]]:
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield from _terms(left, sign)
            yield from _terms(right, sign if isinstance(op, ast.Add) else -sign)
        case _:
            yield sign, node


def _operand(statement: Statement, node: ast.expr) -> str:
    text = statement.source(node)
    return text if isinstance(node, ast.Name | ast.Constant | ast.Call | ast.BinOp) else f"({text})"


def _added(name: str, sign: str, source: str, places: int, before: str) -> Iterator[str]:
    k = abs(places)
    front, back, first, last = f"{before}{k}:", f"{before}:-{k}", f"{before}:{k}", f"{before}-{k}:"
    pairs = ((front, back), (first, last)) if places > 0 else ((back, front), (last, first))
    for to, start in pairs:
        yield f"{name}[{to}] {sign}= {source}[{start}]"
