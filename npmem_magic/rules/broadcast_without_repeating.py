"""Let broadcasting repeat an array, not ``repeat`` or ``tile``.

Why
---
``np.repeat(v, k).reshape(n, k)`` and ``np.tile(v, (n, 1))`` fill an array with copies of what broadcasting would read
again and again.

Given
-----
    A = np.ones((1000, 1000))
    v = np.linspace(0, 1, 1000)

Instead of
----------
    B = A - np.tile(v, (1000, 1))

Write
-----
    B = A - v

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import Call, call_of
from ..rewriting.operations import operation
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement

WHY = "The array held copies of a smaller one, which broadcasting reads again and again without copying."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Repeated operands of element-wise operations."""
    for statement in cell.statements:
        for node in expressions(statement):
            op = operation(node, statement)
            result = statement.array(node) if op is not None else None
            changes = [(each, text) for each in op.operands if (text := _small(statement, each))] if op else []
            if result is not None and changes:
                yield Suggestion(statement, statement, (splice(statement, changes),), WHY, SAME)


def _small(statement: Statement, node: ast.expr) -> str | None:
    """What stands for a repeated operand once broadcasting repeats it."""
    made = statement.array(node)
    inner = node
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call() as value, attr="reshape")):
            inner = value
    call = call_of(inner, statement)
    if made is None or call is None or call.name not in ("repeat", "tile", "outer", "broadcast_to"):
        return None
    if call.name == "outer":
        return _outer(statement, call)
    base = next(iter(call.arguments.values()))
    array = statement.array(base)
    if array is None or made.size <= array.size:
        return None
    text = tight(statement, base)
    if len(array.shape) == 2 and 1 in array.shape and len(made.shape) == 2:
        return text if all(one in (1, two) for one, two in zip(array.shape, made.shape, strict=True)) else None
    if len(array.shape) != 1 or len(made.shape) != 2:
        return None
    if call.name == "repeat":
        return f"{text}[:, None]" if made.shape[0] == array.size else None
    return text if made.shape[1] == array.size else None


def _outer(statement: Statement, call: Call) -> str | None:
    (_, first), (_, second) = call.arguments.items()
    for side, other, tail in ((first, second, "[:, None]"), (second, first, "")):
        ones = call_of(other, statement)
        if ones is not None and ones.name == "ones" and statement.array(side) is not None:
            return f"{tight(statement, side)}{tail}"
    return None
