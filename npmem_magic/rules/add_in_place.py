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
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.text import whole
from ..rewriting.view import CellView, Statement

WHY = "The new array was made beside the old one, which is then thrown away; this writes into the old one."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x = x op y`` as ``x op= y``, for any name or path `x`."""
    for statement, target, op in _updates(cell):
        path = ast.unparse(target)
        result = statement.array(op.node)
        for child in op.operands:
            if ast.unparse(child) != path or not is_same_kind(statement.array(child), result) or result is None:
                continue
            others = {
                each: text for each in op.operands if each is not child and (text := _safe(statement, each, path))
            }
            line = write_into(op, child, statement.source(target), statement, others)
            if line is not None:
                is_plain = not any(mentions(each, path) for each in op.operands if each is not child)
                yield Suggestion(
                    statement, statement, (line,), WHY, overwrites=(path,), saving=result.nbytes, is_sure=is_plain
                )
            break


def warn(cell: CellView) -> Iterator[Tempting]:
    """The updates that would raise, or change the dtype."""
    for statement, target, op in _updates(cell):
        path = ast.unparse(target)
        own = next((statement.array(each) for each in op.operands if ast.unparse(each) == path), None)
        result = statement.array(op.node)
        if own is None or result is None or own.dtype == result.dtype:
            continue
        why = f"`{path}` is {own.dtype}, the result {result.dtype}: in place it would raise, or be cut to {own.dtype}."
        yield Tempting("add-in-place", statement.node.lineno, statement.source(statement.node), why)


def _updates(cell: CellView) -> Iterator[tuple[Statement, ast.expr, Operation]]:
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[target], value=value) if path_of(target) is not None:
                op = operation(value, statement)
                if op is not None and any(ast.unparse(each) == ast.unparse(target) for each in op.operands):
                    yield statement, target, op


def _safe(statement: Statement, node: ast.expr, path: str) -> str:
    """New text for a part of the same array: copied, since NumPy would otherwise copy all of it. Else nothing."""
    small, large = statement.array(node), statement.fact(path)
    if isinstance(node, ast.Subscript) and small is not None and mentions(node, path) and large is not None:
        return f"{whole(statement.source(node))}.copy()"
    return ""
