"""Compare or join arrays two by two, not out of a stack of all of them.

Why
---
``np.max([a, b, c], axis=0)`` first copies the arrays into one that is three times as large. ``np.maximum`` takes two,
and writes the next comparison into the result.

Given
-----
    a = np.linspace(0, 1, 1_000_000)
    b = a[::-1].copy()
    c = a * 0.7

Instead of
----------
    m = np.max([a, b, c], axis=0)

Write
-----
    m = np.maximum(a, b)
    np.maximum(m, c, out=m)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import module_name, new_name, splice
from ..rewriting.view import CellView

WHY = "The list was copied into one array that holds all of them, only to be reduced; this takes them two by two."
_PAIRS = {
    "max": "maximum", "min": "minimum", "any": "logical_or", "all": "logical_and", "prod": "multiply",
    "nanmax": "fmax", "nanmin": "fmin",
}  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Reductions over the first axis of a list (or stack) of two arrays or more of one shape."""
    for statement in cell.statements:
        always = set(statement.walk())
        for name, pair in _PAIRS.items():
            for pattern in (f"{name}(_l, axis=0)", f"{name}(stack(_l), axis=0)", f"{name}(array(_l), axis=0)"):
                for match in find(statement, pattern):
                    numpy = module_name(statement)
                    if numpy is not None and match.node in always:
                        yield from _written(match, f"{numpy}.{pair}")


def _written(match: Match, function: str) -> Iterator[Suggestion]:
    statement, listed = match.statement, match.parts["_l"]
    items = listed.elts if isinstance(listed, ast.List | ast.Tuple) else []
    arrays = [statement.array(each) for each in items]
    shapes = {(array.shape, array.dtype) for array in arrays if array is not None}
    if len(items) < 2 or None in arrays or len(shapes) != 1:
        return
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is match.node:
            rest: tuple[str, ...] = ()
        case _:
            name = new_name(statement, "largest")
            rest = (splice(statement, [(match.node, name)]), f"del {name}")
    texts = [statement.source(each) for each in items]
    lines = [f"{name} = {function}({texts[0]}, {texts[1]})"]
    lines += [f"{function}({name}, {text}, out={name})" for text in texts[2:]]
    if all(text != name for text in texts[1:]):
        yield Suggestion(statement, statement, (*lines, *rest), WHY, effort=1)
