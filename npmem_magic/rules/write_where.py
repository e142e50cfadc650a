"""Write into the places that a mask marks, instead of making a new array.

Why
---
``x = np.where(mask, value, x)`` makes a second array of the size of `x`. ``x[mask] = value`` writes into the first one
and needs the mask alone. ``x[mask] = x[mask] * 2`` copies what the mask selects twice; ``np.multiply(x, 2, out=x,
where=mask)`` copies nothing.

Given
-----
    x = np.linspace(-1, 1, 1_000_000)

Instead of
----------
    x = np.where(x > 0.5, 0, x)

Write
-----
    x[x > 0.5] = 0

Keeps
-----
same bits
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..rewriting.facts import path_of
from ..rewriting.operations import Operation, is_same_kind, operation
from ..rewriting.patterns import Match, find
from ..rewriting.sharing import overwritten
from ..rewriting.suggestion import Suggestion, Tempting
from ..rewriting.text import fill, module_name, whole
from ..rewriting.view import CellView, Statement

WHY = "A whole new array was made to change some places of this one; now only these are written."
_BOUNDS = (
    ("where(_x < _l, _l, _x)", "maximum({x}, {l}"), ("where(_x <= _l, _l, _x)", "maximum({x}, {l}"),
    ("where(_x > _l, _x, _l)", "maximum({x}, {l}"), ("where(_x >= _l, _x, _l)", "maximum({x}, {l}"),
    ("where(_x > _h, _h, _x)", "minimum({x}, {h}"), ("where(_x >= _h, _h, _x)", "minimum({x}, {h}"),
    ("where(_x < _h, _x, _h)", "minimum({x}, {h}"), ("where(_x <= _h, _x, _h)", "minimum({x}, {h}"),
    ("where(_x > _h, _h, where(_x < _l, _l, _x))", "clip({x}, {l}, {h}"),
    ("where(_x < _l, _l, where(_x > _h, _h, _x))", "clip({x}, {l}, {h}"),
    ("nan_to_num(_x)", "nan_to_num({x}, copy=False"), ("nan_to_num(_x, nan=_v)", "nan_to_num({x}, copy=False, nan={v}"),
)  # fmt: skip


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """``x = np.where(c, v, x)`` in all its forms."""
    for statement in cell.statements:
        match statement.node:
            case ast.Assign(targets=[target], value=value) if path_of(target) is not None:
                for line, path, nbytes in _written(statement, target, value):
                    overwrites = () if path is None else overwritten(statement, path)
                    if overwrites is not None:
                        yield Suggestion(statement, statement, (line,), WHY, overwrites=overwrites, saving=nbytes)


def _written(statement: Statement, target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str | None, int]]:
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


def warn(cell: CellView) -> Iterator[Tempting]:
    """Where the new values would be cut to the dtype of the array."""
    for statement in cell.statements:
        for match in find(statement, "where(_c, _v, _x)"):
            own, result = match.array("_x"), statement.array(match.node)
            if own is not None and result is not None and own.dtype != result.dtype and statement.peak >= 1 << 20:
                why = f"Stored by a mask the values would silently become {own.dtype}; `np.where` gives {result.dtype}."
                yield Tempting("write-where", statement.node.lineno, statement.source(match.node), why)
