"""Make an array of one number with ``full``.

Why
---
``np.ones(n) * v`` makes ones and then multiplies them. Where NumPy cannot reuse the ones (another dtype, a number
that is no float) there are two arrays; ``np.full(n, v)`` makes one.

Given
-----
    n = 1_000_000

Instead of
----------
    x = np.ones(n, dtype=np.int64) * 2.5

Write
-----
    x = np.full(n, 2.5)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from ..rewriting.patterns import find
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.text import fill, module_name, splice
from ..rewriting.view import CellView

WHY = "An array of ones or zeros was made only to become another number."
_FILLS = (
    "ones(_n) * _v", "zeros(_n) + _v", "ones(_n, dtype=_t) * _v", "zeros(_n, dtype=_t) + _v", "ones_like(_n) * _v",
    "zeros_like(_n) + _v",
)  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``ones(n) * v`` and ``zeros(n) + v`` with a number `v`, and the same with ``ones_like`` and ``zeros_like``."""
    for statement in cell.statements:
        for match in find(statement, *_FILLS):
            numpy, result = module_name(statement), statement.array(match.node)
            if numpy is None or result is None or match.array("_v") is not None:
                continue
            number = match.constant("_v")
            parts: dict[str, ast.expr | str] = {"n": match.parts["_n"], "v": match.parts["_v"], "np": numpy}
            is_like = match.array("_n") is not None
            plain = type(number) in (int, float) and np.asarray(number).dtype == result.dtype and not is_like
            parts |= {"t": "" if plain else f", dtype={numpy}.{result.dtype.name}", "l": "_like" if is_like else ""}
            line = splice(statement, [(match.node, fill(statement, "{np}.full{l}({n}, {v}{t})", parts))])
            yield Suggestion(statement, statement, (line,), WHY, SAME)
