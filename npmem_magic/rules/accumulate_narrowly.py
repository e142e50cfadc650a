"""Accumulate float32 in float32, and store small numbers in bytes.

Why
---
``acc = np.zeros(n)`` is float64, whatever is added; ``np.where(m, 1, 0)`` and ``m.astype(int)`` take 8 bytes each.

Given
-----
    x = np.ones(1_000_000, np.float32)

Instead of
----------
    acc = np.zeros(1_000_000)
    acc += x

Write
-----
    acc = np.zeros(1_000_000, dtype=np.float32)
    acc += x

Keeps
-----
ask: `acc` is float32 instead of float64
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.chain import mentions
from ..rewriting.dependents import bound_by
from ..rewriting.narrowing import narrowed, with_dtype
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The array was made in float64, and only float32 goes into it: twice as large as what it takes up."
SMALL = "Ones and zeros were stored in 8 bytes each; one byte holds them."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``zeros``, ``ones``, ``full`` and ``empty`` that only take float32; choices between small whole numbers."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as made):
                numpy, array = module_name(statement), statement.array(made)
                if array is None or array.nbytes < 1 << 20 or numpy is None or array.dtype.itemsize != 8:
                    continue
                if array.dtype == "f8" and _takes_float32(statement, name):
                    text = with_dtype(statement, made, f"{numpy}.float32")
                    if text is not None:
                        line = splice(statement, [(made, text)])
                        yield narrowed(statement, (line,), WHY, "float64", "float32")
                elif array.dtype == "i8":
                    yield from _small(statement, made, numpy)


def _takes_float32(statement: Statement, name: str) -> bool:
    """Whether arrays go into what a name holds, all of them float32."""
    values = []
    for each in statement.cell.statements:
        match each.node:
            case ast.AugAssign(target=target, value=value) if mentions(target, name):
                values.append(each.array(value))
            case ast.Assign(targets=[ast.Subscript() as target], value=value) if mentions(target, name):
                values.append(each.array(value))
            case ast.Assign() | ast.AnnAssign() if each is not statement and name in bound_by(each):
                return False
    arrays = [array for array in values if array is not None]
    return bool(arrays) and all(array.dtype == "f4" for array in arrays)


def _small(statement: Statement, made: ast.Call, numpy: str) -> Iterator[Suggestion]:
    call = call_of(made, statement)
    if call is None:
        return
    if call.name == "where" and len(call.arguments) == 3:
        choices = [call.arguments[each] for each in ("x", "y")]
        numbers = [each.value for each in choices if isinstance(each, ast.Constant) and type(each.value) is int]
        if len(numbers) == 2 and all(abs(number) < 128 for number in numbers):
            changes = [(each, f"{numpy}.int8({statement.source(each)})") for each in choices]
            yield narrowed(statement, (splice(statement, changes),), SMALL, "int64", "int8")
    elif call.name == "astype" and call.has_only("a", "dtype"):
        mask = statement.array(call.arguments["a"])
        if mask is not None and mask.dtype == bool:
            line = splice(statement, [(call.arguments["dtype"], f"{numpy}.int8")])
            yield narrowed(statement, (line,), SMALL, "int64", "int8")
