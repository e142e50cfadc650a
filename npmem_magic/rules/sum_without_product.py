"""Add up products without making an array of them.

Why
---
``(a * b).sum()`` makes the whole array of products, only to add it up. ``np.vdot`` and ``np.einsum`` multiply and
add in one pass. The sum is then formed in another order, so its last digits may differ.

Given
-----
    a = np.linspace(0, 1, 1_000_000)
    b = np.linspace(1, 2, 1_000_000)

Instead of
----------
    r = (a * b).sum()

Write
-----
    r = np.vdot(a, b)

Keeps
-----
close
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.view import CellView

WHY = "The products filled an array of their own, only to be added up; this adds them up as it goes."
_FORMS = (
    ("sum(_a * _b)", "{np}.vdot({a}, {b})"),
    ("sum(_a ** 2)", "{np}.vdot({a}, {a})"),
    ("sum(absolute(_a) ** 2)", "{np}.vdot({a}, {a})"),
    ("mean(_a * _b)", "{np}.vdot({a}, {b}) / {a}.size"),
    ("mean(_a ** 2)", "{np}.vdot({a}, {a}) / {a}.size"),
    ("sqrt(sum(_a ** 2))", "{np}.linalg.norm({a})"),
)


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Sums and means of products of two float64 arrays of one shape."""
    for statement in cell.statements:
        for pattern, template in _FORMS:
            for match in find(statement, pattern, when=_is_fit):
                array = match.array("_a")
                yield from exchange(match, template, WHY, keeps=CLOSE, saving=array.nbytes if array else 0)


def _is_fit(match: Match) -> bool:
    # float32 would be added up in float32, integers would not be widened, and a complex factor would be conjugated.
    arrays = [match.array(name) for name in match.parts]
    return match.same_shape(*match.parts) and all(array is not None and array.dtype == float for array in arrays)
