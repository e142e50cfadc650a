"""Let go of a loop's array before the next round makes another one.

Why
---
A name in a loop keeps the array of the round before while the next one is made, and the last one when the loop is done.
``del`` at the end of the round leaves one at a time.

Given
-----
    n = 1_000_000

Instead of
----------
    s = 0.0
    for i in range(3):
        t = np.full(n, float(i))
        s += t.sum()

Write
-----
    s = 0.0
    for i in range(3):
        t = np.full(n, float(i))
        s += t.sum()
        del t

Keeps
-----
ask: `t` is gone afterwards
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.releasing import released
from ..rewriting.suggestion import ASK, SAME, Suggestion
from ..rewriting.view import CellView, Statement

WHY = "The array of the round before was still alive while the next one was made."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``del`` after the last use in the body, of one name that every round makes anew, and of all such names."""
    for loop in cell.statements:
        if not isinstance(loop.node, ast.For | ast.While):
            continue
        body = [each for each in cell.statements if each.block is loop.node.body]
        names = [name for name in dict.fromkeys(_made(body)) if not _is_needed(loop, body, name)]
        for chosen in (*((name,) for name in names), *([tuple(names)] if len(names) > 1 else [])):
            text = released(loop, body, chosen)
            if text is None:
                continue
            is_local = loop.in_function
            are = "is" if len(chosen) == 1 else "are"
            caveat = "" if is_local else f"{', '.join(f'`{name}`' for name in chosen)} {are} gone afterwards"
            keeps, gone = (SAME, ()) if is_local else (ASK, chosen)
            yield Suggestion(loop, loop, (text,), WHY, keeps, caveat, gives_up=gone)


def _made(body: list[Statement]) -> Iterator[str]:
    """Names that the body binds to arrays of some size, at its top."""
    for statement in body:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not isinstance(value, ast.Constant | ast.Name):
                array = statement.array(value)
                if statement.peak >= 1 << 18 or (array is not None and array.nbytes >= 1 << 18):
                    yield name


def _is_needed(loop: Statement, body: list[Statement], name: str) -> bool:
    """Whether a later round or what follows the loop reads what this round leaves in the name."""
    uses = [node for node in ast.walk(loop.node) if isinstance(node, ast.Name) and node.id == name]
    first = min(uses, key=lambda node: (node.lineno, node.col_offset))
    binds = next(each for each in body if any(node is first for node in ast.walk(each.node)))
    is_read_first = any(isinstance(node.ctx, ast.Load) for node in uses if node.lineno <= (binds.node.end_lineno or 0))
    end = loop.node.end_lineno or 0
    tree = loop.cell.tree
    after = any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) and node.lineno > end
        for node in ast.walk(tree)
    )
    keeps_on = any(isinstance(node, ast.Continue | ast.Break) for node in ast.walk(loop.node))
    return is_read_first or after or keeps_on or any(isinstance(node.ctx, ast.Del) for node in uses)
