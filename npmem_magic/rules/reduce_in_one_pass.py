"""Let numexpr reduce an expression while it evaluates it.

Why
---
``((a - b) ** 2).sum()`` makes an array of what is to be added up. ``numexpr.evaluate('sum((a - b)**2)')`` adds up block
by block, on one thread and in plain order, so the last digits may differ.

Given
-----
    import numexpr as ne
    a = np.linspace(0, 1, 1_000_000)
    b = np.linspace(1, 2, 1_000_000)

Instead of
----------
    r = np.sqrt(a * b + 1).sum()

Write
-----
    r = ne.evaluate('sum(sqrt(a * b + 1))')[()]

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.blocks import Formula, formula_of
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, new_name, splice
from ..rewriting.view import CellView

WHY = "An array was made only to be reduced to a number; numexpr reduces it block by block while it computes it."
NANS = " Unlike NumPy it passes over NaN; there is none here."
_FORMS = {
    "sum(_e)": "sum({f})", "mean(_e)": "sum({f})", "prod(_e)": "prod({f})", "linalg.norm(_e)": "sum(({f})**2)",
    "max(_e)": "max({f})", "min(_e)": "min({f})", "sum(_e, axis=_k)": "sum({f}, axis={k})",
}  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Sums, means, products, extremes and norms of element-wise expressions of float64 arrays."""
    for statement in cell.statements:
        always = set(statement.walk()) if isinstance(statement.node, ast.Assign | ast.Expr | ast.Return) else set()
        for pattern, form in _FORMS.items():
            for match in find(statement, pattern, when=lambda each: each.is_real("_e")):
                formula = formula_of(statement, match.parts["_e"], {"float64", "bool", "int64"})
                if formula is not None and formula.arrays and match.node in always:
                    yield from _written(match, formula, pattern, form)


def _written(match: Match, formula: Formula, pattern: str, form: str) -> Iterator[Suggestion]:
    statement, array = match.statement, match.array("_e")
    axis = match.constant("_k") if "_k" in match.parts else 0
    if not isinstance(axis, int) or axis < 0 or array is None:
        return
    known = module_name(statement, "numexpr")
    name = known or new_name(statement, "ne")
    lines = [] if known else [f"import numexpr as {name}"]
    lines += [f"{made} = {text}" for made, text in formula.hoisted.items()]
    call = f"{name}.evaluate({form.format(f=formula.text, k=axis)!r})" + ("" if "_k" in match.parts else "[()]")
    if pattern == "mean(_e)":
        call = f"{call} / {array.size}" if not formula.operands else f"{call} / {_size(match, formula)}"
    if pattern == "linalg.norm(_e)":
        call = f"{call} ** 0.5"
    lines.append(splice(statement, [(match.node, call)]))
    if formula.hoisted and not isinstance(statement.node, ast.Return):
        lines.append(f"del {', '.join(formula.hoisted)}")
    why = WHY + (NANS if pattern[:3] in ("max", "min") else "")
    yield Suggestion(statement, statement, tuple(lines), why, CLOSE, effort=2)


def _size(match: Match, formula: Formula) -> str:
    """The number of elements: of an operand as large as the whole, else the number itself."""
    whole = match.array("_e")
    for each in formula.operands:
        array = match.statement.array(each)
        if array is not None and whole is not None and array.shape == whole.shape and isinstance(each, ast.Name):
            return f"{each.id}.size"
    return str(whole.size if whole is not None else 1)
