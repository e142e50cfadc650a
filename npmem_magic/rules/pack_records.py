"""Store records without the gaps between their fields.

Why
---
``align=True`` fills each record up to a multiple of its largest field: a byte and a float64 take 16 bytes instead of
nine. Packed records are read a little slower.

Given
-----
    n = 500_000

Instead of
----------
    r = np.zeros(n, np.dtype([('t', 'i1'), ('x', 'f8')], align=True))

Write
-----
    r = np.zeros(n, np.dtype([('t', 'i1'), ('x', 'f8')]))

Keeps
-----
ask: `r` has records without gaps
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.dependents import bound_by, dependents
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "`align=True` leaves gaps between the fields of each record; packed records take only what they hold."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``np.dtype(..., align=True)``, in the call that makes the records or before it."""
    for statement in cell.statements:
        for node in expressions(statement):
            if isinstance(node, ast.Call) and statement.source(node.func).endswith("dtype"):
                text = _packed(statement, node)
                names = dependents(statement, bound_by(statement))
                if text is not None and names:
                    words = ", ".join(f"`{name}`" for name in names)
                    caveat = f"{words} {'has' if len(names) == 1 else 'have'} records without gaps"
                    line = splice(statement, [(node, text)])
                    yield Suggestion(statement, statement, (line,), WHY, ASK, caveat, gives_up=names)


def _packed(statement: Statement, node: ast.Call) -> str | None:
    """The call without ``align=True``; None where it has none."""
    rest = [each for each in node.keywords if each.arg != "align"]
    aligned = [each for each in node.keywords if each.arg == "align"]
    match aligned:
        case [ast.keyword(value=ast.Constant(value=True))]:
            given = [statement.source(each) for each in node.args] + [statement.source(each) for each in rest]
            return f"{statement.source(node.func)}({', '.join(given)})"
    return None
