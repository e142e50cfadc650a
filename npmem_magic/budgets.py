"""Budgets: sizes given in bytes or as a multiple of what a run reads, and what is to be said when one is broken."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType

import numpy as np

from .buffers import address_of, arrays_in, owner_of
from .cell import Call, Cell, Work
from .follow import function_of, nested_codes
from .host import NpmemError
from .sizes import human, parse_size
from .trace import CELL, Trace

SCALARS = 4096  # bytes on top of a multiple: the 8 bytes of a scalar must not break "1x"
PURE_IS_OFF = 256 << 10  # bytes, or 1 %: how far the pure ledger may be from the native one
_TIMES = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*[x×]\s*", re.IGNORECASE)


class PeakOverBudget(NpmemError):
    """A run took more than it was allowed to; it ran to its end all the same.

    Attributes
    ----------
    peak, budget : int
        Bytes above the start.
    line, function : int, str
        Where the total first went beyond the budget; line 0 where that is not known.
    """

    def __init__(self, message: str, peak: int, budget: int, line: int, function: str) -> None:
        super().__init__(message)
        self.peak, self.budget, self.line, self.function = peak, budget, line, function


def check(text: str) -> str:
    """`text`, when it is a size or a multiple such as ``3x``.

    Raises
    ------
    NpmemError
        When it is neither.
    """
    if not _TIMES.fullmatch(text):
        try:
            parse_size(text)
        except NpmemError as error:
            raise NpmemError(f"{str(error).removesuffix('.')}, or as 3x, times the bytes of the arrays read.") from None
    elif float(_TIMES.fullmatch(text)[1]) <= 0:  # type: ignore[index]
        raise NpmemError(f"{text!r} allows nothing at all.")
    return text


def resolve(text: str, given: Callable[[], int]) -> int:
    """The bytes that `text` stands for; `given` says how many the arrays have that it may be a multiple of.

    Raises
    ------
    NpmemError
        When `text` is no size, or a multiple of nothing.
    """
    found = _TIMES.fullmatch(check(text))
    if not found:
        return parse_size(text)
    base = given()
    if not base:
        raise NpmemError(
            f"{text!r} is relative to the arrays that the code reads, but it reads none that are there before it runs. "
            "Give the size in bytes, such as 500MB."
        )
    return int(float(found[1]) * base) + SCALARS


def read_bytes(work: Work, namespace: Mapping[str, object]) -> int:
    """Bytes of the arrays that `work` can reach by the names it uses, as they are now.

    The functions it calls are looked through, too, as far as they are of the same module. A buffer counts once; of a
    view only as much as it shows.
    """
    if isinstance(work, Cell):
        return bytes_of(_values(_names(tree for tree, _ in work.steps), namespace))
    given = work.namespace if isinstance(work, Call) else {}
    arguments: tuple[object, ...] = (*given.get("args", ()), *(given.get("kwargs") or {}).values())
    functions = [found for value in given.values() if (found := function_of(value)) is not None]
    return bytes_of([*arguments, *(value for function in functions for value in globals_of(function))])


def globals_of(function: FunctionType) -> list[object]:
    """The global values that `function` uses, and those that functions of its module use for it."""
    names = {name for code in nested_codes(function.__code__) for name in code.co_names}
    return _values(names, function.__globals__)


def bytes_of(values: Iterable[object]) -> int:
    """Bytes of the arrays among `values` and one level down in them; a buffer counts once, a view what it shows."""
    shown: dict[int, int] = {}
    whole: dict[int, int] = {}
    for value in values:
        for array in arrays_in(value):
            owner = owner_of(array)
            address = address_of(owner)
            whole[address] = owner.nbytes
            shown[address] = shown.get(address, 0) + array.nbytes
    return sum(min(shown[address], whole[address]) for address in shown)


def _names(trees: Iterable[ast.AST]) -> set[str]:
    """The names that are read; also those only changed in place."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Load()) | ast.AugAssign(target=ast.Name(id=name)):
                    found.add(name)
    return found


def _values(names: set[str], namespace: Mapping[str, object]) -> list[object]:
    """The values of `names`, and of the names that functions among them use, each once."""
    todo, seen, values = sorted(names), set(names), []
    while todo:
        name = todo.pop()
        if name not in namespace:
            continue
        value = namespace[name]
        if isinstance(value, FunctionType) and value.__globals__ is namespace:
            used = {each for code in nested_codes(value.__code__) for each in code.co_names} - seen
            seen |= used
            todo += sorted(used)
        else:
            values.append(value)
    return values


def breach(trace: Trace) -> PeakOverBudget | None:
    """The error to raise when `trace` is over its budget, else None.

    The pure ledger counts Python's objects, too: it is allowed what it may be off by.
    """
    if trace.budget is None:
        return None
    if trace.peak <= trace.budget + (0 if trace.engine == "native" else max(PURE_IS_OFF, trace.budget // 100)):
        return None
    line, function, first = _first_over(trace)
    over = f"{human(trace.peak)} at the peak, {human(trace.peak - trace.budget)} over the budget of "
    at_peak = _place(trace.peak_line, trace.peak_function, trace.peak_source)
    where = f" First broken {first}" if first else ""
    if at_peak and (line, function) != (trace.peak_line, trace.peak_function):
        where += f"{';' if where else ''} the peak was {at_peak}"
    elif at_peak:
        where = f" Broken {at_peak}"
    message = f"{over}{human(trace.budget)}.{where}{'.' if where else ''}"
    return PeakOverBudget(message, trace.peak, trace.budget, line or trace.peak_line, function or trace.peak_function)


def _first_over(trace: Trace) -> tuple[int, str, str]:
    """(line, function, in words) of the line of the cell that ran when the total first went beyond the budget."""
    assert trace.budget is not None
    time_ns, allocated = trace.timeline
    over = np.flatnonzero(allocated > trace.budget)
    if not len(over) or int(time_ns[over[0]]) >= trace.peak_ns:
        return trace.peak_line, trace.peak_function, _place(trace.peak_line, trace.peak_function, trace.peak_source)
    began, lines = trace.lane
    at = int(np.searchsorted(began, time_ns[over[0]], side="right")) - 1
    if at < 0:
        return 0, "", ""
    line = int(lines[at])
    source = next((cost.source.strip() for cost in trace.lines if (cost.line, cost.function) == (line, CELL)), "")
    return line, CELL, _place(line, CELL, source)


def _place(line: int, function: str, source: str) -> str:
    if not line:
        return ""
    inside = "" if function in ("", CELL) else f"in {function}, "
    return f"{inside}on line {line}: {' '.join(source.split())}"
