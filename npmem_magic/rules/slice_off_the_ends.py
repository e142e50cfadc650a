"""Leave out the first or last elements by a slice.

Why
---
``np.delete(x, 0)`` copies everything that is left. Elements at the ends are left out by a slice, which is a view: it
copies nothing, and is the same as long as neither of the two is written into. It also keeps all of `x` alive.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    y = np.delete(x, 0)

Write
-----
    y = x[1:]

Keeps
-----
ask: `y` is then a view of `x`: write into neither
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.calls import call_of
from ..rewriting.patterns import expressions
from ..rewriting.progressions import slice_of
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement
from ..standins import Known

WHY = "All that is left was copied; a slice shows the same elements where they are."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``np.delete`` of places at one end or at both, along any axis."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement)
            if (
                call is None
                or call.name != "delete"
                or not call.has_only("arr", "obj", "axis")
                or "obj" not in call.arguments
            ):
                continue
            source, axis = call.arguments["arr"], _axis(statement, call.arguments.get("axis"))
            array = statement.array(source)
            if array is None or (axis is None and len(array.shape) > 1) or not may_share(statement, node, source):
                continue
            length = array.shape[axis or 0]
            for new in _rest(statement, call.arguments["obj"], length):
                text = f"{tight(statement, source)}[{':, ' * ((axis or 0) % len(array.shape))}{new}]"
                line = splice(statement, [(call.node, text)])
                yield Suggestion(statement, statement, (line,), WHY, **_promise(statement, call.node, source))


def _axis(statement: Statement, node: ast.expr | None) -> int | None:
    value = statement.value(node) if node is not None else None
    return value.value if isinstance(value, Known) and isinstance(value.value, int) else None


def _rest(statement: Statement, gone: ast.expr, length: int) -> Iterator[str]:
    """Slices that may be what is left: the proof tells which is."""
    match gone:
        case ast.Subscript(value=ast.Attribute(attr="s_"), slice=ast.Slice() as cut):
            gone = cut
    match gone:
        case ast.Slice(lower=None, upper=ast.expr() as upper, step=None):
            yield f"{statement.source(upper)}:"
            return
        case ast.Slice(lower=ast.expr() as lower, upper=None, step=None):
            yield f":{statement.source(lower)}"
            return
    value = statement.value(gone)
    known = value.value if isinstance(value, Known) and not value.is_example else None
    if isinstance(known, int) and not isinstance(known, bool):
        known = [known]
    if isinstance(known, list | tuple | range):
        items = [each.value if isinstance(each, Known) else each for each in known]
        places = sorted({each % length for each in items if isinstance(each, int)})
        front = next((at for at in range(len(places) + 1) if at >= len(places) or places[at] != at), 0)
        back = len(places) - front
        if places[front:] == list(range(length - back, length)) and back < length:
            yield f"{front or ''}:{-back or ''}"
        return
    text = slice_of(statement, gone)
    if text is not None:
        start, _, stop = text.partition(":")
        yield f"{stop}:" if start in ("", "0") else f":{start}"
    elif isinstance(gone, ast.BinOp):  # len(x) - 1
        yield ":-1"


def _promise(statement: Statement, node: ast.expr, source: ast.expr) -> dict[str, Any]:
    match statement.node:
        case ast.Assign(targets=[target], value=value) if value is node:
            name, whole = statement.source(target), statement.source(source)
            if name == whole:
                return {}
            return {"keeps": ASK, "caveat": f"`{name}` is then a view of `{whole}`: write into neither"}
    return {}
