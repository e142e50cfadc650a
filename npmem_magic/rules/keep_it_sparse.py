"""Work with a sparse matrix as it is, without making it dense.

Why
---
``S.toarray() @ v`` fills a matrix with zeros to multiply with them. Sparse ones know products, sums and counts.

Given
-----
    import scipy.sparse as sp
    S = sp.csr_array(np.eye(1000))
    v = np.ones(1000)

Instead of
----------
    r = S.toarray() @ v

Write
-----
    r = S @ v

Keeps
-----
close
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.facts import path_of
from ..rewriting.patterns import expressions
from ..rewriting.suggestion import CLOSE, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement

WHY = "A dense matrix was filled, mostly with zeros, only to be read once; the sparse one knows this itself."
_DENSE = frozenset({"toarray", "todense"})
_SAME = frozenset({"sum", "mean", "max", "min", "trace", "diagonal"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Products with, and sums, extremes, counts and parts of ``S.toarray()`` and ``S.todense()``."""
    for statement in cell.statements:
        for node in expressions(statement):
            sparse = _sparse(statement, node)
            if sparse is None:
                continue
            parent = statement.cell.parents.get(node)
            for changed, text in _changes(statement, node, sparse, parent):
                line = splice(statement, [(changed, text)])
                yield Suggestion(statement, statement, (line,), WHY, CLOSE, effort=0 if text == sparse else 1)


def _sparse(statement: Statement, node: ast.expr) -> str | None:
    """The text of the sparse matrix that `node` makes dense."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=[], keywords=[]) if attr in _DENSE:
            inner = owner
        case _:
            return None
    while isinstance(inner, ast.Attribute) and inner.attr == "T":
        inner = inner.value
    fact = statement.fact(ast.unparse(inner)) if path_of(inner) is not None else None
    return statement.source(owner) if fact is not None and fact.kind.startswith("scipy.sparse") else None


def _changes(
    statement: Statement, node: ast.expr, sparse: str, parent: ast.AST | None
) -> Iterator[tuple[ast.expr, str]]:
    match parent:
        case ast.BinOp(op=ast.MatMult()):
            yield node, sparse
        case ast.Attribute(attr="T" | "dot", value=inner) if inner is node:
            yield node, sparse
        case ast.Attribute(attr=attr) if attr in _SAME:
            call = statement.cell.parents.get(parent)
            yield node, sparse
            if isinstance(call, ast.Call):  # sums of a matrix along an axis are matrices of one row
                yield call, f"{sparse}{statement.source(call)[len(statement.source(node)) :]}.A1"
        case ast.Call(func=ast.Attribute(attr="count_nonzero")):
            yield parent, f"{sparse}.count_nonzero()"
        case ast.Call(func=ast.Attribute(attr=attr), args=[one, *_]) if attr in {*_SAME, "dot"} and one is node:
            rest = statement.source(parent)[len(f"{statement.source(parent.func)}({statement.source(node)}") :]
            yield parent, f"{sparse}.{attr}({rest.lstrip(', ')}"
        case ast.Subscript(value=inner) if inner is node:
            yield parent, f"{sparse}{statement.source(parent)[len(statement.source(node)) :]}"
            yield parent, f"{sparse}{statement.source(parent)[len(statement.source(node)) :]}.toarray()"
            yield parent, f"{sparse}{statement.source(parent)[len(statement.source(node)) :]}.toarray().ravel()"
