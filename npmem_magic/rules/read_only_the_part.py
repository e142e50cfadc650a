"""Read from a file only what is used of it.

Why
---
``np.fromfile(name)[:1000]`` reads the whole file, and the slice keeps all of it alive. ``count=`` and ``offset=`` read
the part; ``np.load(name, mmap_mode='r')`` lets the system read the pages that are looked at.

Given
-----
    import os, tempfile
    name = os.path.join(tempfile.gettempdir(), 'npmem_part.bin')
    np.arange(1_000_000.0).tofile(name)

Instead of
----------
    r = np.fromfile(name)[:1000].sum()

Write
-----
    r = np.fromfile(name, count=1000).sum()

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import Call, call_of
from ..rewriting.patterns import expressions
from ..rewriting.randoms import with_argument
from ..rewriting.suggestion import SAME, Suggestion
from ..rewriting.text import module_name, splice
from ..rewriting.view import CellView, Statement
from ..standins import Known

WHY = "The whole file was read into memory for a part of it; this reads the part."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Slices of ``np.fromfile`` and of ``np.load``, in one expression."""
    for statement in cell.statements:
        for node in expressions(statement):
            match node:
                case ast.Subscript(value=ast.Call() as inner, slice=key):
                    call = call_of(inner, statement)
                    nbytes = cell.peak_of(inner)
                    text = _text(statement, call, node, key) if call is not None else None
                    if text is not None and nbytes:
                        line = (splice(statement, [(node, text[0])]),)
                        yield Suggestion(statement, statement, line, WHY, SAME, saving=nbytes - text[1], is_sure=True)


def _text(statement: Statement, call: Call, node: ast.expr, key: ast.expr) -> tuple[str, int] | None:
    """(text of the part, bytes it takes); None where that is not known for sure."""
    if call.name == "fromfile" and call.has_only("file", "dtype"):
        return _from_file(statement, call, key)
    if call.name == "load" and len(call.arguments) == 1:
        parent = statement.cell.parents.get(node)
        numpy = module_name(statement)
        count = _end(statement, key)
        if numpy is not None and count is not None and isinstance(parent, ast.Assign):
            opened = with_argument(statement, call.node, "mmap_mode='r'")
            return f"{numpy}.array({opened}{statement.source(node)[len(statement.source(call.node)) :]})", count * 8
    return None


def _from_file(statement: Statement, call: Call, key: ast.expr) -> tuple[str, int] | None:
    dtype = statement.value(call.arguments["dtype"]) if "dtype" in call.arguments else Known(float)
    count = _end(statement, key)
    if count is None or not isinstance(dtype, Known) or not isinstance(key, ast.Slice) or key.upper is None:
        return None
    return with_argument(statement, call.node, f"count={statement.source(key.upper)}"), count * 8


def _end(statement: Statement, key: ast.expr) -> int | None:
    """How many elements a slice from the beginning takes."""
    match key:
        case ast.Slice(lower=None, upper=ast.expr() as upper, step=None):
            value = statement.value(upper)
            if isinstance(value, Known) and type(value.value) is int and value.value > 0 and not value.is_example:
                return value.value
    return None
