"""Write what a loop makes into its array, not into a list that is joined afterwards.

Why
---
``np.array([f(i) for i in ...])`` keeps every part until all of them are copied into the result: twice its size.
``np.fromiter`` with a dtype of whole rows writes each part into the result when it is made.

Given
-----
    x = np.linspace(0, 1, 10_000)

Instead of
----------
    A = np.array([x * k for k in range(100)])

Write
-----
    A = np.fromiter((x * k for k in range(100)), np.dtype((np.float64, 10000)), 100)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.loops import count_of
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement
from ..standins import Array

WHY = "A list kept every part until all were copied into the result; this writes each part where it belongs."
_JOINS = {"array": "", "stack": "", "vstack": "", "asarray": "", "concatenate": ".ravel()", "hstack": ".ravel()",
          "column_stack": ".T"}  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Joined comprehensions of arrays."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is None or call.name not in _JOINS or len(call.arguments) != 1:
                continue
            (given,) = call.arguments.values()
            if isinstance(given, ast.ListComp):
                inside, over = statement.source(given)[1:-1].strip(), given.generators[0].iter
                text = _from(statement, node, call.name, inside, over)
                if text is not None:
                    yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), WHY, SAME, effort=1)


def _from(statement: Statement, node: ast.expr, join: str, inside: str, over: ast.expr) -> str | None:
    """The text that makes the result of `node` from what a generator gives."""
    result, numpy = _result(statement, node), module_name(statement)
    if result is None or numpy is None or len(result.shape) < (1 if _JOINS[join] == ".ravel()" else 2):
        return None
    shape = result.shape[::-1] if join == "column_stack" else result.shape
    if _JOINS[join] == ".ravel()":
        count = count_of(statement, over)
        if len(shape) != 1 or not count or shape[0] % count:
            return None
        shape = (count, shape[0] // count)
    row = str(shape[1:]) if len(shape) > 2 else str(shape[1])
    dtype = f"{numpy}.dtype(({numpy}.{result.dtype.name}, {row}))"
    return f"{numpy}.fromiter(({inside}), {dtype}, {shape[0]}){_JOINS[join]}"


def _result(statement: Statement, node: ast.expr) -> Array | None:
    """What the call gave: as it was in the end, where a name was bound to it."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
            fact = statement.cell.noted.ended.get(name)
            return fact.value if fact is not None and isinstance(fact.value, Array) and fact.value.shape else None
    return statement.array(node)
