"""Make an array in its final dtype, not in another one that is cast afterwards.

Why
---
``np.arange(n).astype(np.float32)`` makes an array of 8 bytes an element, to cast it and throw it away. With
``dtype=`` there is only the array that is wanted.

Given
-----
    n = 1_000_000

Instead of
----------
    x = np.arange(n).astype(np.float32)

Write
-----
    x = np.arange(n, dtype=np.float32)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.narrowing import MAKERS, cast_of, with_dtype
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion, Tempting
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The array was made in {old} and then cast to {new}; made in {new}, the first one is not needed."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Casts of what ``arange``, ``zeros``, ``ones``, ``full``, ``eye`` and their like make."""
    for statement in cell.statements:
        for node in expressions(statement):
            made = cast_of(node, statement)
            if made is not None:
                yield from _created(statement, node, *made)


def warn(cell: CellView) -> Iterator[Tempting]:
    """``linspace``, which computes in float64 whatever dtype it is given."""
    for statement in cell.statements:
        for node in expressions(statement) if statement.peak >= 1 << 20 else ():
            made = cast_of(node, statement)
            call = call_of(made[0], statement) if made is not None else None
            if call is not None and call.name == "linspace":
                why = "`dtype=` saves nothing here: `linspace` computes in float64 all the same, and casts at the end."
                yield Tempting("create-in-final-dtype", statement.node.lineno, statement.source(node), why)


def _created(statement: Statement, node: ast.expr, inner: ast.expr, dtype: ast.expr | None) -> Iterator[Suggestion]:
    made, old, call = statement.array(node), statement.array(inner), call_of(inner, statement)
    numpy = module_name(statement)
    if dtype is None and made is None:
        return
    given = statement.source(dtype) if dtype is not None else f"{numpy}.{made.dtype.name if made else ''}"
    if made is not None and old is not None and call is not None and call.name in MAKERS and made.dtype != old.dtype:
        text = with_dtype(statement, inner, given)
        why = WHY.format(old=old.dtype, new=made.dtype)
        if text is not None:
            yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), why, CLOSE)
