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
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement

WHY = "The matrix was copied to put a column of ones beside it; what that column adds is one number."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Products of ``hstack``, ``column_stack``, ``concatenate`` and ``c_`` of ones and a matrix, named or not."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement)
            factors = list(call.arguments.values()) if call is not None and call.name == "dot" else []
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
                factors = [node.left, node.right]
            if len(factors) != 2:
                continue
            first, matrix = _made(statement, factors[0])
            parts = _parts(first, matrix)
            if parts is None:
                continue
            weights, (design, is_first) = tight(statement, factors[1]), parts
            one, rest = ("[0]", "[1:]") if is_first else ("[-1]", "[:-1]")
            text = f"{weights}{one} + {design} @ {weights}{rest}"
            line = splice(statement, [(node, text)])
            gone = (ast.unparse(factors[0]),) if first is not statement and not statement.in_function else ()
            caveat = f"`{gone[0]}` is not there afterwards" if gone else ""
            yield Suggestion(first, statement, (line,), WHY, ASK if gone else CLOSE, caveat, gives_up=gone, effort=1)


def _made(statement: Statement, name: ast.expr) -> tuple[Statement, ast.expr]:
    """The statement right before, and what it binds to `name` alone for this one; else `name` itself."""
    for each in statement.cell.statements if statement.place else ():
        match each.node if each.node is statement.block[statement.place - 1] else None:
            case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == statement.source(name):
                if not is_read_elsewhere(each, bound, (statement,)):
                    return each, value
    return statement, name


def _parts(statement: Statement, node: ast.expr) -> tuple[str, bool] | None:
    """(text of the matrix, whether the ones come first)."""
    items, call = list[ast.expr](), call_of(node, statement)
    match node:
        case ast.Subscript(value=owner, slice=ast.Tuple(elts=elements)) if statement.source(owner).endswith(".c_"):
            items = elements
        case ast.Call() if call is not None and call.name in ("hstack", "column_stack", "concatenate", "append"):
            given = next(iter(call.arguments.values()), None)
            items = given.elts if isinstance(given, ast.List | ast.Tuple) else []
    if len(items) != 2:
        return None
    for ones, matrix, is_first in ((items[0], items[1], True), (items[1], items[0], False)):
        made, column, array = call_of(ones, statement), statement.array(ones), statement.array(matrix)
        if made is None or made.name != "ones" or column is None or array is None or len(array.shape) != 2:
            continue
        if column.shape in ((array.shape[0], 1), array.shape[:1]):
            return tight(statement, matrix), is_first
    return None
