"""Let a median or percentile reorder an array that is not needed in its order.

Why
---
``np.median(x)`` copies `x`, because it has to put the values partly in order. With ``overwrite_input=True`` it uses the
array itself, which is left in another order. An array that was made for the call alone may always be used up.

Given
-----
    a = np.linspace(0, 1, 1_000_000)
    b = np.cos(a)

Instead of
----------
    r = np.median(a - b)

Write
-----
    r = np.median(a - b, overwrite_input=True)

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import Call
from ..rewriting.chain import is_fresh, made_in_one
from ..rewriting.facts import path_of
from ..rewriting.ordering import is_orderless, later, reordering_calls, with_permission
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import new_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The values were copied only to be put partly in order; now the array itself is."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Medians and percentiles of temporaries; of names that afterwards matter no more in their order, all at once."""
    done: set[str] = set()
    for statement in cell.statements:
        for call in reordering_calls(statement):
            source = next(iter(call.arguments.values()))
            array = statement.array(source)
            if array is None or array.nbytes < 1 << 20:
                continue
            if is_fresh(statement, source):
                line = splice(statement, [(call.node, with_permission(statement, call))])
                yield Suggestion(statement, statement, (line,), WHY, saving=array.nbytes)
                yield from _in_one(statement, call, source, array.nbytes)
            elif path_of(source) is not None and ast.unparse(source) not in done:
                done.add(ast.unparse(source))
                yield from _given_up(statement, ast.unparse(source), array.nbytes)


def _in_one(statement: Statement, call: Call, source: ast.expr, nbytes: int) -> Iterator[Suggestion]:
    """The array made in one place first, and then used up."""
    name = new_name(statement, "values")
    made = made_in_one(statement, source, name)
    if len(made) > 1:
        text = with_permission(statement, call).replace(statement.source(source), name, 1)
        rest = [splice(statement, [(call.node, text)]), f"del {name}"]
        lines = (*made, *rest[: 1 if isinstance(statement.node, ast.Return) else 2])
        yield Suggestion(statement, statement, lines, WHY, saving=2 * nbytes, effort=1)


def _given_up(first: Statement, path: str, nbytes: int) -> Iterator[Suggestion]:
    """All calls on one array from the first statement on, where nothing after it looks at the order."""
    name = path.partition("[")[0].partition(".")[0]
    overwrites = overwritten(first, path)
    if overwrites is None or not all(is_orderless(*each) for each in later(first, name)):
        return
    lines, last = {}, first
    for each in first.cell.statements:
        calls = [call for call in reordering_calls(each) if ast.unparse(next(iter(call.arguments.values()))) == path]
        if each.block is first.block and each.place >= first.place and calls:
            lines[each.place] = splice(each, [(call.node, with_permission(each, call)) for call in calls])
            last = each
    between = first.block[first.place : last.place + 1]
    texts = tuple(lines.get(first.place + at) or first.source(node) for at, node in enumerate(between))
    more = {"caveat": f"`{path}` is left in another order", "overwrites": overwrites, "gives_up": (name,)}
    yield Suggestion(first, last, texts, WHY, ASK, saving=nbytes, **more)  # type: ignore[arg-type]
