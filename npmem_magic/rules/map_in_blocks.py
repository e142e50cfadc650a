"""Fill the result of an expression block by block, where it needs several arrays on the way.

Why
---
``np.sin(x) ** 2 + np.cos(x) ** 2`` holds two arrays at once. Written into the result block by block, only a block's
temporaries are there besides.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    y = np.cbrt(x) * 2 + np.cbrt(x + 1) * np.cbrt(x + 2)

Write
-----
    y = np.empty_like(x)
    for at in range(0, len(x), 65536):
        y[at:at + 65536] = np.cbrt(x[at:at + 65536]) * 2 + np.cbrt(x[at:at + 65536] + 1) * np.cbrt(x[at:at + 65536] + 2)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.slices import Blocks, parts
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, new_name
from ..rewriting.view import CellView, Statement

WHY = "The expression held several whole arrays at once; in blocks there is only the result."
_SIZE = 65536


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``name = expression`` of arrays of one shape that holds at least one array more than the result."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from _blocked(statement, name, value)


def _blocked(statement: Statement, name: str, value: ast.expr) -> Iterator[Suggestion]:
    array, numpy = statement.array(value), module_name(statement)
    if array is None or numpy is None or array.size < 4 * _SIZE or statement.peak < array.nbytes + (1 << 20):
        return
    leaves = parts(statement, value)
    names = {each.id for leaf in leaves for each in ast.walk(leaf) if isinstance(each, ast.Name)}
    if leaves == [value] or name in names or len(array.shape) > 2:
        return
    at, rows = new_name(statement, "at"), max(1, _SIZE * array.shape[0] // array.size)
    blocks = Blocks(statement, f"{at}:{at} + {rows}")
    text = blocks.of(value, array.shape)
    if text is None:
        return
    before = tuple(f"{made} = {old}" for made, old in blocks.hoisted.items())
    room = f"{name} = {numpy}.empty({blocks.whole}.shape, {numpy}.{array.dtype.name})"
    loop = f"for {at} in range(0, len({blocks.whole}), {rows}):\n    {name}[{at}:{at} + {rows}] = {text}"
    yield Suggestion(statement, statement, (*before, room, loop), WHY, CLOSE, effort=3)
