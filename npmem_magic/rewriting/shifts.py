"""Arrays shifted by ``np.roll``, and what a slice of an expression with them reads."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from ..standins import Known
from .calls import call_of
from .operations import operation
from .suggestion import CLOSE, Suggestion
from .view import Statement

Cut = tuple[int, int]  # elements left out at the start and at the end


def shift_of(statement: Statement, node: ast.expr) -> tuple[ast.expr, int, int] | None:
    """(array, places, axis) of a ``np.roll`` by a known number along one axis."""
    call = call_of(node, statement)
    if call is None or call.name != "roll" or not call.has_only("a", "shift", "axis") or len(call.arguments) < 2:
        return None
    array = statement.array(call.arguments["a"])
    given = [statement.value(call.arguments[each]) for each in ("shift", "axis") if each in call.arguments]
    known = [each.value for each in given if isinstance(each, Known) and isinstance(each.value, int)]
    if array is None or len(known) != len(given) or (len(known) == 1 and len(array.shape) > 1):
        return None
    return call.arguments["a"], known[0], known[1] % len(array.shape) if len(known) > 1 else 0


def cut(statement: Statement, tree: ast.expr, key: ast.expr) -> ast.expr | None:
    """``tree[key]`` with the slices put on each array in it; None where no array in it is shifted."""
    whole = statement.array(tree)
    shape = whole.shape if whole is not None else ()
    cuts = [_ends(each) for each in (key.elts if isinstance(key, ast.Tuple) else [key])]
    known = [each for each in cuts if each is not None]
    if not any(shift_of(statement, each) for each in ast.walk(tree) if isinstance(each, ast.expr)):
        return None
    if len(known) != len(cuts) or whole is None or len(cuts) > len(shape):
        return None
    return _pushed(statement, tree, [*known, *([(0, 0)] * (len(shape) - len(known)))], shape)


def _ends(node: ast.expr) -> Cut | None:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=None):
            first = 0 if lower is None else ast.literal_eval(lower) if _is_number(lower) else -1
            last = 0 if upper is None else -ast.literal_eval(upper) if _is_number(upper) else -1
            return (first, last) if first >= 0 and last >= 0 and (upper is None or last > 0) else None
    return None


def _is_number(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int)


def _pushed(statement: Statement, node: ast.expr, cuts: list[Cut], shape: tuple[int, ...]) -> ast.expr | None:
    array, shift = statement.array(node), shift_of(statement, node)
    if array is None:
        return node
    if array.shape != shape:
        return None
    if shift is not None:
        source, places, axis = shift
        first, last = cuts[axis]
        if first - places < 0 or last + places < 0:
            return None  # it would reach over the end
        moved = [*cuts[:axis], (first - places, last + places), *cuts[axis + 1 :]]
        return _pushed(statement, source, moved, shape)
    op = operation(node, statement)
    if op is None or op.function in ("cumsum", "cumprod"):
        slices = ", ".join(f"{first or ''}:{-last or ''}" for first, last in cuts)
        return ast.parse(f"({ast.unparse(node)})[{slices}]", mode="eval").body
    new = {each: _pushed(statement, each, cuts, shape) for each in op.operands}
    if any(each is None for each in new.values()):
        return None
    made = copy.copy(node)
    for field, value in ast.iter_fields(made):
        if isinstance(value, ast.expr) and value in new:
            setattr(made, field, new[value])
        elif isinstance(value, list):
            setattr(made, field, [new.get(each, each) for each in value])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.value in new:
        made.func = ast.Attribute(new[node.func.value], node.func.attr, ast.Load())  # type: ignore[attr-defined, arg-type]
    return made


def one_by_one(statement: Statement, node: ast.expr, new: ast.expr, why: str) -> Iterator[Suggestion]:
    """A sum of slices, begun with what has to be computed, so that the slices are added to it."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is node:
            terms = list(signed_terms(new, 1))
            begun = [(sign, each) for sign, each in terms if not isinstance(each, ast.Subscript)]
            if len(terms) > 1 and len(begun) == 1:
                lines = [f"{name} = {'' if begun[0][0] > 0 else '-'}{ast.unparse(begun[0][1])}"]
                lines += [f"{name} {'+' if sign > 0 else '-'}= {ast.unparse(each)}" for sign, each in terms
                          if each is not begun[0][1]]  # fmt: skip
                yield Suggestion(statement, statement, tuple(lines), why, CLOSE, effort=1)


def factor(statement: Statement, value: ast.expr) -> tuple[ast.expr, str]:
    """(a sum, how it is scaled afterwards): ``k * (a + b)`` and ``(a + b) / k``."""
    match value:
        case ast.BinOp(left=number, op=ast.Mult(), right=ast.BinOp() as inner) if statement.array(number) is None:
            return inner, f"*= {statement.source(number)}"
        case ast.BinOp(left=ast.BinOp() as inner, op=(ast.Mult() | ast.Div()) as op, right=number):
            if statement.array(number) is None:
                return inner, f"{'*' if isinstance(op, ast.Mult) else '/'}= {statement.source(number)}"
    return value, ""


def signed_terms(node: ast.expr, sign: int) -> Iterator[tuple[int, ast.expr]]:
    """The terms of a sum, each with its sign."""
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield from signed_terms(left, sign)
            yield from signed_terms(right, sign if isinstance(op, ast.Add) else -sign)
        case _:
            yield sign, node


def operand(statement: Statement, node: ast.expr) -> str:
    """The text of a term of a sum."""
    text = statement.source(node)
    return text if isinstance(node, ast.Name | ast.Constant | ast.Call | ast.BinOp) else f"({text})"


def added(name: str, sign: str, source: str, places: int, before: str) -> Iterator[str]:
    """The statements that add a shifted array by its slices."""
    k = abs(places)
    front, back, first, last = f"{before}{k}:", f"{before}:-{k}", f"{before}:{k}", f"{before}-{k}:"
    pairs = ((front, back), (first, last)) if places > 0 else ((back, front), (last, first))
    for to, start in pairs:
        yield f"{name}[{to}] {sign}= {source}[{start}]"


def moved(statement: Statement, name: str, value: ast.expr) -> str | None:
    """The statement that rolls an array of one dimension within itself; None where `value` is no such roll of it."""
    shift, array = shift_of(statement, value), statement.array(value)
    if shift is None or ast.unparse(shift[0]) != name or array is None or shift[2] != 0 or len(array.shape) != 1:
        return None
    k = abs(shift[1])
    front, back, first, last = f"{name}[{k}:]", f"{name}[:-{k}]", f"{name}[:{k}]", f"{name}[-{k}:]"
    if not 0 < k < array.size:
        return None
    return f"{front}, {first} = {back}, {last}.copy()" if shift[1] > 0 else f"{back}, {last} = {front}, {first}.copy()"
