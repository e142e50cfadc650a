"""Flatten without copying.

Why
---
``A.flatten()`` always copies. ``A.ravel()`` gives a view where the elements already lie in that order, and
``A.ravel('K')`` whatever the order, which is enough for anything that does not look at the order. A view is the same
as the copy only as long as neither of the two is written into.

Given
-----
    A = np.ones((1000, 1000))

Instead of
----------
    y = A.flatten()

Write
-----
    y = A.ravel()

Keeps
-----
ask: `y` is then a view of `A`: write into neither
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, find
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, CLOSE, SAME, Suggestion
from ..rewriting.view import CellView

WHY = "All elements were copied to stand in one row; a view shows them in one row where they are."
_FLAT = (
    ("ndarray.flatten(_x)", "{x}.ravel()"), ("ndarray.flatten(_x, order=_o)", "{x}.ravel({o})"),
    ("hstack(_x)", "{x}.reshape(-1)"), ("concatenate(_x)", "{x}.reshape(-1, *{x}.shape[2:])"),
    ("vstack(_x)", "{x}.reshape(-1, *{x}.shape[2:])"), ("concatenate(builtins.list(_x))", "{x}.reshape(-1)"),
    ("array(builtins.list(_x))", "{x}"), ("stack(_x)", "{x}"), ("stack(builtins.list(_x))", "{x}"),
    ("resize(_x, _s)", "{x}.reshape({s})"),
)  # fmt: skip
_ANY_ORDER = ("sort", "median", "unique", "bincount", "histogram", "nanmedian")
_WITH_LEVELS = ("percentile", "quantile", "nanpercentile", "nanquantile")
_TO_ONE = ("sum", "mean", "std", "var", "min", "max", "any", "all", "prod", "count_nonzero", "ptp", "amin", "amax",
           "linalg.norm", "nansum", "nanmean", "nanmin", "nanmax")  # fmt: skip
_METHODS = frozenset({"sum", "mean", "std", "var", "min", "max", "any", "all", "prod"})
_FLATTENED = ("ravel(_x)", "ndarray.flatten(_x)", "reshape(_x, -1)")


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``flatten`` and joining of rows as views; ``ravel`` of any order where the order does not matter."""
    for statement in cell.statements:
        for pattern, template in _FLAT:
            for match in find(statement, pattern, when=_is_array):
                if may_share(statement, match.node, match.parts["_x"]) and not isinstance(statement.node, ast.Return):
                    yield from exchange(match, template, WHY, **_promise(match))
        for flat in _FLATTENED:
            for name in _TO_ONE:
                template = f"{{x}}.{name}()" if name in _METHODS else f"{{np}}.{name}({{x}})"
                for match in find(statement, f"{name}({flat})", when=_is_array):
                    yield from exchange(match, template, WHY, keeps=CLOSE)
            for name in _ANY_ORDER:
                for match in find(statement, f"{name}({flat})", when=_is_array):
                    yield from exchange(match, f"{{np}}.{name}({{x}}.ravel('K'))", WHY, keeps=CLOSE)
            for name in _WITH_LEVELS:
                for match in find(statement, f"{name}({flat}, _q)", when=_is_array):
                    yield from exchange(match, f"{{np}}.{name}({{x}}.ravel('K'), {{q}})", WHY, keeps=CLOSE)


def _is_array(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) > 1


def _promise(match: Match) -> dict[str, Any]:
    array = match.array("_x")
    saving = {"saving": array.nbytes if array is not None else 0}
    match match.statement.node:
        case ast.Assign(targets=[target], value=value) if value is match.node:
            name, source = match.statement.source(target), match.statement.source(match.parts["_x"])
            return {"keeps": ASK, "caveat": f"`{name}` is then a view of `{source}`: write into neither", **saving}
    return {"keeps": SAME, **saving}
