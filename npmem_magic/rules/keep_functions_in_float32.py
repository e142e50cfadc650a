"""Keep functions from widening float32 to float64.

Why
---
``np.where`` and ``np.clip`` with one float64 scalar of NumPy widen the whole array, ``np.cov`` and ``np.corrcoef``
compute in float64 unless told otherwise, and ``@`` copies the float32 matrix when the other operand is float64.

Given
-----
    x = np.ones((100_000, 20), np.float32)

Instead of
----------
    y = np.cov(x, rowvar=False)

Write
-----
    y = np.cov(x, rowvar=False, dtype=np.float32)

Keeps
-----
ask: `y` is float32 instead of float64
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.narrowing import narrowed
from ..rewriting.patterns import expressions, find
from ..rewriting.randoms import with_argument
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import module_name, splice, tight
from ..rewriting.view import CellView, Statement

WHY = "{what} made float64 of float32, twice as large; 7 digits are kept if it stays in float32."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``where`` and ``clip`` with float64 scalars; ``cov`` and ``corrcoef``; products of float32 with float64."""
    for statement in cell.statements:
        numpy = module_name(statement)
        if numpy is not None and isinstance(statement.node, ast.Assign | ast.AnnAssign):
            yield from _chosen(statement)
            yield from _statistics(statement, f"{numpy}.float32")


def _chosen(statement: Statement) -> Iterator[Suggestion]:
    """``where`` and ``clip`` with a float64 scalar beside a float32 array."""
    for node in expressions(statement):
        call = call_of(node, statement) if isinstance(node, ast.Call) else None
        result = statement.array(node)
        if call is None or call.name not in ("where", "clip") or result is None or result.dtype != float:
            continue
        values = [each for name, each in call.arguments.items() if name != "condition"]
        scalars = [each for each in values if statement.array(each) is None and not isinstance(each, ast.Constant)]
        arrays = [array for each in values if (array := statement.array(each)) is not None]
        if scalars and arrays and all(array.dtype == "f4" for array in arrays):
            line = splice(statement, [(each, f"float({statement.source(each)})") for each in scalars])
            why = WHY.format(what="A float64 scalar of NumPy")
            yield narrowed(statement, (line,), why, "float64", "float32")


def _statistics(statement: Statement, dtype: str) -> Iterator[Suggestion]:
    why = WHY.format(what="The function, which computes in float64 unless told otherwise,")
    for match in find(statement, "cov(_x)", "cov(_x, rowvar=_r)", "corrcoef(_x)", "corrcoef(_x, rowvar=_r)"):
        if match.is_real("_x") and match.array("_x").dtype == "f4":  # type: ignore[union-attr]
            assert isinstance(match.node, ast.Call)
            text = with_argument(statement, match.node, f"dtype={dtype}")
            yield narrowed(statement, (splice(statement, [(match.node, text)]),), why, "float64", "float32")
    for match in find(statement, "_a @ _b", "dot(_a, _b)", "inner(_a, _b)"):
        for one, two in (("_a", "_b"), ("_b", "_a")):
            large, small = match.array(one), match.array(two)
            if large and small and large.dtype == "f4" and small.dtype == float and small.size < large.size:
                cast = f"{tight(statement, match.parts[two])}.astype({dtype})"
                why = "The large float32 matrix was copied to float64 because the other one is float64."
                yield narrowed(statement, (splice(statement, [(match.parts[two], cast)]),), why, "float64", "float32")
