"""Update a masked array where it lies.

Why
---
``m = m * 2`` makes new data and a new mask. ``m *= 2`` writes into the data that is there; `np.ma` still needs one
array of that size on the way. What lies under the mask may differ.

Given
-----
    x = np.linspace(0, 1, 4_000_000)
    m = np.ma.masked_array(x, x > 0.5)
    del x

Instead of
----------
    m = m * 2

Write
-----
    m *= 2

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.suggestion import Suggestion
from ..rewriting.text import whole
from ..rewriting.view import CellView

WHY = "The result was made with data and a mask of its own beside the old ones; this writes into the old data."
_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``m = m op y`` as ``m op= y`` for masked arrays; whether the dtype stays is for the proof to say."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(left=ast.Name(id=own), op=op, right=right)):
                fact = statement.fact(name)
                if own == name and type(op) in _SIGNS and fact is not None and fact.kind.endswith("MaskedArray"):
                    line = f"{name} {_SIGNS[type(op)]}= {whole(statement.source(right))}"
                    yield Suggestion(statement, statement, (line,), WHY, overwrites=(name,))
