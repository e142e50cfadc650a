"""Put operands so that NumPy can write into a temporary.

Why
---
From 256 KiB on NumPy's operators write into an operand that nobody else needs, but only the left one (either for ``+``
and ``*``), never beside a NumPy scalar on the left, and never for a function call such as ``np.abs``.

Given
-----
    a = np.linspace(0, 1, 1_000_000)

Instead of
----------
    y = np.abs(a - 1)

Write
-----
    y = abs(a - 1)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from ..rewriting.chain import is_fresh
from ..rewriting.exchange import Form, exchanges
from ..rewriting.patterns import Match
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.view import CellView
from ..standins import Array, Known

WHY = "NumPy could not write into the temporary as this is written, so it made another array; this way it can."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Exchanges of the operands' order, or of a function for its operator, that change no bit of the result."""
    yield from exchanges(cell, _FORMS, WHY)


def _on_a_temporary(match: Match) -> bool:
    array, node = match.array("_e"), match.parts["_e"]
    return array is not None and is_fresh(match.statement, node) and match.statement.cell.peak_of(match.node) >= 1 << 20


def _is_call(match: Match) -> bool:
    array = match.array("_e")
    is_builtin = isinstance(match.node, ast.Call) and match.statement.source(match.node.func) == "abs"
    return array is not None and array.dtype.kind in "biuf" and not is_builtin and _on_a_temporary(match)


def _numpy_scalar_first(match: Match) -> bool:
    """Only where the scalar does stand first: the pattern finds both orders."""
    is_first = isinstance(match.node, ast.BinOp) and match.node.left is match.parts["_s"]
    value = match.value("_s")
    is_scalar = isinstance(value, Array) and not value.shape
    is_scalar = is_scalar or (isinstance(value, Known) and isinstance(value.value, np.generic))
    return is_first and is_scalar and _on_a_temporary(match)


_FORMS: tuple[Form, ...] = (
    ("absolute(_e)", "abs({e})", SAME, _is_call),
    ("negative(_e)", "-{e}", SAME, _on_a_temporary),
    ("_s + _e", "{e} + {s}", SAME, _numpy_scalar_first),
    ("_s * _e", "{e} * {s}", SAME, _numpy_scalar_first),
    ("_e ** 2.0", "{e} ** 2", SAME, _on_a_temporary),
    ("_e ** -1.0", "{e} ** -1", SAME, _on_a_temporary),
    ("sqrt(_e)", "{e} ** 0.5", SAME, _on_a_temporary),
    ("square(_e)", "{e} ** 2", SAME, _on_a_temporary),
)
