"""Element-wise operations: how one is written so that its result goes into an array that is there already."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..standins import Array
from .calls import Call, call_of
from .text import module_name, whole
from .view import Statement

_SIGNS: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "add"), ast.Sub: ("-", "subtract"), ast.Mult: ("*", "multiply"), ast.Div: ("/", "divide"),
    ast.FloorDiv: ("//", "floor_divide"), ast.Mod: ("%", "remainder"), ast.Pow: ("**", "power"),
    ast.BitAnd: ("&", "bitwise_and"), ast.BitOr: ("|", "bitwise_or"), ast.BitXor: ("^", "bitwise_xor"),
    ast.LShift: ("<<", "left_shift"), ast.RShift: (">>", "right_shift"),
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], str] = {ast.USub: "negative", ast.Invert: "invert"}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal",
    ast.NotEq: "not_equal",
}  # fmt: skip
_COMMUTES = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
_WITH_OUT = {"clip", "round", "around", "cumsum", "cumprod"}  # no ufuncs, and yet they take out=


@dataclass(frozen=True, eq=False)
class Operation:
    """One element-wise operation: its node, its operands, and the name of the NumPy function that does it.

    `spelled` is how the user calls that function, where it is called at all.
    """

    node: ast.expr
    operands: tuple[ast.expr, ...]
    function: str
    sign: str = ""
    commutes: bool = False
    spelled: str = ""


def operation(node: ast.expr, at: Statement) -> Operation | None:
    """The element-wise operation that a node is; None where it is something else, or has arguments beside operands."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
            sign, name = _SIGNS[type(op)]
            return Operation(node, (left, right), name, sign, isinstance(op, _COMMUTES))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return Operation(node, (operand,), _UNARY[type(op)])
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
            return Operation(node, (left, right), _COMPARE[type(op)])
        case ast.Call():
            return _called(node, at)
    return None


def _called(node: ast.Call, at: Statement) -> Operation | None:
    call = call_of(node, at)
    if call is None:
        return None
    names = tuple(call.arguments)
    operands = tuple(call.arguments.values())
    if call.name == "builtins.abs" and at.array(operands[0]) is not None:
        return Operation(node, operands, "absolute")
    if call.is_ufunc and names in (("x",), ("x1", "x2"), ("x1", "x2", "x3")) and "." not in call.name:
        return Operation(node, operands, call.name, spelled=_spelled(call, at))
    if call.name in _WITH_OUT and not {"out", "axis", "dtype", "where"} & set(names):
        return Operation(node, operands, call.name, spelled=_spelled(call, at))
    return None


def _spelled(call: Call, at: Statement) -> str:
    return "" if call.is_method else at.source(call.node.func)


def is_elementwise(op: Operation) -> bool:
    """Whether each element of the result depends on the same element of the operands alone."""
    return op.function not in ("cumsum", "cumprod")


def write_into(op: Operation, child: ast.expr, buffer: str, at: Statement, texts: dict[ast.expr, str]) -> str | None:
    """The statement that does `op` with the array `buffer` in place of operand `child`, the result going into it.

    `texts` replaces the text of other operands. None where NumPy has no name here.
    """
    others = [texts.get(each) or at.source(each) for each in op.operands if each is not child]
    if op.sign and (op.operands[0] is child or op.commutes):
        return f"{buffer} {op.sign}= {whole(others[0])}"
    numpy = module_name(at)
    function = op.spelled or (f"{numpy}.{op.function}" if numpy else "")
    if not function:
        return None
    given = ", ".join(buffer if each is child else texts.get(each) or _argument(at, each) for each in op.operands)
    return f"{function}({given}, out={buffer})"


def _argument(at: Statement, node: ast.expr) -> str:
    text = at.source(node)
    return f"({text})" if isinstance(node, ast.NamedExpr | ast.GeneratorExp) else text


def is_same_kind(one: Array | None, other: Array | None) -> bool:
    """Whether two are arrays of one shape and dtype."""
    return one is not None and other is not None and one.shape == other.shape and one.dtype == other.dtype
