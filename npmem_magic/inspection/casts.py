"""Casts from floats to integers that lost values: compared on the arrays themselves, as far as they still are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays.fits import Budget, chunks
from ..buffers import address_of, owner_of
from ..record.facts import Noted, stands_for
from ..standins import Array, work_out
from ..syntax import Text


@dataclass(frozen=True)
class LostCast:
    """`count` values that a cast on `line` changed, the largest by `largest`."""

    line: int
    source: str
    count: int
    sentence: str


def lost_casts(notes: Sequence[Noted], text: Callable[[str], Text], namespace: Mapping[str, object]) -> list[LostCast]:
    """Every ``x.astype(int)`` of the cell that lost values of an `x` which is still there unchanged in place."""
    found, budget = [], Budget(1 << 28)
    written = {name for noted in notes for name in noted.writes}
    for noted in notes:
        if noted.function != "<module>":
            continue
        for node, path in _casts(noted, text):
            array, fact = namespace.get(path), noted.before[path]
            if path in written or not isinstance(array, np.ndarray) or address_of(owner_of(array)) != fact.address:
                continue
            result = work_out(node, lambda name: stands_for(noted.before, name)).value  # noqa: B023  called at once
            if array.dtype.kind != "f" or not isinstance(result, Array) or result.dtype.kind not in "iu":
                continue
            lost = _compare(array, np.iinfo(result.dtype), budget)
            if lost is not None:
                source = ast.unparse(node)
                found.append(LostCast(node.lineno, source, lost[0], f"{lost[1]} in the cast to {result.dtype}"))
    return found


def _casts(noted: Noted, text: Callable[[str], Text]) -> Iterator[tuple[ast.Call, str]]:
    for statement in text(noted.filename).starting.get(noted.line, ()):
        for node in ast.walk(statement):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=path), attr="astype")) if path in noted.before:
                    yield node, path


def _compare(array: np.ndarray, limits: np.iinfo, budget: Budget) -> tuple[int, str] | None:
    """(how many values changed, what happened to them); None where none did."""
    cut, largest, out, looked = 0, 0.0, 0, 0
    granted = budget.take(array.nbytes)
    with np.errstate(all="ignore"):
        for piece in chunks(array, granted):
            inside = (piece >= limits.min) & (piece <= limits.max)  # NaN is inside of nothing
            off = np.abs(piece - np.trunc(piece))[inside]
            cut += int(np.count_nonzero(off))
            largest = max(largest, float(off.max(initial=0.0)))
            out += int(piece.size - np.count_nonzero(inside))
            looked += piece.size
    words = [f"{cut:,} of {looked:,} values lost their fraction (up to {largest:.3g})"] if cut else []
    words += [f"{out:,} of {looked:,} values have no place"] if out else []
    return (cut + out, ", ".join(words)) if words else None
