"""Ask an array a question without making another one to answer it.

Why
---
``x[m].sum()`` first gathers what the mask chooses, ``np.isnan(x).any()`` makes a mask only to look whether one element
is set. The reductions themselves take ``where=``, and the largest and the smallest element often know the answer.

Given
-----
    x = np.linspace(0, 1, 4_000_000)
    m = x > 0.5

Instead of
----------
    r = x[m].sum()

Write
-----
    r = np.sum(x, where=m)

Keeps
-----
close
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import CLOSE, SAME, Suggestion
from ..rewriting.view import CellView

WHY = "An array was made only to be reduced to a number; this reads the numbers where they are."
NANS = " With NaN among the values the two would differ; there is none here."
_ENDS = ((">", "max"), (">=", "max"), ("<", "min"), ("<=", "min"))
_ENDS_OF_ALL = ((">", "min"), (">=", "min"), ("<", "max"), ("<=", "max"))
_WITH_MASK = ("sum", "mean", "prod", "std", "var")


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Masked reductions with ``where=``; tests of all elements by the largest or the smallest one."""
    for statement in cell.statements:
        for pattern, template, keeps, when, why in _FORMS:
            for match in find(statement, pattern, when=when):
                yield from exchange(match, template, why, keeps=keeps)


def _masked(match: Match) -> bool:
    array, mask = match.array("_x"), match.array("_m")
    is_wide = array is not None and array.dtype.kind in "fiuc" and array.dtype.itemsize >= 4
    return is_wide and mask is not None and mask.dtype == bool and match.same_shape("_x", "_m")


def _floats(match: Match) -> bool:
    return match.is_real("_x", kinds="f")


def _numbers(match: Match) -> bool:
    return match.is_real("_x", kinds="fiu") and match.array("_t") is None


def _counted(match: Match) -> bool:
    mask, dtype = match.array("_m"), match.constant("_d")
    return mask is not None and mask.dtype == bool and dtype in (int, np.int64)


def _by_largest(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 1 and match.constant("_o") == float("inf") and _floats(match)


_FORMS: tuple[tuple[str, str, str, Callable[[Match], bool], str], ...] = (
    *((f"{name}(_x[_m])", f"{{np}}.{name}({{x}}, where={{m}})", CLOSE, _masked, WHY) for name in _WITH_MASK),
    ("max(_x[_m])", "{np}.max({x}, where={m}, initial={x}.min())", SAME, _masked, WHY),
    ("min(_x[_m])", "{np}.min({x}, where={m}, initial={x}.max())", SAME, _masked, WHY),
    ("any(isnan(_x))", "{np}.isnan({x}.min())", SAME, _floats, WHY),
    ("all(isfinite(_x))", "({np}.isfinite({x}.min()) and {np}.isfinite({x}.max()))", SAME, _floats, WHY),
    ("any(isinf(_x))", "({np}.isinf({x}.min()) or {np}.isinf({x}.max()))", SAME, _floats, WHY + NANS),
    *((f"any(_x {sign} _t)", f"{{x}}.{end}() {sign} {{t}}", SAME, _numbers, WHY + NANS) for sign, end in _ENDS),
    *((f"all(_x {sign} _t)", f"{{x}}.{end}() {sign} {{t}}", SAME, _numbers, WHY) for sign, end in _ENDS_OF_ALL),
    ("sum(astype(_m, _d))", "{m}.sum()", SAME, _counted, WHY),
    ("max(absolute(_x))", "{np}.maximum({x}.max(), -{x}.min())", SAME, lambda m: m.is_real("_x", kinds="fi"), WHY),
    ("linalg.norm(_x, _o)", "{np}.maximum({x}.max(), -{x}.min())", SAME, _by_largest, WHY),
    ("linalg.norm(_x, ord=_o)", "{np}.maximum({x}.max(), -{x}.min())", SAME, _by_largest, WHY),
    ("matmul(_x, _m)", "{np}.sum({x}, where={m})", CLOSE, lambda m: _masked(m) and len(m.array("_x").shape) == 1, WHY),  # type: ignore[union-attr]
)
