"""Compute in the dtype of the result, not in a wider one that is cast down at the end.

Why
---
``np.float32(a * b)`` and ``(a * b).astype(np.float32)`` make the whole result in float64 first, and hold both for a
moment. With ``dtype=np.float32`` the operation gives float32 at once.

Given
-----
    a = np.ones(1_000_000)
    b = np.full(1_000_000, 3.0)

Instead of
----------
    y = (a * b).astype(np.float32)

Write
-----
    y = np.multiply(a, b, dtype=np.float32)

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.chain import chain_of
from ..rewriting.narrowing import computed, computed_lines
from ..rewriting.operations import operation
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The expression was computed in {wide} and cast to {dtype} afterwards, and both were there at once."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Casts of element-wise expressions to narrower floats or complex numbers, as methods and as functions."""
    for statement in cell.statements:
        numpy = module_name(statement)
        for node in expressions(statement):
            inner = _cast(statement, node)
            made, wide = statement.array(node), statement.array(inner) if inner is not None else None
            if inner is None or numpy is None or made is None or wide is None or operation(inner, statement) is None:
                continue
            if made.dtype.kind in "fc" and made.dtype.kind == wide.dtype.kind and made.nbytes < wide.nbytes:
                why = WHY.format(wide=wide.dtype, dtype=made.dtype)
                yield from _suggestions(statement, node, inner, f"{numpy}.{made.dtype.name}", why)


def _cast(statement: Statement, node: ast.expr) -> ast.expr | None:
    call = call_of(node, statement)
    if call is None:
        return None
    if call.name == "astype" and call.has_only("a", "dtype", "copy"):
        return call.arguments["a"]
    is_scalar_type = call.name in ("numpy.float32", "numpy.float16", "numpy.complex64")
    if (is_scalar_type and len(call.arguments) == 1) or (
        call.name in ("asarray", "array") and "dtype" in call.arguments
    ):
        return call.node.args[0] if call.node.args else None
    return None


def _suggestions(statement: Statement, node: ast.expr, inner: ast.expr, dtype: str, why: str) -> Iterator[Suggestion]:
    op, chain = operation(inner, statement), chain_of(statement, inner)
    text = computed(statement, op, dtype) if op is not None else None
    if text is not None:
        yield Suggestion(statement, statement, (splice(statement, [(node, text)]),), why, CLOSE)
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node and chain is not None:
            lines = computed_lines(statement, name, inner, dtype)
            if lines is not None and len(lines) > 1:
                yield Suggestion(statement, statement, lines, why, CLOSE, effort=1)
