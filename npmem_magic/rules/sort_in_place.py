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
from ..rewriting.ordering import ordered, reversed_
from ..rewriting.patterns import Match
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import fill
from ..rewriting.view import CellView

WHY = "The array was copied to be put in another order, and the one before was not needed any more."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x = np.sort(x)``, ``x = x[x.argsort()]``, ``x = rng.permutation(x)``; and arrays made only to be sorted."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[target], value=value) if path_of(target) is not None:
                value, end = reversed_(statement, value)
                for match, lines in ordered(statement, value):
                    if match.node is value:
                        yield from _sorted(match, target, lines, end)


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
