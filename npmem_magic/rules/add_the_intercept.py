"""Add the intercept by itself, not as a column of ones.

Why
---
``np.hstack([np.ones((n, 1)), A]) @ w`` copies the matrix to put ones beside it, which only add one number.

Given
-----
    A = np.linspace(0, 1, 1_000_000).reshape(1000, 1000)
    w = np.linspace(0, 1, 1001)

Instead of
----------
    y = np.hstack([np.ones((1000, 1)), A]) @ w

Write
-----
    y = w[0] + A @ w[1:]

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.dependents import is_read_elsewhere
from ..rewriting.patterns import find
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement

WHY = "The matrix was copied to put a column of ones beside it; what that column adds is one number."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Products of ``hstack``, ``column_stack``, ``concatenate`` and ``c_`` of ones and a matrix, named or not."""
    for statement in cell.statements:
        for match in find(statement, "_m @ _w", "dot(_m, _w)"):
            first, matrix = statement, match.parts["_m"]
            if isinstance(matrix, ast.Name):
                first, matrix = _made(statement, matrix)
            parts = _parts(first, matrix)
            if parts is None:
                continue
            weights, (design, is_first) = tight(statement, match.parts["_w"]), parts
            one, rest = ("[0]", "[1:]") if is_first else ("[-1]", "[:-1]")
            line = splice(statement, [(match.node, f"{weights}{one} + {design} @ {weights}{rest}")])
            gone = first is not statement and not statement.in_function
            name = ast.unparse(match.parts["_m"])
            yield Suggestion(
                first, statement, (line,), WHY, ASK if gone else CLOSE,
                f"`{name}` is not there afterwards" if gone else "", gives_up=(name,) if gone else (), effort=1,
            )  # fmt: skip


def _made(statement: Statement, name: ast.Name) -> tuple[Statement, ast.expr]:
    """The statement right before, and what it binds to `name`, which nothing else reads; else `name` itself."""
    for each in statement.cell.statements if statement.place else ():
        if each.node is statement.block[statement.place - 1]:
            match each.node:
                case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name.id:
                    if not is_read_elsewhere(each, bound, (statement,)):
                        return each, value
    return statement, name


def _parts(statement: Statement, node: ast.expr) -> tuple[str, bool] | None:
    """(text of the matrix, whether the ones come first) of a matrix with a column of ones."""
    items: list[ast.expr] = []
    call = call_of(node, statement)
    match node:
        case ast.Subscript(value=owner, slice=ast.Tuple(elts=elements)) if statement.source(owner).endswith(".c_"):
            items = elements
        case ast.Call() if call is not None and call.name in ("hstack", "column_stack", "concatenate", "append"):
            given = next(iter(call.arguments.values()), None)
            items = given.elts if isinstance(given, ast.List | ast.Tuple) else []
    if len(items) != 2:
        return None
    for ones, matrix, is_first in ((items[0], items[1], True), (items[1], items[0], False)):
        made, array = call_of(ones, statement), statement.array(matrix)
        if made is not None and made.name == "ones" and array is not None and len(array.shape) == 2:
            column = statement.array(ones)
            if column is not None and column.shape in ((array.shape[0], 1), (array.shape[0],)):
                return tight(statement, matrix), is_first
    return None
