"""Add up products without making an array of them.

Why
---
``(a * b).sum()`` makes the whole array of products, only to add it up. ``np.vdot`` and ``np.einsum`` multiply and add
in one pass. The sum is then formed in another order, so its last digits may differ.

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
_WHOLE = (
    ("sqrt(sum(_a ** 2))", "{np}.linalg.norm({a})"),
    ("sqrt(sum(absolute(_a) ** 2))", "{np}.linalg.norm({a})"),
    ("sum(_a * _b)", "{dot}"),
    ("sum(_a ** 2)", "{dot}"),
    ("sum(absolute(_a) ** 2)", "{dot}"),
    ("mean(_a * _b)", "{dot} / {a}.size"),
    ("mean(_a ** 2)", "{dot} / {a}.size"),
    ("sqrt(mean(_a ** 2))", "{np}.sqrt({dot} / {a}.size)"),
    ("sum(_a * _b, axis=_k)", "{rows}"),
    ("sum(_a ** 2, axis=_k)", "{rows}"),
    ("mean(_a * _b, axis=_k)", "{rows} / {a}.shape[{k}]"),
    ("mean(_a ** 2, axis=_k)", "{rows} / {a}.shape[{k}]"),
    ("sqrt(sum(_a ** 2, axis=_k))", "{np}.sqrt({rows})"),
    ("linalg.norm(_a, axis=_k)", "{np}.sqrt({rows})"),
)


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Sums and means of products of floats (and complex numbers) of one shape, over everything or over one axis."""
    for statement in cell.statements:
        for pattern, template in _WHOLE:
            for match in find(statement, pattern, when=_is_fit):
                for form in _forms(match, template):
                    array = match.array("_a")
                    yield from exchange(match, form, WHY, keeps=CLOSE, saving=array.nbytes if array else 0)


def _is_fit(match: Match) -> bool:
    names = [name for name in match.parts if name in ("_a", "_b")]
    arrays = [match.array(name) for name in names]
    # Small integers and truth values would not be widened; the root of a square is no norm of a complex number.
    return match.same_shape(*names) and all(array is not None and array.dtype.kind in "fc" for array in arrays)


def _forms(match: Match, template: str) -> Iterator[str]:
    array = match.array("_a")
    if array is None or ("linalg.norm" in template + match.statement.source(match.node) and array.dtype.kind == "c"):
        return
    second = "{b}" if "_b" in match.parts else "{a}"
    letters = "ijklmnop"[: len(array.shape)]
    if "_k" in match.parts:
        axis = match.constant("_k")
        if not isinstance(axis, int) or not -len(letters) <= axis < len(letters):
            return
        rest = letters.replace(letters[axis], "")
        yield template.replace("{rows}", f"{{np}}.einsum('{letters},{letters}->{rest}', {{a}}, {second})")
        return
    # Dot products of float32 lose digits that einsum keeps; that of complex numbers conjugates.
    is_plain = array.dtype == float
    by_einsum = f"{{np}}.einsum('{letters},{letters}->', {{a}}, {second})"
    yield template.replace("{dot}", f"{{np}}.vdot({{a}}, {second})" if is_plain else by_einsum)
