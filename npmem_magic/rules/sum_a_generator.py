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
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView

WHY = "The list kept every array until the last one was made; a generator lets each go when it has been used."
_TAKERS = {"sum", "any", "all", "min", "max", "functools.reduce"}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``sum([... for ...])`` as ``sum(... for ...)``, and the same for any, all, min, max and `functools.reduce`."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is None or call.name.removeprefix("builtins.").replace("_functools", "functools") not in _TAKERS:
                continue
            for argument in call.node.args:
                if isinstance(argument, ast.ListComp):
                    inside = statement.source(argument)[1:-1].strip()
                    new = inside if len(call.node.args) + len(call.node.keywords) == 1 else f"({inside})"
                    line = splice(statement, [(argument, new)])
                    yield Suggestion(statement, statement, (line,), WHY, is_sure=False)
