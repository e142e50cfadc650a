"""What one expression made wider than the arrays it was given."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..standins import Array, Known, Value

# Their answer is an index or a count, whose dtype is not that of the values.
_INDEX = frozenset({
    "argsort", "argpartition", "argmin", "argmax", "nanargmin", "nanargmax", "searchsorted", "nonzero", "digitize",
    "count_nonzero", "flatnonzero", "argwhere", "lexsort", "unique", "bincount", "histogram", "shape", "arange",
})  # fmt: skip
_SUMS = frozenset({"sum", "prod", "cumsum", "cumprod", "nansum", "nanprod", "trace"})


@dataclass(frozen=True)
class Operand:
    """An array, scalar or list that an expression reads: its source and its dtype in words."""

    source: str
    dtype: str


@dataclass(frozen=True)
class Growth:
    """An expression whose result takes more bytes per element than the arrays it was made of.

    `line`, `col`, `end_line`, `end_col` are its place (columns as in `ast`); `wanted` is the dtype that its main
    operand would have kept, `extra` the bytes that one evaluation takes beyond that; `rule` says in a sentence why, and
    `after` is the expression written so that it does not grow (empty where there is no such rewrite that holds).
    """

    function: str
    line: int
    col: int
    end_line: int
    end_col: int
    source: str
    operands: tuple[Operand, ...]
    result: np.dtype[Any]
    shape: tuple[int, ...]
    wanted: np.dtype[Any]
    extra: int
    rule: str
    after: str = ""


@dataclass(frozen=True)
class Case:
    """An expression with the values of its operands: what a rule looks at.

    `main` is the operand whose dtype was to be kept; `others` are the rest, each with its tree.
    """

    node: ast.expr
    result: Array
    main: Array
    main_node: ast.expr
    operands: tuple[tuple[ast.expr, Value], ...]
    name: str

    @property
    def others(self) -> tuple[tuple[ast.expr, Value], ...]:
        """All operands but the main one."""
        return tuple(pair for pair in self.operands if pair[0] is not self.main_node)

    @property
    def wanted(self) -> np.dtype[Any]:
        """The dtype that would not have grown: the main operand's, or float32 where integers became float64."""
        if self.main.dtype.kind in "iub" and self.result.dtype.kind == "f":
            return np.dtype(np.float32)
        if self.main.dtype.kind == "f" and self.result.dtype.kind == "c":
            return np.dtype(np.complex64)
        return self.main.dtype


def width(dtype: np.dtype[Any]) -> int:
    """Bytes of one number: half of a complex one's."""
    return dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize


def case_of(node: ast.expr, parts: dict[ast.expr, Value]) -> Case | None:
    """The expression as a case, where it took more bytes per element than its main operand; else None."""
    result = parts.get(node)
    if not isinstance(result, Array) or not result.shape or result.dtype.kind not in "iufc" or not result.nbytes:
        return None
    name, nodes = _operands(node)
    if name in _INDEX or not nodes or _is_chosen(node, name):
        return None
    operands = tuple((each, parts[each]) for each in nodes if each in parts)
    main = _main(result, operands)
    if main is None or width(result.dtype) <= width(main[1].dtype):
        return None
    return Case(node, result, main[1], main[0], operands, name)


def _operands(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """(the operation in a word, the trees of what it is applied to)."""
    match node:
        case ast.BinOp(left=left, right=right, op=op):
            return type(op).__name__, [left, right]
        case ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr=name), args=args) if owner.id in (
            "np",
            "numpy",
        ):
            return name, _unpacked(args)
        case ast.Call(func=ast.Attribute(value=receiver, attr=name), args=args):
            return name, _unpacked([receiver, *args])
        case ast.Call(func=ast.Name(id=name), args=args):
            return name, _unpacked(args)
    return "", []


def _unpacked(args: list[ast.expr]) -> list[ast.expr]:
    """Arguments, those of a list of arrays one by one (``np.concatenate([a, b])``)."""
    found: list[ast.expr] = []
    for each in args:
        is_of_arrays = isinstance(each, (ast.List, ast.Tuple)) and not all(
            isinstance(item, (ast.Constant, ast.UnaryOp)) for item in each.elts
        )
        found += each.elts if is_of_arrays and isinstance(each, (ast.List, ast.Tuple)) else [each]
    return found


def _is_chosen(node: ast.expr, name: str) -> bool:
    """Whether the user has named the dtype: ``dtype=``, ``astype``, ``np.float64(x)``; or `out`."""
    if name in ("astype", "view", "asarray", "array", "full", "full_like") or hasattr(np.dtypes, f"{name}_"):
        return True
    is_type = isinstance(getattr(np, name, None), type)
    return is_type or (isinstance(node, ast.Call) and any(each.arg in ("dtype", "out") for each in node.keywords))


def _main(result: Array, operands: tuple[tuple[ast.expr, Value], ...]) -> tuple[ast.expr, Array] | None:
    """The operand whose width was to be kept: of the largest arrays the narrowest, floats before integers."""
    arrays = [(node, each) for node, each in operands if isinstance(each, Array) and each.shape and not each.is_scalar]
    for kinds in ("fc", "iu") if result.dtype.kind in "fc" else ("iu",):
        fitting = [(node, each) for node, each in arrays if each.dtype.kind in kinds]
        largest = max((each.size for _, each in fitting), default=0)
        whole = [pair for pair in fitting if 2 * pair[1].size >= largest]
        if whole:
            return min(whole, key=lambda pair: width(pair[1].dtype))
    return None


def words(value: Value) -> str:
    """What an operand is, in a word or two."""
    if isinstance(value, Array):
        return (
            f"{value.dtype} scalar"
            if value.is_scalar
            else f"{value.dtype}, 0-d"
            if not value.shape
            else str(value.dtype)
        )
    if isinstance(value, Known):
        inner = value.value
        if isinstance(inner, np.generic):
            return f"{inner.dtype} scalar"
        return f"Python {type(inner).__name__}"
    return "?"


def is_sum(name: str) -> bool:
    """Whether a function adds up, in 64 bits for small integers."""
    return name in _SUMS
