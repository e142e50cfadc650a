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
from collections.abc import Callable, Iterator

import numpy as np

from ..rewriting.chain import is_fresh
from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import Suggestion
from ..rewriting.view import CellView
from ..standins import Array, Known

WHY = "NumPy could not write into the temporary `{text}` as this is written, so it made another array; this way it can."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Exchanges that change no bit of the result."""
    for statement in cell.statements:
        for pattern, template, when in _FORMS:
            for match in find(statement, pattern, when=_on_a_temporary):
                texts = when(match)
                if texts is not None:
                    why = WHY.format(text=statement.source(match.parts["_e"]))
                    yield from exchange(match, template, why, texts)


def _on_a_temporary(match: Match) -> bool:
    array, node = match.array("_e"), match.parts["_e"]
    return array is not None and is_fresh(match.statement, node) and match.statement.cell.peak_of(match.node) >= 1 << 20


def _is_call(match: Match) -> dict[str, str] | None:
    array = match.array("_e")
    is_real = array is not None and array.dtype.kind in "biuf"
    return {} if is_real and "abs(" not in match.statement.source(match.node)[:4] else None


def _numpy_scalar_first(match: Match) -> dict[str, str] | None:
    """Only where the scalar does stand first: the pattern finds both orders."""
    is_first = isinstance(match.node, ast.BinOp) and match.node.left is match.parts["_s"]
    value = match.value("_s")
    is_scalar = isinstance(value, Array) and not value.shape
    is_scalar = is_scalar or (isinstance(value, Known) and isinstance(value.value, np.generic))
    return {} if is_first and is_scalar else None


def _float_two(match: Match) -> dict[str, str] | None:
    return {} if isinstance(match.constant("_p"), float) and match.constant("_p") in (2.0, -1.0) else None


def _negated(match: Match) -> dict[str, str] | None:
    """``k - e * c`` as ``e * -c + k``: a sign is exact."""
    factor = match.parts["_c"]
    text = match.statement.source(factor)
    is_plain = isinstance(factor, ast.Constant) and type(factor.value) in (int, float)
    value = match.value("_k")
    array = match.array("_e")
    return (
        {"minus": f"-{text}"}
        if is_plain and not isinstance(value, Array) and array and array.dtype.kind == "f"
        else None
    )


_FORMS: tuple[tuple[str, str, Callable[[Match], dict[str, str] | None]], ...] = (
    ("absolute(_e)", "abs({e})", _is_call),
    ("_s + _e", "{e} + {s}", _numpy_scalar_first),
    ("_s * _e", "{e} * {s}", _numpy_scalar_first),
    ("_e ** _p", "{e} ** 2", lambda match: _float_two(match) if match.constant("_p") == 2.0 else None),
)
