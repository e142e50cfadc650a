"""Do not copy an array that has the dtype already.

Why
---
``x.astype(dtype)`` copies even when `x` is of that dtype. With ``copy=False`` it gives `x` itself then. That is the
same only as long as neither of the two is written into afterwards.

Given
-----
    x = np.ones(1_000_000)

Instead of
----------
    y = x.astype(float)

Write
-----
    y = x.astype(float, copy=False)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import Call, call_of
from ..rewriting.operations import is_same_kind
from ..rewriting.patterns import expressions
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "The array has this dtype already, so the copy holds the same bytes a second time."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x.astype(t)`` as ``x.astype(t, copy=False)`` where `x` has the dtype, and neither is written into later."""
    for statement, call in _casts(cell):
        source, result = call.arguments["a"], statement.array(call.node)
        if (
            is_same_kind(statement.array(source), result)
            and result is not None
            and may_share(statement, call.node, source)
        ):
            old = statement.source(call.node)
            new = f"{old[:-1].rstrip().rstrip(',')}, copy=False)"
            line = splice(statement, [(call.node, new)])
            yield Suggestion(statement, statement, (line,), WHY, saving=result.nbytes, is_sure=True)


def warn(cell: CellView) -> Iterator[Tempting]:
    """Casts to another dtype, where ``copy=False`` changes nothing."""
    for statement, call in _casts(cell):
        source, result = statement.array(call.arguments["a"]), statement.array(call.node)
        if source is not None and result is not None and source.dtype != result.dtype and statement.peak >= 1 << 20:
            why = f"`copy=False` saves nothing here: {source.dtype} becomes {result.dtype}, and that is a new array."
            yield Tempting("astype-without-copy", statement.node.lineno, statement.source(call.node), why)


def _casts(cell: CellView) -> Iterator[tuple[Statement, Call]]:
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is not None and call.name == "astype" and call.is_method and set(call.arguments) == {"a", "dtype"}:
                yield statement, call
