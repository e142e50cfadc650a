"""Write out what a function does where it copies its argument on the way.

Why
---
``np.nanmean(x)`` copies `x` to put zeros where NaN stands; ``np.average(x, weights=w)`` makes all the products;
``np.cov`` centres a copy of its data. Written out, the same needs less.

Given
-----
    x = np.linspace(0, 1, 1_000_000)
    x[::10] = np.nan

Instead of
----------
    m = np.nanmean(x)

Write
-----
    m = np.mean(x, where=~np.isnan(x))

Keeps
-----
close
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rewriting.exchange import Form, exchanges
from ..rewriting.patterns import Match
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.view import CellView

WHY = "This function copies its argument on the way; what it computes can be written without that copy."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Functions that ignore NaN, weighted averages, covariances, integrals and second differences."""
    yield from exchanges(cell, _FORMS, WHY)


def _line(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 1 and array.dtype.kind == "f"


def _float(match: Match) -> bool:
    return match.is_real("_x")


def _pair(match: Match) -> bool:
    return match.same_shape(*match.parts) and match.is_real(*match.parts)


def _columns(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 2 and array.shape[1] * 4 <= array.shape[0] and _float(match)


def _rows(match: Match) -> bool:
    array = match.array("_x")
    return array is not None and len(array.shape) == 2 and array.shape[0] * 4 <= array.shape[1] and _float(match)


_MIXED = "({np}.vdot({x}, {y}) - {x}.size * {x}.mean() * {y}.mean())"
_SQUARES = "({np}.vdot({x}, {x}) - {x}.size * {x}.mean() ** 2) * ({np}.vdot({y}, {y}) - {y}.size * {y}.mean() ** 2)"
_COV_ROWS = "({x} @ {x}.T - {x}.shape[1] * {np}.outer({x}.mean(1), {x}.mean(1))) / ({x}.shape[1] - 1)"
_COV = "({x}.T @ {x} - len({x}) * {np}.outer({x}.mean(0), {x}.mean(0))) / (len({x}) - 1)"
_FORMS: tuple[Form, ...] = (
    *((f"nan{name}(_x)", f"{{np}}.{name}({{x}}, where=~{{np}}.isnan({{x}}))", CLOSE, _float) for name in
      ("mean", "sum", "prod", "std", "var")),
    *((f"nan{name}(_x, axis=_k)", f"{{np}}.{name}({{x}}, axis={{k}}, where=~{{np}}.isnan({{x}}))", CLOSE, _float)
      for name in ("mean", "sum", "prod", "std", "var")),
    *((f"{name}(_x[~isnan(_x)])", f"{{np}}.{name}({{x}}, where=~{{np}}.isnan({{x}}))", CLOSE, _float) for name in
      ("mean", "sum", "std", "var")),
    ("average(_x, weights=_w)", "{np}.vdot({x}, {w}) / {w}.sum()", CLOSE, _pair),
    ("sum(_x * _w) / sum(_w)", "{np}.vdot({x}, {w}) / {w}.sum()", CLOSE, _pair),
    ("cov(_x, _y)[0, 1]", _MIXED + " / ({x}.size - 1)", CLOSE, _pair),
    ("cov(_x, _y)[1, 0]", _MIXED + " / ({x}.size - 1)", CLOSE, _pair),
    ("corrcoef(_x, _y)[0, 1]", _MIXED + " / {np}.sqrt(" + _SQUARES + ")", CLOSE, _pair),
    ("corrcoef(_x, _y)[1, 0]", _MIXED + " / {np}.sqrt(" + _SQUARES + ")", CLOSE, _pair),
    ("cov(_x)", _COV_ROWS, CLOSE, _rows),
    ("cov(_x, rowvar=False)", _COV, CLOSE, _columns),
    ("cov(_x.T)", _COV, CLOSE, _columns),
    ("diff(_x, n=2)", "{x}[2:] - 2 * {x}[1:-1] + {x}[:-2]", CLOSE, _line),
    ("trapezoid(_x)", "{x}.sum() - ({x}[0] + {x}[-1]) / 2", CLOSE, _line),
    ("trapezoid(_x, dx=_d)", "({x}.sum() - ({x}[0] + {x}[-1]) / 2) * {d}", CLOSE, _line),
)  # fmt: skip
