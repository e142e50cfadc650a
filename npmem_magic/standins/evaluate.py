"""An expression's tree, worked out on stand-ins, the value of each of its parts kept."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from . import creation, functions
from .probe import ask
from .values import Array, Known, Unknown, Value

Lookup = Callable[[str], Value | None]  # what a path such as ``x``, ``self.w`` or ``d['k']`` stands for

_BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.MatMult: operator.matmul,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[..., Any]] = {
    ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert, ast.Not: operator.not_,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_DIGITS = 400  # bits of a whole number beyond which it is not worked out


def parse(text: str) -> ast.expr:
    """The tree of an expression; raises SyntaxError."""
    return ast.parse(text.strip(), mode="eval").body


@dataclass
class Evaluation:
    """What each part of an expression stands for, and what holds only as an upper bound."""

    value: Value
    parts: dict[ast.expr, Value] = field(default_factory=dict)
    bounds: list[str] = field(default_factory=list)


def work_out(tree: ast.expr, lookup: Lookup) -> Evaluation:
    """Every part of `tree`, names as `lookup` knows them."""
    evaluator = _Evaluator(lookup)
    value = evaluator.of(tree)
    return Evaluation(value, evaluator.parts, evaluator.bounds)


class _Evaluator:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.parts: dict[ast.expr, Value] = {}
        self.bounds: list[str] = []

    def of(self, node: ast.expr) -> Value:
        value = self.parts[node] = self._work_out(node)
        return value

    def _work_out(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=value):
                return Known(value)
            case ast.Name(id=name):
                return self._lookup(name) or functions.builtin(name) or Unknown(f"there is no name {name!r}")
            case ast.Attribute() | ast.Subscript():
                return self._path(node)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(_BINARY[type(op)], self.of(left), self.of(right))
            case ast.UnaryOp(op=op, operand=operand):
                return self._binary(_UNARY[type(op)], self.of(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                return self._binary(_COMPARE[type(op)], self.of(left), self.of(right))
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return self._sequence(node, [self.of(item) for item in items])
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr(value=inner):
                return self.of(inner)
        for child in ast.iter_child_nodes(node):  # its parts may be known though the whole is not
            if isinstance(child, ast.expr) and not isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
                self.of(child)
        return Unknown(f"{type(node).__name__} is not followed")

    def _binary(self, function: Callable[..., Any], *values: Value) -> Value:
        unknown = next((value for value in values if isinstance(value, Unknown)), None)
        if unknown is not None:
            return unknown
        if any(isinstance(value, Array) for value in values):
            return ask(function, [_as_array(value) for value in values], {})
        found = _compute(function, [value.value for value in values if isinstance(value, Known)])
        is_example = any(isinstance(value, Known) and value.is_example for value in values)
        return Known(found.value, is_example=True) if is_example and isinstance(found, Known) else found

    def _sequence(self, node: ast.expr, values: list[Value]) -> Value:
        made = tuple if isinstance(node, ast.Tuple) else list
        if all(isinstance(value, Known) for value in values):
            return Known(made(value.value for value in values if isinstance(value, Known)))
        return Known(made(values))

    def _path(self, node: ast.Attribute | ast.Subscript) -> Value:
        if _is_path(node):
            found = self._lookup(ast.unparse(node))
            if found is not None:
                return found
        owner = self.of(node.value)
        if isinstance(owner, Unknown):
            return owner
        if isinstance(node, ast.Attribute):
            return _attribute(owner, node.attr)
        return self._item(owner, node)

    def _item(self, owner: Value, node: ast.Subscript) -> Value:
        index = self._index(node.slice)
        unknown = next((value for value in index if isinstance(value, Unknown)), None)
        if unknown is not None:
            return unknown
        if isinstance(owner, Known):
            return functions.item_of(owner.value, index)
        assert isinstance(owner, Array)
        found, bound = functions.index(owner, index)
        if bound:
            self.bounds.append(f"{ast.unparse(node)}: {bound}")
        return found

    def _index(self, node: ast.expr) -> list[Value]:
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        return [self._slice(part) if isinstance(part, ast.Slice) else self.of(part) for part in parts]

    def _slice(self, node: ast.Slice) -> Value:
        ends = [self.of(each) if each is not None else Known(None) for each in (node.lower, node.upper, node.step)]
        if all(isinstance(each, Known) and isinstance(each.value, (int, np.integer, type(None))) for each in ends):
            return Known(slice(*(each.value for each in ends if isinstance(each, Known))))
        return next(
            (each for each in ends if isinstance(each, Unknown)), Unknown("a slice's end is not a known number")
        )

    def _call(self, node: ast.Call) -> Value:
        args = [self.of(each) for each in node.args if not isinstance(each, ast.Starred)]
        kwargs = {each.arg: self.of(each.value) for each in node.keywords if each.arg is not None}
        is_whole = len(args) == len(node.args) and len(kwargs) == len(node.keywords)
        if isinstance(node.func, ast.Attribute) and not isinstance(receiver := self.of(node.func.value), Unknown):
            if not is_whole:
                return Unknown("its arguments are unpacked")
            return functions.method(receiver, node.func.attr, args, kwargs)
        function = self.of(node.func)
        if isinstance(function, Unknown) or not is_whole:
            return Unknown(f"{ast.unparse(node.func)} is not a function of NumPy, and only those are followed")
        return functions.call(function, args, kwargs)


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _as_array(value: Value) -> Value:
    """A list or tuple of numbers as the array that an operator makes of it."""
    if isinstance(value, Known) and type(value.value) in (list, tuple):
        return creation.make("asarray", [value], {}) or value
    return value


def _is_path(node: ast.expr) -> bool:
    """Whether the text names a place in what a name holds: ``a.b``, ``d['k']``, ``rows[0]``."""
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=inner) | ast.Subscript(value=inner, slice=ast.Constant(value=str() | int())):
            return _is_path(inner)
    return False


def _attribute(owner: Value, name: str) -> Value:
    if isinstance(owner, Array):
        return functions.attribute(owner, name)
    value = owner.value if isinstance(owner, Known) else None
    if type(value) is ModuleType or isinstance(value, (np.finfo, np.iinfo, np.dtype, np.generic)):
        found = getattr(value, name, None)
        return Unknown(f"{name!r} is not there") if found is None and name != "newaxis" else Known(found)
    return Unknown(f"an attribute of {type(value).__name__} is not looked at")


def _compute(function: Callable[..., Any], values: list[Any]) -> Value:
    """The result on Python's and NumPy's own scalars, unless it would be a huge number or text."""
    numbers = (bool, int, float, complex, np.generic)
    if not all(isinstance(value, numbers) for value in values):
        return Unknown("only arithmetic of numbers is worked out")
    if function in (operator.pow, operator.lshift) and _bits(values) > _DIGITS:
        return Unknown("the number is too large to work out")
    try:
        with np.errstate(all="ignore"):
            return Known(function(*values))
    except (ArithmeticError, TypeError, ValueError) as error:
        return Unknown(f"Python says {type(error).__name__}: {error}")


def _bits(values: list[Any]) -> float:
    base, power = values
    if isinstance(base, int) and isinstance(power, int):
        return power * max(1, abs(base).bit_length())
    return 0
