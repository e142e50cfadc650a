"""Select by a mask itself, not by the list of its places.

Why
---
``np.where(mask)[0]`` makes eight bytes for every hit, beside the mask, only to be used as an index once. A mask selects
and assigns just as well, and ``np.count_nonzero`` counts without any list. (Of few hits that are used many times the
list is the smaller one, and quicker.)

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    y = x[np.where(x > 0.2)[0]]

Write
-----
    y = x[x > 0.2]

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.exchange import Form, exchange, exchanges
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import ASK, SAME, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView

WHY = "The places of all hits were listed beside the mask, eight bytes each; the mask itself does."
_PLACES = ("where(_c)[0]", "nonzero(_c)[0]", "flatnonzero(_c)", "ravel(argwhere(_c))", "ndarray.flatten(argwhere(_c))",
           "argwhere(_c)[:, 0]", "squeeze(argwhere(_c))")  # fmt: skip
_WHOLE = (*_PLACES, "where(_c)", "nonzero(_c)")


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Indices made of a mask: used on the spot, bound to a name that only selects, or counted."""
    yield from exchanges(cell, _FORMS, WHY)
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _only_selects(cell, name):
                for match in find(statement, *_WHOLE, when=_is_mask):
                    if match.node is value:
                        caveat = f"`{name}` is then a mask, not a list of places"
                        yield from exchange(match, "{c}", WHY, keeps=ASK, caveat=caveat, gives_up=(name,))
        for node in ast.walk(statement.node) if isinstance(statement.node, ast.Assign | ast.AugAssign) else ():
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                for match in find(statement, *_WHOLE, when=_is_mask):
                    if match.node is node.slice:
                        new = splice(statement, [(node.slice, statement.source(match.parts["_c"]))])
                        yield Suggestion(statement, statement, (new,), WHY)


def _is_mask(match: Match) -> bool:
    array = match.array("_c")
    return array is not None and array.dtype == bool


def _only_selects(cell: CellView, name: str) -> bool:
    """Whether every other mention of the name is as an index."""
    uses = cell.names.get(name, [])
    reads = [node for node in uses if isinstance(node.ctx, ast.Load)]
    indices = [node for node in reads if isinstance(parent := cell.parents.get(node), ast.Subscript)
               and parent.slice is node]  # fmt: skip
    return bool(reads) and len(reads) == len(indices) and len(uses) - len(reads) == 1


def _forms() -> Iterator[Form]:
    for places in _WHOLE:
        yield f"_x[{places}]", "{x}[{c}]", SAME, _is_mask
    for places in _PLACES:
        yield f"take(_x, {places})", "{x}[{c}]", SAME, _is_mask
        yield f"take(_x, {places}, axis=0)", "{x}[{c}]", SAME, _is_mask
    for selected in ("compress(_c, _x)", "compress(_c, _x, axis=0)", "extract(_c, _x)"):
        yield selected, "{x}[{c}]", SAME, _is_mask
    for counted in (*_PLACES, "argwhere(_c)", "_x[_c]"):
        yield f"builtins.len({counted})", "int({np}.count_nonzero({c}))", SAME, _is_mask
        yield f"({counted}).size", "int({np}.count_nonzero({c}))", SAME, _is_mask
        yield f"({counted}).shape[0]", "int({np}.count_nonzero({c}))", SAME, _is_mask


_FORMS: tuple[Form, ...] = tuple(_forms())
