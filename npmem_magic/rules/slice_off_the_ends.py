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

from ..rewriting.calls import call_of
from ..rewriting.patterns import expressions
from ..rewriting.progressions import rest
from ..rewriting.sharing import may_share, view_promise
from ..rewriting.suggestion import Suggestion
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
            for new in rest(statement, call.arguments["obj"], length):
                text = f"{tight(statement, source)}[{':, ' * ((axis or 0) % len(array.shape))}{new}]"
                line = splice(statement, [(call.node, text)])
                yield Suggestion(statement, statement, (line,), WHY, **view_promise(statement, call.node, source))


def _axis(statement: Statement, node: ast.expr | None) -> int | None:
    value = statement.value(node) if node is not None else None
    return value.value if isinstance(value, Known) and isinstance(value.value, int) else None
