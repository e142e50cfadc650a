"""An independent count of NumPy's data buffers, to judge the ledgers by.

It shares no code with the package: `ctypes` callbacks stand in the default handler (NEP 49) for the time of a run
and log every birth and death in order. Slow, and exact: the smallest housekeeping buffers are there too.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from npmem_magic.record import pure
from npmem_magic.trace import CELL, Trace

LARGE = 4096  # bytes: from here on a buffer has a site of its own
PLAIN = "<plain>"
_GET_HANDLER = 305  # slot of PyDataMem_GetHandler in NumPy's C interface, fixed by its stable numbering

_pointer, _size = ctypes.c_void_p, ctypes.c_size_t
_Malloc = ctypes.PYFUNCTYPE(_pointer, _pointer, _size)
_Calloc = ctypes.PYFUNCTYPE(_pointer, _pointer, _size, _size)
_Realloc = ctypes.PYFUNCTYPE(_pointer, _pointer, _pointer, _size)
_Free = ctypes.PYFUNCTYPE(None, _pointer, _pointer, _size)


class _Handler(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("ctx", _pointer),
        ("malloc", _pointer),
        ("calloc", _pointer),
        ("realloc", _pointer),
        ("free", _pointer),
    ]


@dataclass(frozen=True)
class Count:
    """Bytes: the highest total above the start, end minus start, everything allocated; and of what was born in the
    run, the bytes alive at the (first) peak; and the bytes born before the run and freed in it."""

    peak: int
    net: int
    gross: int
    alive_at_peak: int
    freed_earlier: int


@dataclass
class SiteCount:
    """What one place allocated: buffers, bytes in all, bytes alive at the end, most bytes alive at one time."""

    hits: int = 0
    gross: int = 0
    net: int = 0
    peak: int = 0


Place = tuple[int, int, int, int]  # line, column, last line, last column
NOWHERE: Place = (0, 0, 0, 0)


@dataclass
class Log:
    """Births ``(+size, address, place)`` and deaths ``(-size, address, NOWHERE)`` in order."""

    events: list[tuple[int, int, Place]] = field(default_factory=list)
    living: dict[int, int] = field(default_factory=dict)

    def born(self, address: int | None, size: int) -> None:
        if address:
            self.living[address] = size
            self.events.append((size, address, _running_place()))

    def died(self, address: int | None, size: int) -> None:
        if address:
            self.events.append((-self.living.pop(address, size), address, NOWHERE))

    def count(self, smallest: int = 0) -> Count:
        """The totals over the buffers of at least `smallest` bytes."""
        now = peak = gross = mine = at_peak = earlier = 0
        born: set[int] = set()
        for size, address, _ in self.events:
            if abs(size) < smallest:
                continue
            now += size
            if size >= 0:
                born.add(address)
                gross, mine = gross + size, mine + size
            elif address in born:
                born.discard(address)
                mine += size
            else:
                earlier -= size
            if now > peak:
                peak, at_peak = now, mine
        return Count(peak, now, gross, at_peak, earlier)

    def sites(self, smallest: int = 0) -> dict[Place, SiteCount]:
        """The same by place."""
        found: dict[Place, SiteCount] = {}
        home: dict[int, Place] = {}
        for size, address, place in self.events:
            if abs(size) < smallest or (size < 0 and address not in home):
                continue
            if size >= 0:
                home[address] = place
            site = found.setdefault(home[address], SiteCount())
            site.net += size
            if size >= 0:
                site.hits, site.gross, site.peak = site.hits + 1, site.gross + size, max(site.peak, site.net)
            else:
                del home[address]
        return found


def _running_place() -> Place:
    """Where the innermost frame of the code under test is now."""
    frame = sys._getframe(2)
    while frame.f_code.co_filename != PLAIN:
        if frame.f_back is None:
            return NOWHERE
        frame = frame.f_back
    first, last, left, right = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    return first or 0, left or 0, last or 0, right or 0


def _default_handler() -> _Handler:
    module = sys.modules.get("numpy._core._multiarray_umath") or sys.modules["numpy.core._multiarray_umath"]
    capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    capsule_pointer.restype, capsule_pointer.argtypes = _pointer, [ctypes.py_object, ctypes.c_char_p]
    slots = ctypes.cast(capsule_pointer(module._ARRAY_API, None), ctypes.POINTER(_pointer))
    capsule = ctypes.PYFUNCTYPE(ctypes.py_object)(slots[_GET_HANDLER])()
    return _Handler.from_address(capsule_pointer(capsule, b"mem_handler"))


def _callbacks(handler: _Handler, log: Log, sizes: Mapping[int, int]) -> dict[str, Any]:
    malloc, calloc = _Malloc(handler.malloc), _Calloc(handler.calloc)
    realloc, free = _Realloc(handler.realloc), _Free(handler.free)

    def on_malloc(ctx: int, size: int) -> int | None:
        address: int | None = malloc(ctx, size)
        log.born(address, size)
        return address

    def on_calloc(ctx: int, count: int, size: int) -> int | None:
        address: int | None = calloc(ctx, count, size)
        log.born(address, count * size)
        return address

    def on_realloc(ctx: int, old: int | None, size: int) -> int | None:
        address: int | None = realloc(ctx, old, size)
        if address:
            log.died(old, sizes.get(old or 0, 0))
            log.born(address, size)
        return address

    def on_free(ctx: int, address: int | None, size: int) -> None:
        log.died(address, size)
        free(ctx, address, size)

    return {
        "malloc": _Malloc(on_malloc),
        "calloc": _Calloc(on_calloc),
        "realloc": _Realloc(on_realloc),
        "free": _Free(on_free),
    }


@contextmanager
def counting(sizes: Mapping[int, int]) -> Iterator[Log]:
    """Log every buffer; `sizes` gives the bytes by address of arrays made before (realloc does not tell them)."""
    handler, log = _default_handler(), Log()
    before = {name: getattr(handler, name) for name in ("malloc", "calloc", "realloc", "free")}
    ours = _callbacks(handler, log, sizes)
    collected = gc.isenabled()
    gc.disable()
    for name, callback in ours.items():
        setattr(handler, name, ctypes.cast(callback, _pointer).value)
    try:
        yield log
    finally:
        for name, address in before.items():
            setattr(handler, name, address)
        if collected:
            gc.enable()


def run_plain(code: str, namespace: dict[str, Any]) -> Log:
    """Run `code` without the package under test and return what it allocated."""
    compiled = compile(code, PLAIN, "exec")
    arrays = (value for value in namespace.values() if type(value) is np.ndarray and value.base is None)
    with counting({array.ctypes.data: array.nbytes for array in arrays}) as log:
        exec(compiled, namespace)
    return log


def reuses_temporaries() -> bool:
    """Does this build of Python and NumPy write `a * 2 * 3` into the buffer of `a * 2`? (It depends on the build.)"""
    namespace = {"a": np.ones(65536)}
    return run_plain("b = a * 2 * 3", namespace).count(LARGE).gross == namespace["a"].nbytes


def near(counted: int, true: int) -> bool:
    """Within the tolerance that the pure ledger states."""
    return abs(counted - true) <= max(pure.WITHIN_BYTES, pure.WITHIN_SHARE * abs(true))


def agree(trace: Trace, log: Log) -> None:
    """Hold `trace` against an independent count of the same cell, and its parts against each other.

    The native ledger is right to the byte; the pure one within its tolerance, and its gross is a lower bound.
    """
    count = log.count()
    assert trace.error is None
    if trace.engine == "pure":
        alive = sum(holding.nbytes for holding in trace.at_peak)
        kept = sum(site.net for site in trace.expressions)
        assert near(trace.peak, count.peak) and near(trace.net, count.net), (trace, count)
        assert trace.gross < count.gross or near(trace.gross, count.gross), (trace, count)
        assert trace.gross >= trace.peak and near(alive, count.alive_at_peak), (trace, count, alive)
        assert near(kept, count.net + count.freed_earlier), (trace, count, kept)
        consistent(trace)
        return
    assert (trace.peak, trace.net, trace.gross) == (count.peak, count.net, count.gross)
    assert sum(holding.nbytes for holding in trace.at_peak) == count.alive_at_peak
    assert sum(site.net for site in trace.expressions) == count.net + count.freed_earlier
    consistent(trace)


def consistent(trace: Trace) -> None:
    """What holds between the parts of every trace of one thread."""
    slack = 0 if trace.engine == "native" else pure.WITHIN_BYTES  # Python's objects between the lines
    times, allocated = trace.timeline
    top = [line for line in trace.lines if line.function == CELL]
    assert len(times) == len(allocated) and bool(np.all(np.diff(times) >= 0))
    assert max([0, *allocated.tolist()]) == trace.peak
    assert [0, *allocated.tolist()][-1] == trace.net
    assert sum(site.gross for site in trace.expressions) == trace.gross
    assert abs(sum(line.gross for line in top) - trace.gross) <= slack
    assert abs(sum(line.net for line in top) - trace.net) <= slack
    assert all(0 <= site.net <= site.peak <= site.gross and site.hits >= 1 for site in trace.expressions)
    assert all(max(0, line.net) <= line.gross + slack and line.peak <= trace.gross for line in trace.lines)


def sites_agree(trace: Trace, log: Log) -> None:
    """Every site of `trace` has the oracle's place, buffers and bytes, and no site is missing.

    Of the pure ledger's sites that is asked of those where a large part of what it can tell apart was alive.
    """
    if trace.engine == "pure":
        return large_sites_agree(trace, log)
    measured = {
        (site.line, site.col, site.end_line, site.end_col): SiteCount(site.hits, site.gross, site.net, site.peak)
        for site in trace.expressions
    }
    assert measured == log.sites()
    lines = trace.source.splitlines()
    for site in trace.expressions:
        assert site.source == text_at(lines, (site.line, site.col, site.end_line, site.end_col))


def large_sites_agree(trace: Trace, log: Log) -> None:
    """The sites of whole arrays are the oracle's, within the tolerance; each rise of one instruction is one buffer."""
    true = {place: site for place, site in log.sites().items() if site.peak > 2 * pure.WITHIN_BYTES}
    told = {(site.line, site.col, site.end_line, site.end_col): site for site in trace.expressions}
    assert {place for place, site in told.items() if site.peak > 2.5 * pure.WITHIN_BYTES} <= true.keys() <= told.keys()
    for place, site in true.items():
        found = told[place]
        assert near(found.peak, site.peak) and near(found.net, site.net), (found, site)
        assert found.gross < site.gross or near(found.gross, site.gross), (found, site)


