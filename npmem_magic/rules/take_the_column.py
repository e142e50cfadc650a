"""Take the column, not a column of everything.

Why
---
``df.values`` and ``df.to_numpy()`` make one array of all columns; of different dtypes, every number becomes an object.

Given
-----
    import pandas as pd
    df = pd.DataFrame({'a': np.ones(500_000), 'b': np.arange(500_000)})

Instead of
----------
    s = df.values[:, 0].sum()

Write
-----
    s = df.iloc[:, 0].to_numpy().sum()

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.dependents import bound_by, dependents
from ..rewriting.frames import kind_of
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import ASK, CLOSE, Suggestion, Tempting
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "All columns were copied into one array for the sake of a part of them; the columns are there already."
OBJECTS = "the numbers are NumPy's instead of Python objects"


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``df.values[:, k]`` and ``df.to_numpy()[:, k]``."""
    for statement in cell.statements:
        for node in expressions(statement):
            text = _column(statement, node)
            if text is not None:
                line = splice(statement, [(node, text)])
                changed = dependents(statement, [name for name in bound_by(statement) if _is_object(cell, name)])
                caveat = ", ".join(f"`{name}`" for name in changed) + f": {OBJECTS}" if changed else ""
                keeps = ASK if changed else CLOSE
                yield Suggestion(statement, statement, (line,), WHY, keeps, caveat, narrower=changed)


def _is_object(cell: CellView, name: str) -> bool:
    """Whether a name was a number of Python's in the end, as a sum of objects is."""
    fact = cell.noted.ended.get(name)
    return fact is not None and fact.kind in ("builtins.float", "builtins.int")


def warn(cell: CellView) -> Iterator[Tempting]:
    """Writing into ``df.values``, which pandas 3 forbids."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Subscript(value=frame) as target], value=ast.BinOp(left=left)):
                is_same = ast.unparse(left) == ast.unparse(target)
                if kind_of(statement, frame) == "DataFrame" and is_same and statement.peak >= 1 << 20:
                    why = (
                        "Writing into `.values` is no way around the copy: pandas 3 gives views that cannot be written."
                    )
                    yield Tempting("take-the-column", statement.node.lineno, statement.source(statement.node), why)


def _column(statement: Statement, node: ast.expr) -> str | None:
    match node:
        case ast.Subscript(
            value=whole,
            slice=ast.Tuple(elts=[ast.Slice(lower=None, upper=None, step=None), ast.Constant(value=int(at))]),
        ):
            frame = _frame(whole)
            if frame is not None and kind_of(statement, frame) == "DataFrame":
                return f"{statement.source(frame)}.iloc[:, {at}].to_numpy()"
    return None


def _frame(node: ast.expr) -> ast.expr | None:
    match node:
        case ast.Attribute(value=frame, attr="values") | ast.Call(ast.Attribute(value=frame, attr="to_numpy"), [], []):
            return frame
    return None
