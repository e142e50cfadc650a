"""Carry one array through the steps instead of naming each of them.

Why
---
``p = x ** 2``, ``q = p + 1``, ``r = q / 2`` keep three arrays, though each is read only by the next line. With one name
and ``+=`` there is a single array. Whether later cells want the steps, only you can know.

Given
-----
    x = np.linspace(0, 1, 1_000_000)

Instead of
----------
    p = x ** 2
    q = p + 1
    r = q / 2

Write
-----
    r = x ** 2
    r += 1
    r /= 2

Keeps
-----
ask: `p`, `q` are gone afterwards
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ..rewriting.chain import is_fresh, made_in_one, mentions
from ..rewriting.operations import is_same_kind, operation
from ..rewriting.renaming import is_only_read_by, step, target
from ..rewriting.suggestion import ASK, SAME, Suggestion
from ..rewriting.view import CellView, Statement

WHY = "Each step kept an array of its own, though only the next line reads it; here one array goes through them all."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Runs of assignments of which each reads the one before, and nothing else in the cell does."""
    done: set[Statement] = set()
    for first in cell.statements:
        run = [] if first in done else _run(first)
        if len(run) > 1:
            done.update(run)
            name = target(run[-1])
            value = run[0].node.value  # type: ignore[attr-defined]
            lines = made_in_one(run[0], value, name)
            for before, statement in itertools.pairwise(run):
                lines += step(statement, target(before), name)
            gone = tuple(target(each) for each in run[:-1])
            array = run[-1].array(run[-1].node.value)  # type: ignore[attr-defined]
            are = "is" if len(gone) == 1 else "are"
            caveat = "" if first.in_function else f"{', '.join(f'`{each}`' for each in gone)} {are} gone afterwards"
            keeps, forgotten = (SAME, ()) if first.in_function else (ASK, gone)
            more = {"gives_up": forgotten, "saving": array.nbytes if array else 0, "effort": 1}
            yield Suggestion(first, run[-1], tuple(lines), WHY, keeps, caveat, **more)  # type: ignore[arg-type]


def _run(first: Statement) -> list[Statement]:
    """The statements from `first` on that follow each other, each carrying on what the one before has made."""
    if not target(first) or not is_fresh(first, first.node.value):  # type: ignore[attr-defined]
        return []
    by_node = {each.node: each for each in first.cell.statements}
    run = [first]
    for node in first.block[first.place + 1 :]:
        last, following = run[-1], by_node[node]
        name = target(last)
        if not target(following) or not _is_step(last, following) or not is_only_read_by(last, following, name):
            break
        run.append(following)
    names = [target(each) for each in run]
    reads_target = any(mentions(each.node.value, names[-1]) for each in run)  # type: ignore[attr-defined]
    return run if len(set(names)) == len(names) and not reads_target else []


def _is_step(last: Statement, following: Statement) -> bool:
    value, made = following.node.value, last.array(last.node.value)  # type: ignore[attr-defined]
    return operation(value, following) is not None and is_same_kind(made, following.array(value))
