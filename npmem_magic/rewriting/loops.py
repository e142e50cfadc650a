"""Loops that collect: how often they go round, and their text with one statement exchanged."""

from __future__ import annotations

import ast

from ..standins import Array, Known
from .view import Statement


def count_of(statement: Statement, over: ast.expr) -> int | None:
    """How many items are looped over, where that is a ``range`` of known numbers, a list, or an array."""
    match over:
        case ast.Call(func=ast.Name(id="range"), args=args):
            ends = [statement.value(each) for each in args]
            if all(isinstance(each, Known) and type(each.value) is int and not each.is_example for each in ends):
                return len(range(*(each.value for each in ends if isinstance(each, Known))))
    found = statement.value(over)
    if isinstance(found, Known) and type(found.value) in (list, tuple):
        return len(found.value)
    return found.shape[0] if isinstance(found, Array) and found.shape else None


def with_changed(loop: Statement, changes: list[tuple[ast.stmt, str]], head: str = "") -> str | None:
    """The text of a loop, some statements of its body exchanged, and its first line too if `head` is given.

    None where a text stands there more than once.
    """
    cell = loop.cell
    outer = (
        cell.trace.source.split("\n")[loop.node.lineno - cell.trace.first_line]
        .encode()[: loop.node.col_offset]
        .decode()
    )
    text = cell.source_of(loop.node)
    for node, new in changes:
        old = cell.source_of(node)
        if text.count(old) != 1 or outer.strip() or node.lineno == loop.node.lineno:
            return None
        text = text.replace(old, new)
    if head:
        text = head + text[text.index("\n") :]
    return text.replace("\n" + outer, "\n") if outer else text
