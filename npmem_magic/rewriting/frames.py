"""pandas objects in a cell, by what was noted of them: a Series by its name, a column by its frame's."""

from __future__ import annotations

import ast

from .calls import call_of
from .facts import path_of
from .view import Statement


def kind_of(statement: Statement, node: ast.expr) -> str:
    """``Series`` or ``DataFrame``, else an empty text."""
    if path_of(node) is not None:
        fact = statement.fact(ast.unparse(node))
        if fact is not None and fact.kind.startswith("pandas."):
            return fact.kind.rpartition(".")[2]
    match node:
        case ast.Subscript(value=owner, slice=ast.Constant(value=str())) if kind_of(statement, owner) == "DataFrame":
            return "Series"
        case ast.Attribute(value=ast.Name() as owner, attr=attr) if kind_of(statement, owner) == "DataFrame":
            return "Series" if not attr.startswith("_") and attr not in _NO_COLUMNS else ""
    return ""


_NO_COLUMNS = frozenset(
    {"values", "index", "columns", "shape", "size", "T", "iloc", "loc", "at", "iat", "dtypes", "plot"}
)


def is_series(statement: Statement, node: ast.expr) -> bool:
    """Whether a node is a Series, or a column of a frame."""
    return kind_of(statement, node) == "Series"


def columns_of(statement: Statement, node: ast.expr) -> list[ast.expr]:
    """The Series in an expression of arithmetic with numbers; none where there is something else in it."""
    found: list[ast.expr] = []
    todo = [node]
    while todo:
        each = todo.pop()
        match each:
            case ast.BinOp(left=left, right=right):
                todo += [left, right]
            case ast.UnaryOp(operand=operand):
                todo.append(operand)
            case ast.Call(args=args) if (call := call_of(each, statement)) is not None and call.is_ufunc:
                todo += args
            case ast.Constant(value=int() | float()):
                pass
            case _ if is_series(statement, each):
                found.append(each)
            case _:
                return []
    return sorted(found, key=lambda each: (each.lineno, each.col_offset))
