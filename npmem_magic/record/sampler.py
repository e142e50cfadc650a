"""Sampler: the shape of the resident set over time, read by a helper process so that the kernel does nothing.

One helper per kernel, started by exec on first use (never by fork: that would copy every page written meanwhile) and
waiting on a pipe between runs. The kernel's side is two shared words a run and no thread. Measured here with 2 cores:
about 3,000 reads a second with a core to spare, 900 while none is idle.
"""

from __future__ import annotations

import atexit
import importlib.util
import math
import os
import sys
import time
from dataclasses import dataclass

import numpy as np

from .. import host
from . import _helper, gauges, nvml
from ._launch import Curve, Helper

KINDS = ("auto", "memory_profiler", "off")
POINTS = 65_536  # rows in each of the two shared buffers: 2 MiB in all, whatever the run's length
_ANSWER_LIMIT = 0.25  # seconds to wait for a running helper before the cell starts without it


@dataclass(frozen=True)
class Samples:
    """What was read between start and stop.

    Attributes
    ----------
    time_ns : int64 array, shape (n,)
        Ascending, on the clock of ``time.monotonic_ns()``. The first is `start`'s, the last `stop`'s own reading.
    values : tuple of int64 arrays, each of shape (n,)
        One column for each of `gauges`, in bytes, absolute. Runs of equal values are kept as their two ends.
    notes : tuple of str
        What went wrong, as sentences.
    reads : int
        How often the helper read, merged and dropped readings included.
    """

    time_ns: Curve
    values: tuple[Curve, ...]
    gauges: tuple[str, ...]
    notes: tuple[str, ...] = ()
    reads: int = 0

    @property
    def resident(self) -> Curve:
        """Resident bytes, absolute; shape (n,)."""
        return self.values[0]

    def children(self, started: int) -> tuple[Curve, Curve]:
        """Times since `started`, and bytes that child processes hold above the start; empty where nobody asked."""
        held = [value for name, value in zip(self.gauges, self.values, strict=False) if name in gauges.CHILDREN]
        if not held or not len(held[0]):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        return np.maximum(self.time_ns - started, 0), np.maximum(held[0] - held[0][0], 0)


_helpers: list[Helper] = []  # the kernel's one helper, or none


class Sampler:
    """Samples between `start` and `stop`; made by `make`, good for any number of runs."""

    def __init__(self, helper: Helper | None, interval: float, ends: bool = True) -> None:
        self._helper, self._ends = helper, ends
        self._wait_ns = max(1, round(interval * 1e9)) if interval else 0
        self._owner = os.getpid()
        self._first = (0, 0)
        self._notes: list[str] = []

    def start(self) -> None:
        """Begin; when this returns the first reading has been taken."""
        self._notes = []
        helper = self._helper
        if helper is not None and not helper.ended:
            helper.run += 1
            helper.words[_helper.WAIT] = self._wait_ns
            helper.send(helper.run)
            self._await(helper)
        if self._ends:
            self._first = self._reading()

    def _await(self, helper: Helper) -> None:
        def answered() -> bool:
            return helper.words[_helper.RUN] == helper.run

        try:
            if not helper.wait_until(answered, _ANSWER_LIMIT, 0.00005) and helper.alive():
                self._notes.append(f"The sampler did not answer within {_ANSWER_LIMIT} s; the cell began without it.")
        except BaseException:  # an interrupt while waiting: nobody will call stop
            helper.send(0)
            raise

    def stop(self) -> Samples:
        """What was read since `start`. It does not raise: what is missing is told in the notes."""
        if os.getpid() != self._owner:
            return self._none("The cell forked, and this is the child: its resident set was not sampled.")
        if not self._ends:
            return self._none()
        last, helper = self._reading(), self._helper
        if helper is None:
            return self._samples(np.zeros((0, 2), np.int64), last, ("resident",), 0)
        if not helper.ended:
            helper.send(0)
        if not helper.alive():
            self._notes.append(_obituary(helper))
        elif trouble := helper.words[_helper.GPU_TROUBLE]:
            self._notes.append(
                f"The GPU could not be read to the end (NVML: {nvml.words(trouble)}); its curve stays at what was read "
                "last."
            )
        if helper.ended or helper.words[_helper.RUN] != helper.run:
            return self._samples(np.zeros((0, 1 + len(helper.gauges)), np.int64), last, helper.gauges, 0)
        return self._samples(helper.rows(), last, helper.gauges, helper.words[_helper.READS])

    def recent(self, most: int) -> tuple[list[int], list[int]]:
        """(times, resident bytes) read so far, absolute, thinned to about `most`; while it runs, from any thread."""
        helper = self._helper
        if helper is None or helper.ended or helper.words[_helper.RUN] != helper.run:
            return [], []
        return helper.recent(most)

    def _reading(self) -> tuple[int, int]:
        """The kernel's own look: (time_ns, resident bytes)."""
        try:
            return time.monotonic_ns(), gauges.resident()
        except OSError as error:  # for instance: the cell has used up the descriptors
            self._notes.append(f"The kernel could not read its resident set ({error}); an earlier value stands in.")
            return time.monotonic_ns(), self._first[1]

    def _none(self, *notes: str) -> Samples:
        return Samples(np.zeros(0, np.int64), (np.zeros(0, np.int64),), ("resident",), notes)

    def _samples(self, rows: Curve, last: tuple[int, int], names: tuple[str, ...], reads: int) -> Samples:
        """The helper's `rows` between our own two readings."""
        rows = rows[(rows[:, 0] > self._first[0]) & (rows[:, 0] < last[0])]
        table = np.zeros((len(rows) + 2, rows.shape[1]), np.int64)
        table[1:-1] = rows
        if len(rows):
            table[0], table[-1] = rows[0], rows[-1]  # gauges that only the helper reads
        table[0, :2], table[-1, :2] = self._first, last
        columns = np.ascontiguousarray(table.T)
        return Samples(columns[0], tuple(columns[1:]), names, tuple(self._notes), reads)


