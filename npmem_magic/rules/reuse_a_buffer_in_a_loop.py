"""Make a loop's array once, before the loop.

Why
---
In ``for ...: y = a * k + b`` the array of the round before is still alive while the next one is made. With one array,
made before the loop and given as ``out=``, there is never a second one.

Given
-----
    a = np.linspace(0, 1, 1_000_000)
    b = a + 1

Instead of
----------
    for k in range(5):
        y = a * k + b

Write
-----
    y = np.empty_like(a)
    for k in range(5):
        np.multiply(a, k, out=y)
        y += b

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.chain import chain_of, mentions
from ..rewriting.outputs import computed_into, room_for
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import with_body
from ..rewriting.view import CellView, Statement

WHY = "The array of the round before was still alive while the next one was made; this writes each round into one."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``name = expression`` in a loop, where the name's array is not kept beyond its round."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if statement.loops and statement.parents:
                loop = next(each for each in cell.statements if each.node is statement.parents[-1])
                if isinstance(loop.node, ast.For | ast.While) and not _is_kept(statement, name):
                    yield from _moved_out(loop, statement, name, value)


def _moved_out(loop: Statement, statement: Statement, name: str, value: ast.expr) -> Iterator[Suggestion]:
    chain, result = chain_of(statement, value), statement.array(value)
    if result is None or result.nbytes < 1 << 18 or mentions(value, name):
        return
    lines = computed_into(statement, value, name)
    room = room_for(statement, value if chain is None else chain.start, result)
    if lines is None or room is None:
        return
    body = with_body(loop, statement, lines)
    if body is not None:
        made = (f"{name} = {room}", body)
        yield Suggestion(loop, loop, made, WHY, saving=result.nbytes, effort=2)


def _is_kept(statement: Statement, name: str) -> bool:
    """Whether the round's array may be kept: appended, stored, yielded, or given another name."""
    for node in ast.walk(statement.parents[-1]):
        match node:
            case ast.Yield(value=ast.expr() as value) | ast.Assign(value=ast.Name() as value):
                if mentions(value, name):
                    return True
            case ast.Call(func=ast.Attribute(attr="append" | "extend" | "add" | "insert"), args=args):
                if any(isinstance(each, ast.Name) and each.id == name for each in args):
                    return True
    return False
