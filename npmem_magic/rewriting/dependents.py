"""What else changes when a name does: the names that the rest of the cell makes from it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .view import Statement


def bound_by(statement: Statement) -> tuple[str, ...]:
    """The names that a statement binds or writes into; those of the statements inside of it too."""
    return tuple(dict.fromkeys(_bound(statement.node)))


def dependents(statement: Statement, names: Iterable[str]) -> tuple[str, ...]:
    """`names`, and the names made from them after `statement` (or in another round of a loop around it)."""
    found = dict.fromkeys(names)
    begin = statement.loops[0].lineno if statement.loops else statement.node.lineno
    later = [each.node for each in statement.cell.statements if each.node.lineno >= begin]
    while True:
        count = len(found)
        for node in later:
            if any(isinstance(each, ast.Name) and each.id in found for each in _own(node)):
                found |= dict.fromkeys(_bound(node))
        if len(found) == count:
            return tuple(found)


def affected(statement: Statement) -> tuple[str, ...]:
    """The names of the cell that change with what a statement binds; in a function, with what its calls bind."""
    if not statement.in_function:
        return dependents(statement, bound_by(statement))
    function = next(each.name for each in statement.parents if isinstance(each, ast.FunctionDef | ast.ClassDef))
    names: dict[str, None] = {}
    for each in statement.cell.statements:
        calls = any(isinstance(node, ast.Name) and node.id == function for node in ast.walk(each.node))
        if calls and not each.in_function and not isinstance(each.node, ast.FunctionDef | ast.ClassDef):
            names |= dict.fromkeys(dependents(each, bound_by(each)))
    return tuple(names)


def is_read_elsewhere(statement: Statement, name: str, also: Iterable[Statement] = ()) -> bool:
    """Whether any other statement of the cell than these reads `name`."""
    reads = [node for node in statement.cell.names.get(name, ()) if not isinstance(node.ctx, ast.Store)]
    own = {node for each in (statement, *also) for node in ast.walk(each.node)} if reads else set()
    return any(node not in own for node in reads)


def _own(node: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement; of a loop or an ``if`` also those inside of it, since they depend on its head."""
    return ast.walk(node)


def _bound(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Subscript(ctx=ast.Store(), value=inner) | ast.Attribute(ctx=ast.Store(), value=inner):
                yield from _root(inner)
            case ast.Call(func=ast.Attribute(attr="append" | "extend" | "add" | "update" | "insert", value=inner)):
                yield from _root(inner)
            case ast.keyword(arg="out", value=inner):
                yield from _root(inner)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
