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

from ..rewriting.releasing import deleted, end, held_elsewhere, is_own, last_use, unread_to_the_end
from ..rewriting.suggestion import ASK, SAME, Suggestion, Tempting
from ..rewriting.view import CellView, Statement

WHY = "`{name}` was alive at the peak (line {peak}), though the cell does not read it after line {line}."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``del name`` after the last statement that reads it, one name at a time and all of them, and in functions."""
    top = {id(each.node): each for each in cell.statements if not each.parents}
    found: dict[str, tuple[Statement, int]] = {}
    for holding in cell.trace.at_peak:
        name = holding.name or ""
        last = last_use(cell, name) if name.isidentifier() else None
        if last is not None and end(last) < cell.trace.peak_line and is_own(cell, name):
            found[name] = top[id(last)], holding.nbytes
    for names in (*((name,) for name in found), *([tuple(found)] if len(found) > 1 else [])):
        last_line = max(end(found[name][0].node) for name in names)
        why = WHY.format(name="`, `".join(names), peak=cell.trace.peak_line, line=last_line)
        are = "is" if len(names) == 1 else "are"
        caveat = f"{', '.join(f'`{name}`' for name in names)} {are} gone afterwards"
        saving = sum(found[name][1] for name in names)
        yield from deleted({name: found[name][0] for name in names}, why, ASK, caveat, gives_up=names, saving=saving)
    yield from _in_functions(cell)


def _in_functions(cell: CellView) -> Iterator[Suggestion]:
    """Arrays that a function of the cell makes and does not read to its end."""
    for function in cell.statements:
        if not isinstance(function.node, ast.FunctionDef):
            continue
        ends = unread_to_the_end([each for each in cell.statements if each.block is function.node.body])
        why = "`{}` was alive to the end of the function, which does not read it that long.".format("`, `".join(ends))
        if ends:
            yield from deleted(ends, why, SAME, "")


def warn(cell: CellView) -> Iterator[Tempting]:
    """``del`` of a large array that something else holds, so that nothing is freed; what IPython's outputs hold."""
    for statement in cell.statements:
        for path, holders in held_elsewhere(statement):
            why = f"`del {path}` frees nothing here: {holders}."
            yield Tempting("release-early", statement.node.lineno, statement.source(statement.node), why)
    for name, uses in cell.names.items():
        fact = cell.noted.ended.get(name)
        kept = cell.noted.outputs.get(fact.identity) if fact is not None else None
        if kept is not None:
            why = f"`del {name}` would free nothing: {kept} holds the array, too. `%reset -f out` lets go of outputs."
            yield Tempting("release-early", uses[-1].lineno, name, why)
