"""Cut sorted data by looking for the bounds instead of comparing every value.

Why
---
``x[x < v]`` makes a mask and copies what it selects. Where `x` is sorted that is one piece of it:
``np.searchsorted`` finds its ends, and the slice is a view that copies nothing. It holds only while `x` is sorted.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    y = x[x < 0.5]

Write
-----
    y = x[:np.searchsorted(x, 0.5)]

Keeps
-----
ask: right while `x` is sorted, as it is now; a view, so write into neither
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.exchange import exchange
from ..rewriting.ordering import BOTH_BOUNDS, ONE_BOUND
from ..rewriting.patterns import Match, find
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.view import CellView

WHY = "Every value was compared, though with these data, which are sorted, the wanted ones lie in one piece."
_COUNTS = (
    ("sum(_x < _v)", "{np}.searchsorted({x}, {v})"), ("sum(_x <= _v)", "{np}.searchsorted({x}, {v}, 'right')"),
    ("count_nonzero(_x < _v)", "{np}.searchsorted({x}, {v})"),
    ("count_nonzero(_x <= _v)", "{np}.searchsorted({x}, {v}, 'right')"),
    ("sum(_x > _v)", "{x}.size - {np}.searchsorted({x}, {v}, 'right')"),
    ("sum(_x >= _v)", "{x}.size - {np}.searchsorted({x}, {v})"),
)  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Selections by one bound or two of an array by its own values, or of another one of its length; masks; counts."""
    for statement in cell.statements:
        for condition, cut in (*ONE_BOUND, *BOTH_BOUNDS):
            for match in find(statement, f"_y[{condition}]", when=_is_line):
                if may_share(statement, match.node, match.parts["_y"]) and not isinstance(statement.node, ast.Return):
                    yield from exchange(match, f"{{y}}[{cut}]", WHY, **_promise(match))
            for match in find(statement, condition, when=_is_line):
                yield from _named(match, cut)
        for pattern, template in _COUNTS:
            for match in find(statement, pattern, when=_is_line):
                yield from exchange(match, template, WHY, **_promise(match))


def _named(match: Match, cut: str) -> Iterator[Suggestion]:
    """A mask with a name that only selects, as a slice."""
    tree = match.statement.cell.tree
    match match.statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is match.node:
            uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
            places = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript)
                      and isinstance(node.slice, ast.Name) and node.slice.id == name]  # fmt: skip
            if len(uses) == len(places) + 1 and places:
                bounds = ", ".join(part or "None" for part in cut.split(":"))
                caveat = f"`{name}` is then a slice; right while the data are sorted, as they are now"
                more = {"keeps": ASK, "caveat": caveat, "gives_up": (name,)}
                yield from exchange(match, f"slice({bounds})", WHY, **more)  # type: ignore[arg-type]


def _is_line(match: Match) -> bool:
    arrays = [match.array(name) for name in ("_x", "_y") if name in match.parts]
    return all(array is not None and len(array.shape) == 1 and array.nbytes >= 1 << 18 for array in arrays) and (
        len({array.shape for array in arrays if array}) == 1
        and all(match.array(name) is None for name in ("_v", "_l", "_h") if name in match.parts)
    )


def _promise(match: Match) -> dict[str, Any]:
    name = match.statement.source(match.parts["_x"])
    return {"keeps": ASK, "caveat": f"right while {name} is sorted, as it is now; a view, so write into neither"}
