"""Draw random numbers in their final dtype.

Why
---
``rng.random(n).astype(np.float32)`` draws float64 numbers first, and holds both arrays while it casts. With ``dtype=``
the generator draws float32 at once, which are other random numbers.

Given
-----
    n = 1_000_000

Instead of
----------
    x = np.random.default_rng(1).random(n).astype(np.float32)

Write
-----
    x = np.random.default_rng(1).random(n, dtype=np.float32)

Keeps
-----
ask: `x` will differ: other random numbers
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.dependents import bound_by, dependents
from ..rewriting.narrowing import cast_of
from ..rewriting.patterns import expressions
from ..rewriting.randoms import FLOATS, generator_method, with_argument
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The numbers were drawn as {old} and then cast to {new}; drawn as {new}, the first array is not needed."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Casts of what generators draw that can draw other dtypes: uniform, normal, exponential, gamma, integers."""
    for statement in cell.statements:
        for node in expressions(statement):
            made = cast_of(node, statement)
            if made is not None and isinstance(made[0], ast.Call):
                yield from _drawn(statement, node, made[0], made[1])


def _drawn(statement: Statement, node: ast.expr, inner: ast.Call, dtype: ast.expr | None) -> Iterator[Suggestion]:
    array, call = statement.array(node), call_of(inner, statement)
    if dtype is None and array is None:
        return
    new = statement.source(dtype) if dtype is not None else f"{module_name(statement)}.{array.dtype if array else ''}"
    if any(each.arg == "dtype" for each in inner.keywords):
        return
    method = generator_method(inner, statement)
    is_integers = method == "integers" or (call is not None and call.name == "random.randint")
    if method in FLOATS or is_integers:
        why = WHY.format(old="int64" if is_integers else "float64", new=new)
        line = splice(statement, [(node, with_argument(statement, inner, f"dtype={new}"))])
        yield _other_numbers(statement, inner, line, why)


def _other_numbers(statement: Statement, inner: ast.Call, line: str, why: str) -> Suggestion:
    names = {each.id for each in ast.walk(inner.func) if isinstance(each, ast.Name)}
    states = [name for name in names if name in _generators(statement)]
    changed = tuple(dict.fromkeys((*bound_by(statement), *dependents(statement, (*bound_by(statement), *states)))))
    words = ", ".join(f"`{name}`" for name in changed)
    return Suggestion(
        statement, statement, (line,), why, ASK, f"other random numbers: {words} will differ", gives_up=changed
    )


def _generators(statement: Statement) -> set[str]:
    """The names of random generators."""
    facts = statement.cell.facts_of(statement.top)
    return {name for name, fact in facts.items() if fact.kind.endswith(("Generator", "RandomState"))}
