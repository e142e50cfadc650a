"""Make grids of coordinates of one row and one column.

Why
---
``np.meshgrid(x, y)``, ``np.mgrid`` and ``np.indices`` fill arrays of the size of the whole grid with repeated
coordinates. A row and a column broadcast to the same in any expression.

Given
-----
    x = np.linspace(0, 1, 1000)
    y = np.linspace(0, 1, 800)

Instead of
----------
    X, Y = np.meshgrid(x, y)
    Z = X * Y

Write
-----
    X, Y = np.meshgrid(x, y, sparse=True)
    Z = X * Y

Keeps
-----
ask: `X`, `Y` hold one row and one column
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from ..rewriting.randoms import with_argument
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement
from ..standins import Known

WHY = "The grids were full arrays of repeated coordinates; a row and a column broadcast to the same."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``a, b = np.meshgrid(...)``, ``np.mgrid[...]`` and ``np.indices(...)``, where the rest gives the same."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=value):
                given = tuple(each.id for each in names if isinstance(each, ast.Name))
                change = _change(statement, value)
                if change is not None and len(given) == len(names):
                    caveat = ", ".join(f"`{name}`" for name in given) + " hold one row and one column"
                    line = splice(statement, [change])
                    yield Suggestion(statement, statement, (line,), WHY, ASK, caveat, gives_up=given)


def _change(statement: Statement, value: ast.expr) -> tuple[ast.expr, str] | None:
    match value:
        case ast.Call(func=func) if not any(each.arg in ("sparse", "copy") for each in value.keywords):
            function = statement.value(func)
            if isinstance(function, Known) and function.value in (np.meshgrid, np.indices):
                return value, with_argument(statement, value, "sparse=True")
        case ast.Subscript(value=grid) if statement.source(grid) == f"{module_name(statement)}.mgrid":
            return grid, f"{module_name(statement)}.ogrid"
    return None
