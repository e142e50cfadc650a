"""Casts to integers that lost values: compared on the arrays themselves, as far as they still are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.fits import CHUNK, Budget, chunks
from ..buffers import address_of, owner_of
from ..record.facts import Noted, stands_for
from ..standins import Array, Known, work_out
from ..syntax import Text

_ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.Name, ast.Constant, ast.operator, ast.unaryop, ast.expr_context)


@dataclass(frozen=True)
class LostCast:
    """`count` values that a cast on `line` changed, the largest by `largest`."""

    line: int
    source: str
    count: int
    sentence: str


def lost_casts(notes: Sequence[Noted], text: Callable[[str], Text], namespace: Mapping[str, object]) -> list[LostCast]:
    """Every ``x.astype(int)`` and ``(x / 2 - y).astype(int)`` of the cell that lost values, where what it was made of
    is still there and was not written into."""
    found, budget = [], Budget(1 << 28)
    written = {name for noted in notes for name in noted.writes}
    for noted in notes:
        if noted.function != "<module>":
            continue
        names = {
            path: value for path in noted.before if (value := _as_it_was(path, noted, written, namespace)) is not None
        }
        for node, operand in _casts(noted, text):
            result = work_out(node, lambda name: stands_for(noted.before, name)).value  # noqa: B023  called at once
            if not isinstance(result, Array) or result.dtype.kind not in "iu":
                continue
            lost = _compare(_pieces(operand, names, budget), np.iinfo(result.dtype))
            if lost is not None:
                source = ast.unparse(node)
                found.append(LostCast(node.lineno, source, lost[0], f"cast to {result.dtype}: {lost[1]}"))
    return found


def _as_it_was(path: str, noted: Noted, written: set[str], namespace: Mapping[str, object]) -> object:
    """The number that a name stood for, or its array where that is still there; None for all else."""
    fact, array = noted.before[path], namespace.get(path)
    if isinstance(fact.value, Known):
        return fact.value.value if type(fact.value.value) in (int, float) else None
    is_there = isinstance(array, np.ndarray) and address_of(owner_of(array)) == fact.address
    return array if is_there and path not in written else None


def _casts(noted: Noted, text: Callable[[str], Text]) -> Iterator[tuple[ast.Call, ast.expr]]:
    for statement in text(noted.filename).starting.get(noted.line, ()):
        for node in ast.walk(statement):
            match node:
                case ast.Call(func=ast.Attribute(value=operand, attr="astype")):
                    yield node, operand


def _pieces(node: ast.expr, names: Mapping[str, Any], budget: Budget) -> Iterator[np.ndarray]:
    """The values of a name, or of arithmetic with arrays of one shape, piece by piece; nothing of anything else."""
    if isinstance(node, ast.Name):
        array = names.get(node.id)
        if isinstance(array, np.ndarray):
            yield from chunks(array, budget.take(array.nbytes))
        return
    parts = list(ast.walk(node))
    read = {part.id for part in parts if isinstance(part, ast.Name)}
    if not all(isinstance(part, _ARITHMETIC) for part in parts) or not read <= names.keys():
        return
    arrays = {name: names[name] for name in read if isinstance(names[name], np.ndarray)}
    if len({array.shape for array in arrays.values()}) != 1 or not all(a.flags.c_contiguous for a in arrays.values()):
        return
    code = compile(ast.Expression(node), "<cast>", "eval")
    flat = {name: array.reshape(-1) for name, array in arrays.items()}
    size, nbytes = next(iter(arrays.values())).size, sum(array.nbytes for array in arrays.values())
    step = max(1, round(nbytes / budget.take(nbytes))) if nbytes else 1
    for start in range(0, size, CHUNK * step):
        yield eval(code, {}, {**names, **{name: array[start : start + CHUNK] for name, array in flat.items()}})


def _compare(pieces: Iterator[np.ndarray], limits: np.iinfo) -> tuple[int, str] | None:
    """(how many values changed, what happened to them); None where none did."""
    cut, largest, out, looked, is_whole = 0, 0.0, 0, 0, False
    with np.errstate(all="ignore"):
        for piece in pieces:
            if piece.dtype.kind not in "fiu":
                return None
            is_whole = piece.dtype.kind != "f"
            whole = piece if is_whole else np.trunc(piece)
            inside = (whole >= limits.min) & (whole <= limits.max)  # NaN is inside of nothing
            out += int(piece.size - np.count_nonzero(inside))
            looked += piece.size
            if not is_whole:
                off = np.abs(piece - whole)[inside]
                cut += int(np.count_nonzero(off))
                largest = max(largest, float(off.max(initial=0.0)))
    fate = "wrapped around" if is_whole else "have no place in it"
    words = [f"{out:,} of {looked:,} values {fate}"] if out else []
    words += [f"{cut:,} of {looked:,} values lost their fraction (up to {largest:.3g})"] if cut else []
    return (cut + out, ", ".join(words)) if words else None
