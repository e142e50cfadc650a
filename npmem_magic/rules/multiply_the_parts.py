"""Multiply the parts of a joined matrix, not the joined matrix.

Why
---
``np.hstack([np.ones((n, 1)), A])`` copies all of `A` to put a column beside it. Its product with a vector is the sum of
the parts' own products. Whether later cells want the joined matrix, only you can know.

Given
-----
    A = np.ones((2000, 500))
    w = np.linspace(0, 1, 501)

Instead of
----------
    B = np.hstack([np.ones((2000, 1)), A])
    y = B @ w

Write
-----
    y = w[0] + A @ w[1:]

Keeps
-----
ask: `B` is not there afterwards
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.patterns import Match, find
from ..rewriting.stacks import columns, maker_of
from ..rewriting.suggestion import ASK, CLOSE, Suggestion
from ..rewriting.text import new_name, splice, tight
from ..rewriting.view import CellView, Statement

WHY = "All columns were copied into one matrix only to be multiplied once; the parts can be multiplied where they are."
_PRODUCTS = ("_b @ _w", "dot(_b, _w)")


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``hstack``, ``column_stack``, ``c_`` and ``concatenate(axis=1)`` that only a product on the left reads."""
    for statement in cell.statements:
        for match in find(statement, *_PRODUCTS, is_cheap=True):
            joined = match.parts["_b"]
            maker = maker_of(statement, joined) if isinstance(joined, ast.Name) else None
            source = maker.node.value if maker is not None else joined  # type: ignore[attr-defined]
            parts = columns(maker or statement, source)
            if parts is not None:
                yield from _taken_apart(match, maker, parts)


def _taken_apart(match: Match, maker: Statement | None, parts: list[ast.expr]) -> Iterator[Suggestion]:
    statement, weights = match.statement, match.parts["_w"]
    lines, name = [], statement.source(weights)
    if not isinstance(weights, ast.Name):
        name = new_name(statement, "weights")
        lines.append(f"{name} = {statement.source(weights)}")
    place, terms, begin = 0, [], maker or statement
    for part in parts:
        array = begin.array(part)
        assert array is not None
        width = array.shape[1] if len(array.shape) == 2 else 1
        key = f"{place or ''}:{place + width if part is not parts[-1] else ''}"
        call = call_of(part, begin)
        if width > 1 or len(array.shape) == 2:
            term = f"{tight(begin, part)} @ {name}[{key}]"
        else:
            term = f"{tight(begin, part)} * {name}[{place}]"
        if call is not None and call.name in ("ones", "ones_like") and width == 1:
            term = f"{name}[{place}]"
        terms.append(term)
        place += width
    lines.append(splice(statement, [(match.node, " + ".join(terms))]))
    between = tuple(statement.source(node) for node in statement.block[begin.place + 1 : statement.place])
    tail = (f"del {name}",) if len(lines) > 1 and not isinstance(statement.node, ast.Return) else ()
    gone = match.parts["_b"].id if isinstance(match.parts["_b"], ast.Name) and not statement.in_function else ""
    caveat = f"`{gone}` is not there afterwards" if gone else ""
    more = {"gives_up": (gone,) if gone else (), "effort": 1}
    first = between if maker is not None else ()
    yield Suggestion(begin, statement, (*first, *lines, *tail), WHY, ASK if gone else CLOSE, caveat, **more)  # type: ignore[arg-type]
