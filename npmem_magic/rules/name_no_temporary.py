"""Give no name to what only the next step needs.

Why
---
``(t := x * 2)`` keeps the intermediate array alive, so that NumPy cannot write into it, and it stays when the statement
is done. Nothing else in the cell reads the name.

Given
-----
    x = np.ones(1_000_000)

Instead of
----------
    y = (t := x * 2) * 3

Write
-----
    y = x * 2 * 3

Keeps
-----
ask: `t` is not there afterwards
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.patterns import expressions
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView

WHY = "The name `{name}` kept the intermediate array alive, though nothing in this cell reads it."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``(name := e)`` as ``e``, all names of a statement at once, where the cell does not read them."""
    for statement in cell.statements:
        named = [node for node in expressions(statement) if isinstance(node, ast.NamedExpr)]
        outer = [node for node in named if not any(node in ast.walk(other) for other in named if other is not node)]
        names = [node.target.id for node in named]
        if not outer or any(_is_read(cell, name) for name in names):
            continue
        nbytes = sum(array.nbytes for node in named if (array := statement.array(node.value)) is not None)
        line = splice(statement, [(node, _plain(statement.source(node.value), node)) for node in outer])
        caveat = (
            ", ".join(f"`{name}`" for name in names) + (" is" if len(names) == 1 else " are") + " not there afterwards"
        )
        why = WHY.format(name="`, `".join(names))
        yield Suggestion(
            statement, statement, (line,), why, ASK, caveat, gives_up=tuple(names), saving=nbytes
        )  # fmt: skip


def _plain(text: str, node: ast.NamedExpr) -> str:
    """The text of the value; names inside of it go too."""
    tree = ast.parse(text, mode="eval").body
    inner = [each for each in ast.walk(tree) if isinstance(each, ast.NamedExpr)]
    return ast.unparse(_Unnamed().visit(tree)) if inner else text


class _Unnamed(ast.NodeTransformer):
    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return self.visit(node.value)  # type: ignore[no-any-return]


def _is_read(cell: CellView, name: str) -> bool:
    names = [node for node in ast.walk(cell.tree) if isinstance(node, ast.Name) and node.id == name]
    return len(names) != 1 or name in (cell.noted.statements[0] if cell.noted.statements else ())
