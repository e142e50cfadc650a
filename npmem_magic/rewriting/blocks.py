"""Element-wise expressions as one formula of plain names: what numexpr evaluates."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ..standins import Array, Known
from ..standins.values import words
from .calls import call_of
from .operations import operation
from .text import new_name
from .view import Statement

_SAME_NAME = words(
    "sqrt sin cos tan sinh cosh tanh exp expm1 log log10 log1p arctan2 ceil floor arcsin arccos arctan arcsinh arccosh "
    "arctanh where conj real imag maximum minimum isnan isfinite"
)
_FUNCTIONS = {**{name: name for name in _SAME_NAME}, "absolute": "abs"}
_OPERATORS: dict[str, ast.operator] = {
    "add": ast.Add(), "subtract": ast.Sub(), "multiply": ast.Mult(), "divide": ast.Div(), "power": ast.Pow(),
    "remainder": ast.Mod(), "bitwise_and": ast.BitAnd(), "bitwise_or": ast.BitOr(), "bitwise_xor": ast.BitXor(),
    "logical_and": ast.BitAnd(), "logical_or": ast.BitOr(),
}  # fmt: skip
_COMPARISONS: dict[str, ast.cmpop] = {
    "less": ast.Lt(), "less_equal": ast.LtE(), "greater": ast.Gt(), "greater_equal": ast.GtE(), "equal": ast.Eq(),
    "not_equal": ast.NotEq(),
}  # fmt: skip
_RESERVED = frozenset(_FUNCTIONS.values()) | {"sum", "prod", "min", "max", "round", "sign", "contains", "ones_like"}


@dataclass
class Formula:
    """An expression over plain names: its text, its array operands, and the names to be made first, with their text.

    `arrays` counts the element-wise operations on arrays.
    """

    text: str = ""
    operands: list[ast.expr] = field(default_factory=list)
    hoisted: dict[str, str] = field(default_factory=dict)
    arrays: int = 0


class _NoFormula(Exception):
    pass


def largest(statement: Statement) -> Iterator[ast.expr]:
    """The largest element-wise expressions of a statement, ``where`` with three arguments among them."""
    inside: set[ast.expr] = set()
    for node in statement.walk():
        parts = _parts(node, statement)
        if parts is not None and statement.array(node) is not None:
            if node not in inside:
                yield node
            inside.update(parts)


def _parts(node: ast.expr, statement: Statement) -> tuple[ast.expr, ...] | None:
    """The operands of an element-wise operation, else None."""
    op = operation(node, statement)
    if op is not None:
        return op.operands
    call = call_of(node, statement)
    if call is not None and call.name == "where" and len(call.arguments) == 3:
        return tuple(call.arguments.values())
    return None


def formula_of(statement: Statement, root: ast.expr, dtypes: Collection[str]) -> Formula | None:
    """`root` as a formula for numexpr, where all its arrays are of one of `dtypes`; else None."""
    formula = Formula()
    try:
        tree = _Maker(statement, formula, dtypes).of(root)
    except _NoFormula:
        return None
    formula.text = ast.unparse(ast.fix_missing_locations(ast.Expression(tree)))
    return formula


class _Maker:
    def __init__(self, statement: Statement, formula: Formula, dtypes: Collection[str]) -> None:
        self._at, self._formula, self._dtypes = statement, formula, dtypes
        self._names: dict[str, str] = {}

    def of(self, node: ast.expr) -> ast.expr:
        array = self._at.array(node)
        if array is not None and array.dtype.name not in self._dtypes:
            raise _NoFormula
        op = operation(node, self._at)
        if array is None or (op is None and _parts(node, self._at) is None):
            return self._leaf(node, array)
        self._formula.arrays += 1
        if isinstance(node, ast.UnaryOp):
            return ast.UnaryOp(node.op, self.of(node.operand))
        parts = [self.of(each) for each in _parts(node, self._at) or ()]
        return self._join(op.function if op is not None else "where", parts, array)

    def _join(self, function: str, parts: list[ast.expr], array: Array) -> ast.expr:
        if function in _OPERATORS:
            return ast.BinOp(parts[0], _OPERATORS[function], parts[1])
        if function in _COMPARISONS:
            return ast.Compare(parts[0], [_COMPARISONS[function]], [parts[1]])
        if function == "square":
            return ast.BinOp(parts[0], ast.Pow(), ast.Constant(2))
        if function == "logical_not":
            return ast.UnaryOp(ast.Invert(), parts[0])
        if function == "negative":
            return ast.UnaryOp(ast.USub(), parts[0])
        if function not in _FUNCTIONS or array.dtype.kind == "c":
            raise _NoFormula
        return ast.Call(ast.Name(_FUNCTIONS[function], ast.Load()), parts, [])

    def _leaf(self, node: ast.expr, array: Array | None) -> ast.expr:
        value = self._at.value(node)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return node
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
            return node
        is_scalar = isinstance(value, Known) or (isinstance(value, Array) and not value.shape)
        if array is None and not is_scalar:
            raise _NoFormula
        if array is not None:
            self._formula.operands.append(node)
        if isinstance(node, ast.Name) and node.id not in _RESERVED:
            return ast.Name(node.id, ast.Load())
        return ast.Name(self._hoisted(node), ast.Load())

    def _hoisted(self, node: ast.expr) -> str:
        text = self._at.source(node)
        if text not in self._names:
            name = new_name(self._at, "part", self._formula.hoisted)
            self._names[text] = name
            self._formula.hoisted[name] = f"({text})" if "\n" in text else text
        return self._names[text]
