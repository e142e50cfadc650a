"""``del`` of names: after the last statement that reads them, at the top level, in functions, and in loops."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..standins import Array
from .chain import mentions
from .suggestion import Suggestion
from .text import with_body
from .view import CellView, Statement


def deleted(ends: dict[str, Statement], why: str, keeps: str, caveat: str, **more: Any) -> Iterator[Suggestion]:
    """Each name deleted after its statement; all of them stand in one block."""
    ordered = sorted(ends.values(), key=lambda each: each.place)
    first, last = ordered[0], ordered[-1]
    lines: list[str] = []
    for place in range(first.place, last.place + 1):
        node = first.block[place]
        gone = [name for name, statement in ends.items() if statement.node is node]
        lines += [first.source(node), *([f"del {', '.join(gone)}"] if gone else [])]
    yield Suggestion(first, last, tuple(lines), why, keeps, caveat, **more)


def held_elsewhere(statement: Statement) -> Iterator[tuple[str, str]]:
    """(path, who holds its bytes) of the large arrays that a statement deletes, and that live on all the same."""
    for target in statement.node.targets if isinstance(statement.node, ast.Delete) else ():
        fact = statement.fact(ast.unparse(target))
        array = fact.value if fact is not None else None
        if fact is None or not isinstance(array, Array) or array.nbytes < 1 << 20 or not fact.obstacle:
            continue
        if fact.owns and fact.writeable and array.dtype.kind in "biufc":  # so it is that others hold it
            holders = fact.obstacle.removesuffix(" would change with it")
            held = f"its bytes are held by {holders} as well" if holders != fact.obstacle else fact.obstacle
            yield ast.unparse(target), held


def last_use(cell: CellView, name: str) -> ast.stmt | None:
    """The last statement of the cell that mentions a name; None where the cell only makes it, for others to read."""
    uses = cell.names.get(name, [])
    if not any(isinstance(each.ctx, ast.Load) for each in uses):
        return None
    return [statement for statement in cell.tree.body if mentions(statement, name)][-1]


def is_own(cell: CellView, name: str) -> bool:
    """Whether the cell itself made the name: what was there before belongs to other cells."""
    return name not in cell.noted.statements[0] if cell.noted.statements else False


def end(node: ast.stmt) -> int:
    """The last line of a statement."""
    return node.end_lineno or node.lineno


def unread_to_the_end(body: list[Statement]) -> dict[str, Statement]:
    """Large arrays that a function's body makes, each with the last statement that mentions it: none to the end."""
    ends: dict[str, Statement] = {}
    for statement in body:
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() | ast.BinOp()) if statement.peak >= 1 << 20:
                last = [each for each in body if mentions(each.node, name)][-1]
                if last is not body[-1] and not isinstance(last.node, ast.FunctionDef):
                    ends[name] = last
    return ends


def released(loop: Statement, body: list[Statement], names: tuple[str, ...]) -> str | None:
    """The loop with each name deleted after the last statement that mentions it."""
    ends: dict[Statement, list[str]] = {}
    for name in names:
        last = [each for each in body if mentions(each.node, name)]
        ends.setdefault(last[-1], []).append(name)
    at = min(ends, key=lambda each: each.place)
    rest = [each for each in body if each.place >= at.place]
    if len(ends) == 1:
        return with_body(loop, at, [_text(at), f"del {', '.join(ends[at])}"])
    lines = []
    for each in rest:
        lines += [_text(each), *([f"del {', '.join(ends[each])}"] if each in ends else [])]
    return _with_tail(loop, rest, lines)


def _text(statement: Statement) -> str:
    return statement.source(statement.node)


def _with_tail(loop: Statement, rest: list[Statement], lines: list[str]) -> str | None:
    """The loop with the last statements of its body exchanged."""
    first, last = rest[0].node, rest[-1].node
    whole = ast.copy_location(ast.Pass(), first)
    whole.end_lineno, whole.end_col_offset = last.end_lineno, last.end_col_offset
    text, old = loop.source(loop.node), loop.source(whole)
    if text.count(old) != 1 or loop.node.lineno == first.lineno:
        return None
    made = text.replace(old, ("\n" + " " * first.col_offset).join(lines))
    outer = " " * loop.node.col_offset
    return made.replace("\n" + outer, "\n") if outer else made
