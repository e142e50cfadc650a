"""Look at the same bytes as another dtype of that size.

Why
---
Truth values are stored as bytes 0 and 1, dates as integers, and signed and unsigned integers of one size have the same
bytes. ``astype`` copies them all; ``view`` shows them as the other dtype. Bytes other than 0 and 1 make no truth
values, so look at your data first. A view is the same as long as neither of the two is written into.

Given
-----
    m = np.linspace(0, 1, 4_000_000) > 0.5

Instead of
----------
    y = m.astype(np.uint8)

Write
-----
    y = m.view(np.uint8)

Keeps
-----
ask: `y` is then a view of `m`: write into neither
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.calls import call_of
from ..rewriting.exchange import exchange
from ..rewriting.patterns import Match, expressions, find
from ..rewriting.sharing import may_share
from ..rewriting.suggestion import ASK, SAME, Suggestion, Tempting
from ..rewriting.view import CellView
from ..standins import Array

WHY = "The bytes are the same in both dtypes (with these values), so there was nothing to convert."
_FORMS = (
    "astype(_x, _t)",
    "array(_x, dtype=_t)",
    "asarray(_x, dtype=_t)",
    "ndarray.astype(_x, _t)",
    "_x != 0",
    "_x == 1",
    "_x > 0",
)


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Casts between truth values and bytes, dates and integers, signed and unsigned."""
    for statement in cell.statements:
        for match in find(statement, *_FORMS):
            source, result = match.array("_x"), statement.array(match.node)
            if source is None or result is None or not _is_alike(source, result):
                continue
            if may_share(statement, match.node, match.parts["_x"]) and not isinstance(statement.node, ast.Return):
                template = "{x}.view({t})" if "_t" in match.parts else "{x}.view(bool)"
                for keeps, caveat in [_promise(match, source, result)]:
                    yield from exchange(match, template, WHY, keeps=keeps, caveat=caveat, saving=result.nbytes)


def _is_alike(one: Array, other: Array) -> bool:
    kinds = one.dtype.kind + other.dtype.kind
    same = one.dtype.itemsize == other.dtype.itemsize and one.shape == other.shape and one.dtype != other.dtype
    return same and one.dtype.isnative and set(kinds) <= set("biuMm")


def _promise(match: Match, source: Array, result: Array) -> tuple[str, str]:
    values = "right while there are only 0 and 1; " if result.dtype.kind == "b" else ""
    match match.statement.node:
        case ast.Assign(targets=[target], value=value) if value is match.node:
            name, whole = match.statement.source(target), match.statement.source(match.parts["_x"])
            return ASK, f"{values}`{name}` is then a view of `{whole}`: write into neither"
    return (ASK, values.strip("; ")) if values else (SAME, "")


def warn(cell: CellView) -> Iterator[Tempting]:
    """Casts where a view would show the bytes of other numbers."""
    for statement in cell.statements:
        for node in expressions(statement):
            call = call_of(node, statement)
            if call is not None and call.name == "ndarray.view" and "dtype" in call.arguments:
                source, result = statement.array(call.arguments["a"]), statement.array(node)
                kinds = {each.dtype.kind for each in (source, result) if each is not None}
                if source is not None and result is not None and len(kinds) == 2 and "f" in kinds:
                    why = f"`view` converts nothing: it shows the bytes of {source.dtype} as {result.dtype}."
                    yield Tempting("view-as-another-dtype", statement.node.lineno, statement.source(node), why)
