"""Indices that follow each other at equal steps, and the slice that selects the same."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence

from ..standins import Array, Known
from .calls import call_of
from .patterns import find
from .text import tight
from .view import CellView, Statement


def slice_of(statement: Statement, index: ast.expr) -> str | None:
    """The text between the brackets that selects what `index` does: ``0:n:2`` for ``np.arange(0, n, 2)``.

    None where `index` is not seen to be such a progression.
    """
    match index:
        case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=None, step=ast.UnaryOp() as step)):
            whole = slice_of(statement, inner)
            is_back = ast.unparse(step) == "-1" and whole is not None and whole.startswith(":")
            return "::-1" if is_back and whole == f":{_length(statement, inner)}" else None
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _moved(statement, left, right) or _moved(statement, right, left)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _spread(statement, left, right) or _spread(statement, right, left)
    call = call_of(index, statement)
    if call is not None and call.name in ("builtins.list", "array", "asarray") and len(call.arguments) == 1:
        return slice_of(statement, next(iter(call.arguments.values())))
    if call is not None and call.name in ("arange", "builtins.range") and isinstance(index, ast.Call) and index.args:
        parts = [statement.source(each) for each in index.args]
        known = [_number(statement, each) for each in index.args]
        if index.keywords or any(number is not None and number < 0 for number in known):
            return None
        return f":{parts[0]}" if len(parts) == 1 else ":".join("" if each == "0" else each for each in parts)
    if call is not None and call.name == "builtins.slice" and isinstance(index, ast.Call):
        return (
            ":".join(map(statement.source, index.args))
            if len(index.args) > 1
            else f":{statement.source(index.args[0])}"
        )
    value = statement.value(index)
    if isinstance(value, Known) and isinstance(value.value, range):
        value = Known([value.value[0], value.value[-1]]) if len(value.value) > 1 and value.value.step == 1 else value
    if isinstance(value, Known) and not value.is_example and isinstance(value.value, list | tuple):
        return of_numbers([each.value if isinstance(each, Known) else each for each in value.value])
    return None


def of_numbers(numbers: Sequence[object]) -> str | None:
    """The slice that selects these places: ``0:5:2`` for 0, 2, 4; None where the steps differ."""
    places = [each for each in numbers if isinstance(each, int) and not isinstance(each, bool)]
    if not places or len(places) != len(numbers):
        return None
    step = places[1] - places[0] if len(places) > 1 else 1
    if step == 0 or any(two - one != step for one, two in itertools.pairwise(places)):
        return None
    if min(places) < 0 <= max(places):
        return None
    end = places[-1] + (1 if step > 0 else -1)
    is_open = end == 0 if places[-1] < 0 else end < 0
    text = f"{places[0] or ''}:{'' if is_open else end}"
    return text if step == 1 else f"{text}:{step}"


def _number(statement: Statement, node: ast.expr) -> int | None:
    value = statement.value(node)
    is_number = isinstance(value, Known) and isinstance(value.value, int) and not value.is_example
    return int(value.value) if is_number else None  # type: ignore[union-attr]


def _length(statement: Statement, node: ast.expr) -> str:
    return statement.source(node.args[0]) if isinstance(node, ast.Call) and node.args else ""


def _moved(statement: Statement, indices: ast.expr, by: ast.expr) -> str | None:
    """``np.arange(n) + k``."""
    whole = slice_of(statement, indices) if isinstance(statement.value(indices), Array) else None
    if whole is None or whole.count(":") != 1 or not whole.startswith(":") or _number(statement, by) is None:
        return None
    start = tight(statement, by)
    return f"{start}:{start} + {whole[1:]}"


def _spread(statement: Statement, indices: ast.expr, by: ast.expr) -> str | None:
    """``np.arange(n) * k``."""
    whole = slice_of(statement, indices) if isinstance(statement.value(indices), Array) else None
    step = _number(statement, by)
    if whole is None or whole.count(":") != 1 or not whole.startswith(":") or step is None or step < 1:
        return None
    return f":({whole[1:]}) * {tight(statement, by)}:{statement.source(by)}"


def rest(statement: Statement, gone: ast.expr, length: int) -> Iterator[str]:
    """Slices that may be what is left: the proof tells which is."""
    match gone:
        case ast.Subscript(value=ast.Attribute(attr="s_"), slice=ast.Slice() as cut):
            gone = cut
    match gone:
        case ast.Slice(lower=None, upper=ast.expr() as upper, step=None):
            yield f"{statement.source(upper)}:"
            return
        case ast.Slice(lower=ast.expr() as lower, upper=None, step=None):
            yield f":{statement.source(lower)}"
            return
    value = statement.value(gone)
    known = value.value if isinstance(value, Known) and not value.is_example else None
    if isinstance(known, int) and not isinstance(known, bool):
        known = [known]
    if isinstance(known, list | tuple | range):
        items = [each.value if isinstance(each, Known) else each for each in known]
        places = sorted({each % length for each in items if isinstance(each, int)})
        front = next((at for at in range(len(places) + 1) if at >= len(places) or places[at] != at), 0)
        back = len(places) - front
        if places[front:] == list(range(length - back, length)) and back < length:
            yield f"{front or ''}:{-back or ''}"
        return
    text = slice_of(statement, gone)
    if text is not None:
        start, _, stop = text.partition(":")
        yield f"{stop}:" if start in ("", "0") else f":{start}"
    elif isinstance(gone, ast.BinOp):  # len(x) - 1
        yield ":-1"


def is_index(cell: CellView, node: ast.Name) -> bool:
    """Whether a name is read as an index, alone or among others."""
    parent = cell.parents.get(node)
    while isinstance(parent, ast.Tuple):
        parent = cell.parents.get(parent)
    return isinstance(parent, ast.Subscript) and isinstance(node.ctx, ast.Load)


def by_remainder(statement: Statement, mask: ast.expr) -> str | None:
    """The slice of a mask ``np.arange(n) % k == r``."""
    for match in find(statement, "arange(_n) % _k == _r"):
        if match.node is mask:
            return f"{statement.source(match.parts['_r'])}::{statement.source(match.parts['_k'])}"
    return None
