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
from ..rewriting.stacks import added_up, listed, pairwise, piece_by_piece, reduction, texts
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "The arrays were all copied into one, only to be reduced again."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Reductions over the first axis of a list of arrays or a stack of them; of arrays joined end to end."""
    for statement in cell.statements:
        for node in expressions(statement):
            found = reduction(statement, node) if isinstance(node, ast.Call) else None
            if found is None:
                text = piece_by_piece(statement, node) if isinstance(node, ast.Call) else None
                if text is not None:
                    yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), WHY, CLOSE)
                continue
            parts, result = listed(statement, found[1]), statement.array(node)
            saving = result.nbytes if result is not None else 0
            added = added_up(statement, *found)
            for text in (*(texts(statement, found[0], parts) if parts else ()), *([added] if added else [])):
                yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), WHY, CLOSE, saving=saving)
            if parts:
                yield from _into_one(statement, node, parts, pairwise(statement, found[0]))


def _into_one(statement: Statement, node: ast.expr, parts: list[str], pair: str) -> Iterator[Suggestion]:
    """``np.maximum.reduce([a, b, c])`` bound to a name: every comparison into the same array."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node and pair:
            if len(parts) > 2 and not any(name in part for part in parts):
                lines = [f"{name} = {pair}({parts[0]}, {parts[1]})"]
                lines += [f"{pair}({name}, {part}, out={name})" for part in parts[2:]]
                yield Suggestion(statement, statement, tuple(lines), WHY, CLOSE, effort=1)
