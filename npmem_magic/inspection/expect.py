"""``--expect float32``: an assertion about dtypes at the border of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import ArrayInfo
from ..host import NpmemError
from ..sizing.reading import as_dtype
from ..upcasts import Growth
from .report import Inspection

_TERM = re.compile(r"\s*(?:([\w.\[\]'\"]+)\s*(<=|==?)\s*)?(<=)?\s*([\w.]+)\s*")


class ExpectationError(NpmemError):
    """A cell left an array of another dtype than ``--expect`` asks for."""


@dataclass(frozen=True)
class Expectation:
    """`name` (every array of the dtype's kind where it is empty) has `dtype`, or with `at_most` a narrower one."""

    name: str
    dtype: np.dtype[Any]
    at_most: bool = False

    def is_met(self, dtype: np.dtype[Any]) -> bool:
        """Whether an array of `dtype` is as expected."""
        if dtype == self.dtype:
            return True
        return self.at_most and dtype.itemsize <= self.dtype.itemsize and np.can_cast(dtype, self.dtype, "safe")

    @property
    def words(self) -> str:
        """As it was asked for."""
        return f"{'at most ' if self.at_most else ''}{self.dtype}"


def parse_expectations(text: str) -> tuple[Expectation, ...]:
    """``float32`` or ``x=float32,y<=float32``.

    Raises
    ------
    NpmemError
        When the text is neither, or names no dtype.
    """
    found = []
    for term in text.split(","):
        match = _TERM.fullmatch(term)
        if not match:
            raise NpmemError(f"{term.strip()!r} is nothing to expect. Write float32, or x=float32,y<=float32.")
        name, sign, bare, dtype = match.groups()
        found.append(Expectation(name or "", as_dtype(dtype.removeprefix("np.")), "<=" in (sign, bare)))
    return tuple(found)


def unmet(
    expected: Sequence[Expectation], seen: Inspection | Sequence[ArrayInfo], namespace: Mapping[str, object]
) -> tuple[str, ...]:
    """A sentence for each array that is not as expected: its name, its dtype, and of a run the line that did it."""
    found = []
    inspection = seen if isinstance(seen, Inspection) else None
    infos = seen.arrays if isinstance(seen, Inspection) else seen
    for each in expected:
        arrays = {info.name: info.dtype for info in infos if isinstance(info.dtype, np.dtype)}
        if each.name:
            value = namespace.get(each.name)
            if isinstance(value, (np.ndarray, np.generic)):
                arrays = {each.name: value.dtype}
            elif each.name not in arrays:
                found.append(f"There is no array called {each.name} after the cell, so it cannot be {each.words}.")
                continue
            else:
                arrays = {each.name: arrays[each.name]}
        for name, dtype in arrays.items():
            if (each.name or dtype.kind == each.dtype.kind or _same_class(dtype, each.dtype)) and not each.is_met(
                dtype
            ):
                found.append(f"{name} is {dtype}, not {each.words}{_blame(name, inspection)}.")
    return tuple(found)


def _same_class(dtype: np.dtype[Any], other: np.dtype[Any]) -> bool:
    return all(each.kind in "iu" for each in (dtype, other)) or all(each.kind in "fc" for each in (dtype, other))


def _blame(name: str, inspection: Inspection | None) -> str:
    if inspection is None:
        return ""
    growth: Growth | None = inspection.behind.get(name)
    if growth is not None:
        where = f" of {growth.function}" if not growth.function.startswith("<") else ""
        return f", since line {growth.line}{where}: {growth.source} ({growth.rule.rstrip('.')})"
    line = inspection.bound.get(name.partition("[")[0].partition(".")[0])
    if line is None:
        return ""
    source = next((cost.source.strip() for cost in inspection.trace.lines if cost.line == line), "")
    return f", since line {line}: {source}"
