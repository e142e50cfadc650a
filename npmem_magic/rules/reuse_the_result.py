"""Let every step of a chain write into one array.

Why
---
A function never writes into the temporary that it is given, and NumPy's operators do so only for large arrays, some
operand orders and dtypes. Each step then makes an array beside the one before. With ``out=`` or ``+=`` all share one.

Given
-----
    a = np.ones(1_000_000)
    b = np.zeros(1_000_000)

Instead of
----------
    y = np.sqrt(np.abs(a - b))

Write
-----
    y = a - b
    np.abs(y, out=y)
    np.sqrt(y, out=y)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from ..rewriting.chain import Chain, Writer, chain_of, mentions, roots
from ..rewriting.facts import path_of
from ..rewriting.operations import is_same_kind, operation
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import new_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The steps of this expression each made an array of their own; here they all write into one."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Chains that end in an assignment, in place where the target itself starts them; and chains inside expressions."""
    for statement in cell.statements:
        if not isinstance(statement.node, ast.Assign | ast.Expr | ast.Return | ast.AugAssign):
            continue
        for root in roots(statement):
            chain = chain_of(statement, root)
            if chain is not None:
                yield from _from_itself(statement, root, chain)
                yield from _fresh(statement, root, chain)


def _from_itself(statement: Statement, root: ast.expr, chain: Chain) -> Iterator[Suggestion]:
    match statement.node:
        case ast.Assign(targets=[target], value=value) if value is root and path_of(target) is not None:
            path = ast.unparse(target)
        case _:
            return
    op = operation(chain.start, statement)
    own = [each for each in op.operands if ast.unparse(each) == path] if op else []
    if not own or not is_same_kind(statement.array(own[0]), chain.result):
        return
    writer = Writer(statement, statement.source(target))
    if writer.write(chain, from_buffer=True):
        lines = tuple(writer.lines)
        made = Suggestion(statement, statement, lines, WHY, overwrites=(path,), saving=chain.result.nbytes)
        yield replace(made, is_sure=not writer.hoisted, effort=min(1, len(lines) - 1))


def _fresh(statement: Statement, root: ast.expr, chain: Chain) -> Iterator[Suggestion]:
    if not any(statement.cell.peak_of(op.node) >= chain.result.nbytes for op, _ in chain.steps):
        return  # NumPy wrote into one array already
    rest: tuple[str, ...] = ()
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is root and not _reads(chain, name):
            writer = Writer(statement, name)
        case _:
            name = new_name(statement, "step")
            writer = Writer(statement, name)
            rest += (splice(statement, [(root, name)]),)
            rest += (f"del {name}",) if not isinstance(statement.node, ast.Return) else ()
    if writer.write(chain, from_buffer=False):
        lines = (*writer.lines, *rest)
        yield Suggestion(statement, statement, lines, WHY, saving=chain.result.nbytes, is_sure=True, effort=1)


def _reads(chain: Chain, name: str) -> bool:
    return any(mentions(each, name) for op, child in chain.steps for each in op.operands if each is not child)
