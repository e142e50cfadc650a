"""Write out what ``df.eval`` computes.

Why
---
``df.eval('a * 2 + b * 3')`` holds more columns at once than the same expression written out.

Given
-----
    import pandas as pd
    df = pd.DataFrame({'a': np.ones(1_000_000), 'b': np.ones(1_000_000)})

Instead of
----------
    r = df.eval('a * 2 + b * 3')

Write
-----
    r = (df['a'] * 2 + df['b'] * 3)

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.frames import kind_of
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "`eval` held more columns at once than the expression on the columns themselves does."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``df.eval(text)`` of arithmetic with columns and numbers."""
    for statement in cell.statements:
        for node in expressions(statement):
            text = _evaluated(statement, node)
            if text is not None:
                yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), WHY, CLOSE)


def _evaluated(statement: Statement, node: ast.expr) -> str | None:
    """The expression in ``df.eval('...')`` on the columns themselves."""
    match node:
        case ast.Call(func=ast.Attribute(value=frame, attr="eval"), args=[ast.Constant(value=str(text))], keywords=[]):
            if kind_of(statement, frame) == "DataFrame" and "=" not in text and "@" not in text:
                tree = ast.parse(text.strip(), mode="eval").body
                owner = statement.source(frame)
                if all(isinstance(each, ast.BinOp | ast.Name | ast.Constant | ast.operator | ast.expr_context)
                       for each in ast.walk(tree)):  # fmt: skip
                    return "(" + ast.unparse(_Columns(owner).visit(tree)) + ")"
    return None


class _Columns(ast.NodeTransformer):
    def __init__(self, owner: str) -> None:
        self._owner = ast.parse(owner, mode="eval").body

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Subscript(self._owner, ast.Constant(node.id), ast.Load())
