"""Statements that carry one array on under the name of the last of them."""

from __future__ import annotations

import ast

from .chain import chain_of, mentions
from .operations import is_same_kind, operation, write_into
from .view import Statement


def target(statement: Statement) -> str:
    """The name that a statement binds, empty where it binds another thing."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
    return ""


def step(statement: Statement, before: str, name: str) -> list[str]:
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


def is_only_read_by(last: Statement, following: Statement, name: str) -> bool:
    """Whether `following` is the only statement of the cell that reads what `last` bound to `name`."""
    cell = last.cell
    uses = cell.names.get(name, [])
    inside = [node for node in ast.walk(following.node) if isinstance(node, ast.Name) and node.id == name]
    is_older = bool(cell.noted.statements) and name in cell.noted.statements[0]
    return bool(inside) and len(uses) == len(inside) + 1 and not (is_older and not last.in_function)
