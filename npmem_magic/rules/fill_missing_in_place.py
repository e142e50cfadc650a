"""Fill missing values in place.

Why
---
``s = s.fillna(0)`` makes a new column beside the old one. With ``inplace=True`` the values are written into the column
that is there.

Given
-----
    import pandas as pd
    s = pd.Series(np.linspace(0, 1, 1_000_000))
    s[::10] = np.nan

Instead of
----------
    s = s.fillna(0)

Write
-----
    s.fillna(0, inplace=True);

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.frames import kind_of
from ..rewriting.randoms import with_argument
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.view import CellView

WHY = "A second column was made for the filled values; they can be written into the one that is there."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``name = name.fillna(...)`` of a Series or a frame."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=same) as owner, attr="fillna")) as call,
            ) if name == same and kind_of(statement, owner) and not statement.in_function:
                if not any(each.arg == "inplace" for each in call.keywords):
                    line = with_argument(statement, call, "inplace=True")
                    yield Suggestion(statement, statement, (line,), WHY, SAME)
