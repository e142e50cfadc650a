"""Multiply a chain of matrices in the order that makes the smallest ones.

Why
---
``A @ B @ v`` makes a whole matrix, to multiply it by a vector; ``A @ (B @ v)`` makes two vectors. The sums are then
formed in another order, so their last digits may differ.

Given
-----
    A = np.linspace(0, 1, 1_000_000).reshape(1000, 1000)
    v = np.linspace(1, 2, 1000)

Instead of
----------
    y = A @ A @ v

Write
-----
    y = A @ (A @ v)

Keeps
-----
close
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from itertools import product
from typing import TypeGuard

from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement
from ..standins import Array

WHY = "Evaluated from the left the chain makes a large matrix on the way; in this order what is made stays small."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Chains of three or more factors with ``@`` whose cheapest order is another one."""
    for statement in cell.statements:
        inner: set[ast.expr] = set()
        for node in expressions(statement):
            factors = [] if node in inner else _factors(node)
            inner.update(each for each in ast.walk(node) if isinstance(each, ast.expr) and len(factors) > 1)
            known = [array for each in factors if (array := statement.array(each)) is not None]
            if len(factors) < 3 or len(known) != len(factors):
                continue
            nbytes, text = _cheapest(statement, factors, known)
            now = _largest(node, statement)
            if nbytes < now // 2:
                line = splice(statement, [(node, text)])
                yield Suggestion(statement, statement, (line,), WHY, CLOSE, saving=now - nbytes)


def _is_product(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)


def _factors(node: ast.expr) -> list[ast.expr]:
    return [*_factors(node.left), *_factors(node.right)] if _is_product(node) else [node]


def _largest(node: ast.expr, statement: Statement) -> int:
    """Bytes of the largest product made on the way."""
    made = [statement.array(each) for each in ast.walk(node) if _is_product(each)]
    return max((array.nbytes for array in made if array is not None), default=0)


def _cheapest(statement: Statement, factors: list[ast.expr], arrays: list[Array]) -> tuple[int, str]:
    """The least that the largest product on the way can take, and the text of that order."""
    best = {(at, at + 1): (0, 0, arrays[at].shape, tight(statement, each)) for at, each in enumerate(factors)}
    for length, first in product(range(2, len(factors) + 1), range(len(factors))):
        last = first + length
        if last > len(factors):
            continue
        ways = []
        for middle in range(first + 1, last):
            left, right = best[first, middle], best[middle, last]
            shape = (*left[2][:-1], *right[2][1:])
            size = math.prod(shape) * arrays[0].dtype.itemsize
            text = f"({right[3]})" if last - middle > 1 else right[3]
            ways.append((max(size, left[0], right[0]), size + left[1] + right[1], shape, f"{left[3]} @ {text}"))
        best[first, last] = min(ways, key=lambda way: way[:2])
    nbytes, _, _, text = best[0, len(factors)]
    return nbytes, text
