"""Reduce an expression block by block, without the arrays on the way.

Why
---
``np.sqrt(x ** 2 + 1).sum()`` makes an array for each step, only to add up the last one. A block of 65,536 elements
stays in the processor's cache, and its temporaries take half a MiB.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    r = np.sqrt(x ** 2 + 1).sum()

Write
-----
    r = sum((np.sqrt(x[at:at + 65536] ** 2 + 1)).sum() for at in range(0, len(x), 65536))

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.patterns import expressions
from ..rewriting.slices import Blocks, parts
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import new_name, splice
from ..rewriting.view import CellView, Statement

WHY = "Every step of the expression made a whole array, only to be reduced to one number; blocks need half a MiB."
_JOINS = {"sum": "sum({})", "mean": "sum({}) / {x}.size", "max": "max({})", "min": "min({})", "nansum": "sum({})",
          "count_nonzero": "sum({})", "nanmax": "max({})", "nanmin": "min({})"}  # fmt: skip
_SIZE = 65536


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Sums, means, extremes and counts of element-wise expressions of arrays of one shape."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement) if isinstance(node, ast.Call) else None
            if call is not None and call.name in _JOINS and len(call.arguments) == 1:
                yield from _blocked(statement, node, next(iter(call.arguments.values())), call.name)


def _blocked(statement: Statement, node: ast.expr, inner: ast.expr, name: str) -> Iterator[Suggestion]:
    array = statement.array(inner)
    if array is None or array.size < 4 * _SIZE or parts(statement, inner) == [inner] or len(array.shape) > 2:
        return
    at, rows = new_name(statement, "at"), max(1, _SIZE * array.shape[0] // array.size)
    blocks = Blocks(statement, f"{at}:{at} + {rows}")
    text = blocks.of(inner, array.shape)
    if text is None or (blocks.hoisted and not isinstance(statement.node, ast.Assign | ast.Expr | ast.Return)):
        return
    each = f"({text}).{'sum' if name == 'mean' else name}()"
    if name in ("count_nonzero", "nansum", "nanmax", "nanmin"):
        function = statement.source(node.func) if isinstance(node, ast.Call) else ""
        each = f"{function}({text})"
    loop = f"{each} for {at} in range(0, len({blocks.whole}), {rows})"
    new = _JOINS[name].replace("{x}", blocks.whole).replace("{}", loop)
    before = tuple(f"{made} = {old}" for made, old in blocks.hoisted.items())
    yield Suggestion(
        statement, statement, (*before, splice(statement, [(node, new)])), WHY, CLOSE, effort=1
    )  # fmt: skip
