"""Why an expression grew, in one sentence, and how to write it so that it does not."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..standins import Array, Known, Value
from .growth import Case, is_sum, width

_WITH_DTYPE = frozenset(
    {"mean", "std", "var", "sum", "prod", "cumsum", "cumprod", "nanmean", "nansum", "nanstd", "nanvar"}
)
_DEFAULTS = frozenset({"zeros", "ones", "empty", "full", "eye", "identity", "linspace", "arange", "tri"})
_DRAWN = frozenset({"random", "standard_normal", "standard_exponential"})  # these take dtype=; the others do not
_UFUNC = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
          ast.Mod: "remainder", ast.FloorDiv: "floor_divide"}  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """`culprit` is the operand that made it grow (None where the operation itself did), `edits` trees to replace."""

    sentence: str
    culprit: ast.expr | None = None
    edits: tuple[tuple[ast.expr, str], ...] = ()


def reason_of(case: Case, source: Callable[[ast.expr], str], origin: Callable[[ast.expr], str]) -> Reason:
    """Why the case grew. `source` gives a tree's text; `origin` says where a name was made by default, if so."""
    for look in (_wider_array, _strong_scalar, _list, _integers_with_floats, _integers_alone):
        found = look(case, source, origin)
        if found is not None:
            return found
    operands = " and ".join(dict.fromkeys(str(value.dtype) for _, value in case.operands if isinstance(value, Array)))
    return Reason(f"np.{case.name} gives {case.result.dtype} for {operands}.")


Source = Callable[[ast.expr], str]


def _same_class(case: Case, array: Array) -> bool:
    floats = "fc"
    return (array.dtype.kind in floats) == (case.main.dtype.kind in floats) and array.dtype.kind != "b"


def _wider_array(case: Case, source: Source, origin: Source) -> Reason | None:
    """float64 with float32, int64 with int32."""
    for node, value in case.others:
        if not isinstance(value, Array) or not value.shape or not _same_class(case, value):
            continue
        if width(value.dtype) <= width(case.main.dtype):
            continue
        wanted = f"np.{case.wanted}"
        rule = f"A {value.dtype} array with a {case.main.dtype} array gives {case.result.dtype}"
        made = _default_call(node)
        if made:
            keyword = f"{source(node)[:-1]}, dtype={wanted})"
            return Reason(f"{rule}, and np.{made} makes {value.dtype} unless told otherwise.", node, ((node, keyword),))
        where = origin(node)
        cast = ((node, f"{_operand(node, source)}.astype({wanted})"),)
        return Reason(f"{rule}{f'; {where}' if where else ''}.", node, cast)
    return None


def _default_call(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr=name), keywords=keywords) if name in _DEFAULTS | _DRAWN:
            return "" if any(each.arg == "dtype" for each in keywords) else name
    return ""


def default_maker(node: ast.expr) -> str:
    """The name of the function of NumPy that makes an array of its default dtype here; empty for anything else."""
    return _default_call(node)


def _strong_scalar(case: Case, source: Source, origin: Source) -> Reason | None:
    for node, value in case.others:
        dtype, what = None, "scalar"
        if isinstance(value, Known) and isinstance(value.value, np.generic):
            dtype = value.value.dtype
        elif isinstance(value, Array) and (value.is_scalar or not value.shape):
            dtype, what = value.dtype, "scalar" if value.is_scalar else "array without dimensions"
        if dtype is None or dtype.kind not in "iufc":
            continue
        if width(dtype) <= width(case.main.dtype) and not (dtype.kind in "iu" and case.main.dtype.kind in "fc"):
            continue
        plain = {"c": "complex", "f": "float"}.get(dtype.kind, "int")
        sentence = (
            f"Since NumPy 2 a {dtype} {what} decides the dtype as an array does (NEP 50); "
            f"Python's own {plain} does not."
        )
        return Reason(sentence, node, ((node, f"{plain}({source(node)})"),))
    return None


def _list(case: Case, source: Source, origin: Source) -> Reason | None:
    for node, value in case.others:
        if isinstance(value, Known) and type(value.value) in (list, tuple):
            made = np.asarray(value.value).dtype
            sentence = f"A Python {type(value.value).__name__} becomes an array of {made} first."
            return Reason(sentence, node, ((node, f"np.asarray({source(node)}, np.{case.wanted})"),))
    return None


def _integers_with_floats(case: Case, source: Source, origin: Source) -> Reason | None:
    """int32 with float32."""
    if case.main.dtype.kind not in "fc":
        return None
    for node, value in case.others:
        if isinstance(value, Array) and value.shape and value.dtype.kind in "iu":
            sentence = (
                f"{value.dtype} with {case.main.dtype} gives {case.result.dtype}, the first float that holds every "
                f"{value.dtype}; {case.main.dtype} holds whole numbers exactly up to "
                f"{2 ** (np.finfo(case.main.dtype).nmant + 1):,}."
            )
            return Reason(sentence, node, ((node, f"{_operand(node, source)}.astype(np.{case.main.dtype})"),))
    return None


def _integers_alone(case: Case, source: Source, origin: Source) -> Reason | None:
    """Integers that became floats, or wider integers."""
    if case.main.dtype.kind not in "iu":
        return None
    whole = case.node
    if isinstance(whole, ast.BinOp):
        return _integer_operation(case, whole, source)
    if is_sum(case.name):
        sentence = f"np.{case.name} of {case.main.dtype} adds up in {case.result.dtype}, so that it does not overflow."
        return Reason(sentence, None, _with_dtype(whole, source, f"np.{case.main.dtype}"))
    if case.result.dtype.kind == "f":
        verb = "works in" if case.name in ("mean", "std", "var", "median", "average") else "gives"
        sentence = f"np.{case.name} of integers ({case.main.dtype}) {verb} {case.result.dtype}."
        takes = case.name in _WITH_DTYPE or isinstance(getattr(np, case.name, None), np.ufunc)
        return Reason(sentence, None, _with_dtype(whole, source, f"np.{case.wanted}") if takes else ())
    return None


def _integer_operation(case: Case, node: ast.BinOp, source: Source) -> Reason:
    name = _UFUNC.get(type(node.op), "")
    call = f"np.{name}({source(node.left)}, {source(node.right)}, dtype=np.{case.wanted})"
    edits = ((case.node, call),) if name else ()
    if isinstance(node.op, ast.Div):
        sentence = f"/ of integers gives {case.result.dtype}; // stays with {case.main.dtype}."
        return Reason(sentence, None, edits)
    number = next((_number(value) for _, value in case.others if _number(value)), "")
    if case.result.dtype.kind in "fc" and number:
        return Reason(f"Integers ({case.main.dtype}) with a Python {number} give {case.result.dtype}.", None, edits)
    return Reason(f"{case.main.dtype} gives {case.result.dtype} here.", None, edits)


def _number(value: Value) -> str:
    if isinstance(value, Known) and type(value.value) in (int, float, complex):
        return type(value.value).__name__
    return ""


def _with_dtype(node: ast.expr, source: Source, dtype: str) -> tuple[tuple[ast.expr, str], ...]:
    text = source(node)
    if not isinstance(node, ast.Call) or not text.endswith(")"):
        return ()
    comma = "" if text.rstrip(")").endswith("(") else ", "
    return ((node, f"{text[:-1]}{comma}dtype={dtype})"),)


def _operand(node: ast.expr, source: Source) -> str:
    """A tree's text, in brackets where a method call would else bind to its last part only."""
    simple = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
    return source(node) if isinstance(node, simple) else f"({source(node)})"