def text_at(lines: list[str], place: Place) -> str:
    """The source text of a place, its columns counted in bytes of UTF-8."""
    first, left, last, right = place
    part = [line.encode() for line in lines[first - 1 : last]]
    part[-1] = part[-1][:right]
    part[0] = part[0][left:]
    return b"\n".join(part).decode()


def large_by_text(code: str, log: Log) -> dict[str, int]:
    """Bytes that the oracle saw by source text, of buffers of 4 KiB and more."""
    found: Counter[str] = Counter()
    for place, site in log.sites(LARGE).items():
        found[text_at(code.splitlines(), place)] += site.gross
    return dict(found)


def large_sites(trace: Trace) -> set[str]:
    """Source texts of the sites that had 4 KiB or more alive at one time."""
    return {site.source for site in trace.expressions if site.peak >= LARGE}


def run_lines(lines: list[str], namespace: dict[str, Any]) -> tuple[Log, list[Count]]:
    """Run a straight-line program one line at a time: the whole log, and the count of each line by itself."""
    compiled = [compile(line, PLAIN, "exec") for line in lines]
    ends = [0]
    with counting({}) as log:
        for code in compiled:
            exec(code, namespace)
            ends.append(len(log.events))
    return log, [_part(log, start, end) for start, end in itertools.pairwise(ends)]


def _part(log: Log, start: int, end: int) -> Count:
    return Log(events=log.events[start:end]).count()


def handler_pointers() -> tuple[int, ...]:
    """The addresses of the four functions that NumPy's default handler calls now."""
    handler = _default_handler()
    return tuple(getattr(handler, name) for name in ("malloc", "calloc", "realloc", "free"))
