"""Add up arrays as they come, not out of a list that holds them all.

Why
---
``sum([f(i) for i in ...])`` first makes every array and keeps them in a list. Without the brackets each one is freed
when it has been added.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    s = sum([x * k for k in range(5)])

Write
-----
    s = sum(x * k for k in range(5))

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.patterns import expressions, find
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "The list kept every array until the last one was made; a generator lets each go when it has been used."
_TAKERS = {"sum", "any", "all", "min", "max", "functools.reduce"}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``sum([... for ...])`` as ``sum(... for ...)``, any, all, min and max too; sums over a list's first axis."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is not None and call.name.removeprefix("builtins.").replace("_functools", "functools") in _TAKERS:
                for argument in call.node.args:
                    if isinstance(argument, ast.ListComp):
                        is_only = len(call.node.args) + len(call.node.keywords) == 1
                        yield _changed(statement, argument, _inside(statement, argument, "" if is_only else "()"))
        for pattern in ("sum(_l, axis=0)", "sum(array(_l), axis=0)", "sum(stack(_l), axis=0)", "mean(_l, axis=0)"):
            for match in find(statement, pattern):
                listed = match.parts["_l"]
                if isinstance(listed, ast.ListComp) and (count := _count(statement, listed, pattern)) is not None:
                    yield _changed(statement, match.node, f"sum{_inside(statement, listed, '()')}{count}")


def _inside(statement: Statement, listed: ast.ListComp, brackets: str) -> str:
    inside = statement.source(listed)[1:-1].strip()
    return f"({inside})" if brackets else inside


def _count(statement: Statement, listed: ast.ListComp, pattern: str) -> str | None:
    """The division that makes a mean of a sum; nothing for sums, None where the number of items is not known."""
    if not pattern.startswith("mean"):
        return ""
    source = listed.generators[0]
    is_sized = isinstance(source.iter, ast.Name) or call_of(source.iter, statement) is not None
    return (
        f" / len({statement.source(source.iter)})"
        if is_sized and not source.ifs and len(listed.generators) == 1
        else None
    )


def _changed(statement: Statement, node: ast.expr, new: str) -> Suggestion:
    return Suggestion(statement, statement, (splice(statement, [(node, new)]),), WHY)
