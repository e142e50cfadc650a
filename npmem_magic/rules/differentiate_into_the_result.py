"""Differentiate into the array of the result.

Why
---
``np.gradient(x)`` holds a second array of the size of `x` while it divides the differences. Written with ``out=`` the
differences go into the result, and are divided there.

Given
-----
    x = np.linspace(0, 1, 1_000_000) ** 2

Instead of
----------
    g = np.gradient(x)

Write
-----
    g = np.empty_like(x)
    np.subtract(x[2:], x[:-2], out=g[1:-1])
    g[1:-1] /= 2
    g[0] = x[1] - x[0]
    g[-1] = x[-1] - x[-2]

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.text import module_name
from ..rewriting.view import CellView

WHY = "The function holds a second array while it works; written out, the differences go into the result at once."
_LINES = (
    "{t} = {np}.empty_like({x})",
    "{np}.subtract({x}[2:], {x}[:-2], out={t}[1:-1])",
    "{t}[1:-1] /= {two}",
    "{t}[0] = {first}",
    "{t}[-1] = {last}",
)


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``y = np.gradient(x)`` and ``y = np.gradient(x, step)`` of a line of floats."""
    for statement in cell.statements:
        for pattern in ("gradient(_x)", "gradient(_x, _h)"):
            for match in find(statement, pattern, when=_is_line):
                match statement.node, match.parts["_x"]:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value), ast.Name(id=line) if value is match.node:
                        if name != line and (numpy := module_name(statement)):
                            yield _written(match, name, line, numpy)


def _written(match: Match, name: str, line: str, numpy: str) -> Suggestion:
    step = match.statement.source(match.parts["_h"]) if "_h" in match.parts else ""
    first, last = f"{line}[1] - {line}[0]", f"{line}[-1] - {line}[-2]"
    parts = {
        "t": name, "x": line, "np": numpy, "two": f"2 * {step}" if step else "2",
        "first": f"({first}) / {step}" if step else first, "last": f"({last}) / {step}" if step else last,
    }  # fmt: skip
    lines = tuple(text.format(**parts) for text in _LINES)
    return Suggestion(match.statement, match.statement, lines, WHY, SAME, effort=2)


def _is_line(match: Match) -> bool:
    array = match.array("_x")
    is_line = array is not None and len(array.shape) == 1 and array.dtype.kind == "f"
    return is_line and ("_h" not in match.parts or isinstance(match.parts["_h"], ast.Name | ast.Constant))
