"""Compute with the arrays of pandas objects, not with the objects.

Why
---
pandas makes a new column for each step of an expression and never writes into one that is not needed any more; its
statistics copy the column first. The arrays below are views, and NumPy (or numexpr) does the steps in one array.

Given
-----
    import pandas as pd
    s = pd.Series(np.linspace(0, 1, 1_000_000))

Instead of
----------
    r = s * 2 * 3 + 1

Write
-----
    r = pd.Series(s.to_numpy() * 2 * 3 + 1, index=s.index, name=s.name, copy=False)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.blowups import replaced
from ..rewriting.frames import columns_of, is_series, kind_of
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, new_name, splice
from ..rewriting.view import CellView, Statement

WHY = "pandas made a new column for each step; on the arrays below there is one array, and the index is used again."
STATISTIC = "pandas copies the column to look for missing values; there are none here, and NumPy need not look."
_PLAIN = {"sum": "sum()", "mean": "mean()", "min": "min()", "max": "max()", "std": "std(ddof=1)", "var": "var(ddof=1)"}


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Arithmetic of Series and columns assigned to a name or a column; sums, means and deviations of a column."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name() | ast.Subscript()], value=ast.BinOp() as value):
                yield from _computed(statement, value)
        for node in ast.walk(statement.node):
            match node:
                case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=[], keywords=[]) if attr in _PLAIN:
                    columns = [] if is_series(statement, owner) else columns_of(statement, owner)
                    if columns:
                        whole = [(each, f"{statement.source(each)}.to_numpy()") for each in columns]
                        inner = f"({replaced(statement, owner, whole)})"
                        line = splice(statement, [(node, f"{inner}.{_PLAIN[attr]}")])
                        yield Suggestion(statement, statement, (line,), WHY, CLOSE)
                    if is_series(statement, owner):
                        text = f"{statement.source(owner)}.to_numpy().{_PLAIN[attr]}"
                        line = splice(statement, [(node, text)])
                        yield Suggestion(statement, statement, (line,), STATISTIC, CLOSE)


def _computed(statement: Statement, value: ast.BinOp) -> Iterator[Suggestion]:
    columns, pandas = columns_of(statement, value), module_name(statement, "pandas")
    if not columns or pandas is None:
        return
    arrays = replaced(statement, value, [(each, f"{statement.source(each)}.to_numpy()") for each in columns])
    texts = list(dict.fromkeys(statement.source(each) for each in columns))
    owner = columns[0].value if isinstance(columns[0], ast.Subscript) else columns[0]
    index = f"index={statement.source(owner)}.index"
    name = f", name={texts[0]}.name" if len(texts) == 1 else ""
    line = splice(statement, [(value, f"{pandas}.Series({arrays}, {index}{name}, copy=False)")])
    yield Suggestion(statement, statement, (line,), WHY, CLOSE, effort=1)
    known = module_name(statement, "numexpr")
    numexpr = known or new_name(statement, "ne")
    names = {text: new_name(statement, "column", [f"column{n}" for n in range(2, at + 1)] + ["column"] * (at > 0))
             for at, text in enumerate(texts)}  # fmt: skip
    formula = replaced(statement, value, [(each, names[statement.source(each)]) for each in columns])
    before: tuple[str, ...] = () if known else (f"import numexpr as {numexpr}",)
    before += tuple(f"{short} = {text}.to_numpy()" for text, short in names.items())
    evaluated = f"{pandas}.Series({numexpr}.evaluate({formula!r}), {index}{name}, copy=False)"
    line = splice(statement, [(value, evaluated)])
    after = f"del {', '.join(names.values())}"
    if kind_of(statement, columns[0]) and "(" not in formula.replace("(", "", formula.count("(")):
        yield Suggestion(statement, statement, (*before, line, after), WHY, CLOSE, effort=2)
