"""Operands stretched by broadcasting: ``a[:, None]`` is `a` along the first axis and nothing along the second."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .calls import call_of
from .view import Statement

Axes = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Stretched:
    """An operand as its array `base` laid along axes: for each axis of the result the axis of `base`, or None."""

    base: ast.expr
    axes: Axes


def stretched(node: ast.expr, statement: Statement, ndim: int) -> Stretched | None:
    """How an operand lies in a result of `ndim` axes; None where it is no array, or indexed in another way."""
    array = statement.array(node)
    if array is None or len(array.shape) > ndim:
        return None
    front = (None,) * (ndim - len(array.shape))
    base, axes = _axes(node, statement) or (node, tuple(range(len(array.shape))))
    whole = statement.array(base)
    if whole is None:
        return None
    # An axis of one element is stretched just as None is, but a base that has one is left as it is.
    return Stretched(base, front + axes)


def _axes(node: ast.expr, statement: Statement) -> tuple[ast.expr, Axes] | None:
    match node:
        case ast.Subscript(value=base, slice=key):
            return _indexed(base, key.elts if isinstance(key, ast.Tuple) else [key], statement)
        case ast.Call(func=ast.Attribute(value=base, attr="reshape"), args=args):
            whole, made = statement.array(base), statement.array(node)
            if args and whole is not None and made is not None and len(whole.shape) == 1:
                if made.shape == (whole.size, 1):
                    return base, (0, None)
                if made.shape == (1, whole.size):
                    return base, (None, 0)
        case ast.Call():
            return _expanded(node, statement)
    return None


def _indexed(base: ast.expr, parts: list[ast.expr], statement: Statement) -> tuple[ast.expr, Axes] | None:
    whole = statement.array(base)
    if whole is None:
        return None
    axes: list[int | None] = []
    count = 0
    kept = sum(1 for part in parts if isinstance(part, ast.Slice))
    for part in parts:
        if is_new_axis(part):
            axes.append(None)
        elif isinstance(part, ast.Slice) and part.lower is part.upper is part.step is None:
            axes.append(count)
            count += 1
        elif isinstance(part, ast.Constant) and part.value is Ellipsis:
            more = len(whole.shape) - kept
            axes += range(count, count + more)
            count += more
        else:
            return None
    axes += range(count, len(whole.shape))
    return base, tuple(axes)


def is_new_axis(node: ast.expr) -> bool:
    """Whether an index is ``None`` or ``np.newaxis``."""
    return (isinstance(node, ast.Constant) and node.value is None) or (
        isinstance(node, ast.Attribute) and node.attr == "newaxis"
    )


def _expanded(node: ast.Call, statement: Statement) -> tuple[ast.expr, Axes] | None:
    call = call_of(node, statement)
    if call is None or call.name != "expand_dims" or not call.has_only("a", "axis"):
        return None
    base, axis = call.arguments["a"], call.arguments.get("axis")
    whole = statement.array(base)
    if whole is None or not isinstance(axis, ast.Constant | ast.UnaryOp):
        return None
    place = ast.literal_eval(axis)
    axes: list[int | None] = list(range(len(whole.shape)))
    if not isinstance(place, int):
        return None
    axes.insert(place if place >= 0 else len(axes) + 1 + place, None)
    return base, tuple(axes)
