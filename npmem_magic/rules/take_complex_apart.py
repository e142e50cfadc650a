"""Compute with the real and imaginary part where only one real number is wanted.

Why
---
``(z * z.conj()).real`` makes a complex array, and its real part keeps all of it alive. ``np.abs(z) ** 2`` makes half of
that. ``np.exp(1j * p)`` makes two complex arrays where sine and cosine can be written into one.

Given
-----
    z = np.linspace(0, 1, 500_000) + 1j

Instead of
----------
    p = (z * z.conj()).real

Write
-----
    p = np.abs(z) ** 2

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import fill, module_name
from ..rewriting.view import CellView, Statement

WHY = "A complex array was made of which only half is used; this makes the half."
_SQUARES = ("(_z * conjugate(_z)).real", "real(_z * conjugate(_z))", "absolute(_z * conjugate(_z))",
            "_z.real ** 2 + _z.imag ** 2",
            "real(_z) ** 2 + imag(_z) ** 2", "(absolute(_z) ** 2).real")  # fmt: skip
_ROOTS = ("sqrt(_z.real ** 2 + _z.imag ** 2)", "sqrt((_z * conjugate(_z)).real)", "sqrt(real(_z) ** 2 + imag(_z) ** 2)",
          "sqrt(real(_z * conjugate(_z)))")  # fmt: skip
_PRODUCTS = ("(_z * _w).real", "real(_z * _w)")
_PHASES = ("exp(1j * _p)", "exp(_p * 1j)")


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Squares and roots of absolute values, real parts of products, and ``np.exp(1j * p)``."""
    for statement in cell.statements:
        for match in find(statement, *_ROOTS, when=_complex):
            yield from exchange(match, "{np}.abs({z})", WHY, keeps=CLOSE)
        for match in find(statement, *_SQUARES, when=_complex):
            yield from exchange(match, "{np}.abs({z}) ** 2", WHY, keeps=CLOSE)
        for match in find(statement, *_PRODUCTS, when=lambda each: _complex(each) and each.same_shape("_z", "_w")):
            yield from exchange(match, "({z}.real * {w}.real - {z}.imag * {w}.imag)", WHY, keeps=CLOSE)
        for match in find(statement, *_PHASES):
            yield from _phases(statement, match)


def _complex(match: Match) -> bool:
    return match.is_real("_z", kinds="c")


def _phases(statement: Statement, match: Match) -> Iterator[Suggestion]:
    numpy, angle = module_name(statement), match.array("_p")
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is match.node and numpy is not None:
            if angle is None or angle.dtype != "f8":
                return
            parts: dict[str, ast.expr | str] = {"np": numpy, "p": match.parts["_p"], "e": name}
            lines = [
                "{e} = {np}.empty({p}.shape, complex)",
                "{np}.cos({p}, out={e}.real)",
                "{np}.sin({p}, out={e}.imag)",
            ]
            texts = tuple(fill(statement, line, parts) for line in lines)
            yield Suggestion(statement, statement, texts, WHY, CLOSE, effort=2)
