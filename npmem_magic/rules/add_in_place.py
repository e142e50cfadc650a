"""Update an array where it lies instead of making a new one.

Why
---
``x = x * 2`` makes a second array of the size of `x` and frees the first one only when it is complete. ``x *= 2``
writes into the first one. It is offered only where nothing else looks at the array, and where dtype and shape stay.

Given
-----
    x = np.ones(1_000_000)

Instead of
----------
    x = x * 2

Write
-----
    x *= 2

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.chain import mentions
from ..rewriting.facts import path_of
from ..rewriting.operations import Operation, is_same_kind, operation, write_into
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.view import CellView, Statement

WHY = "The new array was made beside the old one, which is then thrown away; this writes into the old one."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x = x op y`` as ``x op= y``, for any name, path or part of an array `x`."""
    for statement, target, op in _updates(cell):
        path, result = ast.unparse(target), statement.array(op.node)
        for child in op.operands:
            if ast.unparse(child) != path or not is_same_kind(statement.array(child), result) or result is None:
                continue
            rest = [each for each in op.operands if each is not child]
            texts = {each: f"{statement.source(each)}.copy()" for each in rest if _is_part(statement, each, path)}
            line = write_into(op, child, statement.source(target), statement, texts)
            # What is stored into a part of an array is written into it in any case, whoever looks at it.
            overwrites = () if _is_part_of_array(statement, target) else overwritten(statement, path)
            if line is not None and overwrites is not None:
                is_sure = not statement.in_function and not any(mentions(each, path) for each in rest)
                made = {"saving": result.nbytes, "is_sure": is_sure}
                yield Suggestion(statement, statement, (line,), WHY, overwrites=overwrites, **made)  # type: ignore[arg-type]
            break


def warn(cell: CellView) -> Iterator[Tempting]:
    """The updates that would raise, or change the dtype."""
    for statement, target, op in _updates(cell):
        path = ast.unparse(target)
        own = next((statement.array(each) for each in op.operands if ast.unparse(each) == path), None)
        result = statement.array(op.node)
        if own is not None and result is not None and own.dtype != result.dtype:
            why = f"`{path}` is {own.dtype}, the result {result.dtype}: in place it would raise, or lose digits."
            yield Tempting("add-in-place", statement.node.lineno, statement.source(statement.node), why)


def _updates(cell: CellView) -> Iterator[tuple[Statement, ast.expr, Operation]]:
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name() | ast.Subscript() | ast.Attribute() as target], value=value):
                op = operation(value, statement)
                if op is not None and any(ast.unparse(each) == ast.unparse(target) for each in op.operands):
                    yield statement, target, op


def _is_part_of_array(statement: Statement, target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and statement.array(target.value) is not None


def _is_part(statement: Statement, node: ast.expr, path: str) -> bool:
    """Whether it is a part of the same array: copied first, or NumPy would copy all that is written into."""
    if not isinstance(node, ast.Subscript) or statement.array(node) is None:
        return False
    return mentions(node, path) and path_of(node.value) is not None
