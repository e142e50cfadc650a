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

import ast
import itertools
from collections.abc import Iterator

from ..rewriting.chain import chain_of, is_fresh, made_in_one, mentions
from ..rewriting.operations import is_same_kind, operation, write_into
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
            name = _target(run[-1])
            value = run[0].node.value  # type: ignore[attr-defined]
            lines = made_in_one(run[0], value, name)
            for before, statement in itertools.pairwise(run):
                lines += _step(statement, _target(before), name)
            gone = tuple(_target(each) for each in run[:-1])
            array = run[-1].array(run[-1].node.value)  # type: ignore[attr-defined]
            are = "is" if len(gone) == 1 else "are"
            caveat = "" if first.in_function else f"{', '.join(f'`{each}`' for each in gone)} {are} gone afterwards"
            keeps, forgotten = (SAME, ()) if first.in_function else (ASK, gone)
            more = {"gives_up": forgotten, "saving": array.nbytes if array else 0, "effort": 1}
            yield Suggestion(first, run[-1], tuple(lines), WHY, keeps, caveat, **more)  # type: ignore[arg-type]


def _target(statement: Statement) -> str:
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""


def _run(first: Statement) -> list[Statement]:
    """The statements from `first` on that follow each other, each carrying on what the one before has made."""
    if not _target(first) or not is_fresh(first, first.node.value):  # type: ignore[attr-defined]
        return []
    by_node = {each.node: each for each in first.cell.statements}
    run = [first]
    for node in first.block[first.place + 1 :]:
        last, following = run[-1], by_node[node]
        name = _target(last)
        if not _target(following) or not _is_step(last, following) or not _is_only_read_by(last, following, name):
            break
        run.append(following)
    names = [_target(each) for each in run]
    reads_target = any(mentions(each.node.value, names[-1]) for each in run)  # type: ignore[attr-defined]
    return run if len(set(names)) == len(names) and not reads_target else []


def _is_step(last: Statement, following: Statement) -> bool:
    value, made = following.node.value, last.array(last.node.value)  # type: ignore[attr-defined]
    return operation(value, following) is not None and is_same_kind(made, following.array(value))


def _is_only_read_by(last: Statement, following: Statement, name: str) -> bool:
    cell = last.cell
    uses = [node for node in ast.walk(cell.tree) if isinstance(node, ast.Name) and node.id == name]
    inside = [node for node in ast.walk(following.node) if isinstance(node, ast.Name) and node.id == name]
    is_older = bool(cell.noted.statements) and name in cell.noted.statements[0]
    return bool(inside) and len(uses) == len(inside) + 1 and not (is_older and not last.in_function)


def _step(statement: Statement, before: str, name: str) -> list[str]:
    """The statements that carry the array on: in place, or at least under one name."""
    value = statement.node.value  # type: ignore[attr-defined]
    chain = chain_of(statement, value)
    start = operation(chain.start, statement) if chain is not None else None
    own = [each for each in start.operands if isinstance(each, ast.Name) and each.id == before] if start else []
    if chain and start and own and is_same_kind(statement.array(own[0]), chain.result):
        # Numbers made of the array (its mean) are computed before the first write, and only then.
        scalars = {
            each: _renamed(statement, each, before, name)
            for each in start.operands
            if each is not own[0] and mentions(each, before) and statement.array(each) is None
        }
        count = 1 + sum(_mentions(each, before) for each in scalars)
        steps = [(start, own[0]), *chain.steps]
        lines = [write_into(op, child, name, statement, scalars) for op, child in steps]
        if all(line is not None for line in lines) and count == _mentions(value, before):
            return [line for line in lines if line is not None]
    return [f"{name} = {_renamed(statement, value, before, name)}"]


def _mentions(node: ast.AST, name: str) -> int:
    return sum(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


def _renamed(statement: Statement, node: ast.expr, before: str, name: str) -> str:
    return ast.unparse(_Renamed(before, name).visit(ast.parse(statement.source(node), mode="eval").body))


class _Renamed(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._new, node.ctx) if node.id == self._old else node
