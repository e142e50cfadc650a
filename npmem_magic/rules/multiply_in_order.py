"""Multiply a chain of matrices in the order that makes the smallest ones.

Why
---
Python evaluates ``A @ B @ v`` from the left: the whole matrix ``A @ B`` is made, to be multiplied by a vector.
``A @ (B @ v)`` makes two vectors. The sums are then formed in another order, so their last digits may differ.

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
from collections.abc import Iterator
from itertools import product

from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import splice, tight
from ..rewriting.view import CellView, Statement
from ..standins import Array

WHY = "Evaluated from the left the chain makes a large matrix on the way; in this order what is made stays small."
Shape = tuple[int, ...]


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Chains of three or more factors with ``@`` whose cheapest order is another one."""
    for statement in cell.statements:
        inner: set[ast.expr] = set()
        for node in expressions(statement):
            if node in inner or not _is_product(node):
                continue
            inner.update(each for each in ast.walk(node) if isinstance(each, ast.expr))
            factors = _factors(node)
            arrays = [statement.array(each) for each in factors]
            known = [array for array in arrays if array is not None]
            if len(factors) < 3 or len(known) != len(factors):
                continue
            nbytes, text = _cheapest(statement, factors, known)
            now = _largest(node, statement)
            if nbytes < now // 2:
                line = splice(statement, [(node, text)])
                yield Suggestion(statement, statement, (line,), WHY, CLOSE, saving=now - nbytes)


def _is_product(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)


def _factors(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


def _largest(node: ast.expr, statement: Statement) -> int:
    """Bytes of the largest product made on the way."""
    made = [statement.array(each) for each in ast.walk(node) if _is_product(each) and isinstance(each, ast.expr)]
    return max((array.nbytes for array in made if array is not None), default=0)


def _cheapest(statement: Statement, factors: list[ast.expr], arrays: list[Array]) -> tuple[int, str]:
    """The least that the largest product on the way can take, and the text of that order."""
    best: dict[tuple[int, int], tuple[int, int, Shape, str]] = {
        (at, at + 1): (0, 0, arrays[at].shape, tight(statement, factors[at])) for at in range(len(factors))
    }
    for length, first in product(range(2, len(factors) + 1), range(len(factors))):
        last, ways = first + length, []
        for middle in range(first + 1, last if last <= len(factors) else 0):
            left, right = best[first, middle], best[middle, last]
            shape = (*left[2][:-1], *right[2][1:])
            size = arrays[0].dtype.itemsize
            for side in shape:
                size *= side
            texts = [left[3], f"({right[3]})" if last - middle > 1 else right[3]]
            ways.append((max(size, left[0], right[0]), size + left[1] + right[1], shape, " @ ".join(texts)))
        if ways:
            best[first, last] = min(ways, key=lambda way: way[:2])
    nbytes, _, _, text = best[0, len(factors)]
    return nbytes, text
