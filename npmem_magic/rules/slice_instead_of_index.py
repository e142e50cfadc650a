"""Select by a slice where the places follow each other at equal steps.

Why
---
``x[np.arange(0, n, 2)]`` makes a list of places and copies the elements; ``x[0:n:2]`` is a view: it copies nothing, and
is the same as long as neither of the two is written into. It also keeps all of `x` alive.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    y = x[np.arange(0, 1_000_000, 2)]

Write
-----
    y = x[0:1_000_000:2]

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
from ..rewriting.progressions import by_remainder, is_index, slice_of
from ..rewriting.sharing import may_be_view, view_promise
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement

WHY = "The places follow each other at equal steps: a slice shows the same elements where they are."
_ASCENDING = "{i}[0]:{i}[-1] + 1:{i}[1] - {i}[0]"


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Indices made by ``arange`` and ``range``, lists of places, ``np.take``; also where they are stored into."""
    for statement in cell.statements:
        for node in ast.walk(statement.node) if not isinstance(statement.node, ast.FunctionDef) else ():
            if isinstance(node, ast.Subscript) and cell.parents.get(node) is not None and statement.array(node.value):
                yield from _subscript(statement, node)
        for node in expressions(statement):
            call = call_of(node, statement)
            if call is not None and call.name == "take" and set(call.arguments) <= {"a", "indices", "axis"}:
                yield from _taken(statement, call.node, call.arguments)
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                new = slice_of(statement, value)
                uses = cell.names.get(name, [])
                if new is not None and len(uses) > 1 and all(is_index(cell, each) for each in uses[1:]):
                    parts = [part or "None" for part in new.split(":")]
                    line = splice(statement, [(value, f"slice({', '.join(parts)})")])
                    more = {"caveat": f"`{name}` is then a slice, and what it selects a view", "gives_up": (name,)}
                    yield Suggestion(statement, statement, (line,), WHY, ASK, **more)  # type: ignore[arg-type]


def _subscript(statement: Statement, node: ast.Subscript) -> Iterator[Suggestion]:
    places = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    lists = [each for each in places if not isinstance(each, ast.Slice | ast.Constant)]
    if len(lists) != 1 or (isinstance(node.ctx, ast.Load) and not may_be_view(statement, node)):
        return
    news = [slice_of(statement, lists[0]), by_remainder(statement, lists[0])]
    array = statement.array(lists[0])
    if isinstance(lists[0], ast.Name) and array is not None and array.dtype.kind == "i" and array.size > 1 << 10:
        news.append(_ASCENDING.replace("{i}", lists[0].id))
    for new in filter(None, news):
        texts = [new if each is lists[0] else statement.source(each) for each in places]
        line = splice(statement, [(node, f"{tight(statement, node.value)}[{', '.join(texts)}]")])
        yield Suggestion(statement, statement, (line,), WHY, **view_promise(statement, node, node.value))


def _taken(statement: Statement, node: ast.Call, given: Any) -> Iterator[Suggestion]:
    array, new = statement.array(given["a"]), slice_of(statement, given["indices"])
    axis = ast.literal_eval(given["axis"]) if isinstance(given.get("axis"), ast.Constant) else None
    if array is None or new is None or (axis is None and len(array.shape) > 1) or not may_be_view(statement, node):
        return
    text = f"{tight(statement, given['a'])}[{':, ' * (axis or 0)}{new}]"
    line = splice(statement, [(node, text)])
    yield Suggestion(statement, statement, (line,), WHY, **view_promise(statement, node, given["a"]))
