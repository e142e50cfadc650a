"""Chains of element-wise operations that can all write into one array, and the statements that make them do so."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..standins import Array, Known
from .facts import path_of
from .operations import Operation, is_same_kind, operation, write_into
from .text import new_name, whole
from .view import Statement

_VIEWS = frozenset({"reshape", "ravel", "transpose", "swapaxes", "squeeze"})


@dataclass(frozen=True, eq=False)
class Chain:
    """Operations that follow each other: the result of each is an operand of the next, of one shape and dtype.

    `start` is the first expression that makes the array; `steps` are the operations after it, each with the operand
    that is the result of the one before.
    """

    start: ast.expr
    steps: tuple[tuple[Operation, ast.expr], ...]
    result: Array


def chain_of(statement: Statement, root: ast.expr) -> Chain | None:
    """The chain that ends in `root`; None where `root` is no array."""
    result = statement.array(root)
    if result is None:
        return None
    steps: list[tuple[Operation, ast.expr]] = []
    node = root
    while (op := operation(node, statement)) is not None:
        fresh = [
            each for each in op.operands if is_same_kind(statement.array(each), result) and is_fresh(statement, each)
        ]
        if not fresh:
            break
        child = max(fresh, key=_weight)
        steps.append((op, child))
        node = child
    return Chain(node, tuple(reversed(steps)), result)


def is_fresh(statement: Statement, node: ast.expr) -> bool:
    """Whether evaluating `node` makes a new array that nothing else can look at."""
    if operation(node, statement) is not None:
        return True
    array = statement.array(node)
    match node:
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _VIEWS:
            whole = statement.array(inner)
            return whole is not None and array is not None and whole.size == array.size and is_fresh(statement, inner)
        case ast.Attribute(value=inner, attr="T"):
            return is_fresh(statement, inner)
    return isinstance(node, ast.Call) and array is not None and statement.cell.peak_of(node) >= array.nbytes > 0


def _weight(node: ast.expr) -> int:
    return sum(1 for each in ast.walk(node) if isinstance(each, ast.BinOp | ast.UnaryOp | ast.Call))


def mentions(node: ast.AST, path: str) -> bool:
    """Whether an expression mentions the name that a path begins with."""
    return path.partition("[")[0].partition(".")[0] in _names_in(node)


@functools.lru_cache(4096)
def _names_in(node: ast.AST) -> frozenset[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


@dataclass
class Writer:
    """Writes a chain as statements. `lines` are the statements so far, `hoisted` the names made for scalars."""

    statement: Statement
    buffer: str
    lines: list[str] = field(default_factory=list)
    hoisted: list[str] = field(default_factory=list)

    def write(self, chain: Chain, from_buffer: bool) -> bool:
        """All statements of a chain; False where it cannot be done.

        With `from_buffer` the first operation already writes into the array that `buffer` names and that it reads.
        """
        todo = list(chain.steps)
        first: list[str] = []
        if from_buffer:
            op = operation(chain.start, self.statement)
            child = self._own(op)
            if op is None or child is None:
                return False
            todo.insert(0, (op, child))
        else:
            first = [f"{self.buffer} = {whole(self.statement.source(chain.start))}"]
        body: list[str] = []
        for number, (op, child) in enumerate(todo):
            texts = self._texts(op, child, is_first=from_buffer and number == 0)
            line = None if texts is None else write_into(op, child, self.buffer, self.statement, texts)
            if line is None:
                return False
            body.append(line)
        self.lines = [*self.lines, *first, *body]
        return True

    def _own(self, op: Operation | None) -> ast.expr | None:
        """The operand that is the array itself."""
        for each in op.operands if op else ():
            if path_of(each) is not None and ast.unparse(each) == self.buffer:
                return each
        return None

    def _texts(self, op: Operation, child: ast.expr, is_first: bool) -> dict[ast.expr, str] | None:
        """New texts for operands that read the array that is overwritten; None where that cannot be put right."""
        texts: dict[ast.expr, str] = {}
        for each in op.operands:
            if each is child or not mentions(each, self.buffer):
                continue
            value = self.statement.value(each)
            is_scalar = isinstance(value, Known) or (isinstance(value, Array) and not value.shape)
            if is_scalar:
                if not is_first:
                    texts[each] = self._hoist(each)
            elif is_first and self.statement.array(each) is not None:
                text = self._copied(each)
                if text is None:
                    return None
                texts[each] = text
            else:
                return None
        return texts

    def _hoist(self, node: ast.expr) -> str:
        """A name for a scalar, computed before the first write."""
        call = node.func if isinstance(node, ast.Call) else None
        wish = call.attr if isinstance(call, ast.Attribute) else "scale"
        name = new_name(self.statement, {"min": "low", "max": "high"}.get(wish, wish), self.hoisted)
        self.hoisted.append(name)
        self.lines.append(f"{name} = {whole(self.statement.source(node))}")
        return name

    def _copied(self, node: ast.expr) -> str | None:
        """A small part of the array, copied so that NumPy need not copy all of it; None where that does not pay."""
        array, owner = self.statement.array(node), self.statement.fact(self.buffer)
        if array is None or owner is None or not isinstance(owner.value, Array):
            return None
        if not isinstance(node, ast.Subscript):
            return self.statement.source(node)
        return f"{self.statement.source(node)}.copy()" if array.nbytes * 2 <= owner.value.nbytes else None


def roots(statement: Statement) -> Iterator[ast.expr]:
    """The largest element-wise expressions of a statement: those that are not operands of another one."""
    inside: set[ast.expr] = set()
    for node in statement.walk():
        if (op := operation(node, statement)) is not None:
            if statement.array(node) is None:
                continue
            if node not in inside:
                yield node
            inside.update(op.operands)


def made_in_one(statement: Statement, node: ast.expr, buffer: str) -> list[str]:
    """The statements that make the fresh array `node` under the name `buffer`, all its steps writing into it."""
    chain, writer = chain_of(statement, node), Writer(statement, buffer)
    if chain is not None and chain.steps and not mentions(node, buffer) and writer.write(chain, from_buffer=False):
        return writer.lines
    return [f"{buffer} = {whole(statement.source(node))}"]
