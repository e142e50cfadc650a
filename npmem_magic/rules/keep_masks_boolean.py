"""Keep the answers of comparisons as truth values.

Why
---
``(x > 0.5).astype(float)`` holds zeros and ones in eight bytes each; the mask itself takes one, and can be summed,
averaged, multiplied and used as an index all the same.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    m = (x > 0.5).astype(float)

Write
-----
    m = x > 0.5

Keeps
-----
ask: `m` is bool instead of float64
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rewriting.narrowing import narrowed
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import splice, whole
from ..rewriting.view import CellView

WHY = "Answers of yes and no were stored as numbers of eight bytes; as truth values they take one."
_CASTS = (
    "astype(_m, _t)",
    "astype(_m, dtype=_t)",
    "asarray(_m, dtype=_t)",
    "array(_m, dtype=_t)",
    "_m * _t",
    "_m + _t",
)
_CHOICES = ("where(_m, 1.0, 0.0)", "where(_m, 1, 0)", "where(_m, 1.0, 0)", "where(_m, 1, 0.0)")


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Masks that are cast, multiplied by one, or chosen by; only where the statement binds what that makes."""
    for statement in cell.statements:
        for match in find(statement, *_CASTS, *_CHOICES, when=_is_wide):
            if getattr(statement.node, "value", None) is match.node:
                old = getattr(statement.array(match.node), "dtype", "")
                line = splice(statement, [(match.node, whole(statement.source(match.parts["_m"])))])
                yield narrowed(statement, (line,), WHY, old, "bool")


def _is_wide(match: Match) -> bool:
    mask, result = match.array("_m"), match.statement.array(match.node)
    if mask is None or mask.dtype != bool or result is None or result.dtype.kind not in "iuf":
        return False
    neutral = {"multiply": (1, 1.0), "add": (0, 0.0)}
    is_sum = type(match.node).__name__ == "BinOp"
    allowed = neutral["multiply"] + neutral["add"]
    return result.dtype.itemsize > 1 and (not is_sum or match.constant("_t") in allowed)
