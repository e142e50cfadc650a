"""Expressions recognised by example: ``sum(_a * _b)`` finds ``(x * y).sum()`` and ``np.sum(x * y)`` alike.

In a pattern functions have the names that `calls` gives them, and names that begin with ``_`` stand for any
expression; the same one twice stands for the same text twice. Operators match their functions too.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..standins import Array, Known, Value
from .calls import Call, call_of, positional_names
from .view import Statement

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.MatMult: "matmul",
    ast.Pow: "power", ast.Mod: "remainder", ast.FloorDiv: "floor_divide",
    ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or",
}  # fmt: skip
_COMMUTES = (ast.Add, ast.Mult)
_LITTLE = 1 << 18  # bytes of a statement's peak
Parts = dict[str, ast.expr]


@dataclass(frozen=True, eq=False)
class Match:
    """A pattern found: the expression, the statement it stands in, and what its names stand for."""

    node: ast.expr
    statement: Statement
    parts: Mapping[str, ast.expr]

    def array(self, name: str) -> Array | None:
        """The array that a part is, None where it is none."""
        return self.statement.array(self.parts[name])

    def value(self, name: str) -> Value:
        """What a part stands for."""
        return self.statement.value(self.parts[name])

    def constant(self, name: str) -> object:
        """The value of a part that is known, None of any other."""
        value = self.value(name)
        return value.value if isinstance(value, Known) and not value.is_example else None

    def is_real(self, *names: str, kinds: str = "f") -> bool:
        """Whether parts are arrays of a dtype of these kinds."""
        arrays = [self.array(name) for name in names]
        return all(array is not None and array.dtype.kind in kinds for array in arrays)

    def same_shape(self, *names: str) -> bool:
        """Whether parts are arrays of one shape."""
        arrays = [self.array(name) for name in names]
        return all(array is not None for array in arrays) and len({array.shape for array in arrays if array}) == 1


@functools.cache
def _pattern(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def find(
    statement: Statement, *patterns: str, when: Callable[[Match], bool] | None = None, is_cheap: bool = False
) -> Iterator[Match]:
    """Every expression of a statement (not of the statements inside of it) that one of the patterns describes.

    None in a statement that takes next to no memory, unless `is_cheap` asks for those too.
    """
    if statement.peak < _LITTLE and not is_cheap:
        return
    seen: set[ast.expr] = set()
    for text in patterns:
        pattern = _pattern(text)
        for node in _candidates(statement).get(_key(pattern), ()):
            parts: Parts = {}
            if node not in seen and _matches(pattern, node, statement, parts):
                found = Match(node, statement, parts)
                if when is None or when(found):
                    seen.add(node)
                    yield found


def expressions(statement: Statement) -> Iterator[ast.expr]:
    """The expressions of a statement, outer before inner; those of statements inside of it are left out."""
    return iter(statement.expressions)


@functools.cache
def _key(pattern: ast.expr) -> str:
    """What the outermost part of a pattern is: a function's name, the name of an operator's, or a kind of node."""
    match pattern:
        case ast.Call(func=func):
            return ast.unparse(func)
        case ast.BinOp(op=op):
            return _OPERATORS.get(type(op), type(op).__name__)
    return type(pattern).__name__


def _candidates(statement: Statement) -> dict[str, list[ast.expr]]:
    """The expressions of a statement by what they are, as `_key` tells it of patterns."""
    found: dict[str, list[ast.expr]] = statement.by_kind
    if not found:
        for node in statement.expressions:
            for key in _kinds(node, statement):
                found.setdefault(key, []).append(node)
    return found


def _kinds(node: ast.expr, at: Statement) -> list[str]:
    match node:
        case ast.BinOp(op=ast.Mult()):
            return ["multiply", "power"]
        case ast.BinOp(op=op):
            return [_OPERATORS.get(type(op), type(op).__name__)]
        case ast.Call():
            call = call_of(node, at)
            name = call.name if call is not None else "Call"
            if name == "dot":
                return ["dot", "matmul"]
            return list({{"builtins.abs": "absolute", "square": "power"}.get(name, name), name})
    return [type(node).__name__]


def _matches(pattern: ast.AST | None, node: ast.AST | None, at: Statement, parts: Parts) -> bool:
    match pattern, node:
        case None, None:
            return True
        case (None, _) | (_, None):
            return False
        case ast.Name(id=name), ast.expr() if name.startswith("_"):
            return _bind(name, node, parts)
        case ast.Name(id=name), ast.Name(id=other):
            return name == other
        case ast.Constant(value=wanted), ast.Constant(value=found):
            return bool(wanted == found) and isinstance(wanted, str) == isinstance(found, str)
        case ast.Call(), _:
            return _call(pattern, node, at, parts)
        case ast.BinOp(), _:
            return _operator(pattern, node, at, parts)
        case ast.UnaryOp(op=op, operand=inner), ast.UnaryOp(op=other, operand=operand):
            return type(op) is type(other) and _matches(inner, operand, at, parts)
        case ast.Compare(left=left, ops=[op], comparators=[right]), ast.Compare(
            left=one, ops=[found], comparators=[two]
        ):
            return type(op) is type(found) and _all([(left, one), (right, two)], at, parts)
        case ast.Attribute(value=inner, attr=attr), ast.Attribute(value=owner, attr=other):
            return attr == other and _matches(inner, owner, at, parts)
        case ast.Subscript(value=inner, slice=key), ast.Subscript(value=owner, slice=other):
            return _all([(inner, owner), (key, other)], at, parts)
        case ast.Slice(lower=a, upper=b, step=c), ast.Slice(lower=d, upper=e, step=f):
            return _all([(a, d), (b, e), (c, f)], at, parts)
        case (ast.Tuple(elts=wanted), ast.Tuple(elts=found)) | (ast.List(elts=wanted), ast.List(elts=found)):
            return len(wanted) == len(found) and _all(list(zip(wanted, found, strict=True)), at, parts)
    return False


def _bind(name: str, node: ast.expr, parts: Parts) -> bool:
    known = parts.setdefault(name, node)
    return known is node or ast.dump(known) == ast.dump(node)


def _all(pairs: list[tuple[ast.AST | None, ast.AST | None]], at: Statement, parts: Parts) -> bool:
    return all(_matches(pattern, node, at, parts) for pattern, node in pairs)


def _operator(pattern: ast.BinOp, node: ast.AST | None, at: Statement, parts: Parts) -> bool:
    pair = _operands(node, type(pattern.op), at)
    if pair is None:
        return False
    orders = [pair, pair[::-1]] if isinstance(pattern.op, _COMMUTES) else [pair]
    for left, right in orders:
        tried = dict(parts)
        if _all([(pattern.left, left), (pattern.right, right)], at, tried):
            parts.update(tried)
            return True
    return False


def _operands(node: ast.AST | None, op: type[ast.operator], at: Statement) -> tuple[ast.expr, ast.expr] | None:
    """The two operands where `node` is this operation, written with the operator or the function."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, op):
        return node.left, node.right
    call = call_of(node, at) if isinstance(node, ast.Call) else None
    if call is not None and call.name == _OPERATORS.get(op) and call.has_only("x1", "x2") and len(call.arguments) == 2:
        return call.arguments["x1"], call.arguments["x2"]
    if op is ast.MatMult and call is not None and call.name == "dot" and call.has_only("a", "b"):
        arrays = [at.array(each) for each in call.arguments.values()]
        is_matrix = all(array is not None and len(array.shape) <= 2 for array in arrays)
        return (call.arguments["a"], call.arguments["b"]) if is_matrix and len(arrays) == 2 else None
    if op is ast.Pow and call is not None and call.name == "square" and call.has_only("x"):
        return call.arguments["x"], ast.Constant(2)
    if op is ast.Pow and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        same = ast.dump(node.left) == ast.dump(node.right)
        return (node.left, ast.Constant(2)) if same else None
    return None


def _call(pattern: ast.Call, node: ast.AST | None, at: Statement, parts: Parts) -> bool:
    wanted = ast.unparse(pattern.func)
    call = call_of(node, at) if isinstance(node, ast.Call) else None
    if call is None or (call.name != wanted and not _is_builtin_abs(call, wanted, at)):
        return False
    names = tuple(call.arguments) if call.name == "builtins.abs" else positional_names(wanted)
    given = dict(zip(names, pattern.args, strict=False)) | {str(each.arg): each.value for each in pattern.keywords}
    if set(given) != set(call.arguments):
        return False
    return _all([(given[name], call.arguments[name]) for name in given], at, parts)


def _is_builtin_abs(call: Call, wanted: str, at: Statement) -> bool:
    return wanted == "absolute" and call.name == "builtins.abs" and len(call.arguments) == 1
