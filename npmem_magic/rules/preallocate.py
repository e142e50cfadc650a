"""Make the whole array before the loop that fills it.

Why
---
``r = np.append(r, part)`` copies all of `r` in each round, and holds it twice. A list of parts is held twice when it is
joined. An array made before the loop takes the parts as they come.

Given
-----
    x = np.linspace(0, 1, 10_000)

Instead of
----------
    r = np.array([])
    for k in range(100):
        r = np.append(r, x * k)

Write
-----
    r = np.empty(1000000)
    for k in range(100):
        r[k * 10000:(k + 1) * 10000] = x * k

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.dependents import is_read_elsewhere
from ..rewriting.growing import Growing, growing
from ..rewriting.loops import count_of, with_changed
from ..rewriting.suggestion import ASK, CLOSE, SAME, Suggestion
from ..rewriting.text import module_name, new_name
from ..rewriting.view import CellView

WHY = "The array was copied whole in each round, or kept in parts until the end; made beforehand, it is there once."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Arrays grown by ``append``, ``concatenate``, ``hstack`` and ``vstack``; lists of arrays joined after the loop."""
    for found in growing(cell):
        yield from _at_once(found)
        yield from _by_index(found)


def _at_once(found: Growing) -> Iterator[Suggestion]:
    """``r = np.concatenate(parts)``, where the loop only goes through a list."""
    loop, numpy = found.loop.node, module_name(found.loop)
    match loop:
        case ast.For(target=ast.Name(id=name), iter=ast.Name(id=parts), body=[_]) if not found.join:
            if numpy and isinstance(found.item, ast.Name) and found.item.id == name:
                joined = "vstack" if len(found.result.shape) > 1 else "concatenate"
                is_read = is_read_elsewhere(found.loop, name)
                line = f"{found.name} = {numpy}.{joined}({parts})"
                yield Suggestion(
                    found.start, found.last, (line, *((f"{name} = {parts}[-1]",) if is_read else ())), WHY,
                    CLOSE if is_read else ASK, "" if is_read else f"`{name}` is not there afterwards",
                    gives_up=() if is_read else (name,),
                )  # fmt: skip


def _by_index(found: Growing) -> Iterator[Suggestion]:
    loop, numpy, shape = found.loop.node, module_name(found.loop), found.result.shape
    count = count_of(found.loop, loop.iter) if isinstance(loop, ast.For) else None
    if not isinstance(loop, ast.For) or numpy is None or not isinstance(loop.target, ast.Name) or not count:
        return
    if shape[0] % count or (found.by_rows and shape[0] != count):
        return
    at, rows, head = loop.target.id, shape[0] // count, ""
    if not (isinstance(loop.iter, ast.Call) and len(loop.iter.args) == 1):
        at = new_name(found.loop, "place")
        head = f"for {at}, {loop.target.id} in enumerate({found.loop.source(loop.iter)}):"
    place = at if found.by_rows else f"{at} * {rows}:({at} + 1) * {rows}"
    whole = str(shape[0]) if len(shape) == 1 else str(shape)
    dtype = "" if found.result.dtype == "f8" else f", {numpy}.{found.result.dtype.name}"
    text = with_changed(found.loop, [(found.step, f"{found.target}[{place}] = {found.loop.source(found.item)}")], head)
    if text is not None:
        gone = (found.name,) if found.join else ()
        yield Suggestion(
            found.start, found.last, (f"{found.target} = {numpy}.empty({whole}{dtype})", text), WHY,
            ASK if gone else SAME, f"`{found.name}` is not there afterwards" if gone else "", gives_up=gone, effort=2,
        )  # fmt: skip
