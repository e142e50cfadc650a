"""Let every step of a chain write into one array.

Why
---
A function never writes into the temporary that it is given, and NumPy's operators do so only for some operand orders
and dtypes. Each step then makes an array beside the one before. With ``out=`` or ``+=`` all share one.

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
        is_simple = isinstance(statement.node, ast.Assign | ast.Expr | ast.Return | ast.AugAssign)
        for root in roots(statement) if is_simple else ():
            chain = chain_of(statement, root)
            for lines, path in _written(statement, root, chain) if chain is not None else ():
                more = {"overwrites": (path,) if path else (), "effort": min(1, len(lines) - 1), "is_sure": True}
                yield Suggestion(statement, statement, lines, WHY, saving=statement.array(root).nbytes, **more)  # type: ignore[union-attr, arg-type]


def _written(statement: Statement, root: ast.expr, chain: Chain) -> Iterator[tuple[tuple[str, ...], str]]:
    """The statements for a chain, and the path whose array they write into, if that was there before."""
    name = ""
    match statement.node:
        case ast.Assign(targets=[target], value=value) if value is root and path_of(target) is not None:
            writer = Writer(statement, statement.source(target))
            if _starts(statement, chain, ast.unparse(target)) and writer.write(chain, from_buffer=True):
                yield tuple(writer.lines), ast.unparse(target)
            name = target.id if isinstance(target, ast.Name) and not _reads(chain, target.id) else ""
    if not any(statement.cell.peak_of(op.node) >= chain.result.nbytes for op, _ in chain.steps):
        return  # NumPy wrote into one array already
    writer = Writer(statement, name or new_name(statement, "step"))
    if writer.write(chain, from_buffer=False):
        rest = (splice(statement, [(root, writer.buffer)]), f"del {writer.buffer}")
        kept = 0 if name else 1 if isinstance(statement.node, ast.Return) else 2
        yield (*writer.lines, *rest[:kept]), ""


def _starts(statement: Statement, chain: Chain, path: str) -> bool:
    """Whether the first operation reads the array that the result is bound to."""
    op = operation(chain.start, statement)
    own = [each for each in op.operands if ast.unparse(each) == path] if op else []
    return bool(own) and is_same_kind(statement.array(own[0]), chain.result)


def _reads(chain: Chain, name: str) -> bool:
    return any(mentions(each, name) for op, child in chain.steps for each in op.operands if each is not child)
