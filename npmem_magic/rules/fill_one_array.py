"""Make the whole array once and fill it, instead of joining pieces.

Why
---
``r = np.append(r, piece)`` copies all that is there for every piece, the old array beside the new one. A list of pieces
that is made an array holds everything twice. An array made in its final size is filled in place.

Given
-----
    pieces = [np.full(50_000, float(k)) for k in range(40)]

Instead of
----------
    r = np.array([])
    for piece in pieces:
        r = np.append(r, piece * 2)

Write
-----
    r = np.empty(2_000_000)
    end = 0
    for piece in pieces:
        part = piece * 2
        r[end:end + len(part)] = part
        end += len(part)
        del part
    del end

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.growth import Growth, growths, is_whole, loop_with, piece, room, whole_item
from ..rewriting.suggestion import ASK, SAME, Suggestion
from ..rewriting.view import CellView

WHY = "The pieces were kept, or copied again, beside the array made of them; now each goes to its place at once."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Arrays grown in a loop, lists filled in a loop and then joined, and comprehensions that are joined."""
    for growth in growths(cell):
        yield from _joined_at_once(growth)
        yield from _filled(growth)


def _joined_at_once(growth: Growth) -> Iterator[Suggestion]:
    """``np.concatenate(pieces)`` where the pieces are there already."""
    if growth.loop is None or not is_whole(growth) or growth.numpy is None:
        return
    pieces, target = growth.statement.source(growth.loop.node.iter), growth.loop.node.target  # type: ignore[attr-defined]
    join = growth.join if growth.join in ("vstack", "hstack") else "concatenate"
    names = tuple(each.id for each in ast.walk(target) if isinstance(each, ast.Name))
    gone = (*names, *((growth.listed,) if growth.listed and growth.listed != growth.name else ()))
    caveat = ", ".join(f"`{name}`" for name in gone) + f" {'is' if len(gone) == 1 else 'are'} not there afterwards"
    for given in (pieces, f"[{growth.first}, *{pieces}]" if growth.first else ""):
        if given:
            line = f"{growth.name} = {growth.numpy}.{join}({given})"
            yield Suggestion(growth.begin, growth.end, (*growth.between, line), WHY, ASK, caveat, gives_up=gone)


def _filled(growth: Growth) -> Iterator[Suggestion]:
    made = room(growth)
    for is_one in (True, False) if made is not None else ():
        before, body, after = whole_item(growth) if is_one else piece(growth)
        loop = loop_with(growth, body)
        if loop is None or growth.is_one_item() not in (None, is_one):
            continue
        gone = growth.listed if growth.listed and growth.listed != growth.name else ""
        caveat = f"`{gone}` is not there afterwards" if gone else ""
        names = [*after, *([growth.variable] if growth.variable else [])]
        end = [f"del {', '.join(names)}"] if names else []
        lines = (f"{growth.name} = {made}", *before, *growth.between, loop, *end)
        more = {"gives_up": (gone,) if gone else (), "effort": 2, "saving": growth.result.nbytes}
        yield Suggestion(growth.begin, growth.end, lines, WHY, ASK if gone else SAME, caveat, **more)  # type: ignore[arg-type]