def _obituary(helper: Helper) -> str:
    why = f": {helper.last_words()}" if helper.last_words() else ", perhaps killed"
    return f"The sampler's helper process ended before the cell did{why}; the resident curve is not complete."


def make(kind: str, interval: float, more: tuple[str, ...] = ()) -> tuple[Sampler, tuple[str, ...]]:
    """The sampler for `kind` (one of `KINDS`), and sentences that say what was chosen and why.

    `interval` is the wait between reads in seconds, 0 for automatic; `more` names gauges beside the resident one.
    Starts the helper process if none runs.

    Raises
    ------
    NpmemError
        When `kind` is unknown or `interval` is not a positive number of seconds.
    """
    if kind not in KINDS:
        raise host.NpmemError(f"There is no sampler {kind!r}. Choose one of {', '.join(KINDS)}.")
    if not (math.isfinite(interval) and interval >= 0):
        raise host.NpmemError(f"The interval is {interval!r}; it must be a positive number of seconds, such as 0.001.")
    if kind == "off":
        return Sampler(None, 0, ends=False), ("The resident set was not sampled (--sampler off).",)
    name, notes = _gauge(kind)
    helper, trouble = _running((name, *more))
    if helper is None:
        return Sampler(None, 0), (*notes, trouble)
    return Sampler(helper, interval), (*notes, _describe(name, interval))


def _gauge(kind: str) -> tuple[str, tuple[str, ...]]:
    """The gauge for `kind`, and why it is another one than asked."""
    if kind == "memory_profiler":
        if importlib.util.find_spec("memory_profiler") is not None:
            return "memory_profiler", ()
        missing = host.Unavailable("--sampler memory_profiler", "it is not installed", "pip install memory_profiler")
        return gauges.resident_gauge(), (str(missing),)
    return gauges.resident_gauge(), ()


_SOURCES = {
    "statm": "/proc, about 3,000 times a second (900 while no core is idle)",
    "memory_profiler": "memory_profiler.memory_usage, about 2,000 times a second (700 while no core is idle)",
    "psutil": "psutil, less than 1,000 times a second",
}


def _describe(name: str, interval: float) -> str:
    source = _SOURCES.get(name, name)
    if interval:
        source = f"{source.partition(',')[0]}, waiting {interval:g} s after each reading, as asked"
    return f"The resident set was read by a helper process from {source}."


def _running(names: tuple[str, ...]) -> tuple[Helper | None, str]:
    """The kernel's helper reading these gauges, or None and the reason."""
    if _helpers and _helpers[0].owner == os.getpid() and _serves(_helpers[0], names):
        return _helpers[0], ""
    close()
    what = "The resident curve"
    if not sys.executable:
        return None, str(host.Unavailable(what, "this Python does not know its own executable (sys.executable)"))
    try:
        helper = Helper(names, POINTS)
    except OSError as error:
        return None, str(host.Unavailable(what, f"its helper process could not be started ({error})"))
    if not helper.settle():
        helper.end()
        why = helper.last_words() or "it said nothing"
        return None, str(host.Unavailable(what, f"its helper process did not start ({why})"))
    _helpers[:] = [helper]
    atexit.register(close)
    return helper, ""


def _serves(helper: Helper, names: tuple[str, ...]) -> bool:
    """Whether it reads these gauges, all of them: where a GPU has failed, a new one may find the driver well again."""
    return helper.gauges == names and helper.alive() and not helper.words[_helper.GPU_TROUBLE]


def helper_pid() -> int | None:
    """The helper's process id, None while there is none."""
    return _helpers[0].pid if _helpers and _helpers[0].owner == os.getpid() and _helpers[0].alive() else None


def close() -> None:
    """End the helper process, if this process started one. A forked child leaves its parent's alone."""
    atexit.unregister(close)
    while _helpers:
        helper = _helpers.pop()
        if helper.owner == os.getpid():
            helper.end()
