"""Let go of an array before the next large one is made.

Why
---
A name keeps its array until it is bound anew or deleted. One that is not needed any more while a later line reaches the
peak is counted there for nothing. Whether a later cell still wants it, only you can know.

Given
-----
    x = np.ones(1_000_000)

Instead of
----------
    p = x ** 2
    q = p.sum()
    r = x + 1
    s = r / 3

Write
-----
    p = x ** 2
    q = p.sum()
    del p
    r = x + 1
    s = r / 3

Keeps
-----
ask: `p` is gone afterwards
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..rewriting.suggestion import ASK, SAME, Suggestion, Tempting
from ..rewriting.view import CellView, Statement
from ..standins import Array

WHY = "`{name}` was alive at the peak (line {peak}), though the cell does not read it after line {line}."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``del name`` after the last statement that reads it, one name at a time and all of them, and in functions."""
    top = {id(each.node): each for each in cell.statements if not each.parents}
    found: dict[str, tuple[Statement, int]] = {}
    for holding in cell.trace.at_peak:
        name = holding.name or ""
        last = _last_use(cell, name) if name.isidentifier() else None
        if last is not None and _end(last) < cell.trace.peak_line and _is_own(cell, name):
            found[name] = top[id(last)], holding.nbytes
    for names in (*((name,) for name in found), *([tuple(found)] if len(found) > 1 else [])):
        last_line = max(_end(found[name][0].node) for name in names)
        why = WHY.format(name="`, `".join(names), peak=cell.trace.peak_line, line=last_line)
        are = "is" if len(names) == 1 else "are"
        caveat = f"{', '.join(f'`{name}`' for name in names)} {are} gone afterwards"
        saving = sum(found[name][1] for name in names)
        yield from _deleted({name: found[name][0] for name in names}, why, ASK, caveat, gives_up=names, saving=saving)
    yield from _in_functions(cell)


def _deleted(ends: dict[str, Statement], why: str, keeps: str, caveat: str, **more: Any) -> Iterator[Suggestion]:
    """Each name deleted after its statement; all of them stand in one block."""
    ordered = sorted(ends.values(), key=lambda each: each.place)
    first, last = ordered[0], ordered[-1]
    lines: list[str] = []
    for place in range(first.place, last.place + 1):
        node = first.block[place]
        gone = [name for name, statement in ends.items() if statement.node is node]
        lines += [first.source(node), *([f"del {', '.join(gone)}"] if gone else [])]
    yield Suggestion(first, last, tuple(lines), why, keeps, caveat, **more)


def _in_functions(cell: CellView) -> Iterator[Suggestion]:
    """Arrays that a function of the cell makes and does not read to its end."""
    for function in cell.statements:
        if not isinstance(function.node, ast.FunctionDef):
            continue
        body = [each for each in cell.statements if each.block is function.node.body]
        ends: dict[str, Statement] = {}
        for statement in body:
            match statement.node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() | ast.BinOp()):
                    users = [each for each in body if _mentions(each.node, name)]
                    if (
                        statement.peak >= 1 << 20
                        and users[-1] is not body[-1]
                        and not isinstance(users[-1].node, ast.FunctionDef)
                    ):
                        ends[name] = users[-1]
        why = "`{}` was alive to the end of the function, which does not read it that long.".format("`, `".join(ends))
        if ends:
            yield from _deleted(ends, why, SAME, "")


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


def _last_use(cell: CellView, name: str) -> ast.stmt | None:
    found = None
    for statement in cell.tree.body:
        if _mentions(statement, name):
            found = statement
    return found


def _is_own(cell: CellView, name: str) -> bool:
    """Whether the cell itself made the name: what was there before belongs to other cells."""
    return name not in cell.noted.statements[0] if cell.noted.statements else False


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def warn(cell: CellView) -> Iterator[Tempting]:
    """``del`` of a large array that something else holds, so that nothing is freed."""
    for statement in cell.statements:
        match statement.node:
            case ast.Delete(targets=targets):
                for target in targets:
                    fact = statement.fact(ast.unparse(target))
                    array = fact.value if fact is not None else None
                    if fact is None or not isinstance(array, Array) or array.nbytes < 1 << 20 or not fact.obstacle:
                        continue
                    if fact.owns and fact.writeable and array.dtype.kind in "biufc":  # so it is that others hold it
                        held = fact.obstacle.replace("would change with it", "still looks at its bytes")
                        why = f"`del {ast.unparse(target)}` frees nothing here: {held}."
                        yield Tempting("release-early", statement.node.lineno, statement.source(statement.node), why)
