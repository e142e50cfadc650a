"""Multiply a narrow matrix block by block where NumPy would widen all of it.

Why
---
``A @ v`` with a float32 or integer matrix and a float64 vector first copies the whole matrix as float64: BLAS takes
operands of one dtype only. Row by row, only a block is widened at a time.

Given
-----
    A = np.ones((4000, 500), np.float32)
    v = np.linspace(0, 1, 500)

Instead of
----------
    y = A @ v

Write
-----
    y = np.empty(len(A))
    for start in range(0, len(A), 256):
        np.matmul(A[start:start + 256], v, out=y[start:start + 256])

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.patterns import Match, find
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import module_name, new_name
from ..rewriting.view import CellView

WHY = "The whole matrix `{a}` was copied as {wide}, since both factors must be of one dtype; here only a block is."
_BLOCK = 1 << 17  # elements widened at a time


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``y = A @ b`` with a matrix `A` of a narrower dtype than the result."""
    for statement in cell.statements:
        for pattern in ("_a @ _b", "dot(_a, _b)"):
            for match in find(statement, pattern, when=_widens):
                match statement.node, match.parts["_a"], match.parts["_b"]:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value), ast.Name(id=a), ast.Name(id=b):
                        numpy = module_name(statement)
                        if value is match.node and name not in (a, b) and numpy is not None:
                            yield _written(match, name, a, b, numpy)


def _widens(match: Match) -> bool:
    left, right, result = match.array("_a"), match.array("_b"), match.statement.array(match.node)
    if left is None or right is None or result is None or len(left.shape) != 2 or len(right.shape) > 2:
        return False
    return left.dtype != result.dtype == right.dtype and left.size >= 2 * _BLOCK and result.dtype.kind in "fc"


def _written(match: Match, name: str, a: str, b: str, numpy: str) -> Suggestion:
    statement, result, left = match.statement, match.statement.array(match.node), match.array("_a")
    assert result is not None and left is not None
    rows = max(1, _BLOCK // left.shape[1])
    at = new_name(statement, "start")
    room = f"len({a})" if len(result.shape) == 1 else f"({a}.shape[0], {b}.shape[1])"
    dtype = "" if result.dtype == float else f", {b}.dtype"
    part = f"[{at}:{at} + {rows}]"
    loop = f"for {at} in range(0, len({a}), {rows}):\n    {numpy}.matmul({a}{part}, {b}, out={name}{part})"
    why = WHY.format(a=a, wide=result.dtype)
    return Suggestion(statement, statement, (f"{name} = {numpy}.empty({room}{dtype})", loop), why, CLOSE, effort=2)
