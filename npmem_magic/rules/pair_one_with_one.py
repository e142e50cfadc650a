"""Pair the elements of a line with those of a column one by one, if that is what was meant.

Why
---
A line of n elements and a column of shape (n, 1) broadcast to an array of n times n: every element with every other
one. Where both come from data of one length that is usually a mistake, in the result as well as in memory.

Given
-----
    y = np.linspace(0, 1, 1000)
    p = np.linspace(1, 2, 1000).reshape(1000, 1)

Instead of
----------
    e = (y - p) ** 2

Write
-----
    e = (y - p.ravel()) ** 2

Keeps
-----
ask: `e` is another value, of pairs one by one instead of all with all
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.dependents import bound_by, dependents
from ..rewriting.facts import path_of
from ..rewriting.operations import operation
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "{line} has shape {one} and {column} has shape {two}: together they make {size}. Was each meant with its own?"


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """An operation of two arrays of one length, of which one is a line and the other one a column."""
    for statement in cell.statements:
        for node in expressions(statement):
            op = operation(node, statement)
            if op is None or len(op.operands) != 2 or not bound_by(statement):
                continue
            for line, column in (op.operands, op.operands[::-1]):
                if _is_pair(statement, line, column):
                    yield _suggestion(statement, line, column)


def _is_pair(statement: Statement, line: ast.expr, column: ast.expr) -> bool:
    one, two = statement.array(line), statement.array(column)
    if one is None or two is None or path_of(column) is None or path_of(line) is None:
        return False
    return len(one.shape) == 1 and two.shape == (*one.shape, 1) and one.size > 1


def _suggestion(statement: Statement, line: ast.expr, column: ast.expr) -> Suggestion:
    one, two = statement.array(line), statement.array(column)
    assert one is not None and two is not None
    texts = statement.source(line), statement.source(column)
    why = WHY.format(
        line=f"`{texts[0]}`", column=f"`{texts[1]}`", one=one.shape, two=two.shape, size=(one.size, one.size)
    )
    changed = dependents(statement, bound_by(statement))
    new = splice(statement, [(column, f"{texts[1]}.ravel()")])
    words = ", ".join(f"`{name}`" for name in changed) + (" is another value" if len(changed) == 1 else " change")
    caveat = f"{words}, of pairs one by one instead of all with all"
    return Suggestion(statement, statement, (new,), why, ASK, caveat, gives_up=changed)
