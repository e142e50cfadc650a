"""Read an array instead of a copy of it.

Why
---
``np.array(x)``, ``np.copy(x)`` and ``x.copy()`` of an array make a second one. Where neither of the two is written
into, one is enough. Copy where you mean to write: afterwards both names are the same array.

Given
-----
    x = np.ones(1_000_000)

Instead of
----------
    y = np.array(x, dtype=float)
    s = y.sum()

Write
-----
    y = np.asarray(x, dtype=float)
    s = y.sum()

Keeps
-----
ask: `y` is then `x` itself: write into neither
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, find
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, CLOSE, SAME, Suggestion
from ..rewriting.view import CellView

WHY = "The copy holds the same bytes a second time, and nothing in this cell writes into either of them."
_FORMS = (
    ("array(_x)", "{np}.asarray({x})"), ("array(_x, copy=True)", "{np}.asarray({x})"),
    ("array(_x, dtype=_t)", "{np}.asarray({x}, dtype={t})"), ("array(_x, _t)", "{np}.asarray({x}, dtype={t})"),
    ("array(_x, dtype=_t, copy=True)", "{np}.asarray({x}, dtype={t})"),
    ("copy(_x)", "{x}"), ("copy(_x, order=_o)", "{x}"), ("ndarray.__copy__(_x)", "{x}"),
    ("ascontiguousarray(_x)", "{x}"), ("asfortranarray(_x)", "{x}"), ("asarray(_x, order=_o)", "{x}"),
    ("array(_x, order=_o)", "{x}"), ("positive(_x)", "{x}"), ("+_x", "{x}"), ("_x + 0", "{x}"), ("_x * 1", "{x}"),
    ("concatenate([_x])", "{x}"), ("stack([_x])", "{x}[None]"), ("array([_x])", "{x}[None]"),
    ("repeat(_x, 1)", "{x}"), ("tile(_x, 1)", "{x}"),
)  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Copies of whole arrays that nothing in the cell writes into, whatever makes them."""
    for statement in cell.statements:
        if isinstance(statement.node, ast.Return) and statement.in_function:
            continue  # the caller may write into what it gets
        for pattern, template in _FORMS:
            for match in find(statement, pattern, when=_is_copy):
                if may_share(statement, match.node, match.parts["_x"]) and not _outlives(match):
                    yield from exchange(match, template, WHY, **_promise(match))


def _is_copy(match: Match) -> bool:
    source, result = match.array("_x"), match.statement.array(match.node)
    if source is None or (result is not None and (result.dtype, result.size) != (source.dtype, source.size)):
        return False
    return source.nbytes >= 1 << 18


def _outlives(match: Match) -> bool:
    """Whether the cell lets go of the array, so that its copy is there for a reason."""
    names = {node.id for node in ast.walk(match.parts["_x"]) if isinstance(node, ast.Name)}
    every = [node for node in ast.walk(match.statement.cell.tree) if isinstance(node, ast.Name) and node.id in names]
    return isinstance(match.parts["_x"], ast.Subscript) and not all(isinstance(each.ctx, ast.Load) for each in every)


def _promise(match: Match) -> dict[str, Any]:
    """Asked where the copy has a name that later cells can write into; else as near as the proof finds it."""
    array = match.array("_x")
    saving = {"saving": array.nbytes if array is not None else 0}
    match match.statement.node:
        case ast.Assign(targets=[target], value=value) if value is match.node:
            source = match.statement.source(match.parts["_x"])
            name = match.statement.source(target)
            if name == source:
                return {"keeps": SAME, **saving}
            caveat = f"`{name}` is then `{source}` itself: write into neither"
            return {"keeps": ASK, "caveat": caveat, **saving}
    is_order = any(word in ast.dump(match.node) for word in ("order", "contiguous", "fortran"))
    return {"keeps": CLOSE if is_order else SAME, **saving}
