"""Compute into the array that a name already holds, or that is stored into.

Why
---
``y = a + b`` makes a new array while the one that `y` held before, from an earlier line or an earlier run of the cell,
is still alive; ``x[:] = x * 2`` makes one only to copy it into `x`. With ``out=`` the result is computed where it
belongs. It is offered only where nothing else looks at the old array, and where shape and dtype are the same.

Given
-----
    a = np.ones(1_000_000)
    b = np.ones(1_000_000)
    y = np.zeros(1_000_000)

Instead of
----------
    y = a + b

Write
-----
    np.add(a, b, out=y)

Keeps
-----
ask: `y` has to hold such an array before the cell runs
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.chain import Writer, chain_of, mentions
from ..rewriting.facts import path_of
from ..rewriting.operations import is_same_kind
from ..rewriting.outputs import computed_into
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.view import CellView, Statement

OLD = "The array that the name held before was still alive while the new one was made; this writes into it."
THERE = "`%s` has to hold such an array before the cell runs"
STORED = "A new array was made only to be copied into the one that is there; this computes it there."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``y = expression`` where `y` holds such an array already, and ``y[:] = expression``."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name() as target], value=value) if not statement.loops:
                old, overwrites = statement.array(target), overwritten(statement, target.id)
                if overwrites is None or mentions(value, target.id) or not is_same_kind(old, statement.array(value)):
                    continue
                lines = computed_into(statement, value, target.id)
                more = {} if _is_bound_before(statement, target.id) else {"keeps": ASK, "caveat": THERE % target.id}
                yield from _suggestion(statement, target, lines, OLD, overwrites=overwrites, **more)
            case ast.Assign(targets=[ast.Subscript(value=target, slice=part)], value=value):
                if ast.unparse(part) not in (":", "..."):
                    continue
                if path_of(target) is not None and is_same_kind(statement.array(target), statement.array(value)):
                    yield from _suggestion(statement, target, _stored(statement, target, value), STORED)


def _suggestion(
    at: Statement, target: ast.expr, lines: list[str] | None, why: str, **more: Any
) -> Iterator[Suggestion]:
    old = at.array(target)
    if lines is not None and old is not None:
        yield Suggestion(at, at, tuple(lines), why, saving=old.nbytes, effort=min(1, len(lines) - 1), **more)


def _is_bound_before(statement: Statement, name: str) -> bool:
    """Whether the cell itself binds the name before this statement."""
    here = statement.node.lineno
    return any(isinstance(node.ctx, ast.Store) and node.lineno < here for node in statement.cell.names.get(name, ()))


def _stored(statement: Statement, target: ast.expr, value: ast.expr) -> list[str] | None:
    """The statements that compute `value` into the array `target`, which it may begin with."""
    name = statement.source(target)
    if not mentions(value, ast.unparse(target)):
        return computed_into(statement, value, name)
    chain, writer = chain_of(statement, value), Writer(statement, name)
    return writer.lines if chain is not None and writer.write(chain, from_buffer=True) else None
