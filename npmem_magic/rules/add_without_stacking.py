"""Combine arrays without stacking them first.

Why
---
``np.sum([a, b, c], axis=0)`` copies all of them into one array before it adds; so do means and products.

Given
-----
    a = np.linspace(0, 1, 1_000_000)
    b = a + 1

Instead of
----------
    m = np.sum([a, b], axis=0)

Write
-----
    m = a + b

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
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement
from ..standins import Known

WHY = "The arrays were copied into one stack, only to be combined along it; this combines them as they are."
_STACKS = frozenset({"stack", "array", "asarray", "vstack"})
_SIGNS = {"sum": " + ", "mean": " + ", "prod": " * "}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Sums, means and products along the first axis of a list of arrays."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is None or call.name not in _SIGNS or not call.has_only("a", "axis") or len(call.arguments) != 2:
                continue
            axis = statement.value(call.arguments["axis"])
            text = _combined(statement, _unstacked(statement, call.arguments["a"]), call.name)
            if isinstance(axis, Known) and axis.value == 0 and text is not None:
                yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), WHY, CLOSE)


def _unstacked(statement: Statement, node: ast.expr) -> ast.expr:
    """The list that is stacked, or `node` itself."""
    call = call_of(node, statement)
    is_stack = call is not None and call.name in _STACKS and len(call.arguments) == 1
    return call.arguments[next(iter(call.arguments))] if call and is_stack else node


def _combined(statement: Statement, items: ast.expr, name: str) -> str | None:
    match items:
        case ast.List(elts=parts) | ast.Tuple(elts=parts) if len(parts) > 1:
            arrays = [statement.array(each) for each in parts]
            if None in arrays or len({each.shape for each in arrays if each}) != 1:
                return None
            text, count = _SIGNS[name].join(tight(statement, each) for each in parts), str(len(parts))
        case ast.ListComp() if name != "prod":
            inside = statement.source(items)[1:-1].strip()
            text, count = f"sum({inside})", _times(statement, items)
        case ast.Name(id=given) if name != "prod" and _is_list(statement, given):
            text, count = f"sum({given})", f"len({given})"
        case _:
            return None
    if name != "mean":
        return f"({text})" if isinstance(items, ast.List | ast.Tuple) else text
    return f"({text}) / {count}" if count else None


def _times(statement: Statement, made: ast.ListComp) -> str:
    """The text of how many items a comprehension has; empty where it cannot be told."""
    is_plain = len(made.generators) == 1 and not made.generators[0].ifs
    return str(count_of(statement, made.generators[0].iter) or "") if is_plain else ""


def _is_list(statement: Statement, name: str) -> bool:
    fact = statement.fact(name)
    return fact is not None and fact.kind in ("builtins.list", "builtins.tuple")
