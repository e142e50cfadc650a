"""Read the columns and rows of a text file that are wanted.

Why
---
``np.loadtxt(path)[:, 0]`` reads all columns and then looks at one of them, which keeps the others in memory as well.
``usecols=`` and ``max_rows=`` leave the rest of the file alone.

Given
-----
    import tempfile
    path = tempfile.gettempdir() + "/npmem_magic_example.txt"
    np.savetxt(path, np.ones((20_000, 10)), fmt="%d")

Instead of
----------
    y = np.loadtxt(path)[:, 0]

Write
-----
    y = np.loadtxt(path, usecols=0)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.patterns import expressions
from ..rewriting.randoms import with_argument
from ..rewriting.suggestion import Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement
from ..standins import Known

WHY = "All of the file was read, for a few columns or rows of it."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Columns and first rows of what ``loadtxt`` and ``genfromtxt`` read, in one expression."""
    for statement in cell.statements:
        for node in expressions(statement):
            match node:
                case ast.Subscript(value=ast.Call() as inner, slice=key):
                    call, nbytes = call_of(inner, statement), cell.peak_of(inner)
                    argument = _argument(statement, key)
                    if call is None or call.name not in ("loadtxt", "genfromtxt") or not argument or not nbytes:
                        continue
                    if not {"usecols", "unpack", "max_rows", "ndmin", "names", "dtype"} & set(call.arguments):
                        line = splice(statement, [(node, with_argument(statement, call.node, argument))])
                        yield Suggestion(statement, statement, (line,), WHY)


def _argument(statement: Statement, key: ast.expr) -> str:
    """The keyword that reads what `key` selects; empty where there is none."""
    match key:
        case ast.Tuple(elts=[ast.Slice(lower=None, upper=None, step=None), ast.Constant(value=int(column))]):
            return f"usecols={column}"
        case ast.Tuple(elts=[ast.Slice(lower=None, upper=None, step=None), ast.List() as columns]):
            return f"usecols={statement.source(columns)}"
        case ast.Slice(lower=None, upper=ast.expr() as upper, step=None):
            count = statement.value(upper)
            if isinstance(count, Known) and type(count.value) is int and count.value > 1:
                return f"max_rows={statement.source(upper)}"
    return ""
