"""Map a file of which only a part, or a figure, is wanted.

Why
---
``np.load(path)`` reads the whole file into memory. With ``mmap_mode='r'`` the array stands for the file: what is
looked at is read, and may be dropped again. Such an array can only be read.

Given
-----
    import tempfile
    path = tempfile.gettempdir() + "/npmem_magic_example.npy"
    np.save(path, np.ones(1_000_000))

Instead of
----------
    x = np.load(path)
    s = x[:1000].sum()

Write
-----
    x = np.load(path, mmap_mode='r')
    s = x[:1000].sum()

Keeps
-----
ask: `x` can only be read then, and changes when the file does
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.chain import mentions
from ..rewriting.patterns import expressions
from ..rewriting.randoms import with_argument
from ..rewriting.suggestion import ASK, SAME, Suggestion
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement
from ..standins import Array

WHY = "The whole file was read into memory; mapped, only what is looked at is read."
_FIGURES = frozenset({"sum", "mean", "max", "min", "std", "var", "any", "all", "argmax", "argmin", "prod", "ptp"})
_ASIDE = frozenset({"shape", "dtype", "ndim", "size", "nbytes"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``np.load`` of which figures are taken at once, or under a name that the cell only takes figures of."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement)
            nbytes = cell.peak_of(node)
            if call is None or call.name != "load" or nbytes < 1 << 20 or len(call.arguments) != 1:
                continue
            line = (splice(statement, [(node, with_argument(statement, call.node, "mmap_mode='r'"))]),)
            if _is_figure(statement, call.node):
                yield Suggestion(statement, statement, line, WHY, SAME, saving=nbytes)
            match statement.node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
                    if _is_only_looked_at(statement, name):
                        caveat = f"`{name}` can only be read then, and changes when the file does"
                        yield Suggestion(statement, statement, line, WHY, ASK, caveat, gives_up=(name,), saving=nbytes)


def _is_figure(statement: Statement, node: ast.expr) -> bool:
    """Whether nothing but a number is made of an array: of itself, or of a part of it."""
    above = statement.cell.parents.get(node)
    while isinstance(above, ast.Subscript) and above.value is node:
        node, above = above, statement.cell.parents.get(above)
    if isinstance(above, ast.Attribute):
        return above.attr in _FIGURES | _ASIDE
    call = call_of(above, statement) if isinstance(above, ast.Call) else None
    return call is not None and call.name in _FIGURES and next(iter(call.arguments.values())) is node


def _is_only_looked_at(statement: Statement, name: str) -> bool:
    fact = statement.cell.noted.ended.get(name)
    is_plain = fact is not None and isinstance(fact.value, Array) and fact.value.dtype.kind != "O"
    names = [(each, node) for each in statement.cell.statements for node in expressions(each) if mentions(node, name)]
    uses = [(each, node) for each, node in names if isinstance(node, ast.Name)]
    return is_plain and bool(uses) and all(_is_figure(each, node) for each, node in uses)
