"""Find the distinct values of small whole numbers by counting, not by sorting.

Why
---
``np.unique`` sorts a copy of the array, and for counts or the inverse it makes several more. Whole numbers from 0 up
to some thousands can be counted with ``np.bincount``, whose result is as long as the largest of them.

Given
-----
    i = np.arange(1_000_000) % 100

Instead of
----------
    u, n = np.unique(i, return_counts=True)

Write
-----
    n = np.bincount(i)
    u = np.flatnonzero(n)
    n = n[u]

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.exchange import Form, exchanges
from ..rewriting.patterns import Match
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.text import module_name, new_name, tight
from ..rewriting.view import CellView, Statement

WHY = "The numbers were copied and sorted, though they are whole, small and not negative: they can be counted."
_OTHERS = {"return_counts", "return_inverse"}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``np.unique`` of whole numbers, with counts or the inverse, and how many there are."""
    yield from exchanges(cell, _FORMS, WHY)
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=values), ast.Name(id=other)])], value=value):
                call, numpy = call_of(value, statement), module_name(statement)
                if call is None or call.name != "unique" or numpy is None or len(call.arguments) != 2:
                    continue
                wanted = next((name for name in call.arguments if name in _OTHERS), "")
                source = next(iter(call.arguments.values()))
                if wanted and _are_small(statement, source) and ast.unparse(call.arguments[wanted]) == "True":
                    lines = _lines(statement, wanted, values, other, source, numpy)
                    yield Suggestion(statement, statement, lines, WHY, effort=1)


def _lines(statement: Statement, wanted: str, values: str, other: str, source: ast.expr, numpy: str) -> tuple[str, ...]:
    text, name = tight(statement, source), new_name(statement, "seen")
    if wanted == "return_counts":
        return (
            f"{other} = {numpy}.bincount({text})",
            f"{values} = {numpy}.flatnonzero({other})",
            f"{other} = {other}[{values}]",
        )
    seen = f"{name} = {numpy}.bincount({text}) > 0"
    inverse = f"{other} = ({numpy}.cumsum({name}) - 1)[{text}]"
    return seen, f"{values} = {numpy}.flatnonzero({name})", inverse, f"del {name}"


def _are_small(statement: Statement, node: ast.expr) -> bool:
    array = statement.array(node)
    return array is not None and len(array.shape) == 1 and array.dtype == int and array.nbytes >= 1 << 20


def _numbers(match: Match) -> bool:
    return _are_small(match.statement, match.parts["_x"])


_FORMS: tuple[Form, ...] = (
    ("builtins.len(unique(_x))", "int({np}.count_nonzero({np}.bincount({x})))", SAME, _numbers),
    ("unique(_x).size", "int({np}.count_nonzero({np}.bincount({x})))", SAME, _numbers),
    ("unique(_x).shape[0]", "int({np}.count_nonzero({np}.bincount({x})))", SAME, _numbers),
    ("unique(_x)", "{np}.flatnonzero({np}.bincount({x}))", SAME, _numbers),
)
