"""Python's own bytes beside NumPy's: tracemalloc, started for the run, and what that costs.

tracemalloc knows one total for both. The native ledger takes NumPy's part off it at every reading (see `_objects.h`);
the pure one counts both together and can tell them apart at the end only, by a snapshot.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from time import perf_counter_ns

import numpy as np

from ..buffers import named_owners
from ..sizes import human, human_seconds
from .switch import Switch

DOMAIN: int = np.lib.tracemalloc_domain

_ROUNDS, _OBJECTS = 7, 400
_running: list[Objects] = []

Readers = tuple[Callable[[], tuple[int, int]], Callable[[], None], int, frozenset[int] | None]

COUNTED = (
    "Python objects: what Python's allocators gave out during the run and had not got back, by tracemalloc, read at "
    "every line and at every NumPy buffer. Memory that libraries take from Python's allocators is in it, such as the "
    "casting buffers of NumPy's functions, and some hundred bytes of tables that the interpreter makes when it watches "
    "a function for the first time; what libraries take elsewhere, as Arrow and torch do, is not."
)
OLDER = (
    "Python objects from before the run are not known to tracemalloc: their end frees nothing here, and a list or dict "
    "that grows into new memory counts whole. They count as well when tracemalloc runs before they are made."
)
RUNNING = "tracemalloc was running already: it runs on, and its peak was reset."
TOGETHER = (
    "The pure ledger reads NumPy and Python as one total. Only a snapshot divides it, and one at every line would take "
    "longer than the run. So Python objects are told apart at the end (what was kept); peaks and lines hold both."
)
NO_LINES = "Python objects are read at lines, and there were no line events: they were not counted."
STOPPED = "The cell stopped or cleared tracemalloc: Python objects were counted up to there."


class Objects:
    """tracemalloc for one run: started unless it runs already, and left as it was found."""

    def __init__(self) -> None:
        self._switch = Switch()
        self._plain = self._traced = 0.0
        self._left: tuple[str, ...] = ()

    def start(self) -> None:
        """Have tracemalloc run, and find out how much slower that makes the making of objects."""
        _running.append(self)
        plain = nanoseconds_an_object()
        self._switch.on()
        if self._switch.is_ours:
            self._plain, self._traced = plain, nanoseconds_an_object()

    def readers(self, namespace: Mapping[str, object]) -> Readers:
        """What the native ledger reads with; the addresses are of older buffers that tracemalloc does not know of."""
        unseen = None if self._switch.is_ours else frozenset(
            address
            for address, owner in named_owners(namespace).items()
            if tracemalloc.get_object_traceback(owner) is None
        )  # fmt: skip
        return tracemalloc.get_traced_memory, tracemalloc.reset_peak, DOMAIN, unseen

    def stop(self) -> int:
        """Leave tracemalloc as it was found; the bytes that its own tables took."""
        tables = tracemalloc.get_tracemalloc_memory() if tracemalloc.is_tracing() else 0
        self.close()
        return tables

    def close(self) -> None:
        """Leave tracemalloc as it was found."""
        if self in _running:
            _running.remove(self)
        self._left = self._switch.off()

    def notes(self, readings: int, nanoseconds: int, run_ns: int, tables: int) -> tuple[str, ...]:
        """What was counted, and what counting it cost."""
        spent = f"{readings:,} readings took {human_seconds(nanoseconds / 1e9)} of the {human_seconds(run_ns / 1e9)}"
        if not self._traced:  # it ran already, so nothing can be compared
            return COUNTED, RUNNING, f"--python slows the run down: {spent}, and so does tracemalloc itself."
        slower = (
            f"--python slows the run down: a small object takes {self._traced:,.0f} ns to make and drop instead of "
            f"{self._plain:,.0f} (x{self._traced / self._plain:.1f}, measured right before the run), and {spent}. "
            f"tracemalloc's tables took {human(tables)}, which the resident curve includes."
        )
        return COUNTED, OLDER, slower, *self._left


def nanoseconds_an_object() -> float:
    """What it takes to make and drop one small object: the best of a few rounds."""
    sizes = [40] * _OBJECTS
    best = min(_round(sizes) for _ in range(_ROUNDS))
    return max(best, 1) / _OBJECTS


def _round(sizes: list[int]) -> int:
    begun = perf_counter_ns()
    list(map(bytes, sizes))
    return perf_counter_ns() - begun


def numpy_traced() -> int:
    """NumPy's bytes among all that tracemalloc holds, by a snapshot: it takes a while where there are many objects."""
    only = tracemalloc.DomainFilter(True, DOMAIN)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([only]).traces)


def abandon() -> None:
    """Leave tracemalloc as it was found; nothing to do where nothing runs."""
    for objects in list(_running):
        objects.close()
