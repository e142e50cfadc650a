"""May an array and its copy be one? Only if neither is written into while the other is still looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .chain import mentions
from .facts import path_of
from .suggestion import ASK
from .view import Statement

_WRITERS = frozenset({"sort", "fill", "partition", "put", "resize", "itemset", "setflags", "shuffle", "byteswap"})
_WRITING_FUNCTIONS = frozenset({"copyto", "putmask", "place", "put", "fill_diagonal", "at", "shuffle", "nan_to_num"})


def may_share(statement: Statement, copy: ast.expr, source: ast.expr) -> bool:
    """Whether the value of `copy` may share the bytes of `source` from this statement on.

    True when nothing in the rest of the cell (or in another round of a loop around) writes into either, or when the
    copy takes the only name of the source. Later cells are not looked at: a caller that binds the copy to a name
    promises no more than this cell.
    """
    match statement.node:
        case ast.Assign(targets=[target], value=value) if value is copy and ast.unparse(target) == ast.unparse(source):
            fact = None if statement.parents else statement.fact(ast.unparse(source))
            if fact is not None and not fact.obstacle:
                return True  # the array itself is let go of, and nobody else looks at it
    names = {path.partition("[")[0].partition(".")[0] for path in _names(statement, copy, source)}
    return not any(writes(node, name) for node in _rest(statement) if node is not statement.node for name in names)


def _names(statement: Statement, copy: ast.expr, source: ast.expr) -> Iterator[str]:
    if path_of(source) is not None:
        yield ast.unparse(source)
    for node in ast.walk(source):
        if isinstance(node, ast.Name):
            yield node.id
    match statement.node:
        case ast.Assign(targets=targets):
            yield from (ast.unparse(each) for each in targets if path_of(each) is not None)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) if path_of(target) is not None:
            yield ast.unparse(target)


def _rest(statement: Statement) -> Iterator[ast.expr | ast.stmt | ast.keyword]:
    """The statements after this one, and those of the loops around it."""
    end = statement.node.end_lineno or 0, statement.node.end_col_offset or 0
    loops = statement.loops
    for node in statement.cell.nodes:
        is_again = any(loop.lineno <= node.lineno <= (loop.end_lineno or 0) for loop in loops)
        if (node.lineno, node.col_offset) >= end or is_again:
            yield node


def writes(node: ast.AST, name: str) -> bool:
    """Whether a node writes into what `name` holds: an item, an augmented assignment, ``out=``, a method.

    ``x = x * 2`` counts as well: other advice may have it done in place.
    """
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return mentions(value, name)
        case ast.AugAssign(target=target):
            return mentions(target, name)
        case ast.Subscript(ctx=ast.Store() | ast.Del(), value=inner):
            return mentions(inner, name)
        case ast.Attribute(ctx=ast.Store() | ast.Del(), value=inner):
            return mentions(inner, name)
        case ast.keyword(arg="out", value=value):
            return mentions(value, name)
        case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=args):
            if attr in _WRITERS and mentions(owner, name):
                return True
            return attr in _WRITING_FUNCTIONS and any(mentions(each, name) for each in args[:1])
    return False


def overwritten(statement: Statement, path: str) -> tuple[str, ...] | None:
    """What to give as `overwrites` for a statement that writes into `path`; None where it must not.

    At the top level the engine knows who else looks at the array. Inside of a function only what the function itself
    has made is its own, and the proof sees the rest: a parameter is the caller's array.
    """
    functions = [each for each in statement.parents if isinstance(each, ast.FunctionDef)]
    if not statement.in_function:
        return (path,)
    name = path.partition("[")[0].partition(".")[0]
    given = [each.arg for each in ast.walk(functions[-1].args) if isinstance(each, ast.arg)] if functions else [name]
    if name != path or name in given:
        return None
    bound = [node for node in ast.walk(functions[-1]) if isinstance(node, ast.Name) and node.id == name]
    return (
        () if any(isinstance(node.ctx, ast.Store) and node.lineno < statement.node.lineno for node in bound) else None
    )


def view_promise(statement: Statement, node: ast.expr, source: ast.expr) -> dict[str, Any]:
    """What a suggestion promises whose view takes the place of a copy of `source`."""
    match statement.node:
        case ast.Assign(targets=[target], value=value) if value is node:
            name, whole = statement.source(target), statement.source(source)
            if name == whole:
                return {}
            return {"keeps": ASK, "caveat": f"`{name}` is then a view of `{whole}`: write into neither"}
    return {}


def may_be_view(statement: Statement, node: ast.expr) -> bool:
    """Whether a view may stand where an array was copied out, and does not leave the function."""
    source = node.value if isinstance(node, ast.Subscript) else node
    return may_share(statement, node, source) and not isinstance(statement.node, ast.Return)
