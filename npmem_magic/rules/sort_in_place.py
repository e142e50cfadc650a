"""Sort or shuffle an array where it lies.

Why
---
``x = np.sort(x)`` makes a sorted copy beside the array and then throws the array away. ``x.sort()`` sorts the array
itself; ``rng.shuffle(x)`` does what ``rng.permutation(x)`` does, without a copy. Whoever else looks at `x` sees it.

Given
-----
    x = np.linspace(1, 0, 1_000_000)

Instead of
----------
    x = np.sort(x)

Write
-----
    x.sort()

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.chain import is_fresh, made_in_one
from ..rewriting.facts import path_of
from ..rewriting.patterns import Match, find
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import fill
from ..rewriting.view import CellView, Statement

WHY = "The array was copied to be put in another order, and the one before was not needed any more."
_FORMS = (
    ("sort(_x)", "{x}.sort()"), ("sort(_x, axis=_k)", "{x}.sort(axis={k})"),
    ("sort(_x, kind=_k)", "{x}.sort(kind={k})"),
    ("sort(_x, axis=_k, kind=_w)", "{x}.sort(axis={k}, kind={w})"), ("_x[argsort(_x)]", "{x}.sort()"),
    ("_x[argsort(_x, kind=_k)]", "{x}.sort(kind={k})"), ("take(_x, argsort(_x))", "{x}.sort()"),
    ("take_along_axis(_x, argsort(_x, axis=_k), axis=_k)", "{x}.sort(axis={k})"),
    ("partition(_x, _k)", "{x}.partition({k})"), ("partition(_x, _k, axis=_j)", "{x}.partition({k}, axis={j})"),
)  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x = np.sort(x)``, ``x = x[x.argsort()]``, ``x = rng.permutation(x)``; and arrays made only to be sorted."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[target], value=value) if path_of(target) is not None:
                value, end = _reversed(statement, value)
                for match, lines in _ordered(statement, value):
                    if match.node is value:
                        yield from _sorted(match, target, lines, end)


def _ordered(statement: Statement, value: ast.expr) -> Iterator[tuple[Match, str]]:
    for pattern, line in _FORMS:
        yield from ((match, line) for match in find(statement, pattern))
    match value:
        case ast.Call(func=ast.Attribute(value=owner, attr="permutation"), args=[source], keywords=[]):
            yield Match(value, statement, {"_x": source, "_r": owner}), "{r}.shuffle({x})"
        case ast.Subscript(
            value=source, slice=ast.Call(func=ast.Attribute(value=owner, attr="permutation"), keywords=[])
        ):
            yield Match(value, statement, {"_x": source, "_r": owner}), "{r}.shuffle({x})"


def _reversed(statement: Statement, value: ast.expr) -> tuple[ast.expr, str]:
    for match in find(statement, "_v[::-1]", "flip(_v)", "flipud(_v)"):
        if match.node is value:
            return match.parts["_v"], "{x} = {x}[::-1]"
    return value, ""


def _sorted(match: Match, target: ast.expr, line: str, end: str) -> Iterator[Suggestion]:
    statement, source = match.statement, match.parts["_x"]
    array, name = statement.array(source), statement.source(target)
    more: dict[str, Any] = {"saving": array.nbytes if array is not None else 0, "effort": 1 if end else 0}
    template, made = [line, end] if end else [line], []
    own = ast.unparse(source)
    if path_of(source) is not None and own == ast.unparse(target):
        more["overwrites"] = overwritten(statement, own)
    elif is_fresh(statement, source) and isinstance(target, ast.Name):
        made = made_in_one(statement, source, name)
        more |= {"overwrites": (), "effort": 1}
    elif isinstance(source, ast.Name) and isinstance(target, ast.Name) and not statement.is_read_later(own):
        template = [*template[:1], f"{name} = {own}{'[::-1]' if end else ''}"]
        caveat = f"`{own}` is put in order too, and `{name}` is the same array"
        more |= {"keeps": ASK, "caveat": caveat, "gives_up": (own,), "effort": 1}
        more["overwrites"] = overwritten(statement, own)
    else:
        return
    if more["overwrites"] is None:
        return
    parts: dict[str, ast.expr | str] = {key.lstrip("_"): node for key, node in match.parts.items()}
    parts["x"] = own if more.get("keeps") == ASK else name
    lines = (*made, *(fill(statement, each, parts) for each in template))
    yield Suggestion(statement, statement, lines, WHY, **more)
