"""Windows of an array: where their products are added up, and where they are stacked from slices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .calls import call_of
from .patterns import Match
from .sharing import may_share
from .suggestion import ASK, CLOSE, Suggestion
from .text import fill, module_name, splice, tight
from .view import Statement

_STACKS = frozenset({"array", "stack", "vstack", "asarray", "column_stack"})


def used_windows(match: Match, why: str) -> Iterator[Suggestion]:
    """A product with weights that is added up at once; a copy."""
    statement, view = match.statement, match.node
    parents = statement.cell.parents
    product = parents.get(view)
    copy = parents.get(product) if isinstance(product, ast.Attribute) and product.attr == "copy" else None
    if isinstance(copy, ast.Call) and not copy.args and may_share(statement, copy, match.parts["_x"]):
        line = splice(statement, [(copy, statement.source(view))])
        yield Suggestion(statement, statement, (line,), why, ASK, read_only(statement))
    method = parents.get(product) if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult) else None
    call = parents.get(method) if isinstance(method, ast.Attribute) and method.attr in ("sum", "mean") else method
    if not isinstance(call, ast.Call) or not isinstance(product, ast.BinOp):
        return
    given = [ast.unparse(each) for each in (*call.args, *(each.value for each in call.keywords))][-1:]
    weights = product.left if product.right is view else product.right
    array = statement.array(weights)
    if given in (["1"], ["-1"]) and array is not None and len(array.shape) == 1:
        text = f"{statement.source(view)} @ {tight(statement, weights)}"
        is_mean = ast.unparse(call.func).endswith("mean")
        line = splice(statement, [(call, f"{text} / {tight(statement, match.parts['_n'])}" if is_mean else text)])
        yield Suggestion(statement, statement, (line,), why, CLOSE)


def read_only(statement: Statement) -> str:
    """What the user has to know of windows that take the place of an array."""
    match statement.node:
        case ast.Assign(targets=[target]):
            return f"`{statement.source(target)}` can then only be read, or is a view where it was an array of its own"
    return "the windows are a view, which can only be read"


def stacked(statement: Statement, node: ast.Call) -> str | None:
    """``np.array([x[i : i + w] for i in range(n)])`` and its like as a view."""
    call = call_of(node, statement)
    if call is None or call.name not in _STACKS or len(call.arguments) > 2:
        return None
    numpy, axis = module_name(statement), call.arguments.get("axis")
    match node.args[0]:
        case ast.ListComp(
            elt=ast.Subscript(value=source, slice=ast.Slice(lower=low, upper=high, step=None)),
            generators=[ast.comprehension(target=ast.Name(id=name), ifs=[], iter=ast.Call(
                func=ast.Name(id="range"), args=[number]))],
        ) if numpy is not None and statement.array(source) is not None:  # fmt: skip
            parts = {"x": source, "n": number}
            is_turned = call.name == "column_stack" or (axis is not None and ast.unparse(axis) in ("1", "-1"))
            if not isinstance(high, ast.BinOp) or not isinstance(high.op, ast.Add) or ast.unparse(low or high) != name:
                return None
            width = high.right if ast.unparse(high.left) == name else high.left
            if width is high.left and isinstance(width, ast.BinOp):  # x[i : n - w + i] for i in range(w)
                is_turned, windows = not is_turned, "{x}, {n})"
            else:
                windows = "{x}, {w})[:{n}]"
            made = fill(statement, windows, {**parts, "w": width})
            return f"{numpy}.lib.stride_tricks.sliding_window_view({made}{'.T' if is_turned else ''}"
    return None
