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

from ..rewriting.calls import Call, call_of
from ..rewriting.chain import is_fresh, made_in_one
from ..rewriting.facts import path_of
from ..rewriting.patterns import expressions
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import ASK, Suggestion
from ..rewriting.text import new_name, splice
from ..rewriting.view import CellView, Statement

WHY = "The values were copied only to be put partly in order; now the array itself is."
_REORDER = frozenset({"median", "nanmedian", "percentile", "quantile", "nanpercentile", "nanquantile"})
# What gives the same whatever the order of the values, bit by bit.
_ORDERLESS = _REORDER | {"sort", "max", "min", "amax", "amin", "ptp", "unique", "count_nonzero", "any", "all"}
_ASIDE = frozenset({"size", "shape", "dtype", "nbytes", "ndim", "itemsize"})


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Medians and percentiles of temporaries; of names that afterwards matter no more in their order, all at once."""
    done: set[str] = set()
    for statement in cell.statements:
        for call in _calls(statement):
            source = next(iter(call.arguments.values()))
            array = statement.array(source)
            if array is None or array.nbytes < 1 << 20:
                continue
            if is_fresh(statement, source):
                line = splice(statement, [(call.node, _with_permission(statement, call))])
                yield Suggestion(statement, statement, (line,), WHY, saving=array.nbytes)
                yield from _in_one(statement, call, source, array.nbytes)
            elif path_of(source) is not None and ast.unparse(source) not in done:
                done.add(ast.unparse(source))
                yield from _given_up(statement, ast.unparse(source), array.nbytes)


def _calls(statement: Statement) -> Iterator[Call]:
    for node in statement.walk():
        call = call_of(node, statement)
        if call is not None and call.name in _REORDER and "overwrite_input" not in call.arguments:
            yield call


def _with_permission(statement: Statement, call: Call) -> str:
    return f"{statement.source(call.node)[:-1].rstrip().rstrip(',')}, overwrite_input=True)"


def _in_one(statement: Statement, call: Call, source: ast.expr, nbytes: int) -> Iterator[Suggestion]:
    """The array made in one place first, and then used up."""
    name = new_name(statement, "values")
    made = made_in_one(statement, source, name)
    if len(made) > 1:
        text = _with_permission(statement, call).replace(statement.source(source), name, 1)
        rest = [splice(statement, [(call.node, text)]), f"del {name}"]
        lines = (*made, *rest[: 1 if isinstance(statement.node, ast.Return) else 2])
        yield Suggestion(statement, statement, lines, WHY, saving=2 * nbytes, effort=1)


def _given_up(first: Statement, path: str, nbytes: int) -> Iterator[Suggestion]:
    """All calls on one array from the first statement on, where nothing after it looks at the order."""
    name = path.partition("[")[0].partition(".")[0]
    overwrites = overwritten(first, path)
    if overwrites is None or not all(_is_orderless(*each) for each in _later(first, name)):
        return
    lines, last = {}, first
    for each in first.cell.statements:
        calls = [call for call in _calls(each) if ast.unparse(next(iter(call.arguments.values()))) == path]
        if each.block is first.block and each.place >= first.place and calls:
            lines[each.place] = splice(each, [(call.node, _with_permission(each, call)) for call in calls])
            last = each
    between = first.block[first.place : last.place + 1]
    texts = tuple(lines.get(first.place + at) or first.source(node) for at, node in enumerate(between))
    more = {"caveat": f"`{path}` is left in another order", "overwrites": overwrites, "gives_up": (name,)}
    yield Suggestion(first, last, texts, WHY, ASK, saving=nbytes, **more)  # type: ignore[arg-type]


def _later(first: Statement, name: str) -> Iterator[tuple[Statement, ast.Name]]:
    """Where the name is read from a statement on: in a loop that makes it anew in each round, only up to its end."""
    before = first.block[: first.place]
    is_anew = any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name for node in before)
    again = min((loop.lineno for loop in first.loops), default=0) if not is_anew else 0
    for statement in first.cell.statements:
        for node in expressions(statement):
            is_read = isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            if is_read and node.lineno >= (again or first.node.lineno):
                yield statement, node  # type: ignore[misc]


def _is_orderless(statement: Statement, node: ast.Name) -> bool:
    """Whether a mention of the array gives the same in whatever order its values are."""
    above = statement.cell.parents.get(node)
    while isinstance(above, ast.Subscript | ast.Attribute | ast.keyword):
        if isinstance(above, ast.Attribute) and above.attr in _ASIDE:
            return True
        above = statement.cell.parents.get(above)
    if isinstance(above, ast.Call) and isinstance(above.func, ast.Name) and above.func.id == "len":
        return True
    call = call_of(above, statement) if isinstance(above, ast.Call) else None
    return call is not None and call.name in _ORDERLESS and not {"axis", "out"} & set(call.arguments)
