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

from ..rewriting.conditions import is_counted, is_largest_norm, is_masked, is_masked_line
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


def _floats(match: Match) -> bool:
    return match.is_real("_x", kinds="f")


def _numbers(match: Match) -> bool:
    return match.is_real("_x", kinds="fiu") and match.array("_t") is None


_FORMS: tuple[tuple[str, str, str, Callable[[Match], bool], str], ...] = (
    *((f"{name}(_x[_m])", f"{{np}}.{name}({{x}}, where={{m}})", CLOSE, is_masked, WHY) for name in _WITH_MASK),
    ("max(_x[_m])", "{np}.max({x}, where={m}, initial={x}.min())", SAME, is_masked, WHY),
    ("min(_x[_m])", "{np}.min({x}, where={m}, initial={x}.max())", SAME, is_masked, WHY),
    ("any(isnan(_x))", "{np}.isnan({x}.min())", SAME, _floats, WHY),
    ("all(isfinite(_x))", "({np}.isfinite({x}.min()) and {np}.isfinite({x}.max()))", SAME, _floats, WHY),
    ("any(isinf(_x))", "({np}.isinf({x}.min()) or {np}.isinf({x}.max()))", SAME, _floats, WHY + NANS),
    *((f"any(_x {sign} _t)", f"{{x}}.{end}() {sign} {{t}}", SAME, _numbers, WHY + NANS) for sign, end in _ENDS),
    *((f"all(_x {sign} _t)", f"{{x}}.{end}() {sign} {{t}}", SAME, _numbers, WHY) for sign, end in _ENDS_OF_ALL),
    ("sum(astype(_m, _d))", "{m}.sum()", SAME, is_counted, WHY),
    ("max(absolute(_x))", "{np}.maximum({x}.max(), -{x}.min())", SAME, lambda m: m.is_real("_x", kinds="fi"), WHY),
    ("linalg.norm(_x, _o)", "{np}.maximum({x}.max(), -{x}.min())", SAME, is_largest_norm, WHY),
    ("linalg.norm(_x, ord=_o)", "{np}.maximum({x}.max(), -{x}.min())", SAME, is_largest_norm, WHY),
    *((product, "{np}.sum({x}, where={m})", CLOSE, is_masked_line, WHY) for product in ("_x @ _m", "_m @ _x")),
)
