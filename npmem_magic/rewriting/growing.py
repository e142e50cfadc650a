"""Arrays that a loop makes longer round by round, and lists that are joined to an array after the loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..standins import Array
from .calls import call_of
from .dependents import is_read_elsewhere
from .view import CellView, Statement

_JOINS = frozenset({"array", "asarray", "stack", "vstack", "concatenate", "hstack"})
_BY_ROWS = frozenset({"array", "asarray", "stack", "vstack"})


@dataclass(frozen=True, eq=False)
class Growing:
    """What grows: `start` makes `name` empty, `step` in `loop` adds `item`, and `join` makes `target` of a list.

    `join` is None where `name` is the array itself. `by_rows` tells that each item is one row of the `result`.
    """

    name: str
    start: Statement
    loop: Statement
    step: ast.stmt
    item: ast.expr
    join: Statement | None
    target: str
    result: Array
    by_rows: bool

    @property
    def last(self) -> Statement:
        """The last of its statements."""
        return self.join or self.loop


def growing(cell: CellView) -> Iterator[Growing]:
    """Everything of the kind that stands as two or three statements, one after the other."""
    known = {each.node: each for each in cell.statements}
    for loop in cell.statements:
        if not isinstance(loop.node, ast.For) or loop.node.orelse or not loop.place:
            continue
        start = known[loop.block[loop.place - 1]]
        after = known[loop.block[loop.place + 1]] if loop.place + 1 < len(loop.block) else None
        match start.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.List(elts=[])) if after is not None:
                yield from _listed(name, start, loop, after)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_empty(start, value):
                yield from _grown(name, start, loop)


def _is_empty(statement: Statement, value: ast.expr) -> bool:
    array = statement.array(value)
    return array is not None and array.size == 0


def _listed(name: str, start: Statement, loop: Statement, after: Statement) -> Iterator[Growing]:
    match after.node:
        case ast.Assign(targets=[ast.Name(id=target)], value=ast.Call() as made):
            call = call_of(made, after)
            given = next(iter(call.arguments.values()), None) if call is not None else None
            if call is None or call.name not in _JOINS or len(call.arguments) != 1:
                return
            if not (isinstance(given, ast.Name) and given.id == name) or target == name:
                return
            result = _ended(after, target)
            if result is None or is_read_elsewhere(start, name, (loop, after)):
                return
            for step in loop.node.body:  # type: ignore[attr-defined]
                match step:
                    case ast.Expr(ast.Call(ast.Attribute(ast.Name(id=used), "append"), [item], [])) if used == name:
                        yield Growing(name, start, loop, step, item, after, target, result, call.name in _BY_ROWS)


def _grown(name: str, start: Statement, loop: Statement) -> Iterator[Growing]:
    result = _ended(loop, name)
    for step in loop.node.body if result is not None else ():  # type: ignore[attr-defined]
        match step:
            case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                item = _added(value, name, next(each for each in loop.cell.statements if each.node is step))
                if item is not None and result is not None:
                    by_rows = len(result.shape) > 1 and "vstack" in loop.source(value)
                    yield Growing(name, start, loop, step, item, None, name, result, by_rows)


def _added(value: ast.expr, name: str, statement: Statement) -> ast.expr | None:
    """What is put behind `name`."""
    match value:
        case ast.Subscript(slice=ast.Tuple(elts=[ast.Name(id=used), item])) if used == name:
            return item if statement.source(value.value).endswith(".r_") else None
    call = call_of(value, statement)
    if call is None:
        return None
    parts = list(call.arguments.values())
    if call.name == "append" and len(parts) >= 2 and isinstance(parts[0], ast.Name) and parts[0].id == name:
        return parts[1]
    match parts[0] if parts and call.name in _JOINS else None:
        case ast.Tuple(elts=[ast.Name(id=used), item]) | ast.List(elts=[ast.Name(id=used), item]) if used == name:
            return item
    return None


def _ended(statement: Statement, name: str) -> Array | None:
    """What a name was in the end; nothing where the cell reads it in a function, whose names are not noted."""
    fact = statement.cell.noted.ended.get(name)
    return fact.value if fact is not None and isinstance(fact.value, Array) and fact.value.shape else None
