"""How far a loop is, told from outside of it: from its text and the values its names have. A leaf; runs nothing.

Known are loops over ``range(...)``, ``enumerate(...)`` of one or of something whose length a name tells, and over the
rows of an array, which say by their address where they are.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .syntax import parsed

Names = Mapping[str, object]
_LISTS = (list, tuple, dict, set, str, bytes)  # exact types: their length runs no code of the user's


@dataclass(frozen=True)
class Round:
    """A loop on line `line` is in its `number`-th round of `count`."""

    line: int
    number: int
    count: int


@dataclass(frozen=True)
class Loops:
    """The loops of one text, outer before inner."""

    nodes: tuple[ast.For, ...] = ()

    def at(self, line: int, names: Names) -> list[Round]:
        """How far the loops around `line` are, the outermost first; those of unknown length are left out."""
        around = [node for node in self.nodes if node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)]
        found = (_round(node, names) for node in around)
        return [each for each in found if each is not None]


def rounds_of(source: str, first_line: int) -> Loops:
    """The loops of `source`; none when it does not parse."""
    try:
        tree = parsed(source)
    except (SyntaxError, ValueError):
        return Loops()
    ast.increment_lineno(tree, first_line - 1)
    return Loops(tuple(sorted((n for n in ast.walk(tree) if isinstance(n, ast.For)), key=lambda node: node.lineno)))


def _round(node: ast.For, names: Names) -> Round | None:
    place = _place(node.target, node.iter, names)
    if place is None:
        return None
    number, count = place
    return Round(node.lineno, number, count) if 0 < number <= count else None


def _place(target: ast.expr, over: ast.expr, names: Names) -> tuple[int, int] | None:
    """(number of the round, rounds in all)."""
    match target, over:
        case ast.Name(id=name), ast.Call(func=ast.Name(id="range"), args=args) if "range" not in names:
            numbers = [_number(arg, names) for arg in args]
            return _in_range(names.get(name), [each for each in numbers if each is not None], len(args))
        case ast.Tuple(elts=[ast.Name(id=name), _]), ast.Call(
            func=ast.Name(id="enumerate"), args=[what], keywords=[]
        ) if "enumerate" not in names:
            count, index = _length(what, names), names.get(name)
            return (index + 1, count) if type(index) is int and count else None
        case ast.Name(id=name), ast.Name(id=array):
            return _row(names.get(name), names.get(array))
    return None


def _in_range(index: object, numbers: list[int], given: int) -> tuple[int, int] | None:
    if type(index) is not int or len(numbers) != given or not 1 <= given <= 3 or numbers[2:] == [0]:
        return None
    steps = range(*numbers)
    return (steps.index(index) + 1, len(steps)) if index in steps else None


def _row(row: object, array: object) -> tuple[int, int] | None:
    """Where a row lies in its array, by its address."""
    if type(row) is not np.ndarray or type(array) is not np.ndarray or array.ndim != row.ndim + 1:
        return None
    step = array.strides[0]
    if not step or array.shape[1:] != row.shape:
        return None
    away = row.__array_interface__["data"][0] - array.__array_interface__["data"][0]
    return (int(away // step) + 1, len(array)) if away % step == 0 else None


def _length(node: ast.expr, names: Names) -> int | None:
    match node:
        case ast.Name(id=name) if type(names.get(name)) in (*_LISTS, np.ndarray, range):
            value = names[name]
            return None if isinstance(value, np.ndarray) and not value.ndim else len(value)  # type: ignore[arg-type]
        case ast.Call(func=ast.Name(id="range"), args=args) if "range" not in names:
            numbers = [each for arg in args if (each := _number(arg, names)) is not None]
            return len(range(*numbers)) if len(numbers) == len(args) and numbers[2:] != [0] and numbers else None
    return None


def _number(node: ast.expr, names: Names) -> int | None:
    """The integer that an expression of constants, names, lengths and shapes stands for."""
    match node:
        case ast.Constant(value=int(value)):
            return int(value)
        case ast.Name(id=name) if isinstance(names.get(name), int | np.integer):
            return int(names[name])  # type: ignore[call-overload,no-any-return]
        case ast.Call(func=ast.Name(id="len"), args=[what]) if "len" not in names:
            return _length(what, names)
        case ast.Subscript(
            value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=ast.Constant(value=int(at))
        ):
            array = names.get(name)
            return array.shape[at] if type(array) is np.ndarray and -array.ndim <= at < array.ndim else None
        case ast.Attribute(value=ast.Name(id=name), attr="size") if type(names.get(name)) is np.ndarray:
            return int(names[name].size)  # type: ignore[attr-defined]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            negated = _number(inner, names)
            return None if negated is None else -negated
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(_number(left, names), op, _number(right, names))
    return None


def _combined(left: int | None, op: ast.operator, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv() if right:
            return left // right
    return None
