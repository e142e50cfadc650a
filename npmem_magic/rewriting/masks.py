"""Writing to the places where a mask is true, without copying them out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .operations import Operation, is_same_kind, operation
from .patterns import Match, find
from .text import fill, module_name, whole
from .view import Statement

_BOUNDS = (
    ("where(_x < _l, _l, _x)", "maximum({x}, {l}"), ("where(_x <= _l, _l, _x)", "maximum({x}, {l}"),
    ("where(_x > _l, _x, _l)", "maximum({x}, {l}"), ("where(_x >= _l, _x, _l)", "maximum({x}, {l}"),
    ("where(_x > _h, _h, _x)", "minimum({x}, {h}"), ("where(_x >= _h, _h, _x)", "minimum({x}, {h}"),
    ("where(_x < _h, _x, _h)", "minimum({x}, {h}"), ("where(_x <= _h, _x, _h)", "minimum({x}, {h}"),
    ("where(_x > _h, _h, where(_x < _l, _l, _x))", "clip({x}, {l}, {h}"),
    ("where(_x < _l, _l, where(_x > _h, _h, _x))", "clip({x}, {l}, {h}"),
    ("nan_to_num(_x)", "nan_to_num({x}, copy=False"), ("nan_to_num(_x, nan=_v)", "nan_to_num({x}, copy=False, nan={v}"),
)  # fmt: skip


def written(statement: Statement, target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str | None, int]]:
    """New statement, the path written into (None: a new array), and the bytes saved."""
    path, result, numpy = ast.unparse(target), statement.array(value), module_name(statement)
    if numpy is None:
        return
    for pattern, call in _BOUNDS:
        for match in find(statement, pattern):
            array = match.array("_x")
            if match.node is value and array is not None and is_same_kind(array, result):
                text = fill(statement, f"{numpy}.{call}", _parts(match))
                if ast.unparse(match.parts["_x"]) == path:
                    out = "" if "copy=False" in call else f", out={statement.source(target)}"
                    yield f"{text}{out})", path, array.nbytes
                elif "copy=False" not in call:
                    yield f"{statement.source(target)} = {text})", None, array.size
    for match in find(statement, "where(_c, _v, _x)", "where(_c, _x, _v)"):
        for name, other, mask in (("_x", "_v", "{c}"), ("_v", "_x", "~({c})")):
            own = match.array(name)
            if match.node is not value or own is None or not is_same_kind(own, result):
                continue
            if ast.unparse(match.parts[name]) == path:
                condition = match.parts["_c"]
                if name == "_v" and isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Invert):
                    mask = whole(statement.source(condition.operand))
                for line in _stores(match, other, mask, numpy):
                    yield line, path, own.nbytes


def _parts(match: Match) -> dict[str, ast.expr | str]:
    return {name.lstrip("_"): node for name, node in match.parts.items()}


def _stores(match: Match, other: str, mask: str, numpy: str) -> Iterator[str]:
    """Ways to store the other value where the mask is true."""
    statement, value = match.statement, match.parts[other]
    own = "_x" if other == "_v" else "_v"
    parts = {**_parts(match), "own": match.parts[own], "new": value}
    if statement.array(value) is None:
        yield fill(statement, "{own}[" + mask + "] = {new}", parts)
    yield fill(statement, numpy + ".copyto({own}, {new}, where=" + mask + ")", parts)
    op = operation(value, statement)
    if isinstance(op, Operation) and ast.unparse(match.parts[own]) in map(ast.unparse, op.operands):
        given = ", ".join(map(statement.source, op.operands))
        yield fill(statement, f"{numpy}.{op.function}({given}, out={{own}}, where={mask})", parts)


def write(statement: Statement, target: ast.Subscript, value: ast.expr, numpy: str, lines: list[str]) -> bool:
    """Add the statements that put `value` into the places; False where it cannot be done without copying them."""
    name, mask = statement.source(target.value), statement.source(target.slice)
    if isinstance(value, ast.Subscript) and ast.dump(value.slice) == ast.dump(target.slice):
        if ast.unparse(value.value) == ast.unparse(target.value):
            return True
        lines.append(f"{numpy}.copyto({name}, {statement.source(value.value)}, where={mask})")
        return True
    op = operation(value, statement)
    if op is None or op.function in ("cumsum", "cumprod", "clip", "round", "around"):
        return False
    inner = [each for each in op.operands if _selects(each, target)]
    first = next((each for each in inner if not isinstance(each, ast.Subscript)), None)
    if first is None:
        first = next((each for each in inner if ast.unparse(each) == ast.unparse(target)), None)
    if inner and first is not None and not write(statement, target, first, numpy, lines):
        return False
    if lines and any(each is not first and ast.unparse(each) == ast.unparse(target) for each in inner):
        return False  # the places no longer hold what they did
    given = []
    for each in op.operands:
        if each is first and (lines or not isinstance(each, ast.Subscript)):
            given.append(name)
        elif isinstance(each, ast.Subscript) and each in inner:
            given.append(statement.source(each.value))
        elif _selects(each, target) or statement.array(each) is not None:
            return False
        else:
            given.append(whole(statement.source(each)))
    lines.append(f"{numpy}.{op.function}({', '.join(given)}, out={name}, where={mask})")
    return bool(inner)


def _selects(node: ast.expr, target: ast.Subscript) -> bool:
    """Whether an expression contains something selected by the same mask."""
    same = ast.dump(target.slice)
    return any(isinstance(each, ast.Subscript) and ast.dump(each.slice) == same for each in ast.walk(node))
