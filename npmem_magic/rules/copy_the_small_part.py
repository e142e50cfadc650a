"""Keep a copy of the small part, and let the big array go.

Why
---
A slice is a view: it keeps all of the array that it looks into. A list of a few elements of each of many arrays keeps
all of these arrays. A copy of the part, which is small, lets them go.

Given
-----
    n = 1_000_000

Instead of
----------
    heads = []
    for k in range(4):
        t = np.full(n, float(k))
        heads.append(t[:10])

Write
-----
    heads = []
    for k in range(4):
        t = np.full(n, float(k))
        heads.append(t[:10].copy())

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.patterns import expressions
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement

WHY = "The part is a view, which kept the whole array alive; a copy of the part does not."
_VIEWS = frozenset({"ravel", "reshape", "diagonal", "squeeze", "transpose", "swapaxes", "view", "diag"})
_KEEPERS = frozenset({"append", "add", "insert", "appendleft", "setdefault"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Parts that are appended, stored, returned, listed, or bound: ``t[:10]``, ``z.real``, ``np.diag(a @ b)``."""
    for statement in cell.statements:
        for node in expressions(statement):
            if _is_view(statement, node) and _is_kept(statement, node):
                line = splice(statement, [(node, f"{tight(statement, node)}.copy()")])
                yield Suggestion(statement, statement, (line,), WHY)


def _is_view(statement: Statement, node: ast.expr) -> bool:
    """Whether an expression may be a view of something that is larger."""
    match node:
        case ast.Subscript(slice=ast.Slice() | ast.Tuple()) | ast.Attribute(attr="real" | "imag" | "T"):
            pass
        case ast.Subscript(value=ast.Name(id=name)) if statement.array(node) is not None:
            return statement.array(ast.copy_location(ast.Name(name, ast.Load()), node)) is not None
        case ast.Subscript():
            pass
        case ast.Call(func=ast.Attribute(attr=attr)) if attr in _VIEWS:
            pass
        case _:
            return False
    array = statement.array(node)
    inner = getattr(node, "value", None)
    whole = statement.array(inner) if isinstance(inner, ast.expr) else None
    return array is None or whole is None or array.nbytes * 2 <= whole.nbytes


def _is_kept(statement: Statement, node: ast.expr) -> bool:
    """Whether the value itself is what a statement keeps."""
    parent = statement.cell.parents.get(node)
    match parent:
        case ast.Call(func=ast.Attribute(attr=attr), args=args) if attr in _KEEPERS:
            return node in args
        case ast.ListComp(elt=elt) | ast.SetComp(elt=elt):
            return elt is node
        case ast.DictComp(value=value) | ast.Return(value=value) | ast.Yield(value=value):
            return value is node
        case ast.Assign(value=value):
            return value is node
        case ast.Tuple() | ast.List() | ast.Dict():
            return isinstance(statement.cell.parents.get(parent), ast.Return)
    return False
