"""Let go of an array before the next large one is made.

Why
---
A name keeps its array until it is bound anew or deleted. One that is not needed any more while a later line reaches the
peak is counted there for nothing. Whether a later cell still wants it, only you can know.

Given
-----
    x = np.ones(1_000_000)

Instead of
----------
    p = x ** 2
    q = p.sum()
    r = x + 1
    s = r / 3

Write
-----
    p = x ** 2
    q = p.sum()
    del p
    r = x + 1
    s = r / 3

Keeps
-----
ask: `p` is gone afterwards
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.view import CellView

WHY = "`{name}` was alive at the peak (line {peak}), though the cell does not read it after line {line}."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``del name`` after the last statement that reads it, for names of this cell that were alive at a later peak."""
    top = {id(each.node): each for each in cell.statements if not each.parents}
    for holding in cell.trace.at_peak:
        name = holding.name or ""
        last = _last_use(cell, name) if name.isidentifier() else None
        if last is None or _end(last) >= cell.trace.peak_line or not _is_own(cell, name):
            continue
        statement = top[id(last)]
        why = WHY.format(name=name, peak=cell.trace.peak_line, line=_end(last))
        lines = (statement.source(last), f"del {name}")
        caveat = f"`{name}` is gone afterwards"
        yield Suggestion(statement, statement, lines, why, ASK, caveat, gives_up=(name,), saving=holding.nbytes)


def _last_use(cell: CellView, name: str) -> ast.stmt | None:
    found = None
    for statement in cell.tree.body:
        if any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement)):
            found = statement
    return found


def _is_own(cell: CellView, name: str) -> bool:
    """Whether the cell itself made the name: what was there before belongs to other cells."""
    return name not in cell.noted.statements[0] if cell.noted.statements else False


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
