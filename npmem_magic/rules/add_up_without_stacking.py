"""Combine a few arrays with each other, not in a stack of them.

Why
---
``np.sum([a, b, c], axis=0)`` first copies all of them into one array, to add it up. ``a + b + c`` needs room for the
result alone. The same goes for products, means, the largest and the smallest.

Given
-----
    a, b, c = np.ones((3, 1_000_000))

Instead of
----------
    m = np.sum([a, b, c], axis=0)

Write
-----
    m = a + b + c

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.patterns import expressions
from ..rewriting.stacks import listed, reduction, texts
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The arrays were all copied into one, only to be reduced again."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Reductions over the first axis of a list of arrays, or of what `array`, `stack` or `vstack` makes of it."""
    for statement in cell.statements:
        for node in expressions(statement):
            found = reduction(statement, node) if isinstance(node, ast.Call) else None
            parts = listed(statement, found[1]) if found is not None else None
            if found is not None and parts is not None:
                for text in texts(statement, found[0], parts):
                    line = splice(statement, [(node, text)])
                    array = statement.array(node)
                    saving = array.nbytes if array is not None else 0
                    yield Suggestion(statement, statement, (line,), WHY, CLOSE, saving=saving)
                if found[0].endswith(".reduce"):
                    yield from _into_one(statement, node, parts)


def _into_one(statement: Statement, node: ast.expr, parts: list[str]) -> Iterator[Suggestion]:
    """``np.maximum.reduce([a, b, c])`` bound to a name: every comparison into the same array."""
    numpy = module_name(statement)
    match statement.node, node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value), ast.Call(func=ast.Attribute(value=pair)):
            if value is node and numpy is not None and len(parts) > 2 and not any(name in part for part in parts):
                call = statement.source(pair)
                lines = [f"{name} = {call}({parts[0]}, {parts[1]})"]
                lines += [f"{call}({name}, {part}, out={name})" for part in parts[2:]]
                yield Suggestion(statement, statement, tuple(lines), WHY, CLOSE, effort=1)
