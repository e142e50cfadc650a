"""Keep float32 and small integers from becoming float64 where nobody asked for it.

Why
---
A float64 scalar of NumPy, an array of default dtype such as ``np.ones(n)``, int32 beside float32, and the division of
integers make the result float64. With ``dtype=np.float32`` it has seven digits, and half the size.

Given
-----
    x = np.ones(1_000_000, np.float32)

Instead of
----------
    y = x * np.ones(1_000_000)

Write
-----
    y = np.ones(1_000_000, dtype=np.float32)
    y *= x

Keeps
-----
ask: `y` is float32 instead of float64
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.blowups import leaves
from ..rewriting.chain import roots
from ..rewriting.narrowing import computed, computed_lines, made_narrowly, narrowed, uncast, wide_leaves
from ..rewriting.operations import operation
from ..rewriting.patterns import find
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.text import module_name, splice, tight
from ..rewriting.view import CellView, Statement

WHY = "{what} made the result float64, twice as large as float32 is; 7 digits are kept if it stays in float32."
LEAST = 1 << 20


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Element-wise expressions of narrow arrays with a float64 result."""
    for statement in cell.statements:
        numpy = module_name(statement)
        if numpy is not None and isinstance(statement.node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            whole = statement.node.value
            casts = [whole] if whole is not None and uncast(statement, whole) is not whole else []
            for root in (*roots(statement), *casts):
                if _is_upcast(statement, root):
                    yield from _narrower(statement, root, f"{numpy}.float32")


def warn(cell: CellView) -> Iterator[Tempting]:
    """Roots of small integers are narrow already, and narrower than one might wish."""
    for statement in cell.statements:
        for match in find(statement, "sqrt(_x, dtype=_d)", "exp(_x, dtype=_d)", "log(_x, dtype=_d)"):
            array = match.array("_x")
            if array is not None and array.dtype.kind in "iu" and array.dtype.itemsize == 1 and statement.peak >= LEAST:
                why = "Without `dtype=` the result of 8-bit integers is float16: half the memory, but 3 digits."
                yield Tempting("stay-in-float32", statement.node.lineno, statement.source(match.node), why)


def _is_upcast(statement: Statement, root: ast.expr) -> bool:
    result = statement.array(root)
    if result is None or result.dtype != float or result.nbytes < LEAST or wide_leaves(statement, root, result):
        return False
    arrays = [each for leaf in leaves(statement, root) if (each := statement.array(uncast(statement, leaf)))]
    large = [each.dtype for each in arrays if each.size * 16 > result.size and each.dtype != float]
    return any(each == "f4" for each in large) or (bool(large) and all(each.itemsize <= 4 for each in large))


def _narrower(statement: Statement, root: ast.expr, dtype: str) -> Iterator[Suggestion]:
    op, inner = operation(root, statement), uncast(statement, root)
    why = WHY.format(what="The cast" if op is None else "Operands of another dtype")
    text = computed(statement, op, dtype) if op is not None else None
    if inner is not root:
        text = f"{tight(statement, inner)}.astype({dtype})"
    if (made := made_narrowly(statement, root, dtype)) and op is not None:
        yield narrowed(statement, (splice(statement, made),), why, "float64", "float32")
    if text is not None:
        yield narrowed(statement, (splice(statement, [(root, text)]),), why, "float64", "float32")
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is root:
            lines = computed_lines(statement, name, root, dtype)
            if lines is not None and len(lines) > 1:
                yield narrowed(statement, lines, why, "float64", "float32", effort=1)
