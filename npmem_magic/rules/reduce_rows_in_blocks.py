"""Reduce a matrix some rows at a time.

Why
---
``A.std(axis=1)`` copies the whole matrix to take the mean off, and a median copies it to put it in order. For some
rows at a time the copies stay small, and the results are the same.

Given
-----
    A = np.random.default_rng(0).random((2000, 500))

Instead of
----------
    s = A.std(axis=1)

Write
-----
    s = np.concatenate([np.std(A[start:start + 131], axis=1) for start in range(0, len(A), 131)])

Keeps
-----
same bits
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rewriting.patterns import Match, find
from ..rewriting.slicewise import in_blocks, is_line_of_blocks
from ..rewriting.suggestion import CLOSE, SAME, Suggestion
from ..rewriting.view import CellView

WHY = "The function copied the whole matrix to reduce it. Some rows at a time need no more than half a MiB."
_BLOCKS = "for {i} in range(0, len({x}), {step})"
_DOWN = "sum({np}.square({x}[{i}:{i} + {step}] - {mean}).sum(axis=0) " + _BLOCKS + ") / len({x})"
_ROWS = "{np}.concatenate([{np}.NAME({x}[{i}:{i} + {step}], axis=1) " + _BLOCKS + "])"
_NAMES = ("std", "var", "median", "nanstd", "nanvar", "nanmean", "nansum", "nanmedian")
_FORMS = (
    ("var(_x, axis=0)", "{mean} = {x}.mean(axis=0)", _DOWN, CLOSE),
    ("std(_x, axis=0)", "{mean} = {x}.mean(axis=0)", "{np}.sqrt(" + _DOWN + ")", CLOSE),
    *((f"{name}(_x, axis={axis})", "", _ROWS.replace("NAME", name), SAME) for name in _NAMES for axis in (1, -1)),
    *((f"percentile(_x, _q, axis={axis})", "",
       "{np}.concatenate([{np}.percentile({x}[{i}:{i} + {step}], {q}, axis=1) " + _BLOCKS + "])", SAME)
      for axis in (1, -1)),
)  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Deviations of the columns; deviations, medians and reductions without NaN of the rows of a matrix."""
    for statement in cell.statements:
        for pattern, before, template, keeps in _FORMS:
            for match in find(statement, pattern, when=_is_matrix):
                yield from in_blocks(match, before, template, WHY, keeps)


def _is_matrix(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 2 and is_line_of_blocks(match)
