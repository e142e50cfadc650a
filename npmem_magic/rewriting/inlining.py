"""The body of a lambda or comprehension, written for whole arrays."""

from __future__ import annotations

import ast

from .blowups import replaced
from .text import module_name
from .view import Statement


def inlined(statement: Statement, body: ast.expr, names: dict[str, str]) -> str | None:
    """The text of `body` with arrays in place of the numbers; choices become ``where``."""
    numpy = module_name(statement)
    if isinstance(body, ast.IfExp) and numpy is not None:
        parts = [inlined(statement, each, names) for each in (body.test, body.body, body.orelse)]
        return None if None in parts else f"{numpy}.where({', '.join(filter(None, parts))})"
    changes: list[tuple[ast.expr, str]] = []
    for node in ast.walk(body):
        match node:
            case ast.Name(id=name) if name in names:
                changes.append((node, names[name]))
            case ast.Attribute(value=ast.Name(id="math"), attr=attr) if numpy is not None:
                changes.append((node, f"{numpy}.{attr}"))
            case ast.IfExp() | ast.BoolOp() | ast.Lambda() | ast.ListComp():
                return None
    return replaced(statement, body, changes)
