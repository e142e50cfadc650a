"""The order of values: what sorts an array, what does not care for it, and bounds in sorted data."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .calls import Call, call_of
from .patterns import Match, expressions, find
from .view import Statement

REORDER = frozenset({"median", "nanmedian", "percentile", "quantile", "nanpercentile", "nanquantile"})


# What gives the same whatever the order of the values, bit by bit.
_ORDERLESS = REORDER | {"sort", "max", "min", "amax", "amin", "ptp", "unique", "count_nonzero", "any", "all"}


_ASIDE = frozenset({"size", "shape", "dtype", "nbytes", "ndim", "itemsize"})


def later(first: Statement, name: str) -> Iterator[tuple[Statement, ast.Name]]:
    """Where the name is read from a statement on: in a loop that makes it anew in each round, only up to its end."""
    before = first.block[: first.place]
    is_anew = any(isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name for node in before)
    again = min((loop.lineno for loop in first.loops), default=0) if not is_anew else 0
    for statement in first.cell.statements:
        for node in expressions(statement):
            is_read = isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            if is_read and node.lineno >= (again or first.node.lineno):
                yield statement, node  # type: ignore[misc]


def is_orderless(statement: Statement, node: ast.Name) -> bool:
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


_FORMS = (
    ("sort(_x)", "{x}.sort()"), ("sort(_x, axis=_k)", "{x}.sort(axis={k})"),
    ("sort(_x, kind=_k)", "{x}.sort(kind={k})"),
    ("sort(_x, axis=_k, kind=_w)", "{x}.sort(axis={k}, kind={w})"), ("_x[argsort(_x)]", "{x}.sort()"),
    ("_x[argsort(_x, kind=_k)]", "{x}.sort(kind={k})"), ("take(_x, argsort(_x))", "{x}.sort()"),
    ("take_along_axis(_x, argsort(_x, axis=_k), axis=_k)", "{x}.sort(axis={k})"),
    ("partition(_x, _k)", "{x}.partition({k})"), ("partition(_x, _k, axis=_j)", "{x}.partition({k}, axis={j})"),
)  # fmt: skip


def ordered(statement: Statement, value: ast.expr) -> Iterator[tuple[Match, str]]:
    """Ways in which `value` puts an array in another order, each with the statement that does it in place."""
    for pattern, line in _FORMS:
        yield from ((match, line) for match in find(statement, pattern))
    match value:
        case ast.Call(func=ast.Attribute(value=owner, attr="permutation"), args=[source], keywords=[]):
            yield Match(value, statement, {"_x": source, "_r": owner}), "{r}.shuffle({x})"
        case ast.Subscript(
            value=source, slice=ast.Call(func=ast.Attribute(value=owner, attr="permutation"), keywords=[])
        ):
            yield Match(value, statement, {"_x": source, "_r": owner}), "{r}.shuffle({x})"


def reversed_(statement: Statement, value: ast.expr) -> tuple[ast.expr, str]:
    """What is turned round by `value`, and the statement that does it; `value` itself and nothing where it is not."""
    for match in find(statement, "_v[::-1]", "flip(_v)", "flipud(_v)"):
        if match.node is value:
            return match.parts["_v"], "{x} = {x}[::-1]"
    return value, ""


ONE_BOUND = (
    ("_x < _v", ":{np}.searchsorted({x}, {v})"), ("_x <= _v", ":{np}.searchsorted({x}, {v}, 'right')"),
    ("_x > _v", "{np}.searchsorted({x}, {v}, 'right'):"), ("_x >= _v", "{np}.searchsorted({x}, {v}):"),
    ("_v > _x", ":{np}.searchsorted({x}, {v})"), ("_v >= _x", ":{np}.searchsorted({x}, {v}, 'right')"),
    ("_v < _x", "{np}.searchsorted({x}, {v}, 'right'):"), ("_v <= _x", "{np}.searchsorted({x}, {v}):"),
    ("_x == _v", "{np}.searchsorted({x}, {v}):{np}.searchsorted({x}, {v}, 'right')"),
)  # fmt: skip


_LOW = (("_x > _l", "{np}.searchsorted({x}, {l}, 'right')"), ("_x >= _l", "{np}.searchsorted({x}, {l})"),
        ("_l < _x", "{np}.searchsorted({x}, {l}, 'right')"), ("_l <= _x", "{np}.searchsorted({x}, {l})"))  # fmt: skip


_HIGH = (("_x < _h", "{np}.searchsorted({x}, {h})"), ("_x <= _h", "{np}.searchsorted({x}, {h}, 'right')"),
         ("_h > _x", "{np}.searchsorted({x}, {h})"), ("_h >= _x", "{np}.searchsorted({x}, {h}, 'right')"))  # fmt: skip


BOTH_BOUNDS = tuple(
    (f"{form}", f"{one}:{two}")
    for low, one in _LOW for high, two in _HIGH
    for form in (f"({low}) & ({high})", f"({high}) & ({low})", f"logical_and({low}, {high})")
)  # fmt: skip


def reordering_calls(statement: Statement) -> Iterator[Call]:
    """Calls that put a copy of an array partly in order."""
    for node in statement.walk():
        call = call_of(node, statement)
        if call is not None and call.name in REORDER and "overwrite_input" not in call.arguments:
            yield call


def with_permission(statement: Statement, call: Call) -> str:
    """The text of such a call that may reorder the array itself."""
    return f"{statement.source(call.node)[:-1].rstrip().rstrip(',')}, overwrite_input=True)"
