"""Write into the places that a mask marks, instead of making a new array.

Why
---
``x = np.where(mask, value, x)`` makes a second array of the size of `x`. ``x[mask] = value`` writes into the first one
and needs the mask alone. ``x[mask] = x[mask] * 2`` copies what the mask selects twice; ``np.multiply(x, 2, out=x,
where=mask)`` copies nothing.

Given
-----
    x = np.linspace(-1, 1, 1_000_000)

Instead of
----------
    x = np.where(x > 0.5, 0, x)

Write
-----
    x[x > 0.5] = 0

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.facts import path_of
from ..rewriting.masks import written
from ..rewriting.patterns import find
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.view import CellView

WHY = "A whole new array was made to change some places of this one; now only these are written."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x = np.where(c, v, x)`` in all its forms."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[target], value=value) if path_of(target) is not None:
                for line, path, nbytes in written(statement, target, value):
                    overwrites = () if path is None else overwritten(statement, path)
                    if overwrites is not None:
                        yield Suggestion(statement, statement, (line,), WHY, overwrites=overwrites, saving=nbytes)


def warn(cell: CellView) -> Iterator[Tempting]:
    """Where the new values would be cut to the dtype of the array."""
    for statement in cell.statements:
        for match in find(statement, "where(_c, _v, _x)"):
            own, result = match.array("_x"), statement.array(match.node)
            if own is not None and result is not None and own.dtype != result.dtype and statement.peak >= 1 << 20:
                why = f"Stored by a mask the values would silently become {own.dtype}; `np.where` gives {result.dtype}."
                yield Tempting("write-where", statement.node.lineno, statement.source(match.node), why)
