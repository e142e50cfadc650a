"""Let numexpr evaluate an expression in one pass.

Why
---
``2 * a + 3 * b`` makes two arrays before it adds them. ``numexpr.evaluate`` works through the operands in blocks of
1,024 elements, so that only the result is an array. It is quick with sums, products and powers, and slower than NumPy
with comparisons, ``exp``, ``log`` and ``tanh``, and on arrays of less than some 30,000 elements.

Given
-----
    import numexpr as ne
    a = np.linspace(0, 1, 1_000_000)
    b = np.linspace(1, 2, 1_000_000)

Instead of
----------
    y = 2 * a + 3 * b

Write
-----
    y = ne.evaluate('2 * a + 3 * b')

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.blocks import Formula, formula_of, largest
from ..rewriting.facts import path_of
from ..rewriting.operations import is_same_kind
from ..rewriting.suggestion import CLOSE, Suggestion, Tempting
from ..rewriting.text import module_name, new_name, splice
from ..rewriting.view import CellView, Statement

WHY = (
    "Evaluated step by step this expression holds several arrays at once; numexpr makes the result alone, in one pass."
)
LEAST = 1 << 20
_DTYPES = frozenset({"float64", "int64", "bool", "complex128"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Element-wise expressions of float64, int64, bool and complex128 arrays that hold more than their result."""
    for statement in cell.statements:
        if not isinstance(statement.node, ast.Assign | ast.Expr | ast.Return | ast.AugAssign):
            continue
        for root in largest(statement):
            result = statement.array(root)
            formula = formula_of(statement, root, _DTYPES)
            if formula is None or result is None or formula.arrays == 0 or result.nbytes < LEAST:
                continue
            yield from _suggestions(statement, root, formula)


def _suggestions(statement: Statement, root: ast.expr, formula: Formula) -> Iterator[Suggestion]:
    known = module_name(statement, "numexpr")
    name = known or new_name(statement, "ne")
    before: tuple[str, ...] = () if known else (f"import numexpr as {name}",)
    before += tuple(f"{made} = {text}" for made, text in formula.hoisted.items())
    after = (
        () if isinstance(statement.node, ast.Return) or not formula.hoisted else (f"del {', '.join(formula.hoisted)}",)
    )
    call = f"{name}.evaluate({formula.text!r})"
    line = splice(statement, [(root, call)])
    if statement.peak >= statement.cell.peak_of(root) + LEAST:
        yield Suggestion(statement, statement, (*before, line, *after), WHY, CLOSE, effort=2)
    match statement.node:
        case ast.Assign(targets=[target], value=value) if value is root and path_of(target) is not None:
            own = [each for each in formula.operands if ast.unparse(each) == ast.unparse(target)]
            if own and formula.arrays > 1 and is_same_kind(statement.array(own[0]), statement.array(root)):
                out = statement.source(target)
                line = f"{name}.evaluate({formula.text!r}, out={out})"
                lines = (*before, line, *after)
                yield Suggestion(statement, statement, lines, WHY, CLOSE, overwrites=(out,), effort=2)


def warn(cell: CellView) -> Iterator[Tempting]:
    """float32 with a float constant, which numexpr takes for a double."""
    for statement in cell.statements:
        for root in largest(statement) if statement.peak >= LEAST else ():
            array = statement.array(root)
            numbers = [each.value for each in ast.walk(root) if isinstance(each, ast.Constant)]
            if array is not None and array.dtype == "float32" and any(isinstance(each, float) for each in numbers):
                why = "numexpr would take the float constants for doubles: its result would be float64, twice as large."
                yield Tempting("evaluate-in-one-pass", statement.node.lineno, statement.source(root), why)
